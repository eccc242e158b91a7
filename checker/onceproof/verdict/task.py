"""One cell to decide: what is asked, and how much time and memory is left for it."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from msgspec import Struct, field

from onceproof.engines.search import Bounds, Budget, Exploration, Found, simplest
from onceproof.lang.design import Claim
from onceproof.lower import Lowered
from onceproof.machine.system import Machine, Property
from onceproof.verdict.options import Options
from onceproof.verdict.result import Assurance, Cell, Disagreement, Scope, Statistics, Verdict

Progress = Callable[[str, int, int], None]
"""Called now and then with what is being checked, and the states and transitions of the current
search.
"""

GRACE = 0.5
"""Seconds beyond its limit after which whatever a cell is doing is broken off; the engines look at
the clock themselves before.
"""


FOR_SOLVERS = 3_000
"""States of a bounded graph that a solver is asked to confirm."""


class OutOfTime(Exception):
    """The time for a cell is over: nothing is said about it."""


class Question(Struct, frozen=True):
    """One cell to decide, with everything that is computed once for it. ``started``: on the clock
    of ``time.monotonic``.
    """

    lowered: Lowered
    claim: Claim
    machine: Machine
    prop: Property
    options: Options
    progress: Progress | None = None
    started: float = field(default_factory=time.monotonic)

    @property
    def cell(self) -> Cell:
        """The cell, before anything is known."""
        claim, semantics = self.claim, self.lowered.semantics
        effect = " and ".join(
            t.name.text + (f".{t.column.text}" if t.column else "") for t in claim.targets
        )
        assumed = tuple(a.words for a in self.lowered.design.assumptions)
        statistics = Statistics(variables=len(self.machine.variables))
        return Cell(
            claim.text,
            claim.kind,
            effect,
            semantics,
            Verdict.UNKNOWN,
            Verdict(claim.expected(semantics)),
            Assurance.NONE,
            Scope(),
            claim.span.line,
            assumed,
            statistics,
        )

    @property
    def left(self) -> float:
        """Seconds left for this cell. Raises OutOfTime if there are none: every stage begins by
        asking for them.
        """
        left = self.started + self.options.seconds - time.monotonic()
        if left <= 0:
            raise OutOfTime
        return left

    def budget(self, states: int | None = None) -> Budget:
        """What one search may spend."""
        return Budget(
            min(states or self.options.states, self.options.states),
            self.left,
            self.options.megabytes,
        )

    def search(self, bounds: Bounds, states: int | None = None) -> Found | Exploration:
        """The simplest story within bounds, or what was searched without finding one."""
        return simplest(self.machine, self.prop, bounds, self.budget(states), self.report)

    def report(self, states: int, transitions: int) -> None:
        """Pass progress on."""
        if self.progress:
            self.progress(
                f"{self.claim.text} / {self.lowered.semantics.value}", states, transitions
            )

    def disagree(self, what: str, *details: str) -> Disagreement:
        """No verdict: two engines contradict each other."""
        return Disagreement(
            self.lowered.design.path,
            self.claim.text,
            self.lowered.semantics,
            what,
            tuple(d for d in details if d),
        )


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise OutOfTime in the block when its time is long over, wherever it is; only in the main
    thread of a process.
    """
    if (
        not hasattr(signal, "setitimer")
        or threading.current_thread() is not threading.main_thread()
    ):
        yield
        return

    def stop(*_: object) -> None:
        raise OutOfTime

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds + GRACE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
