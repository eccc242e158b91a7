"""The lines that the proofs of a design need: as text and as plain data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from onceproof.analysis.validity_core import Need, Needs, Without
from onceproof.lang.design import Design
from onceproof.report.words import WORDS
from onceproof.story.headline import listed
from onceproof.verdict.result import Verdict

SCHEMA = "onceproof/needs/1"


def text(cores: Sequence[Needs]) -> str:
    """For a terminal, one part per delivery semantics."""
    return "\n".join(line for core in cores for line in _lines(core))


def _lines(core: Needs) -> Iterator[str]:
    if not core.claims:
        yield f"{core.semantics.value}: nothing is proved, so there is nothing to take away"
        return
    yield f"{core.semantics.value}: {listed(core.claims)}"
    for title, needed in (("needed", True), ("not needed", False), ("not decided", None)):
        parts = [part for part in core.parts if part.needed is needed]
        if parts:
            yield f"  {title}"
            yield from (f"    {line}" for part in parts for line in _part_lines(part, core.path))
    if core.together:
        lost = [w for w in core.together if w.verdict is not Verdict.HOLDS]
        outcome = "changes nothing either"
        if lost:
            named = "; ".join(f"{w.claim} is {WORDS[w.verdict]}" for w in lost)
            outcome = f"is another matter: {named}"
        yield (
            "  each line was removed on its own. Removing all that are not needed at once"
            f" {outcome}"
        )
    if not core.complete:
        yield f"  not complete: {core.reason}"


def _part_lines(part: Need, path: str) -> Iterator[str]:
    where = f"line {part.line}" if part.path in ("", path) else f"{part.path}, line {part.line}"
    source = f": `{part.text}`" if part.text else ""
    yield f"{where}  {part.what}{source}"
    if part.breaks:
        verb = "breaks" if len(part.breaks) == 1 else "break"
        yield f"  without it, {listed(part.breaks)} {verb}"
    for without in part.claims:
        if without.verdict not in (Verdict.HOLDS, Verdict.REFUTED):
            reason = f": {without.reason}" if without.reason else ""
            yield f"  without it, {without.claim} is {WORDS[without.verdict]}{reason}"


# ---------------------------------------------------------------- plain data


def document(design: Design, cores: Sequence[Needs]) -> dict[str, object]:
    """Everything as plain data (schema ``onceproof/needs/1``)."""
    return {"schema": SCHEMA, "design": design.path, "needs": [_core_data(c) for c in cores]}


def _core_data(core: Needs) -> dict[str, object]:
    return {
        "semantics": core.semantics.value,
        "claims": list(core.claims),
        "parts": [
            {
                "kind": part.kind,
                "what": part.what,
                "line": part.line,
                "path": part.path,
                "text": part.text,
                "needed": part.needed,
                "without": [_without_data(w) for w in part.claims],
            }
            for part in core.parts
        ],
        "without_all_not_needed": [_without_data(w) for w in core.together],
        "complete": core.complete,
        "reason": core.reason,
    }


def _without_data(without: Without) -> dict[str, object]:
    return {"claim": without.claim, "verdict": without.verdict.value, "reason": without.reason}
