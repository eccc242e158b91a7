"""What the unbounded engine may answer, and how much it may spend on it."""

from __future__ import annotations

import time

from msgspec import Struct

from onceproof.base.memory import beyond
from onceproof.machine.invariant import Invariant


class Budget(Struct, frozen=True):
    """How much work is allowed; ``None`` is no limit. ``elements``: rows of the fixpoint, or shapes
    of the backward search.

    ``megabytes`` is what the whole process may hold.
    """

    elements: int | None = None
    seconds: float | None = None
    megabytes: int | None = None


class Safe(Struct, frozen=True):
    """No reachable configuration is bad: ``invariant`` is inductive, holds initially and excludes
    every bad pattern.

    ``rounds`` is how many steps back the search had to look, ``elements`` how many shapes it
    examined (0: the modular part was enough). ``approximated`` says that something was read more
    generously than it is written (an ``alone``, an ``absent``, a limit); the proof holds all the
    same.
    """

    invariant: Invariant
    rounds: int
    elements: int
    approximated: bool


class Coverable(Struct, frozen=True):
    """The backward search arrived at an initial configuration.

    The run it stands for has ``steps`` steps, ``events`` events of one component and never more
    than ``workers`` workers at once. These are enough, but not always the fewest. Silent crashes
    that merely clear the way for an ``alone`` or ``absent`` are not counted as steps. With
    ``exact`` the run exists; otherwise it leans on an approximation and is only a hint.
    """

    workers: int
    events: int
    steps: int
    exact: bool


class GaveUp(Struct, frozen=True):
    """The budget ran out; nothing is known. ``large``: it was the number of elements."""

    reason: str
    large: bool = False


class BudgetExceeded(Exception):
    """Raised inside the engine when the budget is spent; becomes ``GaveUp`` at its surface."""

    def __init__(self, reason: str, large: bool = False) -> None:
        super().__init__(reason)
        self.given_up = GaveUp(reason, large)


class Meter:
    """Counts what has been spent of a budget."""

    __slots__ = ("_deadline", "_elements", "_limit", "_megabytes", "_seconds", "_ticks", "_what")

    def __init__(self, budget: Budget, what: str, elements: int = 0) -> None:
        """``elements``: those that are there already."""
        self._limit = budget.elements
        self._seconds = budget.seconds
        self._deadline = None if budget.seconds is None else time.monotonic() + budget.seconds
        self._what = what
        self._megabytes = budget.megabytes
        self._elements = elements
        self._ticks = 0

    def element(self) -> None:
        """One more row or shape is kept."""
        self._elements += 1
        if self._limit is not None and self._elements > self._limit:
            raise BudgetExceeded(f"more than {self._limit} {self._what}", large=True)

    def tick(self) -> None:
        """A little work was done; looks at the clock now and then (the first time too, so that no
        time at all means no answer).
        """
        if (
            self._ticks % 64 == 0
            and self._deadline is not None
            and time.monotonic() >= self._deadline
        ):
            raise BudgetExceeded(f"more than {self._seconds:.3g} s while collecting {self._what}")
        if self._ticks % 4096 == 0 and beyond(self._megabytes):
            raise BudgetExceeded(
                f"more than {self._megabytes} MB after {self._elements} {self._what}"
            )
        self._ticks += 1
