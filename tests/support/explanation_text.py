"""Explanations of proofs as text."""

from __future__ import annotations

from support.explained import explained


def explanation_text(name: str) -> str:
    """All explanations of a design as text."""
    lines = []
    for proved, why in explained(name):
        lines.append(
            f"{proved.claim.text} / {proved.lowered.semantics.value}"
            + ("" if why.checked else f" NOT CHECKED: {why.reason}")
        )
        lines += [
            f"  {fact.kind.value}: {fact.text} {', '.join(map(str, fact.lines))}".rstrip()
            for fact in why.facts
        ]
    return "\n".join(lines) + "\n"
