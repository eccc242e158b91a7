"""``onceproof assumptions``: what a claim needs in order to hold, in words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
from msgspec import Struct

from onceproof.analysis.assumptions import Assuming, assumptions_for
from onceproof.base.memo import remembering
from onceproof.lang.design import Claim, Design
from onceproof.lang.load import load
from onceproof.machine.delivery import Delivery
from onceproof.report.words import WORDS
from onceproof.story.headline import listed
from onceproof.verdict.exit_codes import Exit, worst
from onceproof.verdict.result import Disagreement, Verdict
from onceproof.verdict.task import Options

MOST_UNDECIDED = 3
"""Sets that could not be decided are named up to this number."""


class AssumptionsCommand(Struct, frozen=True):
    """``onceproof assumptions FILE``.

    ``claims``: parts of the texts of the claims that are looked at (empty: all). ``most``: the
    largest set of assumptions tried. ``timeout``: seconds per claim and semantics.
    """

    path: Path
    claims: tuple[str, ...]
    semantics: tuple[str, ...]
    most: int
    timeout: float

    @remembering()
    def run(self) -> int:
        """Search and say, claim by claim; returns the exit code (0: every search was completed)."""
        design = self._design()
        if design is None:
            return int(Exit.USAGE)
        asked = list(self._asked(design))
        if not asked:
            raise click.UsageError("no claim of this design matches --claim and --semantics")
        codes = []
        for claim, semantics in asked:
            try:
                found = assumptions_for(
                    design, claim, semantics, Options(seconds=self.timeout), self.most
                )
            except KeyboardInterrupt:
                return int(Exit.INTERRUPTED)
            click.echo("\n".join(told(found, self.most)))
            codes.append(
                Exit.INTERNAL
                if found.failures
                else Exit.HOLDS
                if found.complete
                else Exit.INCONCLUSIVE
            )
        return int(worst(codes))

    def _design(self) -> Design | None:
        if not self.path.is_file():
            raise click.UsageError(f"there is no file {self.path}")
        loaded = load(self.path)
        if loaded.design is None:
            from onceproof.report.diagnostics import render

            click.echo(render(loaded.diagnostics, loaded.sources), err=True)
        return loaded.design

    def _asked(self, design: Design) -> Iterator[tuple[Claim, Delivery]]:
        for claim in design.claims:
            if self.claims and not any(part in claim.text for part in self.claims):
                continue
            for semantics in claim.semantics or design.semantics:
                if semantics in design.semantics and (
                    not self.semantics or semantics.value in self.semantics
                ):
                    yield claim, semantics


def told(found: Assuming, most: int) -> Iterator[str]:
    """The lines about one claim."""
    if isinstance(found.cell, Disagreement):
        yield (
            f"{found.claim} / {found.semantics.value}: engines contradict each other"
            f" ({found.cell.what})"
        )
        return
    yield f"{found.claim} / {found.semantics.value}: {WORDS[found.cell.verdict]}"
    lines = {Verdict.REFUTED: _refuted, Verdict.HOLDS: _proved}.get(found.cell.verdict, _nothing)
    yield from (f"  {line}" for line in lines(found, most))
    if not found.complete:
        yield f"  not complete: {found.reason}"
        for phrases in found.undecided[:MOST_UNDECIDED]:
            yield (
                f"    ({', '.join(f'`assume {phrase}`' for phrase in phrases) or 'no assumption'})"
            )


def _refuted(found: Assuming, most: int) -> Iterator[str]:
    if found.hopeless:
        yield "does not hold under any assumption known here, not even under all of them together"
    elif found.sufficient:
        larger = len(found.sufficient[0].kinds) > most
        if larger:
            yield f"no set of up to {most} assumptions is enough; one that is:"
        for one in found.sufficient:
            yield f"holds if {listed(one.words)}"
            yield f"  ({', '.join(f'`assume {phrase}`' for phrase in one.phrases)})"
    elif found.complete:
        yield f"no set of up to {most} assumptions is enough"


def _nothing(found: Assuming, most: int) -> Iterator[str]:
    return iter(())


def _proved(found: Assuming, most: int) -> Iterator[str]:
    if any(not one.kinds for one in found.sufficient):
        yield "holds without any of the assumptions of the design"
        return
    if not found.needs and found.complete:
        yield "makes no assumption"
    for need in found.needs:
        word = {True: "needed", False: "not needed by itself", None: "not decided"}[need.needed]
        yield f"`assume {need.phrase}`: {word}"
    for one in found.sufficient:
        if len(one.kinds) < len(found.needs):
            yield f"holds assuming only that {listed(one.words)}"
