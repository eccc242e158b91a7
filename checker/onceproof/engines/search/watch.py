"""Does a state contain a bad pattern?"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from onceproof.engines.search.compiled import MachineError, Row
from onceproof.engines.search.symmetry import Cell, Orbits, State
from onceproof.machine.system import EventPattern, Guard, Level, Pattern, Property, Variable


class Watch:
    """A property, resolved against the numbering of one search; what is known of a cell is worked
    out once.
    """

    def __init__(self, orbits: Orbits, prop: Property) -> None:
        self._orbits = orbits
        self._events = tuple(event for pattern in prop.bad for event in pattern.events)
        levels = tuple(
            orbits.local.machine.level(level)
            for level in (Level.COMPONENT, Level.EVENT, Level.WORKER)
        )
        for pattern in prop.bad:
            _check(pattern, levels)
        self._component, self._event, self._worker = (
            {v.name: i for i, v in enumerate(level)} for level in levels
        )
        numbers = iter(range(len(self._events)))
        self._bad = tuple(
            (pattern, tuple(islice(numbers, len(pattern.events)))) for pattern in prop.bad
        )
        self._rows: dict[int, tuple[tuple[int, ...], ...]] = {}
        self._fits: dict[tuple[int, int], bool] = {}

    def bad(self, state: State) -> bool:
        """Is some component of the state an instance of a bad pattern?"""
        for shape in state:
            for events in self.patterns(shape[0]):
                wanted = [
                    [i for i, cell in enumerate(shape[1:]) if self.fit(event, cell)]
                    for event in events
                ]
                if distinct(wanted):
                    return True
        return False

    def patterns(self, row: int) -> tuple[tuple[int, ...], ...]:
        """The bad patterns that a component row leaves possible, each as the numbers of its event
        patterns.
        """
        known = self._rows.get(row)
        if known is None:
            values = self._orbits.local.components.rows[row]
            known = self._rows[row] = tuple(
                events for p, events in self._bad if _holds(p.component, values, self._component)
            )
        return known

    def fit(self, pattern: int, cell: int) -> bool:
        """Does a cell match an event pattern (both by number)?"""
        key = (pattern, cell)
        known = self._fits.get(key)
        if known is None:
            known = self._fits[key] = self._fit_cell(
                self._events[pattern], self._orbits.cells[cell]
            )
        return known

    def _fit_cell(self, pattern: EventPattern, cell: Cell) -> bool:
        """Does the event of this cell match, with distinct workers for the pattern's and nobody who
        should be absent?
        """
        local = self._orbits.local
        workers = [local.workers.rows[number] for number in cell[1]]
        if not _holds(pattern.guard, local.events.rows[cell[0]], self._event):
            return False
        if pattern.absent is not None and any(
            _holds(pattern.absent, row, self._worker) for row in workers
        ):
            return False
        return distinct(
            [
                [i for i, row in enumerate(workers) if _holds(guard, row, self._worker)]
                for guard in pattern.workers
            ]
        )


def distinct(wanted: Sequence[Sequence[int]]) -> bool:
    """Can each of the wishes be given one of the numbers it accepts, no number twice? (augmenting
    paths)
    """
    worker_of: dict[int, int] = {}

    def give(wish: int, tried: set[int]) -> bool:
        for number in wanted[wish]:
            if number not in tried:
                tried.add(number)
                if number not in worker_of or give(worker_of[number], tried):
                    worker_of[number] = wish
                    return True
        return False

    return all(give(wish, set()) for wish in range(len(wanted)))


def _holds(guard: Guard, row: Row, positions: dict[str, int]) -> bool:
    return all(row[positions[test.variable]] in test.allowed for test in guard)


def _check(pattern: Pattern, levels: tuple[tuple[Variable, ...], ...]) -> None:
    """Raise if a pattern tests a variable that does not exist at its level."""
    component, event, worker = ({v.name for v in level} for level in levels)
    wrong = {t.variable for t in pattern.component} - component
    for each in pattern.events:
        wrong |= {t.variable for t in each.guard} - event
        wrong |= {
            t.variable for guard in (*each.workers, each.absent or ()) for t in guard
        } - worker
    if wrong:
        raise MachineError(f"a bad pattern tests variables that are not there: {sorted(wrong)}")
