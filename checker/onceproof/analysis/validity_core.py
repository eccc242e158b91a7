"""What made it safe: each part of a design taken away, and the proofs tried again.

A part is *needed* for a claim if the claim breaks without it (a replayed run shows how), and *not
needed* if the claim is proved without it as it was with it. Parts are taken away one at a time; two
that stand in for each other are both not needed, which is why the last question is whether the
claims hold without all of those together.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from onceproof.analysis.ablations import Part, parts
from onceproof.base.memo import remembering
from onceproof.counterexample.validate import Rejected, validated
from onceproof.engines import coverability
from onceproof.engines.search import Bounds, Budget, Found, simplest
from onceproof.interpreter.trace import Trace
from onceproof.lang.design import Claim, Design
from onceproof.lang.syntax.ast import Semantics
from onceproof.lower import Lowered, lower
from onceproof.machine.slicing import sliced
from onceproof.machine.system import Machine, Property
from onceproof.properties import TooWide, property_of
from onceproof.verdict.decide import judge_claim
from onceproof.verdict.result import Cell, Verdict
from onceproof.verdict.task import Options

QUICK = ((1, 1), (2, 1), (2, 2))
QUICK_STATES = 4_000


class Without(Struct, frozen=True):
    """One claim without one part. ``verdict``: ``REFUTED`` (needed), ``HOLDS`` (not needed), else
    not decided, with the ``reason``.

    ``trace``: how it breaks, replayed on the design without the part.
    """

    claim: str
    verdict: Verdict
    trace: Trace | None = None
    reason: str = ""


class Need(Struct, frozen=True):
    """One part with what becomes of each proved claim without it. ``text``: the design's line."""

    kind: str
    what: str
    line: int
    path: str
    text: str
    claims: tuple[Without, ...]

    @property
    def needed(self) -> bool | None:
        """Whether some claim breaks without it; None: no claim is known to, but not all are
        proved.
        """
        verdicts = {w.verdict for w in self.claims}
        return (
            True if Verdict.REFUTED in verdicts else False if verdicts == {Verdict.HOLDS} else None
        )

    @property
    def breaks(self) -> tuple[str, ...]:
        """The claims that break without it."""
        return tuple(w.claim for w in self.claims if w.verdict is Verdict.REFUTED)


class Needs(Struct, frozen=True):
    """What the proofs of a design rest on under one semantics, by line.

    ``claims``: those that are proved, and so were looked at. ``together`` (if two parts or more are
    not needed): what becomes of the claims without all of these at once. ``complete``: nothing was
    left out; else ``reason`` says why.
    """

    path: str
    semantics: Semantics
    claims: tuple[str, ...]
    parts: tuple[Need, ...]
    together: tuple[Without, ...] = ()
    complete: bool = True
    reason: str = ""


@remembering()
def needs(design: Design, semantics: Semantics, options: Options | None = None) -> Needs:
    """What the proved claims of a design need. ``options``: ``claims`` selects, ``seconds`` limits
    all of it.
    """
    options = replace(options or Options(), second_opinion=False, explain=False, lengths=False)
    search = _Search(design, semantics, options, time.monotonic() + options.seconds)
    lowered = lower(design, semantics)
    asked = [
        c
        for c in design.claims
        if not options.claims or any(part in c.text for part in options.claims)
    ]
    asked = [c for c in asked if not c.semantics or semantics in c.semantics]
    proved = [c for c in asked if search.judged(lowered, c).verdict is Verdict.HOLDS]
    start = Needs(design.path, semantics, tuple(c.text for c in proved), ())
    search.before.update({c.text: search.asked(lowered, c) for c in proved})
    found: list[Need] = []
    for part in parts(design) if proved or search.is_over() else ():
        if search.is_over():
            reason = f"the time of {options.seconds:g} s is spent"
            return replace(start, parts=tuple(found), complete=False, reason=reason)
        text = design.lines[part.line - 1].split("#", 1)[0].strip() if _is_own(design, part) else ""
        found.append(
            Need(part.kind, part.what, part.line, part.path, text, search.without((part,), proved))
        )
    if not proved:
        return start
    spare = [p for p, need in zip(parts(design), found, strict=True) if need.needed is False]
    together = search.without(spare, proved) if len(spare) > 1 else ()
    return replace(start, parts=tuple(found), together=together)


def _is_own(design: Design, part: Part) -> bool:
    return part.path in ("", design.path) and 0 < part.line <= len(design.lines)


class _Search(Struct, frozen=True):
    """The questions about one design. ``before``: what was asked about each proved claim with
    everything in its place.
    """

    design: Design
    semantics: Semantics
    options: Options
    deadline: float
    before: dict[str, tuple[Machine, Property] | None] = field(default_factory=dict)

    def is_over(self) -> bool:
        """Whether the time is spent."""
        return time.monotonic() > self.deadline

    def without(self, taken: Sequence[Part], claims: Sequence[Claim]) -> tuple[Without, ...]:
        """What becomes of the claims without some parts."""
        design = self.design
        for part in taken:
            design = part.without(design)
        lowered = lower(design, self.semantics)
        return tuple(self._one(lowered, claim) for claim in claims)

    def _one(self, lowered: Lowered, claim: Claim) -> Without:
        asked = self.asked(lowered, claim)
        if asked is not None and asked == self.before.get(claim.text):
            return Without(
                claim.text, Verdict.HOLDS
            )  # the same question as before, which is proved
        trace = self._quickly(lowered, claim, asked) if asked is not None else None
        if trace is not None:
            return Without(claim.text, Verdict.REFUTED, trace)
        cell = self.judged(lowered, claim)
        return Without(claim.text, cell.verdict, cell.trace, cell.reason)

    def asked(self, lowered: Lowered, claim: Claim) -> tuple[Machine, Property] | None:
        """The machine and the property; None if the claim is too wide to be asked."""
        try:
            prop = property_of(lowered, claim)
        except TooWide:
            return None
        return sliced(lowered.machine, prop), prop

    def _quickly(
        self, lowered: Lowered, claim: Claim, asked: tuple[Machine, Property]
    ) -> Trace | None:
        """A run in small bounds that breaks the claim, where there may be one."""
        if isinstance(
            coverability.prove(*asked, coverability.Budget(seconds=1.0)), coverability.Safe
        ):
            return None
        for size in QUICK:
            found = simplest(*asked, Bounds(*size), Budget(QUICK_STATES, 1.0))
            if isinstance(found, Found):
                trace = validated(lowered, claim, asked[0], found.run)
                return None if isinstance(trace, Rejected) else trace
        return None

    def judged(self, lowered: Lowered, claim: Claim) -> Cell:
        """The judge's verdict. Raises AssertionError if the engines contradict each other."""
        left = max(0.05, self.deadline - time.monotonic())
        cell = judge_claim(lowered, claim, replace(self.options, seconds=left))
        if not isinstance(cell, Cell):
            raise AssertionError(f"engines contradict each other: {cell.what}")
        return cell
