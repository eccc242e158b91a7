"""The simplest story by arrays: whole layers of states at once, then the readable search among the
few states that matter.

1. *Is there anything bad at all, and after how many faults?* Layer by layer, first all that takes
   no fault, then all that takes one more. Most searches end here, with nothing.
2. *What does it cost?* If there is, the least cost of every state, as far as it is below that of
   the cheapest bad state known: again layer by layer, until no cost becomes smaller (label
   correcting).
3. *Which states lie on a cheapest way?* Backwards from the cheapest bad states, along steps that
   are as cheap as they can be.
4. The readable search (``search.cheapest``), which sees no other states.

NOTE(tight): why the story is the one the readable search finds among all states. That search takes
states by their cost and, of equally cheap ones, in the order in which they were discovered; the way
to a state is the first cheapest one discovered. Let L contain the cheapest bad states and, with a
state, each state before it on any cheapest way to it. A search that leaves out what is not in L
discovers fewer states, in the same order: a state of L gets its final cost and its way from states
of L only, and what is left out stands between them in the queue or not at all. So the states of L
are taken in the same order, by induction, and the first bad one is reached in the same way. (The
order of the steps out of a state is one of values, not of discovery; see ``orbits``.)
"""

from __future__ import annotations

from time import monotonic

import numpy as np
from msgspec import Struct

from onceproof.base.durations import seconds_words
from onceproof.base.memory import beyond
from onceproof.engines.search.bounds import Bounds, Budget
from onceproof.engines.search.compiled import MachineError
from onceproof.engines.search.count.array_states import ArrayStates
from onceproof.engines.search.count.bad_states import BadStates
from onceproof.engines.search.count.local_tables import FAULTS, NONE, LocalTables, Numbers
from onceproof.engines.search.count.packing import Packing
from onceproof.engines.search.meter import Exploration, Progress
from onceproof.engines.search.search import Found, cheapest
from onceproof.engines.search.symmetry import Orbits, State
from onceproof.machine.invariant import Shape
from onceproof.machine.system import Machine, Property

CHUNK = 1 << 16
"""States expanded at once: bounds the memory of one step."""


class Stopped(Exception):
    """The budget is spent; the message says what of it. ``by_states``: it is the number of
    states.
    """

    def __init__(self, reason: str, by_states: bool = False) -> None:
        super().__init__(reason)
        self.by_states = by_states


class _Layers(Struct):
    """What is known of the states of one search, and what it may still spend."""

    search: ArrayStates
    bad: BadStates
    budget: Budget
    progress: Progress | None
    end: float | None
    transitions: int = 0
    states: int = 0

    def check(self, states: int) -> None:
        """Report, and look at the budget. Raises Stopped."""
        self.states = states
        if self.progress is not None:
            self.progress(states, self.transitions)
        if self.budget.states is not None and states > self.budget.states:
            raise Stopped(f"more than {self.budget.states:,} states", by_states=True)
        if self.end is not None and monotonic() > self.end:
            raise Stopped(f"more than {seconds_words(self.budget.seconds or 0)}")
        if beyond(self.budget.megabytes):
            raise Stopped(f"more than {self.budget.megabytes} MB after {states:,} states")

    def fewest_faults(self) -> tuple[int | None, Numbers, frozenset[int]]:
        """How many faults it takes to reach a bad state; None if there is none. Then all states
        that can be reached, and the rules.

        First everything without a fault, then everything after one more, and so on: most stories
        take few.
        """
        search = self.search
        layer, known, faults = search.initial(), search.initial()[:0], 0
        after_fault: list[Numbers] = []
        fired = np.zeros(len(search.machine.rules), bool)
        while True:
            if not len(layer):
                layer, after_fault, faults = without(_union(after_fault), known), [], faults + 1
                if not len(layer):
                    return None, known, frozenset(np.nonzero(fired)[0].tolist())
            if self.bad.among(search.packing.unpack(layer)).any():
                return faults, known, frozenset()
            known = np.sort(np.concatenate([known, layer]), kind="stable")
            self.check(len(known))
            layers: list[Numbers] = []
            for start in range(0, len(layer), CHUNK):
                edges, before = search.edges(layer[start : start + CHUNK])
                if before is not None:
                    known, layer = search.repacked(known, before), search.repacked(layer, before)
                    layers, after_fault = (
                        [search.repacked(keys, before) for keys in each]
                        for each in (layers, after_fault)
                    )
                    known = np.sort(known)
                self.transitions += len(edges.rule)
                fired[edges.rule] = True
                is_fault = search.tables.price[edges.rule] >= FAULTS
                layers.append(without(np.unique(edges.target[~is_fault]), known))
                after_fault.append(without(np.unique(edges.target[is_fault]), known))
            layer = _union(layers)

    def cheapest_ways(self, faults: int) -> tuple[frozenset[int], int, int]:
        """The states on a cheapest way to a bad state; how many are no dearer than that, and the
        steps out of cheaper ones.
        """
        known, bound = self._costs((faults + 1) * FAULTS)
        goals = np.nonzero(
            (known.cost == bound) & self.bad.among(self.search.packing.unpack(known.keys))
        )[0]
        source, target = self._tight(known, bound)
        order = np.argsort(target, kind="stable")
        source, target = source[order], target[order]
        on_a_way = np.zeros(len(known.keys), bool)
        on_a_way[goals] = True
        while len(goals):
            first, last = (
                np.searchsorted(target, goals),
                np.searchsorted(target, goals, side="right"),
            )
            many = last - first
            at = np.repeat(first - np.cumsum(many) + many, many) + np.arange(int(many.sum()))
            goals = np.unique(source[at])
            goals = goals[~on_a_way[goals]]
            on_a_way[goals] = True
        return (
            frozenset(known.keys[on_a_way].tolist()),
            int((known.cost <= bound).sum()),
            self.transitions,
        )

    def _costs(self, bound: int) -> tuple[_Known, int]:
        """The least cost of every state that is no dearer than the cheapest bad one, and that cost,
        which is below ``bound``.
        """
        search = self.search
        keys = search.initial()
        known = _Known(keys, np.zeros(len(keys), np.int64))
        front = known
        while len(front.keys):
            bad = self.bad.among(search.packing.unpack(front.keys))
            bound = min(bound, int(front.cost[bad].min(initial=bound)))
            cheaper = front.cost < bound
            front = _Known(front.keys[cheaper], front.cost[cheaper])
            self.check(len(known.keys))
            fronts: list[_Known] = []
            for start in range(0, len(front.keys), CHUNK):
                part = slice(start, start + CHUNK)
                edges, before = search.edges(front.keys[part])
                if before is not None:
                    known, front, *fronts = (
                        k.repacked(search, before) for k in (known, front, *fronts)
                    )
                    known = known.sorted()
                self.transitions += len(edges.rule)
                cost = front.cost[part][edges.source] + search.tables.price[edges.rule]
                near = cost <= bound
                fronts.append(_Known(edges.target[near], cost[near]).cheapest())
            known, front = known.improved(_joined(fronts).cheapest())
        return known, bound

    def _tight(self, known: _Known, bound: int) -> tuple[Numbers, Numbers]:
        """The steps that are as cheap as a way to their target can be: source and target by
        position.
        """
        search, sources, targets = self.search, [], []
        self.transitions = 0
        cheaper = np.nonzero(known.cost < bound)[0]
        for start in range(0, len(cheaper), CHUNK):
            part = cheaper[start : start + CHUNK]
            edges, before = search.edges(known.keys[part])
            assert before is None, "every row was met when the costs were worked out"
            self.transitions += len(edges.rule)
            cost = known.cost[part][edges.source] + search.tables.price[edges.rule]
            at = np.searchsorted(known.keys, edges.target)
            at[at == len(known.keys)] = 0
            tight = (known.keys[at] == edges.target) & (known.cost[at] == cost)
            sources.append(part[edges.source[tight]])
            targets.append(at[tight])
        empty = np.zeros(0, np.int64)
        return np.concatenate([empty, *sources]), np.concatenate([empty, *targets])


class _Known(Struct, frozen=True):
    """States, each with the cost of the cheapest way to it that is known."""

    keys: Numbers
    cost: Numbers

    def sorted(self) -> _Known:
        """By state."""
        order = np.argsort(self.keys, kind="stable")
        return _Known(self.keys[order], self.cost[order])

    def repacked(self, search: ArrayStates, before: Packing) -> _Known:
        """The same after the packing has changed, in the same order."""
        return _Known(search.repacked(self.keys, before), self.cost)

    def cheapest(self) -> _Known:
        """Each state once, with its least cost, sorted."""
        order = np.lexsort((self.cost, self.keys))
        keys = self.keys[order]
        first = np.ones(len(keys), bool)
        np.not_equal(keys[1:], keys[:-1], out=first[1:])
        return _Known(keys[first], self.cost[order][first])

    def improved(self, other: _Known) -> tuple[_Known, _Known]:
        """Both together; and those of ``other`` that are new, or cheaper than was known. Both are
        sorted.
        """
        at = np.searchsorted(self.keys, other.keys)
        at[at == len(self.keys)] = 0
        is_known = self.keys[at] == other.keys
        better = is_known & (other.cost < self.cost[at])
        self.cost[at[better]] = other.cost[better]
        new = ~is_known
        together = _Known(
            np.concatenate([self.keys, other.keys[new]]),
            np.concatenate([self.cost, other.cost[new]]),
        ).sorted()
        return together, _Known(other.keys[better | new], other.cost[better | new])


def _joined(parts: list[_Known]) -> _Known:
    empty = np.zeros(0, np.int64)
    return _Known(
        np.concatenate([empty, *(p.keys for p in parts)]),
        np.concatenate([empty, *(p.cost for p in parts)]),
    )


def array_search(
    machine: Machine,
    prop: Property,
    bounds: Bounds,
    budget: Budget,
    progress: Progress | None = None,
    tables: LocalTables | None = None,
) -> Found | Exploration:
    """What ``search.cheapest`` finds, to the byte; ``states`` and ``transitions`` of a story are
    those that cost no more than it.

    States are counted in the order of their faults and their depth, so a budget that is too small
    may end before a story that the readable search finds, and the other way round. Raises Unsuited
    if a state does not fit into 63 bits.
    """
    search = ArrayStates(machine, bounds, tables)
    end = None if budget.seconds is None else monotonic() + budget.seconds
    layers = _Layers(search, BadStates(prop, search.local), budget, progress, end)
    try:
        faults, known, fired = layers.fewest_faults()
        if faults is None:
            return Exploration(len(known), layers.transitions, 0, 0, fired, 0, True, "", NAME)
        ways, states, transitions = layers.cheapest_ways(faults)
    except Stopped as spent:
        seen = layers.states if budget.states is None else min(layers.states, budget.states)
        return Exploration(
            seen, layers.transitions, 0, 0, frozenset(), 0, False, str(spent), NAME, spent.by_states
        )

    def within(orbits: Orbits, state: State) -> bool:
        return search.key_of(orbits, state) in ways

    path = cheapest(machine, prop, bounds, Budget(), within=within, local=search.local)
    if not isinstance(path, Found):
        raise MachineError("the readable search does not find the bad state that the arrays found")
    return Found(path.run, path.cost, states, transitions, path.peak_workers)


def array_configurations(
    machine: Machine, bounds: Bounds, budget: Budget
) -> list[tuple[Shape, ...]] | Exploration:
    """All that can be reached, as ``states.configurations`` says it. Raises Unsuited if a state
    does not fit into 63 bits.
    """
    search = ArrayStates(machine, bounds)
    end = None if budget.seconds is None else monotonic() + budget.seconds
    layers = _Layers(search, BadStates(Property("", ()), search.local), budget, None, end)
    try:
        _, known, _ = layers.fewest_faults()
    except Stopped as spent:
        return Exploration(
            layers.states,
            layers.transitions,
            0,
            0,
            frozenset(),
            0,
            False,
            str(spent),
            NAME,
            spent.by_states,
        )
    fields = search.packing.unpack(known)
    components, events, workers = (
        rows.rows for rows in (search.local.components, search.local.events, search.local.workers)
    )
    shapes: list[tuple[Shape, ...]] = []
    for component, event, worker in zip(
        fields.component.tolist(), fields.event.tolist(), fields.worker.tolist(), strict=True
    ):
        crews = [tuple(sorted(workers[w] for w in crew if w != NONE)) for crew in worker]
        shapes.append(
            (
                Shape(
                    components[component],
                    tuple(sorted((events[e], c) for e, c in zip(event, crews, strict=True))),
                ),
            )
        )
    return shapes


NAME = "arrays"


def _union(parts: list[Numbers]) -> Numbers:
    """All keys, each once, sorted."""
    return np.unique(np.concatenate([np.zeros(0, np.int64), *parts]))


def without(keys: Numbers, known: Numbers) -> Numbers:
    """The keys that are not known; both are sorted."""
    at = np.searchsorted(known, keys)
    at[at == len(known)] = 0
    return keys[known[at] != keys] if len(known) else keys
