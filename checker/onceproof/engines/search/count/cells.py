"""What an event and the workers on it can do, as tables of numbers: the alphabet of the engines
that work on columns.

A *cell* is an event's row with the multiset of its workers. It is numbered when it is met, and what
it can do under a component row is worked out then. Rules that reach workers of other events are not
for columns: who uses these tables asks ``suits`` first.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import factorial, prod
from typing import NamedTuple

from onceproof.engines.search.bounds import Bounds
from onceproof.engines.search.symmetry import Orbits
from onceproof.machine.system import Machine


class CellMove(NamedTuple):
    """A rule, the component row and the cell after it, by how many actors, and whether it needs a
    free worker (1) or not (0).
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
    if Orbits(machine, bounds).local.component_wide:
        return "rules that change workers of other events"
    return ""


class Cells:
    """The cells of a machine."""

    def __init__(self, orbits: Orbits) -> None:
        self.orbits = orbits

    def first(self, event: int) -> int:
        """The cell of an event nobody works on."""
        return self.orbits.number(event, ())

    def moves(self, component: int, cell: int) -> Iterator[CellMove]:
        """What can happen within the cell."""
        for rule, row, after, times, spawn in self.orbits.moves_of_cell(component, cell):
            yield CellMove(rule, row, after, times, int(spawn is not None))

    def busy(self, cell: int) -> int:
        """How many workers are on it."""
        return len(self.orbits.cells[cell][1])

    def weight(self, cell: int) -> int:
        """Permutations of its workers that change nothing."""
        workers = self.orbits.cells[cell][1]
        return prod(factorial(workers.count(worker)) for worker in set(workers))

    def __len__(self) -> int:
        return len(self.orbits.cells)
