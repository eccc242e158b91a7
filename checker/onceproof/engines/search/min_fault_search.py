"""Which combinations of labelled rules a violation takes: every inclusion-minimal multiset of
labels up to a size, with a run.

A state may be reached with several multisets of labels; only the smallest ones are kept, since
whatever can follow after more labels can also follow after fewer of them. Multisets are worked
through by size, so a superset of one that breaks the property is never looked at.

With a ``Guide``, which knows how many labels it takes at least from a state to a bad one, states
from which that is too many are left out. The combinations and their runs stay the same: if a state
is left out, so is every state after it (a step takes no more labels than the estimate falls), and
the others keep their order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from msgspec import Struct, field

from onceproof.engines.search.bounds import Bounds, Budget
from onceproof.engines.search.compiled import Row
from onceproof.engines.search.meter import Meter, Progress
from onceproof.engines.search.search import run_along
from onceproof.engines.search.symmetry import Orbits, State
from onceproof.engines.search.watch import Watch
from onceproof.machine.system import Machine, Property, Run

FREE = -1
"""The label of a rule that costs nothing."""

Labels = tuple[int, ...]
"""A multiset, sorted."""


class Guide(Protocol):
    """How many labels it takes at least to come from a state to a bad one, as far as somebody has
    worked it out.
    """

    def component(self, row: Row) -> int:
        """Its name for a component row."""

    def pieces(self, event: Row, workers: Iterable[Row]) -> Any:
        """Its name for an event with these workers."""

    def least(self, component: int, events: Sequence[Any]) -> int | None:
        """The least number of labels; None if it cannot be done, or takes more labels than are
        allowed.
        """


class _Estimate:
    """A guide, asked in the numbers of one search."""

    def __init__(self, guide: Guide, orbits: Orbits) -> None:
        self._guide, self._orbits = guide, orbits
        self._rows: dict[int, int] = {}
        self._cells: dict[int, Any] = {}
        self._known: dict[State, int | None] = {}

    def least(self, state: State) -> int | None:
        """The least number of labels from a state of one component."""
        if state not in self._known:
            (row, *cells) = state[0]
            local = self._orbits.local
            if row not in self._rows:
                self._rows[row] = self._guide.component(local.components.rows[row])
            for cell in cells:
                if cell not in self._cells:
                    event, workers = self._orbits.cells[cell]
                    crew = [local.workers.rows[worker] for worker in workers]
                    self._cells[cell] = self._guide.pieces(local.events.rows[event], crew)
            self._known[state] = self._guide.least(
                self._rows[row], [self._cells[cell] for cell in cells]
            )
        return self._known[state]


class Combination(Struct, frozen=True):
    """A minimal multiset of labels with a run that takes exactly these and is bad at its end."""

    labels: Labels
    run: Run
    peak_workers: int


class Combinations(Struct, frozen=True):
    """All minimal multisets of at most ``most`` labels within the bounds, smallest first.

    Unless ``complete``, there may be more of size ``unsearched`` and above; ``reason`` says why the
    search ended, ``by_states`` whether it was the number of states.
    """

    combinations: tuple[Combination, ...]
    most: int
    states: int
    complete: bool
    unsearched: int = 0
    reason: str = ""
    by_states: bool = False


_Way = tuple[Labels, State, int]
"""From where, and by which rule."""


class _Search(Struct):
    orbits: Orbits
    watch: Watch
    meter: Meter
    labels: Sequence[int]
    most: int
    estimate: _Estimate | None = None
    reached: dict[State, list[Labels]] = field(default_factory=dict)
    ways: dict[tuple[Labels, State], _Way | None] = field(default_factory=dict)
    waiting: dict[Labels, dict[State, _Way]] = field(default_factory=dict)

    def admit(self, state: State, labels: Labels, way: _Way | None) -> bool:
        """Keep a state with its labels, unless it is known with fewer of them."""
        if self.is_too_far(state, len(labels)):
            return False
        known = self.reached.setdefault(state, [])
        if any(within(less, labels) for less in known):
            return False
        known.append(labels)
        self.ways[labels, state] = way
        return True

    def is_too_far(self, state: State, labels_used: int) -> bool:
        """Whether nothing bad can be reached with the labels that are left."""
        if self.estimate is None:
            return False
        least = self.estimate.least(state)
        return least is None or labels_used + least > self.most

    def close(self, labels: Labels, starts: Iterable[tuple[State, _Way | None]]) -> State | None:
        """Everything reachable from the starts without a further label; the first bad state ends
        it.
        """
        queue = [state for state, way in starts if self.admit(state, labels, way)]
        for state in queue:
            if not self.meter.admit(self.orbits.size(state), len(labels)):
                return None
            if self.watch.bad(state):
                return state
            edges = self.orbits.edges(state)
            if not self.meter.expand(len(edges), len(edges)):
                return None
            for rule, target, _ in edges:
                label = self.labels[rule]
                if label == FREE:
                    if self.admit(target, labels, (labels, state, rule)):
                        queue.append(target)
                elif len(labels) < self.most and not self.is_too_far(target, len(labels) + 1):
                    more = tuple(sorted((*labels, label)))
                    self.waiting.setdefault(more, {}).setdefault(target, (labels, state, rule))
        return None

    def combination(self, labels: Labels, bad: State) -> Combination:
        """The run to a bad state."""
        path: list[tuple[int, State]] = []
        used_labels, state = labels, bad
        while (way := self.ways[used_labels, state]) is not None:
            path.append((way[2], state))
            used_labels, state = way[0], way[1]
        run, peak = run_along(self.orbits, state, path[::-1])
        return Combination(labels, run, peak)


def combinations(
    machine: Machine,
    prop: Property,
    labels: Sequence[int],
    most: int,
    limits: tuple[Bounds, Budget],
    progress: Progress | None = None,
    guide: Guide | None = None,
) -> Combinations:
    """Search. ``labels``: one per rule of the machine, ``FREE`` for those that cost nothing.

    ``guide``: of this machine and property, within these bounds, for as many labels.
    """
    bounds, budget = limits
    orbits, meter = Orbits(machine, bounds), Meter(budget, progress)
    search = _Search(
        orbits,
        Watch(orbits, prop),
        meter,
        labels,
        most,
        _Estimate(guide, orbits) if guide is not None else None,
    )
    minimal: list[Combination] = []
    search.waiting[()] = {}
    for size in range(most + 1):
        for chosen in sorted(ls for ls in search.waiting if len(ls) == size):
            starts = search.waiting.pop(chosen)
            if any(within(known.labels, chosen) for known in minimal):
                continue
            ways: list[tuple[State, _Way | None]] = (
                [*starts.items()] if chosen else [(s, None) for s in orbits.initial()]
            )
            bad = search.close(chosen, ways)
            if bad is not None:
                minimal.append(search.combination(chosen, bad))
            elif meter.reason:
                return Combinations(
                    tuple(minimal), most, meter.states, False, size, meter.reason, meter.by_states
                )
    return Combinations(tuple(minimal), most, meter.states, True)


def within(less: Labels, more: Labels) -> bool:
    """Whether one multiset is part of another."""
    return len(less) <= len(more) and not Counter(less) - Counter(more)
