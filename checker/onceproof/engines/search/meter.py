"""What a search has seen so far, whether it may go on, and what it says when it ends."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from msgspec import Struct

from onceproof.base.durations import seconds_words
from onceproof.base.memory import beyond
from onceproof.engines.search.bounds import Budget

LOOKS_AT_MEMORY = 2048
"""States expanded between two looks at the memory of the process."""

Progress = Callable[[int, int], None]
"""Called now and then with the number of states and of transitions so far."""


class Exploration(Struct, frozen=True):
    """A search that found nothing (or was not asked to look for anything).

    ``states`` and ``transitions`` belong to the graph searched (up to symmetry unless asked
    otherwise), ``full_states`` and ``full_transitions`` to the graph where workers, events and
    components have identities, a free worker of the pool included. One transition is one enabled
    action: up to symmetry, one class of interchangeable actors with one rule. ``depth`` is the
    greatest number of steps on which the search reached a state. Unless ``complete``, the numbers
    are those of the part searched, nothing may be claimed from them, and ``reason`` says why.
    ``engine`` names who searched (``checker/onceproof/engines/search/count``). ``by_states``: it
    was the number of states that stopped it.
    """

    states: int
    transitions: int
    full_states: int
    full_transitions: int
    fired: frozenset[int]
    depth: int
    complete: bool
    reason: str = ""
    engine: str = "orbits"
    by_states: bool = False


class Meter:
    """Counts for a search and holds it to its budget."""

    def __init__(self, budget: Budget, progress: Progress | None = None) -> None:
        self.budget = budget
        self.states = 0
        self.transitions = 0
        self.full_states = 0
        self.full_transitions = 0
        self.fired: set[int] = set()
        self.depth = 0
        self.reason = ""
        self.by_states = False
        self._progress = progress
        self._expanded = 0
        self._end = None if budget.seconds is None else monotonic() + budget.seconds

    def admit(self, size: int, depth: int) -> bool:
        """Count a new state that stands for ``size`` full ones; False (and a reason) if there is no
        room for it.
        """
        if self.states == self.budget.states:
            self.reason, self.by_states = f"more than {self.states:,} states", True
            return False
        self.states += 1
        self.full_states += size
        self.depth = max(self.depth, depth)
        return True

    def expand(self, transitions: int, full_transitions: int) -> bool:
        """Count the transitions out of a state; False (and a reason) if time is up."""
        self.transitions += transitions
        self.full_transitions += full_transitions
        self._expanded += 1
        if self._expanded % 256 and self._expanded % LOOKS_AT_MEMORY:
            return True
        if self._progress is not None and self._expanded % 4096 == 0:
            self._progress(self.states, self.transitions)
        if self._end is not None and monotonic() > self._end:
            self.reason = f"more than {seconds_words(self.budget.seconds or 0)}"
            return False
        if self._expanded % LOOKS_AT_MEMORY == 0 and beyond(self.budget.megabytes):
            self.reason = f"more than {self.budget.megabytes} MB after {self.states:,} states"
            return False
        return True

    def exploration(self, engine: str = "orbits") -> Exploration:
        """The result of a search that ends here."""
        return Exploration(
            self.states,
            self.transitions,
            self.full_states,
            self.full_transitions,
            frozenset(self.fired),
            self.depth,
            not self.reason,
            self.reason,
            engine,
            self.by_states,
        )
