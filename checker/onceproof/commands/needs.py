"""``onceproof needs``: which lines the proofs of a design rest on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import click
from msgspec import Struct

from onceproof.analysis.validity_core import Need, Needs, Without, needs
from onceproof.base.memo import remembering
from onceproof.commands.shared import asked, design_of
from onceproof.lang.design import Design
from onceproof.machine.delivery import Delivery
from onceproof.report.words import WORDS
from onceproof.story.headline import listed
from onceproof.verdict.exit_codes import Exit
from onceproof.verdict.result import Verdict
from onceproof.verdict.task import Options

SCHEMA = "onceproof/needs/1"


class NeedsCommand(Struct, frozen=True):
    """``onceproof needs FILE``, with its options as the command line names them."""

    path: Path
    semantics: tuple[str, ...]
    claims: tuple[str, ...]
    form: str
    timeout: float

    @remembering()
    def run(self) -> int:
        """Take each part away and say what comes of it; returns the exit code (0: everything was
        decided).
        """
        design = design_of(self.path).design
        if design is None:
            return int(Exit.USAGE)
        chosen = dict.fromkeys(s for _, s in asked(design, self.claims, self.semantics))
        columns = [s for s in Delivery if s in chosen]
        try:
            found = [
                needs(design, s, Options(claims=self.claims, seconds=self.timeout)) for s in columns
            ]
        except KeyboardInterrupt:
            return int(Exit.INTERRUPTED)
        if self.form == "json":
            click.echo(
                json.dumps(document(design, found), indent=2, sort_keys=True, ensure_ascii=False)
            )
        else:
            click.echo("\n".join(line for one in found for line in told(one)))
        decided = all(f.complete and all(p.needed is not None for p in f.parts) for f in found)
        return int(Exit.HOLDS if decided else Exit.INCONCLUSIVE)


def told(found: Needs) -> Iterator[str]:
    """The lines about one semantics."""
    if not found.claims:
        yield f"{found.semantics.value}: nothing is proved, so there is nothing to take away"
        return
    yield f"{found.semantics.value}: {listed(found.claims)}"
    for title, needed in (("needed", True), ("not needed", False), ("not decided", None)):
        mine = [p for p in found.parts if p.needed is needed]
        if mine:
            yield f"  {title}"
            yield from (f"    {line}" for p in mine for line in _part(p, found.path))
    if found.together:
        lost = [w for w in found.together if w.verdict is not Verdict.HOLDS]
        yield (
            "  each was taken away by itself; without all those that are not needed, together, "
            + (
                "everything still holds"
                if not lost
                else "; ".join(f"{w.claim} is {WORDS[w.verdict]}" for w in lost)
            )
        )
    if not found.complete:
        yield f"  not complete: {found.reason}"


def _part(part: Need, path: str) -> Iterator[str]:
    where = f"line {part.line}" if part.path in ("", path) else f"{part.path}, line {part.line}"
    yield f"{where}  {part.what}" + (f": `{part.text}`" if part.text else "")
    if part.breaks:
        yield (
            f"  without it, {listed(part.breaks)} {'breaks' if len(part.breaks) == 1 else 'break'}"
        )
    for one in part.claims:
        if one.verdict not in (Verdict.HOLDS, Verdict.REFUTED):
            yield f"  without it, {one.claim} is {WORDS[one.verdict]}" + (
                f": {one.reason}" if one.reason else ""
            )


# ---------------------------------------------------------------- JSON


def document(design: Design, found: list[Needs]) -> dict[str, object]:
    """Everything as plain data."""
    return {"schema": SCHEMA, "design": design.path, "needs": [_needs(f) for f in found]}


def _needs(f: Needs) -> dict[str, object]:
    return {
        "semantics": f.semantics.value,
        "claims": list(f.claims),
        "parts": [
            {
                "kind": p.kind,
                "what": p.what,
                "line": p.line,
                "path": p.path,
                "text": p.text,
                "needed": p.needed,
                "without": [_without(w) for w in p.claims],
            }
            for p in f.parts
        ],
        "without_all_not_needed": [_without(w) for w in f.together],
        "complete": f.complete,
        "reason": f.reason,
    }


def _without(w: Without) -> dict[str, object]:
    return {"claim": w.claim, "verdict": w.verdict.value, "reason": w.reason}
