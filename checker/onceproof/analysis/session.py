"""One analysis session: what cut sets, crash map, assumptions, validity core and repair share.

Each of them asks many questions about one design and variants of it, within one limit of time.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from msgspec import Struct, field
from msgspec.structs import replace

from onceproof.base.questions import searching
from onceproof.counterexample.validate import Rejected, validated
from onceproof.engines import coverability
from onceproof.engines.compositional.abstraction import Lemma
from onceproof.engines.compositional.few_variables import (
    Focus,
    by_focus,
    focus_of,
    named,
)
from onceproof.engines.search import Bounds, Budget, Found, simplest
from onceproof.interpreter.trace import Trace
from onceproof.lang.design import Claim, Design
from onceproof.lower import Lowered
from onceproof.machine import approximation
from onceproof.machine.delivery import Delivery
from onceproof.machine.system import Machine, Run
from onceproof.properties import TooWide, question
from onceproof.verdict.decide import judge_claim, proved_unbounded
from onceproof.verdict.ladder import one_event_suffices
from onceproof.verdict.result import ClaimResult, Disagreement
from onceproof.verdict.task import Options, Task, selected_claims

INTERRUPTED = "it was interrupted"
"""Why an analysis that Ctrl-C has ended is not complete."""

LEAST = 0.05
"""Seconds that a question gets even when the time is spent, so that it can say so."""

SMALL_SIZES = ((1, 1), (2, 1), (2, 2))
"""Workers and events of the searches for a quick refutation, smallest first."""

SMALL_STATES = 4_000
"""States of each of these searches."""

SMALL_ROWS = 8_000
"""Rows up to which a claim is looked at by rows before stories are searched."""


class Unasked(Struct, frozen=True):
    """A claim that looks at too many rows to be asked about. ``reason``: which."""

    reason: str


FEW_ROWS = 1_000
"""Rows of a machine for which no variables are looked for that suffice."""

MOST_FOCUSES = 3
"""Sets of variables that are tried for one claim."""

FOCUSED = 20_000
"""Rows up to which it is looked for a set of variables that suffices."""


class Session(Struct, frozen=True):
    """The options of an analysis and the moment it has to end by, on the clock of
    ``time.monotonic``. ``focuses``: for each claim, sets of variables from which it followed in
    the machines asked about so far.
    """

    options: Options
    deadline: float
    focuses: dict[str, tuple[Focus, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, options: Options) -> Session:
        """A session that begins now; ``options.seconds`` limits all of it."""
        return cls(options, time.monotonic() + options.seconds)

    @property
    def left(self) -> float:
        """Seconds left, at least a little."""
        return max(LEAST, self.deadline - time.monotonic())

    def is_over(self) -> bool:
        """Whether the time is spent."""
        return time.monotonic() > self.deadline

    @property
    def over(self) -> str:
        """Why the analysis ended early, if its time is spent."""
        return f"the time of {self.options.seconds:g} s is spent"

    def claims(self, design: Design, semantics: Delivery) -> list[Claim]:
        """The claims that were asked for, of those made under these semantics."""
        return selected_claims(design, self.options, semantics)

    def budget(self, states: int | None = None) -> Budget:
        """What one search may spend."""
        return Budget(states or self.options.states, self.left)

    def task(self, lowered: Lowered, claim: Claim) -> Task | Unasked:
        """A claim with its property and the slice of the machine that it depends on."""
        try:
            machine, prop = question(lowered, claim, names=True)
        except TooWide as error:
            return Unasked(str(error))
        options = replace(self.options, seconds=self.left)
        return Task(lowered, claim, machine, prop, options)

    def decide(self, lowered: Lowered, claim: Claim) -> ClaimResult | Disagreement:
        """The verdict on a claim, within the time that is left."""
        known = self.focuses.get(claim.text, ())
        options = replace(self.options, seconds=self.left)
        return judge_claim(lowered, claim, options, progress=_searching, focuses=known)

    def learn(self, task: Task | Unasked, result: ClaimResult) -> None:
        """Find out which variables suffice for a claim that is proved for any number: it is going
        to be asked about machines like this one. Only the verdicts on those count, so it does not
        matter that another proof may be found than without.
        """
        if not isinstance(task, Task) or not result.is_unbounded_proof:
            return
        known = self.focuses.get(task.claim.text, ())
        if self._has_few_rows(task.machine):
            return
        if len(known) < MOST_FOCUSES and not any(_is_focused(x, known) for x in result.lemmas):
            budget = coverability.Budget(FOCUSED, self.left)
            seen = [lemma.view.variables for lemma in result.lemmas]
            start = seen[0] if len(seen) == 1 else frozenset[str]()
            focus = focus_of(task.machine, task.prop, start, budget)
            if focus is not None and focus not in known:
                self.focuses[task.claim.text] = (*known, focus)

    def _has_few_rows(self, machine: Machine) -> bool:
        """Whether a machine is looked at so quickly that nothing need be left out of it."""
        reach = coverability.reachable(machine, coverability.Budget(FEW_ROWS, self.left))
        return not isinstance(reach, coverability.GaveUp)

    def proved_unbounded(
        self, task: Task
    ) -> tuple[bool, coverability.Safe | coverability.Coverable | coverability.GaveUp]:
        """Whether a claim is proved for any number, and what the coverability engine said."""
        options = replace(self.options, seconds=self.left)
        return proved_unbounded(replace(task, options=options))

    def is_likely(self, task: Task) -> bool:
        """Whether there is a candidate of a proof, found by rows: of few variables that sufficed
        before, or of a machine that has few of them. Nobody has checked it yet.
        """
        budget = coverability.Budget(SMALL_ROWS, self.left)
        return any(
            by_focus(task.machine, task.prop, focus, budget) is not None
            for focus in self.focuses.get(task.claim.text, ())
        ) or self.is_safe_by_rows(task)

    def is_safe_by_rows(self, task: Task) -> bool:
        """Whether no bad state fits into the rows of a machine that has few of them: a candidate of
        a proof, which nobody has checked yet.
        """
        budget = coverability.Budget(SMALL_ROWS, self.left)
        answer = coverability.prove_by_rows(task.machine, task.prop, budget)
        return isinstance(answer, coverability.Safe)

    def quickly_refuted(
        self,
        task: Task,
        sizes: Iterable[tuple[int, int]] = SMALL_SIZES,
        states: int = SMALL_STATES,
    ) -> Run | None:
        """A run that violates the claim within small bounds, which nobody has validated yet; None
        if none was found.
        """
        one_event = one_event_suffices(task.machine, task.prop)
        for workers, events in sizes:
            if one_event and events > 1:
                continue
            searched = simplest(
                approximation.exact(task.machine),
                approximation.exact_property(task.prop),
                Bounds(workers, events),
                self.budget(states),
                searching,
            )
            if isinstance(searched, Found):
                return approximation.in_whole(searched.run, task.machine)
        return None


def _searching(what: str, states: int, transitions: int) -> None:
    """Pass progress on: what is asked is known."""
    searching(states, transitions)


def _is_focused(lemma: Lemma, known: Iterable[Focus]) -> bool:
    """Whether a part of a proof looks at no more than what is known to suffice."""
    always = named(lemma.prop) | {lemma.view.place}
    return any(lemma.view.variables <= focus | always for focus in known)


def validated_trace(task: Task, run: Run, machine: Machine | None = None) -> Trace | Rejected:
    """The trace of a run, once the interpreter has followed it to the violation. ``machine``: that
    of the run, if it is not the task's own.
    """
    followed = validated(task.lowered, task.claim, machine or task.machine, run)
    return followed if isinstance(followed, Rejected) else followed.trace


def same_question(task: Task | Unasked, other: Task | Unasked | None) -> bool:
    """Whether two tasks ask the same: equal properties of equal machines have equal answers."""
    if not isinstance(task, Task) or not isinstance(other, Task):
        return False
    return (task.machine, task.prop) == (other.machine, other.prop)
