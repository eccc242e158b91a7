"""Is a changed design really better? Asked quickly first, then of the full judge, which alone
decides.
"""

from __future__ import annotations

import time

from msgspec import Struct, field
from msgspec.structs import replace

from onceproof.analysis.ablations import rewritten
from onceproof.engines import coverability
from onceproof.engines.search import Bounds, Budget, Found, simplest
from onceproof.lang.design import Claim, Design
from onceproof.lang.syntax import ast as n
from onceproof.lang.syntax.ast import Semantics
from onceproof.lang.syntax.visit import walk
from onceproof.lower import Lowered, lower
from onceproof.machine.slicing import sliced
from onceproof.machine.system import Machine, Property
from onceproof.properties import TooWide, property_of
from onceproof.repair.plan import Goal, claim_for
from onceproof.verdict.decide import judge_claim
from onceproof.verdict.result import Cell, Verdict
from onceproof.verdict.task import Options

OBLIGATIONS = ("no-duplicate", "no-loss", "recoverable")
"""What a repair must give for the effect concerned."""

QUICK = ((1, 1), (2, 1), (2, 2))
QUICK_STATES = 3_000

RANK = {Verdict.REFUTED: 0, Verdict.UNKNOWN: 1, Verdict.VACUOUS: 1, Verdict.HOLDS: 2}
"""Worse to better."""

Key = tuple[str, Semantics]


class Checked(Struct, frozen=True):
    """The verdicts on a changed design. ``goal``: those on the obligations; ``others``: those on
    the claims of the design.
    """

    goal: tuple[Cell, ...]
    others: tuple[Cell, ...]


class Verifier(Struct):
    """Checks candidates against one original design. ``before``: the original verdicts, as far as
    they were needed.
    """

    original: Design
    goal: Goal
    options: Options
    deadline: float
    before: dict[Key, Verdict] = field(default_factory=dict)

    def left(self) -> float:
        """Seconds left, at least a little."""
        return max(0.05, self.deadline - time.monotonic())

    def with_goal(self, design: Design) -> tuple[Design, list[Claim]]:
        """The design with claims about the goal added, and these."""
        claims = [claim_for(kind, self.goal) for kind in OBLIGATIONS]
        return replace(design, claims=(*design.claims, *claims)), claims

    def promising(self, design: Design) -> bool:
        """Whether every obligation has a candidate of a proof, or at least no refutation in small
        bounds (no verdict).
        """
        whole, claims = self.with_goal(design)
        lowered = lower(whole, self.goal.semantics)
        return all(self._may_hold(_asked(lowered, claim)) for claim in claims)

    def _may_hold(self, asked: tuple[Machine, Property] | None) -> bool:
        if asked is None:
            return False
        answer = coverability.prove(*asked, coverability.Budget(seconds=self.left()))
        if isinstance(answer, coverability.Safe):
            return True
        return not (isinstance(answer, coverability.Coverable) and answer.exact) and not _refuted(
            asked
        )

    def checked(self, design: Design) -> Checked | None:
        """The judge's verdicts; None if an obligation is not proved, or a claim of the design got
        worse.
        """
        whole, claims = self.with_goal(design)
        lowered = lower(whole, self.goal.semantics)
        goal = [self._judged(lowered, claim) for claim in claims]
        for cell, kind in zip(goal, OBLIGATIONS, strict=True):
            if cell is None or not (
                cell.verdict is Verdict.HOLDS or (kind == "recoverable" and self._as_before(cell))
            ):
                return None
        others = []
        for semantics in whole.semantics:
            column = lowered if semantics is self.goal.semantics else lower(whole, semantics)
            for claim in design.claims:
                if claim.semantics and semantics not in claim.semantics:
                    continue
                cell = self._judged(column, claim)
                if cell is None or RANK[cell.verdict] < RANK[self._before(claim, semantics)]:
                    return None
                others.append(cell)
        return Checked(tuple(c for c in goal if c), tuple(others))

    def only_marked(self, design: Design) -> tuple[str, ...]:
        """What is not proved any more if workers die anywhere, and not at the marked crash points
        only.
        """
        if not any(isinstance(s, n.CrashHere) for p in design.processes for s in walk(p.body)):
            return ()
        whole, claims = self.with_goal(
            rewritten(design, lambda s: () if isinstance(s, n.CrashHere) else None)
        )
        lowered = lower(whole, self.goal.semantics)
        cells = [(claim, self._judged(lowered, claim)) for claim in claims]
        return tuple(
            claim.text for claim, cell in cells if cell is None or cell.verdict is not Verdict.HOLDS
        )

    def _judged(self, lowered: Lowered, claim: Claim) -> Cell | None:
        plain = replace(
            self.options,
            seconds=self.left(),
            second_opinion=False,
            explain=False,
            lengths=False,
            workers=None,
            events=None,
        )
        found = judge_claim(lowered, claim, plain)
        return found if isinstance(found, Cell) else None

    def _as_before(self, cell: Cell) -> bool:
        """Messages that could not all be settled before either: no worse than that."""
        return (
            RANK[cell.verdict]
            <= RANK[self._before(claim_for("recoverable", self.goal), self.goal.semantics)]
        )

    def _before(self, claim: Claim, semantics: Semantics) -> Verdict:
        """The original's verdict on a claim."""
        key = (claim.text, semantics)
        if key not in self.before:
            whole, _ = self.with_goal(self.original)
            cell = self._judged(lower(whole, semantics), claim)
            self.before[key] = cell.verdict if cell else Verdict.UNKNOWN
        return self.before[key]


def _asked(lowered: Lowered, claim: Claim) -> tuple[Machine, Property] | None:
    try:
        prop = property_of(lowered, claim)
    except TooWide:
        return None
    return sliced(lowered.machine, prop), prop


def _refuted(asked: tuple[Machine, Property]) -> bool:
    return any(
        isinstance(simplest(*asked, Bounds(*size), Budget(QUICK_STATES, 1.0)), Found)
        for size in QUICK
    )
