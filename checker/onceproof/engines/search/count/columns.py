"""Breadth-first search over whole levels at once: a state is a 64-bit number, a level is a sorted
array of them.

The number holds the component row and a cell for each event; the cells of a state are kept sorted,
which makes states of orbits. A step: look up what each cell can do, put the cell after it in its
place, sort, number, and drop what is known.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import factorial
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onceproof.base.durations import seconds_words
from onceproof.base.memory import beyond
from onceproof.engines.search.bounds import Bounds, Budget
from onceproof.engines.search.compiled import MachineError
from onceproof.engines.search.count.cells import Cells
from onceproof.engines.search.meter import Exploration, Progress
from onceproof.engines.search.symmetry import Orbits, State, choices
from onceproof.engines.search.watch import Watch
from onceproof.machine.system import Machine, RuleKind

Numbers = NDArray[np.int64]
CHUNK = 1 << 17
"""States expanded at once: bounds the memory of one step."""


class DoesNotFit(Exception):
    """A state does not fit into 64 bits."""


class Tables:
    """What cells can do, as arrays that grow as cells are met."""

    def __init__(self, cells: Cells) -> None:
        self.cells = cells
        self.pair = np.full(
            (8, 256), -1, np.int32
        )  # by component row and cell: where its moves stand
        self.first = np.zeros(0, np.int64)
        self.many = np.zeros(0, np.int64)
        self.moves = np.zeros((5, 0), np.int64)
        self.busy = np.zeros(0, np.int64)
        self.weight = np.zeros(0, np.int64)

    def meet(self, component: Numbers, columns: list[Numbers]) -> None:
        """Work out the moves of all pairs of component row and cell that are new in these
        states.
        """
        high = (
            int(component.max(initial=0)),
            max((int(c.max(initial=0)) for c in columns), default=0),
        )
        if high[0] >= self.pair.shape[0] or high[1] >= self.pair.shape[1]:
            larger = np.full((max(2 * high[0], 8), max(2 * high[1], 256)), -1, np.int32)
            larger[: self.pair.shape[0], : self.pair.shape[1]] = self.pair
            self.pair = larger
        new: set[tuple[int, int]] = set()
        for column in columns:
            unknown = self.pair[component, column] < 0
            if unknown.any():
                new |= set(zip(component[unknown].tolist(), column[unknown].tolist(), strict=True))
        if new:
            self._work_out(sorted(new))

    def _work_out(self, pairs: list[tuple[int, int]]) -> None:
        moves_of_pairs = [list(self.cells.moves(*pair)) for pair in pairs]
        for number, pair in enumerate(pairs, start=len(self.first)):
            self.pair[pair] = number
        many = np.array([len(moves) for moves in moves_of_pairs], np.int64)
        self.first = np.concatenate([self.first, self.moves.shape[1] + np.cumsum(many) - many])
        self.many = np.concatenate([self.many, many])
        flat = (
            np.array([move for moves in moves_of_pairs for move in moves], np.int64)
            .reshape(-1, 5)
            .T
        )
        self.moves = np.concatenate([self.moves, flat], axis=1)
        met = range(len(self.busy), len(self.cells))
        self.busy = np.concatenate(
            [self.busy, np.array([self.cells.busy(c) for c in met], np.int64)]
        )
        self.weight = np.concatenate(
            [self.weight, np.array([self.cells.weight(c) for c in met], np.int64)]
        )


class Step:
    """All edges of some states: rule, source (by position), state after, and how many actions each
    stands for.
    """

    __slots__ = ("after", "rule", "source", "times")

    def __init__(self, rule: Numbers, source: Numbers, after: Numbers, times: Numbers) -> None:
        self.rule, self.source, self.after, self.times = rule, source, after, times


class Columns:
    """The states of a machine within bounds as numbers, and their edges."""

    def __init__(self, machine: Machine, bounds: Bounds) -> None:
        self.machine, self.bounds = machine, bounds
        self.orbits = Orbits(machine, bounds)
        self.cells = Cells(self.orbits)
        self.tables = Tables(self.cells)
        self.bits = 56 // bounds.events  # of a cell; 7 bits are left for the component row
        alive = range(bounds.workers + 1)
        self._dealt = np.array(
            [factorial(bounds.workers) // factorial(bounds.workers - n) for n in alive], np.int64
        )
        self._factorials = np.array([factorial(n) for n in range(bounds.events + 1)], np.int64)

    def initial(self) -> Numbers:
        """The states without workers, each event and the component with an initial row."""
        local = self.orbits.local
        cells = [
            self.cells.first(local.events.number(row)) for row in choices(local.events.variables)
        ]
        rows = [local.components.number(row) for row in choices(local.components.variables)]
        grids = np.meshgrid(np.array(rows), *[np.array(cells)] * self.bounds.events, indexing="ij")
        component, *columns = (grid.reshape(-1).astype(np.int64) for grid in grids)
        return _distinct(self.pack(component, self._sorted(columns)))

    def pack(self, component: Numbers, columns: list[Numbers]) -> Numbers:
        """States as numbers. Raises DoesNotFit if one does not fit."""
        if len(self.cells) >= 1 << self.bits or len(self.orbits.local.components.rows) > 127:
            raise DoesNotFit
        key = component.copy()
        for column in columns:
            key <<= self.bits
            key |= column
        return key

    def unpack(self, keys: Numbers) -> tuple[Numbers, list[Numbers]]:
        """Component rows, and a column of cells for each event."""
        mask = (1 << self.bits) - 1
        last = self.bounds.events - 1
        columns = [(keys >> (self.bits * (last - i))) & mask for i in range(self.bounds.events)]
        return keys >> (self.bits * self.bounds.events), columns

    def _sorted(self, columns: list[Numbers]) -> list[Numbers]:
        """The cells of each state in order."""
        return list(np.sort(np.stack(columns), axis=0)) if len(columns) > 1 else columns

    def _put(self, columns: list[Numbers], at: int, cell: Numbers) -> list[Numbers]:
        """Sorted columns with another cell in one place, sorted again: it moves up, then down, as
        far as it must.
        """
        sorted_columns = list(columns)
        sorted_columns[at] = cell
        for i in range(at, len(sorted_columns) - 1):
            sorted_columns[i], sorted_columns[i + 1] = (
                np.minimum(sorted_columns[i], sorted_columns[i + 1]),
                np.maximum(sorted_columns[i], sorted_columns[i + 1]),
            )
        for i in range(at, 0, -1):
            sorted_columns[i - 1], sorted_columns[i] = (
                np.minimum(sorted_columns[i - 1], sorted_columns[i]),
                np.maximum(sorted_columns[i - 1], sorted_columns[i]),
            )
        return sorted_columns

    def sizes(self, keys: Numbers) -> Numbers:
        """How many configurations with identities each state stands for."""
        component, columns = self.unpack(keys)
        self.tables.meet(component, columns)
        alive = sum((self.tables.busy[c] for c in columns), np.zeros(len(keys), np.int64))
        sizes: Numbers = self._factorials[self.bounds.events] * self._dealt[alive]
        run = np.ones(len(keys), np.int64)
        for i, column in enumerate(columns):
            if i:
                run = np.where(column == columns[i - 1], run + 1, 1)
            sizes //= run
        for column in columns:
            sizes //= self.tables.weight[column]
        return sizes

    def steps(self, keys: Numbers) -> Iterator[Step]:
        """The edges out of some states, event by event, then those of the component."""
        component, columns = self.unpack(keys)
        self.tables.meet(component, columns)
        if len(self.cells) >= 1 << self.bits or len(self.orbits.local.components.rows) > 127:
            raise DoesNotFit
        busy = [self.tables.busy[c] for c in columns]
        for at, column in enumerate(columns):
            lines = np.nonzero(column != columns[at - 1])[0] if at else np.arange(len(keys))
            if len(lines):
                yield self._moved(lines, at, component, columns, busy)
        yield from self._component_steps(component, columns)

    def _moved(
        self,
        lines: Numbers,
        at: int,
        component: Numbers,
        columns: list[Numbers],
        busy: list[Numbers],
    ) -> Step:
        """What the event in one column and its workers do."""
        tables = self.tables
        place, edge = self._edges(tables.pair[component[lines], columns[at][lines]])
        source = lines[place]
        rule, row, cell, times, spawn = tables.moves[:, edge]
        free = self.bounds.workers - sum(busy, np.zeros(len(component), np.int64))
        equal = sum((c == columns[at] for c in columns), np.zeros(len(component), np.int64))
        times = times * equal[source] * np.where(spawn, free[source], 1)
        possible = times > 0
        if not possible.all():
            rule, row, cell, times, source = (a[possible] for a in (rule, row, cell, times, source))
        after = self._put([c[source] for c in columns], at, cell)
        return Step(rule, source, self.pack(row, after), times)

    def _edges(self, pair: NDArray[np.int32]) -> tuple[Numbers, Numbers]:
        """All moves of these pairs: the position of the pair, and the number of the move."""
        many = self.tables.many[pair]
        place = np.repeat(np.arange(len(pair)), many)
        first = np.repeat(self.tables.first[pair] - np.cumsum(many) + many, many)
        return place, first + np.arange(len(place))

    def _component_steps(self, component: Numbers, columns: list[Numbers]) -> Iterator[Step]:
        for row in np.unique(component).tolist():
            for move in self.orbits.local.moves(RuleKind.COMPONENT, row):
                source = np.nonzero(component == row)[0]
                ones = np.ones(len(source), np.int64)
                yield Step(
                    ones * move.rule,
                    source,
                    self.pack(ones * move.component, [c[source] for c in columns]),
                    ones,
                )

    def state(self, key: int) -> State:
        """A number as a state of ``Orbits``."""
        component, columns = self.unpack(np.array([key], np.int64))
        return ((int(component[0]), *self.orbits.ordered(int(c[0]) for c in columns)),)


class Levels:
    """A breadth-first search, level by level. Every level is kept if a path may be asked for."""

    def __init__(
        self, columns: Columns, budget: Budget, progress: Progress | None, keep: bool
    ) -> None:
        self.columns, self.budget, self.progress, self.keep = columns, budget, progress, keep
        self.levels: list[Numbers] = []
        self.known: Numbers = np.zeros(0, np.int64)
        self.transitions = self.full_states = self.full_transitions = 0
        self.depth = 0
        self.fired: set[int] = set()
        self.reason = ""
        self._end = None if budget.seconds is None else monotonic() + budget.seconds

    def __iter__(self) -> Iterator[Numbers]:
        """The levels: states that take so many steps, and no fewer."""
        level = self.columns.initial()
        while len(level) and not self.reason:
            self.known = _merged(self.known, level)
            if self.keep:
                self.levels.append(level)
            self.full_states += int(self.columns.sizes(level).sum())
            if self.budget.states is not None and len(self.known) > self.budget.states:
                self.reason = f"more than {self.budget.states:,} states"
                return
            yield level
            levels = [
                self._expanded(level[i : i + CHUNK])
                for i in range(0, len(level), CHUNK)
                if not self._stopped()
            ]
            level = (
                levels[0]
                if len(levels) == 1
                else np.unique(np.concatenate(levels))
                if levels
                else level[:0]
            )
            self.depth += bool(len(level) and not self.reason)

    def _expanded(self, keys: Numbers) -> Numbers:
        """The new states that one step leads to."""
        sizes = self.columns.sizes(keys)
        new_keys = []
        for step in self.columns.steps(keys):
            self.transitions += len(step.rule)
            self.full_transitions += int((sizes[step.source] * step.times).sum())
            if len(self.fired) < len(self.columns.machine.rules):
                self.fired |= set(np.unique(step.rule).tolist())
            new_keys.append(_distinct(step.after))
        return _without(_distinct(np.concatenate(new_keys)), self.known) if new_keys else keys[:0]

    def _stopped(self) -> bool:
        if self.progress is not None:
            self.progress(len(self.known), self.transitions)
        if self._end is not None and monotonic() > self._end:
            self.reason = f"more than {seconds_words(self.budget.seconds or 0)}"
        elif beyond(self.budget.megabytes):
            self.reason = f"more than {self.budget.megabytes} MB after {len(self.known):,} states"
        return bool(self.reason)

    def exploration(self) -> Exploration:
        """What was seen."""
        return Exploration(
            len(self.known),
            self.transitions,
            self.full_states,
            self.full_transitions,
            frozenset(self.fired),
            self.depth,
            not self.reason,
            self.reason,
            "orbits",
        )

    def path(self, key: int) -> tuple[State, list[tuple[int, State]]]:
        """A shortest path to a state of the last level: the state it starts in, and each rule with
        the state after it.
        """
        path: list[tuple[int, State]] = []
        for level in reversed(self.levels[:-1]):
            rule, before = self._before(level, key)
            path.append((rule, self.columns.state(key)))
            key = before
        return self.columns.state(key), path[::-1]

    def _before(self, level: Numbers, key: int) -> tuple[int, int]:
        for start in range(0, len(level), CHUNK):
            part = level[start : start + CHUNK]
            for step in self.columns.steps(part):
                hits = np.nonzero(step.after == key)[0]
                if len(hits):
                    return int(step.rule[hits[0]]), int(part[step.source[hits[0]]])
        raise MachineError("a state of a level has no predecessor in the level before")


def first_bad(columns: Columns, watch: Watch, keys: Numbers) -> int | None:
    """The first of these states that contains a bad pattern. Cells are looked at once each, states
    only if their cells could do.
    """
    component, cells = columns.unpack(keys)
    could = np.zeros(len(keys), bool)
    for present in np.unique(component).tolist():
        for events in watch.patterns(present):
            fits: Any = np.ones(len(keys), bool)
            for event in events:
                met = np.array([watch.fit(event, c) for c in range(len(columns.cells))], bool)
                fits = fits & np.logical_or.reduce([met[c] for c in cells])
            could |= fits & (component == present)
    return next((key for key in keys[could].tolist() if watch.bad(columns.state(key))), None)


def _distinct(keys: Numbers) -> Numbers:
    """Sorted, each once."""
    ordered = np.sort(keys)
    if len(ordered) < 2:
        return ordered
    new = np.empty(len(ordered), bool)
    new[0] = True
    np.not_equal(ordered[1:], ordered[:-1], out=new[1:])
    return ordered[new]


def _without(keys: Numbers, known: Numbers) -> Numbers:
    """The keys that are not known; both are sorted."""
    at = np.searchsorted(known, keys)
    at[at == len(known)] = 0
    return keys[known[at] != keys] if len(known) else keys


def _merged(first: Numbers, second: Numbers) -> Numbers:
    return np.sort(np.concatenate([first, second]), kind="stable")  # two sorted runs: linear
