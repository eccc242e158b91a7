"""What one actor can do to its own rows, as arrays: the alphabet of ``array_search``.

The entries are those of ``explore.local``, worked out when a search first meets them, and only
then: a rule is never asked about a row that it does not meet.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from onceproof.engines.search.compiled import GONE, Local
from onceproof.engines.search.order import cost_of
from onceproof.machine.system import RuleKind

Numbers = NDArray[np.int64]
Marks = NDArray[np.bool_]

ROW_BITS = 20
"""Bits of a row's number in the name of a place."""

NONE = (1 << ROW_BITS) - 1
"""In place of an event's or a worker's number: none."""

UNKNOWN = -2
"""In a table of reactions: not worked out yet."""

FAULTS, RARITY = 1 << 42, 1 << 21
"""A cost is one number: its faults, the sum of their rarity, its steps, each with room for a
million.
"""


def places(component: Numbers, event: Numbers | int, worker: Numbers | int) -> Numbers:
    """A number for each triple of rows: who stands there, or NONE."""
    return (component << (2 * ROW_BITS)) | (event << ROW_BITS) | worker


class LocalTables:
    """The moves of all places met, one after the other, and what rules ask of and do to other
    workers.
    """

    def __init__(self, local: Local) -> None:
        self.local = local
        rules = local.machine.rules
        costs = [cost_of(rule.action.cause) for rule in rules]
        self.price = np.array(
            [c.faults * FAULTS + c.rarity * RARITY + c.steps for c in costs], np.int64
        )
        self.is_spawn = np.array([rule.kind is RuleKind.SPAWN for rule in rules], bool)
        self.has_alone = np.array([i in local.rules_with_alone for i in range(len(rules))], bool)
        self.has_broadcast = np.array(
            [i in local.rules_with_broadcast for i in range(len(rules))], bool
        )
        self.is_component_wide = np.array(
            [i in local.component_wide for i in range(len(rules))], bool
        )
        self._places = np.zeros(0, np.int64)  # sorted
        self._at = np.zeros(0, np.int64)  # for each of them: its position in the next two
        self._first = np.zeros(0, np.int64)
        self._many = np.zeros(0, np.int64)
        self._moves = np.zeros((4, 0), np.int64)
        self._rows_after: dict[bool, Any] = {
            near: np.zeros((len(rules), 0), np.int64) for near in (True, False)
        }
        self._disables = np.zeros((len(rules), 0), np.int64)
        self._counted = np.zeros((len(local.machine.limits), 0), bool)

    # -- moves

    def moves(self, wanted: Numbers) -> tuple[Numbers, Numbers]:
        """All moves from these places: whose each is (a position in ``wanted``), its rule, and the
        rows after it.
        """
        at = self._find(wanted)
        many = self._many[at]
        whose = np.repeat(np.arange(len(wanted)), many)
        number = np.repeat(self._first[at] - np.cumsum(many) + many, many) + np.arange(len(whose))
        return whose, self._moves[:, number]

    def _find(self, wanted: Numbers) -> Numbers:
        """Where the moves of each place stand; those of new places are worked out."""
        if len(self._places):
            at = np.searchsorted(self._places, wanted)
            at[at == len(self._places)] = 0
            new = wanted[self._places[at] != wanted]
            if not len(new):
                return self._at[at]
        else:
            new = wanted
        self._work_out(np.unique(new).tolist())
        return self._at[np.searchsorted(self._places, wanted)]

    def _work_out(self, new: list[int]) -> None:
        moves_at = [self._moves_at(place) for place in new]
        many = np.array([len(moves) for moves in moves_at], np.int64)
        at = np.arange(len(self._first), len(self._first) + len(new))
        self._first = np.concatenate([self._first, self._moves.shape[1] + np.cumsum(many) - many])
        self._many = np.concatenate([self._many, many])
        flat = np.array([move for moves in moves_at for move in moves], np.int64).reshape(-1, 4).T
        self._moves = np.concatenate([self._moves, flat], axis=1)
        every = np.concatenate([self._places, np.array(new, np.int64)])
        order = np.argsort(every, kind="stable")
        self._places, self._at = every[order], np.concatenate([self._at, at])[order]

    def _moves_at(self, place: int) -> list[tuple[int, int, int, int]]:
        component, event, worker = place >> (2 * ROW_BITS), (place >> ROW_BITS) & NONE, place & NONE
        if event == NONE:
            return list(self.local.moves(RuleKind.COMPONENT, component))
        if worker == NONE:
            return [
                m
                for kind in (RuleKind.SPAWN, RuleKind.EVENT)
                for m in self.local.moves(kind, component, event)
            ]
        return list(self.local.moves(RuleKind.WORKER, component, event, worker))

    # -- other workers

    def after(self, rules: Numbers, workers: Numbers, near: bool) -> Numbers:
        """What the broadcasts of each rule make of the workers in its row of a matrix (NONE: no
        worker, before or after).
        """
        table = self._rows_after[near] = _wide_enough(
            self._rows_after[near], len(self.local.workers.rows), UNKNOWN
        )
        present = workers != NONE
        rule, worker = np.broadcast_to(rules[:, None], workers.shape)[present], workers[present]
        unknown = table[rule, worker] == UNKNOWN
        for r, w in set(zip(rule[unknown].tolist(), worker[unknown].tolist(), strict=True)):
            new_row = self.local.after_broadcasts(r, w, near)
            table[r, w] = NONE if new_row == GONE else new_row
        rows = workers.copy()
        rows[present] = table[rule, worker]
        return rows

    def disabled(self, rules: Numbers, workers: Numbers) -> Marks:
        """Whether some worker in its row of a matrix keeps each rule from being taken."""
        table = self._disables = _wide_enough(self._disables, len(self.local.workers.rows), UNKNOWN)
        present = workers != NONE
        rule, worker = np.broadcast_to(rules[:, None], workers.shape)[present], workers[present]
        unknown = table[rule, worker] == UNKNOWN
        for r, w in set(zip(rule[unknown].tolist(), worker[unknown].tolist(), strict=True)):
            table[r, w] = self.local.disables(r, w)
        marks = np.zeros(workers.shape, bool)
        marks[present] = table[rule, worker] == 1
        return np.asarray(marks.any(axis=1), bool)

    def counted(self, limit: int, workers: Numbers) -> Marks:
        """Which workers a limit counts."""
        rows = len(self.local.workers.rows)
        for number in range(self._counted.shape[1], rows):
            hits = self.local.limited(number)
            column = np.array([[i in hits] for i in range(len(self.local.machine.limits))], bool)
            self._counted = np.concatenate([self._counted, column], axis=1)
        present = workers != NONE
        marks = np.zeros(workers.shape, bool)
        marks[present] = self._counted[limit, workers[present]]
        return marks


def _wide_enough(table: Numbers, columns: int, value: int) -> Numbers:
    """A table with at least so many columns."""
    if table.shape[1] >= columns:
        return table
    wider = np.full((table.shape[0], max(columns, 2 * table.shape[1], 16)), value, np.int64)
    wider[:, : table.shape[1]] = table
    return wider
