"""Which combinations of labelled rules a violation takes: every inclusion-minimal multiset of
labels up to a size, with a run.

A state may be reached with several multisets of labels; only the smallest ones are kept, since
whatever can follow after more labels can also follow after fewer of them. Multisets are worked
through by size, so a superset of one that breaks the property is never looked at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from msgspec import Struct, field

from onceproof.engines.search.bounds import Bounds, Budget
from onceproof.engines.search.meter import Meter, Progress
from onceproof.engines.search.search import run_along
from onceproof.engines.search.symmetry import Orbits, State
from onceproof.engines.search.watch import Watch
from onceproof.machine.system import Machine, Property, Run

FREE = -1
"""The label of a rule that costs nothing."""

Labels = tuple[int, ...]
"""A multiset, sorted."""


class Combination(Struct, frozen=True):
    """A minimal multiset of labels with a run that takes exactly these and is bad at its end."""

    labels: Labels
    run: Run
    peak_workers: int


class Combinations(Struct, frozen=True):
    """All minimal multisets of at most ``most`` labels within the bounds, smallest first.

    Unless ``complete``, there may be more of size ``unsearched`` and above; ``reason`` says why the
    search ended.
    """

    found: tuple[Combination, ...]
    most: int
    states: int
    complete: bool
    unsearched: int = 0
    reason: str = ""


_Way = tuple[Labels, State, int]
"""From where, and by which rule."""


class _Search(Struct):
    orbits: Orbits
    watch: Watch
    meter: Meter
    labels: Sequence[int]
    most: int
    reached: dict[State, list[Labels]] = field(default_factory=dict)
    ways: dict[tuple[Labels, State], _Way | None] = field(default_factory=dict)
    waiting: dict[Labels, dict[State, _Way]] = field(default_factory=dict)

    def admit(self, state: State, labels: Labels, way: _Way | None) -> bool:
        """Keep a state with its labels, unless it is known with fewer of them."""
        known = self.reached.setdefault(state, [])
        if any(within(less, labels) for less in known):
            return False
        known.append(labels)
        self.ways[labels, state] = way
        return True

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
                elif len(labels) < self.most:
                    more = tuple(sorted((*labels, label)))
                    self.waiting.setdefault(more, {}).setdefault(target, (labels, state, rule))
        return None

    def combination(self, labels: Labels, bad: State) -> Combination:
        """The run to a bad state."""
        path: list[tuple[int, State]] = []
        here, state = labels, bad
        while (way := self.ways[here, state]) is not None:
            path.append((way[2], state))
            here, state = way[0], way[1]
        run, peak = run_along(self.orbits, state, path[::-1])
        return Combination(labels, run, peak)


def combinations(
    machine: Machine,
    prop: Property,
    labels: Sequence[int],
    most: int,
    limits: tuple[Bounds, Budget],
    progress: Progress | None = None,
) -> Combinations:
    """Search. ``labels``: one per rule of the machine, ``FREE`` for those that cost nothing."""
    bounds, budget = limits
    orbits, meter = Orbits(machine, bounds), Meter(budget, progress)
    search = _Search(orbits, Watch(orbits, prop), meter, labels, most)
    found: list[Combination] = []
    search.waiting[()] = {}
    for size in range(most + 1):
        for chosen in sorted(ls for ls in search.waiting if len(ls) == size):
            starts = search.waiting.pop(chosen)
            if any(within(known.labels, chosen) for known in found):
                continue
            ways: list[tuple[State, _Way | None]] = (
                [*starts.items()] if chosen else [(s, None) for s in orbits.initial()]
            )
            bad = search.close(chosen, ways)
            if bad is not None:
                found.append(search.combination(chosen, bad))
            elif meter.reason:
                return Combinations(tuple(found), most, meter.states, False, size, meter.reason)
    return Combinations(tuple(found), most, meter.states, True)


def within(less: Labels, more: Labels) -> bool:
    """Whether one multiset is part of another."""
    return len(less) <= len(more) and not Counter(less) - Counter(more)
