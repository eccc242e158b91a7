"""The states of a machine within bounds as numbers, and the steps between them, many at a time."""

from __future__ import annotations

import numpy as np
from msgspec import Struct

from onceproof.engines.search.bounds import Bounds, Unsuited
from onceproof.engines.search.compiled import GONE, Local
from onceproof.engines.search.count.local_tables import NONE, LocalTables, Marks, Numbers, places
from onceproof.engines.search.count.packing import Fields, Packing, packing_for
from onceproof.engines.search.symmetry import Orbits, State, choices
from onceproof.machine.system import Machine


class Edges(Struct, frozen=True):
    """Steps out of some states: the rule, the source (by position) and the state after."""

    rule: Numbers
    source: Numbers
    target: Numbers


class ArrayStates:
    """The states of a machine within bounds as numbers. ``bounds`` are of one component. Raises
    Unsuited for others.
    """

    def __init__(self, machine: Machine, bounds: Bounds, tables: LocalTables | None = None) -> None:
        if bounds.keys > 1:
            raise Unsuited("several business keys")
        self.machine, self.bounds = machine, bounds
        self.tables = tables or LocalTables(Local(machine))
        self.local = self.tables.local
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
                present = tables.counted(number, fields.worker).sum(axis=(1, 2))[source[spawns]]
                possible[spawns] &= ~tables.counted(number, worker[spawns]) | (
                    present < limit.count
                )
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
                with_event = np.nonzero(event[broadcasting] >= 0)[0]
                elsewhere[with_event, event[broadcasting][with_event]] = (
                    NONE  # those of the same event hear more, and are put back below
                )
                workers[broadcasting] = tables.after(
                    rule[broadcasting], elsewhere.reshape(len(broadcasting), -1), near=False
                ).reshape(elsewhere.shape)
        broadcasting = np.nonzero(tables.has_broadcast[rule] & (event >= 0))[0]
        if len(broadcasting):
            near[broadcasting] = tables.after(rule[broadcasting], near[broadcasting], near=True)
        with_event_rows = np.nonzero(event >= 0)[0]
        if self.bounds.workers:
            put = np.nonzero(worker != GONE)[0]
            near[put, np.where(place[put] == NONE, self.bounds.workers - 1, place[put])] = worker[
                put
            ]
            workers[with_event_rows, event[with_event_rows]] = near[with_event_rows]
        rows[with_event_rows, event[with_event_rows]] = row[with_event_rows]
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
