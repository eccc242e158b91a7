"""The simplest story by arrays: whole layers of states at once, then the readable search among the
few states that matter.

1. *Is there anything bad at all?* Layer by layer, without costs. Most searches end here.
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

from onceproof.base.memory import beyond
from onceproof.engines.search.bounds import Bounds, Budget, Unsuited
from onceproof.engines.search.compiled import GONE, Local, MachineError
from onceproof.engines.search.count.bad_states import BadStates
from onceproof.engines.search.count.local_tables import NONE, LocalTables, Marks, Numbers, places
from onceproof.engines.search.count.packing import Fields, Packing, packing_for
from onceproof.engines.search.meter import Exploration, Progress
from onceproof.engines.search.search import Found, cheapest
from onceproof.engines.search.symmetry import Orbits, State, choices
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


class Edges(Struct, frozen=True):
    """Steps out of some states: the rule, the source (by position) and the state after."""

    rule: Numbers
    source: Numbers
    target: Numbers


class ArraySearch:
    """The states of a machine within bounds as numbers. ``bounds`` are of one component. Raises
    Unsuited for others.
    """

    def __init__(self, machine: Machine, bounds: Bounds) -> None:
        if bounds.keys > 1:
            raise Unsuited("several business keys")
        self.machine, self.bounds = machine, bounds
        self.local = Local(machine)
        self.tables = LocalTables(self.local)
        self.packing = packing_for(bounds, 1, 1, 1)

    def initial(self) -> Numbers:
        """The states without workers in which each event and the component has an initial row."""
        local = self.local
        rows = np.array(
            [local.components.number(row) for row in choices(local.components.variables)], np.int64
        )
        events = np.array(
            [local.events.number(row) for row in choices(local.events.variables)], np.int64
        )
        grids = np.meshgrid(rows, *[events] * self.bounds.events, indexing="ij")
        component, *chosen = (grid.reshape(-1) for grid in grids)
        worker = np.full((len(component), self.bounds.events, self.bounds.workers), NONE, np.int64)
        self.packing = self._packing()
        return np.unique(self.packing.pack(Fields(component, np.stack(chosen, axis=1), worker)))

    def is_narrow(self) -> bool:
        """Whether rows were met for which there is no room in a state."""
        local = self.local
        return not self.packing.fits(
            len(local.components.rows), len(local.events.rows), len(local.workers.rows)
        )

    def widened(self) -> Packing:
        """Make room for the rows met since. Returns the packing of all states so far, which must be
        packed again.
        """
        before, self.packing = self.packing, self._packing()
        return before

    def repacked(self, keys: Numbers, before: Packing) -> Numbers:
        """States that were packed otherwise, in the same order."""
        return self.packing.pack(before.unpack(keys))

    def _packing(self) -> Packing:
        local = self.local
        return packing_for(
            self.bounds, len(local.components.rows), len(local.events.rows), len(local.workers.rows)
        )

    # -- one step

    def edges(self, keys: Numbers) -> tuple[Edges, Packing | None]:
        """Every step out of some states, one for each class of interchangeable actors.

        If there is no room for the rows it leads to, the states are packed otherwise from now on:
        the packing before is returned.
        """
        fields = self.packing.unpack(keys)
        state, event, place = self._actors(fields)
        whose, (rule, component, row, worker) = self.tables.moves(
            self._places(fields, state, event, place)
        )
        source, event, place = state[whose], event[whose], place[whose]
        near = (
            fields.worker[source, event]
            if len(source)
            else np.zeros((0, self.bounds.workers), np.int64)
        )
        acting = np.nonzero(place != NONE)[0]
        near[acting, place[acting]] = NONE
        possible = self._possible(fields, source, rule, worker, near)
        if not possible.all():
            rule, component, row, worker, source, event, place, near = (
                a[possible] for a in (rule, component, row, worker, source, event, place, near)
            )
        after = self._after(fields, (rule, component, row, worker), (source, event, place), near)
        before = self.widened() if self.is_narrow() else None
        return Edges(rule, source, self.packing.pack(after)), before

    def _actors(self, fields: Fields) -> tuple[Numbers, Numbers, Numbers]:
        """Who may act: a state, an event in it, and a worker's place there; NONE: the event itself,
        the component itself.
        """
        count, events, workers = fields.worker.shape
        every = np.arange(count)
        first_event = np.ones((count, events), bool)
        for i in range(1, events):
            same = (fields.event[:, i] == fields.event[:, i - 1]) & (
                fields.worker[:, i] == fields.worker[:, i - 1]
            ).all(axis=1)
            first_event[:, i] = ~same
        states, event = np.nonzero(first_event)
        first = first_event[:, :, None] & (fields.worker != NONE)
        if workers > 1:
            first[:, :, 1:] &= fields.worker[:, :, 1:] != fields.worker[:, :, :-1]
        acting = np.nonzero(first)
        return (
            np.concatenate([every, states, acting[0]]),
            np.concatenate([np.zeros(count, np.int64) - 1, event, acting[1]]),
            np.concatenate([np.full(count + len(states), NONE), acting[2]]),
        )

    def _places(self, fields: Fields, state: Numbers, event: Numbers, place: Numbers) -> Numbers:
        rows = np.where(event >= 0, fields.event[state, event], NONE)
        workers = np.full(len(state), NONE, np.int64)
        acting = np.nonzero(place != NONE)[0]
        workers[acting] = fields.worker[state[acting], event[acting], place[acting]]
        return places(fields.component[state], rows, workers)

    def _possible(
        self, fields: Fields, source: Numbers, rule: Numbers, worker: Numbers, others: Numbers
    ) -> Marks:
        """Which moves no other worker forbids."""
        tables = self.tables
        possible = np.ones(len(rule), bool)
        exclusive = np.nonzero(tables.has_alone[rule])[0]
        if len(exclusive):
            possible[exclusive] = ~tables.disabled(rule[exclusive], others[exclusive])
        spawns = np.nonzero(tables.is_spawn[rule])[0]
        if len(spawns):
            alive = (fields.worker != NONE).sum(axis=(1, 2))
            possible[spawns] &= alive[source[spawns]] < self.bounds.workers
            for number, limit in enumerate(self.machine.limits):
                there = tables.counted(number, fields.worker).sum(axis=(1, 2))[source[spawns]]
                possible[spawns] &= ~tables.counted(number, worker[spawns]) | (there < limit.count)
        return possible

    def _after(
        self,
        fields: Fields,
        move: tuple[Numbers, Numbers, Numbers, Numbers],
        actor: tuple[Numbers, Numbers, Numbers],
        near: Numbers,
    ) -> Fields:
        """The states after possible moves; ``near``: the other workers of the event."""
        (rule, component, row, worker), (source, event, place) = move, actor
        tables = self.tables
        rows, workers = fields.event[source], fields.worker[source]
        if len(tables.local.component_wide):
            broadcasting = np.nonzero(tables.is_component_wide[rule])[0]
            if len(broadcasting):
                elsewhere = workers[broadcasting]
                shown = np.nonzero(event[broadcasting] >= 0)[0]
                elsewhere[shown, event[broadcasting][shown]] = (
                    NONE  # those of the same event hear more, and are put back below
                )
                workers[broadcasting] = tables.after(
                    rule[broadcasting], elsewhere.reshape(len(broadcasting), -1), near=False
                ).reshape(elsewhere.shape)
        broadcasting = np.nonzero(tables.has_broadcast[rule] & (event >= 0))[0]
        if len(broadcasting):
            near[broadcasting] = tables.after(rule[broadcasting], near[broadcasting], near=True)
        here = np.nonzero(event >= 0)[0]
        if self.bounds.workers:
            put = np.nonzero(worker != GONE)[0]
            near[put, np.where(place[put] == NONE, self.bounds.workers - 1, place[put])] = worker[
                put
            ]
            workers[here, event[here]] = near[here]
        rows[here, event[here]] = row[here]
        return Fields(component, rows, workers)

    # -- states as the readable search knows them

    def key_of(self, orbits: Orbits, state: State) -> int | None:
        """The number of a state of another numbering; None if it has a row that was not met
        here.
        """
        rows = orbits.local
        (component, *cells) = state[0]
        event, worker = [], []
        for cell in cells:
            number, crew = orbits.cells[cell]
            event.append(self.local.events.known(rows.events.rows[number]))
            met = [self.local.workers.known(rows.workers.rows[w]) for w in crew]
            worker.append([*met, *[NONE] * (self.bounds.workers - len(met))])
        row = self.local.components.known(rows.components.rows[component])
        if row is None or None in event or any(None in crew for crew in worker):
            return None
        shape = (1, self.bounds.events, self.bounds.workers)
        fields = Fields(
            np.array([row], np.int64),
            np.array([event], np.int64),
            np.array(worker, np.int64).reshape(shape),
        )
        return int(self.packing.pack(fields)[0])


class _Layers(Struct):
    """What is known of the states of one search, and what it may still spend."""

    search: ArraySearch
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
            raise Stopped(f"more than {self.budget.seconds:.3g} seconds")
        if beyond(self.budget.megabytes):
            raise Stopped(f"more than {self.budget.megabytes} MB after {states:,} states")

    def any_bad(self) -> tuple[bool, Numbers, int, frozenset[int]]:
        """Whether a bad state can be reached; else all states that can be, how deep they are, and
        which rules were taken.
        """
        search = self.search
        layer = search.initial()
        known, depth = layer, 0
        fired = np.zeros(len(search.machine.rules), bool)
        while True:
            if self.bad.among(search.packing.unpack(layer)).any():
                return True, known, 0, frozenset()
            self.check(len(known))
            found: list[Numbers] = []
            for start in range(0, len(layer), CHUNK):
                edges, before = search.edges(layer[start : start + CHUNK])
                if before is not None:
                    known, layer, *found = (
                        search.repacked(keys, before) for keys in (known, layer, *found)
                    )
                    known = np.sort(known)
                self.transitions += len(edges.rule)
                fired[edges.rule] = True
                found.append(without(np.unique(edges.target), known))
            layer = np.unique(np.concatenate(found)) if found else layer[:0]
            if not len(layer):
                return False, known, depth, frozenset(np.nonzero(fired)[0].tolist())
            known = np.sort(np.concatenate([known, layer]), kind="stable")
            depth += 1

    def cheapest_ways(self) -> tuple[frozenset[int], int, int]:
        """The states on a cheapest way to a bad state; how many are no dearer than that, and the
        steps out of cheaper ones.
        """
        known, bound = self._costs()
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

    def _costs(self) -> tuple[_Known, int]:
        """The least cost of every state that is no dearer than the cheapest bad one, and that cost.
        There is a bad state.
        """
        search = self.search
        keys = search.initial()
        known = _Known(keys, np.zeros(len(keys), np.int64))
        front, bound = known, NO_BOUND
        while len(front.keys):
            bad = self.bad.among(search.packing.unpack(front.keys))
            bound = min(bound, int(front.cost[bad].min(initial=bound)))
            cheaper = front.cost < bound
            front = _Known(front.keys[cheaper], front.cost[cheaper])
            self.check(len(known.keys))
            found: list[_Known] = []
            for start in range(0, len(front.keys), CHUNK):
                part = slice(start, start + CHUNK)
                edges, before = search.edges(front.keys[part])
                if before is not None:
                    known, front, *found = (
                        k.repacked(search, before) for k in (known, front, *found)
                    )
                    known = known.sorted()
                self.transitions += len(edges.rule)
                cost = front.cost[part][edges.source] + search.tables.price[edges.rule]
                near = cost <= bound
                found.append(_Known(edges.target[near], cost[near]).cheapest())
            known, front = known.improved(_joined(found).cheapest())
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


NO_BOUND = 1 << 62
"""More than any cost."""


class _Known(Struct, frozen=True):
    """States, each with the cost of the cheapest way to it that is known."""

    keys: Numbers
    cost: Numbers

    def sorted(self) -> _Known:
        """By state."""
        order = np.argsort(self.keys, kind="stable")
        return _Known(self.keys[order], self.cost[order])

    def repacked(self, search: ArraySearch, before: Packing) -> _Known:
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
        there = self.keys[at] == other.keys
        better = there & (other.cost < self.cost[at])
        self.cost[at[better]] = other.cost[better]
        new = ~there
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
) -> Found | Exploration:
    """What ``search.cheapest`` finds, to the byte; ``states`` and ``transitions`` of a story are
    those that cost no more than it.

    States are counted in the order of their depth: with too small a budget, a deep story may be
    missed that costs little, and the other way round. Raises Unsuited if a state does not fit into
    63 bits.
    """
    search = ArraySearch(machine, bounds)
    end = None if budget.seconds is None else monotonic() + budget.seconds
    layers = _Layers(search, BadStates(prop, search.local), budget, progress, end)
    try:
        some, known, depth, fired = layers.any_bad()
        if not some:
            return Exploration(len(known), layers.transitions, 0, 0, fired, depth, True, "", NAME)
        ways, states, transitions = layers.cheapest_ways()
    except Stopped as spent:
        seen = layers.states if budget.states is None else min(layers.states, budget.states)
        return Exploration(
            seen, layers.transitions, 0, 0, frozenset(), 0, False, str(spent), NAME, spent.by_states
        )
    found = cheapest(
        machine,
        prop,
        bounds,
        Budget(),
        within=lambda orbits, state: search.key_of(orbits, state) in ways,
    )
    if not isinstance(found, Found):
        raise MachineError("the readable search does not find the bad state that the arrays found")
    return Found(found.run, found.cost, states, transitions, found.peak_workers)


def array_configurations(
    machine: Machine, bounds: Bounds, budget: Budget
) -> list[tuple[Shape, ...]] | Exploration:
    """All that can be reached, as ``states.configurations`` says it. Raises Unsuited if a state
    does not fit into 63 bits.
    """
    search = ArraySearch(machine, bounds)
    end = None if budget.seconds is None else monotonic() + budget.seconds
    layers = _Layers(search, BadStates(Property("", ()), search.local), budget, None, end)
    try:
        _, known, _, _ = layers.any_bad()
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
    found: list[tuple[Shape, ...]] = []
    for component, event, worker in zip(
        fields.component.tolist(), fields.event.tolist(), fields.worker.tolist(), strict=True
    ):
        crews = [tuple(sorted(workers[w] for w in crew if w != NONE)) for crew in worker]
        found.append(
            (
                Shape(
                    components[component],
                    tuple(sorted((events[e], c) for e, c in zip(event, crews, strict=True))),
                ),
            )
        )
    return found


NAME = "arrays"


def without(keys: Numbers, known: Numbers) -> Numbers:
    """The keys that are not known; both are sorted."""
    at = np.searchsorted(known, keys)
    at[at == len(known)] = 0
    return keys[known[at] != keys] if len(known) else keys
