"""What an event and the workers on it can do, as tables of numbers: the alphabet of the engines that work on columns.

A *cell* is an event's row with its workers. Up to symmetry the workers are a multiset (``Shared``); with identities each worker
of the pool is on the event with a row of its own, or is not (``Own``). A cell is numbered when it is met, and what it can do under
a component row is worked out then. Rules that reach workers of other events are not for columns: who uses these tables asks
``suits`` first.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import factorial, prod
from typing import NamedTuple

from checker.explore.bounds import Bounds
from checker.explore.local import GONE, LocalMove
from checker.explore.orbits import Orbits, State
from checker.machine import Machine, RuleKind


class CellMove(NamedTuple):
    """A rule, the component row and the cell after it, by how many actors, and for a spawn what it needs, else -1.

    For a spawn: 0 up to symmetry (some free worker), or the number of the worker that must be free.
    """

    rule: int
    component: int
    cell: int
    times: int
    spawn: int


def suits(machine: Machine, bounds: Bounds) -> str:
    """Why columns cannot hold the configurations of this machine; empty if they can."""
    if bounds.keys > 1:
        return "several business keys"
    if machine.limits:
        return "limits on the number of workers"
    if Orbits(machine, bounds).local.far:
        return "rules that change workers of other events"
    return ""


class Shared:
    """Cells up to symmetry."""

    symmetric = True

    def __init__(self, orbits: Orbits) -> None:
        self.orbits = orbits

    def first(self, event: int) -> int:
        """The cell of an event nobody works on."""
        return self.orbits.number(event, ())

    def moves(self, component: int, cell: int) -> Iterator[CellMove]:
        """What can happen within the cell."""
        for rule, row, after, times, spawn in self.orbits.moves_of_cell(component, cell):
            yield CellMove(rule, row, after, times, -1 if spawn is None else 0)

    def busy(self, cell: int) -> int:
        """How many workers are on it."""
        return len(self.orbits.cells[cell][1])

    def weight(self, cell: int) -> int:
        """Permutations of its workers that change nothing."""
        workers = self.orbits.cells[cell][1]
        return prod(factorial(workers.count(worker)) for worker in set(workers))

    def orbit(self, cell: int) -> int:
        """The number of the same cell up to symmetry."""
        return cell

    def __len__(self) -> int:
        return len(self.orbits.cells)


class Own:
    """Cells in which each worker of the pool has its place."""

    symmetric = False

    def __init__(self, orbits: Orbits) -> None:
        self.orbits = orbits
        self.cells: list[tuple[int, tuple[int, ...]]] = []
        self._numbers: dict[tuple[int, tuple[int, ...]], int] = {}

    def first(self, event: int) -> int:
        """The cell of an event nobody works on."""
        return self._number(event, (GONE,) * self.orbits.bounds.workers)

    def _number(self, event: int, pool: tuple[int, ...]) -> int:
        known = self._numbers.setdefault((event, pool), len(self.cells))
        if known == len(self.cells):
            self.cells.append((event, pool))
        return known

    def moves(self, component: int, cell: int) -> Iterator[CellMove]:
        """What can happen within the cell."""
        local = self.orbits.local
        event, pool = self.cells[cell]
        for move in local.moves(RuleKind.SPAWN, component, event):
            for who, worker in enumerate(pool):
                if worker == GONE:
                    yield from self._settled(move, pool, who, who)
        for move in local.moves(RuleKind.EVENT, component, event):
            yield from self._settled(move, pool, GONE, -1)
        for who, worker in enumerate(pool):
            if worker != GONE:
                for move in local.moves(RuleKind.WORKER, component, event, worker):
                    yield from self._settled(move, pool, who, -1)

    def _settled(self, move: LocalMove, pool: tuple[int, ...], actor: int, spawn: int) -> Iterator[CellMove]:
        """The move with what it needs of and does to the other workers of its event; nothing if one of them disables it."""
        local, rule = self.orbits.local, move.rule
        others = [(who, worker) for who, worker in enumerate(pool) if who != actor and worker != GONE]
        if rule in local.lonely and any(local.company(rule, worker) for _, worker in others):
            return
        after = list(pool)
        if rule in local.loud:
            for who, worker in others:
                after[who] = local.heard(rule, worker, True)
        if actor != GONE:
            after[actor] = move.worker
        yield CellMove(rule, move.component, self._number(move.event, tuple(after)), 1, spawn)

    def busy(self, cell: int) -> int:
        """Its workers, as bits."""
        return sum(1 << who for who, worker in enumerate(self.cells[cell][1]) if worker != GONE)

    def weight(self, cell: int) -> int:
        """A configuration with identities stands for itself."""
        return 1

    def orbit(self, cell: int) -> int:
        """The number of the same cell up to symmetry."""
        event, pool = self.cells[cell]
        return self.orbits.number(event, [worker for worker in pool if worker != GONE])

    def __len__(self) -> int:
        return len(self.cells)


def state_of(cells: Shared | Own, component: int, chosen: list[int]) -> State:
    """A row of columns as a state of ``Orbits``."""
    return ((component, *sorted(cells.orbit(cell) for cell in chosen)),)
