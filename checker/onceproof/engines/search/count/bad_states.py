"""Which of many packed states contain a bad pattern."""

from __future__ import annotations

from itertools import permutations

import numpy as np

from onceproof.engines.search.compiled import Local, Rows
from onceproof.engines.search.count.local_tables import NONE, Marks, Numbers
from onceproof.engines.search.count.packing import Fields
from onceproof.machine.system import EventPattern, Guard, Property


class _Guard:
    """A guard over the rows of one level; what is known of a row is worked out once."""

    def __init__(self, guard: Guard, rows: Rows) -> None:
        positions = {variable.name: i for i, variable in enumerate(rows.variables)}
        self._rows = rows
        self._tests = tuple((positions[test.variable], test.allowed) for test in guard)
        self._known = np.zeros(0, bool)

    def holds(self, numbers: Numbers) -> Marks:
        """Of which rows it holds; of NONE it does not."""
        rows = self._rows.rows
        if len(self._known) < len(rows):
            new = [
                all(row[at] in allowed for at, allowed in self._tests)
                for row in rows[len(self._known) :]
            ]
            self._known = np.concatenate([self._known, np.array(new, bool)])
        marks = np.zeros(numbers.shape, bool)
        present = numbers != NONE
        marks[present] = self._known[numbers[present]]
        return marks


class _Event:
    """The pattern of one event."""

    def __init__(self, pattern: EventPattern, local: Local) -> None:
        self.row = _Guard(pattern.guard, local.events)
        self.workers = tuple(_Guard(guard, local.workers) for guard in pattern.workers)
        self.absent = None if pattern.absent is None else _Guard(pattern.absent, local.workers)

    def fits(self, rows: Numbers, workers: Numbers) -> Marks:
        """Which events (a row and a line of workers each) it fits: distinct workers for its guards,
        nobody who must be absent.
        """
        marks = self.row.holds(rows)
        if self.absent is not None:
            marks &= ~self.absent.holds(workers).any(axis=1)
        if self.workers:
            wanted = [guard.holds(workers) for guard in self.workers]
            marks &= _assigned(wanted, workers.shape[1], len(rows))
        return marks


def _assigned(wanted: list[Marks], places: int, count: int) -> Marks:
    """In which lines each wish can be given a place of its own that satisfies it."""
    marks = np.zeros(count, bool)
    for chosen in permutations(range(places), len(wanted)):
        fits = np.ones(count, bool)
        for wish, place in zip(wanted, chosen, strict=True):
            fits &= wish[:, place]
        marks |= fits
    return marks


class BadStates:
    """A property, resolved against the numbering of one search."""

    def __init__(self, prop: Property, local: Local) -> None:
        self._patterns = [
            (_Guard(p.component, local.components), [_Event(e, local) for e in p.events])
            for p in prop.bad
        ]

    def among(self, fields: Fields) -> Marks:
        """Which states contain a bad pattern."""
        count, events = fields.event.shape
        marks = np.zeros(count, bool)
        for component, wanted in self._patterns:
            if len(wanted) > events:
                continue
            fits = component.holds(fields.component)
            if wanted and fits.any():
                each = [
                    np.stack(
                        [e.fits(fields.event[:, i], fields.worker[:, i]) for i in range(events)],
                        axis=1,
                    )
                    for e in wanted
                ]
                fits &= _assigned(each, events, count)
            marks |= fits
        return marks
