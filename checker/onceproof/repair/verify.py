"""Is a changed design really better? Asked quickly first, then of the full judge, which alone
decides.
"""

from __future__ import annotations

from msgspec import Struct, field
from msgspec.structs import replace

from onceproof.analysis.ablations import rewritten
from onceproof.analysis.session import Session, Unasked
from onceproof.engines import coverability
from onceproof.lang.design import Claim, Design
from onceproof.lang.syntax import ast as n
from onceproof.lang.syntax.visit import walk
from onceproof.lower import Lowered, lower
from onceproof.machine.delivery import Delivery
from onceproof.repair.plan import Goal, claim_for
from onceproof.verdict.result import ClaimResult, Verdict
from onceproof.verdict.task import Options, Task

OBLIGATIONS = ("no-duplicate", "no-loss", "recoverable")
"""What a repair must give for the effect concerned."""

SMALL_STATES = 3_000
"""States of each search for a quick refutation."""

Key = tuple[str, Delivery]


class Checked(Struct, frozen=True):
    """The verdicts on a changed design. ``goal``: those on the obligations; ``others``: those on
    the claims of the design.
    """

    goal: tuple[ClaimResult, ...]
    others: tuple[ClaimResult, ...]


def session_of(options: Options) -> Session:
    """A session for repairs, which ask for bare verdicts only: for any number, without explanations
    and lengths of time.
    """
    return Session.of(
        replace(
            options,
            second_opinion=False,
            explain=False,
            lengths=False,
            workers=None,
            events=None,
        )
    )


class Verifier(Struct):
    """Checks candidates against one original design. ``before``: the original verdicts, as far as
    they were needed.
    """

    original: Design
    goal: Goal
    session: Session
    before: dict[Key, Verdict] = field(default_factory=dict)
    why: str = ""
    """What the last changed design did not give."""

    @property
    def obligations(self) -> tuple[str, ...]:
        """What a repair must prove."""
        return self.goal.kinds or OBLIGATIONS

    def with_goal(self, design: Design) -> tuple[Design, list[Claim]]:
        """The design with claims about the goal added, and these."""
        claims = [claim_for(kind, self.goal) for kind in self.obligations]
        return replace(design, claims=(*design.claims, *claims)), claims

    def promising(self, design: Design) -> bool:
        """Whether every obligation has a candidate of a proof, or at least no refutation in small
        bounds (no verdict).
        """
        whole, claims = self.with_goal(design)
        lowered = lower(whole, self.goal.semantics)
        tasks = [self.session.task(lowered, claim) for claim in claims]
        # Most edits leave a story of one worker, which is quick to see.
        for claim, task in zip(claims, tasks, strict=True):
            if self._is_refuted_by_one(task):
                self.why = f"{claim.text} is still refuted"
                return False
        for claim, task in zip(claims, tasks, strict=True):
            if not self._may_hold(task):
                self.why = f"{claim.text} is not proved"
                return False
        return True

    def _is_refuted_by_one(self, task: Task | Unasked) -> bool:
        if isinstance(task, Unasked):
            return True
        return self.session.quickly_refuted(task, ((1, 1),), SMALL_STATES) is not None

    def _may_hold(self, task: Task | Unasked) -> bool:
        if isinstance(task, Unasked):
            return False
        if self.session.is_safe_by_rows(task):
            return True
        if self.session.quickly_refuted(task, states=SMALL_STATES):
            return False
        budget = coverability.Budget(seconds=self.session.left)
        answer = coverability.prove(task.machine, task.prop, budget)
        return not (isinstance(answer, coverability.Coverable) and answer.exact)

    def checked(self, design: Design) -> Checked | None:
        """The judge's verdicts; None if an obligation is not proved, or a claim of the design got
        worse.
        """
        whole, claims = self.with_goal(design)
        lowered = lower(whole, self.goal.semantics)
        goal = [self._judged(lowered, claim) for claim in claims]
        for cell, kind, claim in zip(goal, self.obligations, claims, strict=True):
            if cell is None or not (
                cell.verdict is Verdict.HOLDS or (kind == "recoverable" and self._as_before(cell))
            ):
                self.why = f"{claim.text} is not proved"
                return None
        others = []
        for semantics in whole.semantics:
            column = lowered if semantics is self.goal.semantics else lower(whole, semantics)
            for claim in design.claims:
                if claim.semantics and semantics not in claim.semantics:
                    continue
                cell = self._judged(column, claim)
                if cell is None or cell.verdict.rank < self._before(claim, semantics).rank:
                    self.why = f"{claim.text} gets worse under {semantics.value}"
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

    def _judged(self, lowered: Lowered, claim: Claim) -> ClaimResult | None:
        result = self.session.decide(lowered, claim)
        return result if isinstance(result, ClaimResult) else None

    def _as_before(self, cell: ClaimResult) -> bool:
        """Whether messages that cannot all be settled could not all be settled before either."""
        claim = claim_for("recoverable", self.goal)
        return cell.verdict.rank >= self._before(claim, self.goal.semantics).rank

    def _before(self, claim: Claim, semantics: Delivery) -> Verdict:
        """The original's verdict on a claim."""
        key = (claim.text, semantics)
        if key not in self.before:
            whole, _ = self.with_goal(self.original)
            cell = self._judged(lower(whole, semantics), claim)
            self.before[key] = cell.verdict if cell else Verdict.UNKNOWN
        return self.before[key]
