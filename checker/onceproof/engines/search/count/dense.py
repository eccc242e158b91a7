"""The full graph as the bits of one array: a bit for every combination of component row, event rows
and worker positions.

A worker's position is "free" or an event with a row; the rows are those that a local fixpoint
reaches, which is never too few. A rule is then a move of whole slices of the array: what is at one
place is put, for all combinations of everything else at once, at another. To count, the moves are
repeated in place until no bit is added; to find a shortest run, level by level.

Rules that look at other workers are not for slices. The axes: the component, the workers, the
events but the last; its rows are the bits of a word.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from time import monotonic
from typing import Any, NamedTuple

import numpy as np

from onceproof.base.durations import seconds_words
from onceproof.base.memory import beyond
from onceproof.engines.search.bounds import Bounds, Budget
from onceproof.engines.search.compiled import GONE, Local, MachineError
from onceproof.engines.search.count.rows import Known, reachable
from onceproof.engines.search.meter import Exploration, Progress
from onceproof.engines.search.symmetry import Orbits, State, choices
from onceproof.machine.system import Machine

MOST_BYTES = 160_000_000
WORDS: tuple[tuple[int, Any], ...] = (
    (8, np.uint8),
    (16, np.uint16),
    (32, np.uint32),
    (64, np.uint64),
)


class Where(NamedTuple):
    """A combination: the component row, each worker's position (0 is free), each event's row; all
    by number.
    """

    component: int
    workers: tuple[int, ...]
    events: tuple[int, ...]


class Slide(NamedTuple):
    """A rule as a move of slices: from component row, event row and worker row to others; -1: there
    is none, or any.
    """

    rule: int
    before: tuple[int, int, int]
    after: tuple[int, int, int]


def suits(machine: Machine, bounds: Bounds) -> str:
    """Why the configurations of this machine cannot be the bits of an array; empty if they can."""
    local = Local(machine)
    if bounds.keys > 1:
        return "several business keys"
    if local.rules_with_alone or local.rules_with_broadcast or machine.limits:
        return "rules that look at other workers"
    known = reachable(local)
    if len(known.events) > WORDS[-1][0]:
        return f"more than {WORDS[-1][0]} rows of an event"
    size = _size(known, bounds)
    return f"an array of {size:,} bytes" if size > MOST_BYTES else ""


def _size(known: Known, bounds: Bounds) -> int:
    bits, _ = next((bits, word) for bits, word in WORDS if len(known.events) <= bits)
    positions = 1 + bounds.events * len(known.workers)
    size: int = (
        len(known.components)
        * positions**bounds.workers
        * len(known.events) ** (bounds.events - 1)
        * bits
        // 8
    )
    return size


class Dense:
    """The array and its moves."""

    def __init__(self, machine: Machine, bounds: Bounds) -> None:
        self.machine, self.bounds = machine, bounds
        self.local = Local(machine)
        self.known = reachable(self.local)
        self.bits, self.word = next(
            (bits, word) for bits, word in WORDS if len(self.known.events) <= bits
        )
        self.positions = 1 + bounds.events * len(self.known.workers)
        self.shape = (
            len(self.known.components),
            *(self.positions,) * bounds.workers,
            *(len(self.known.events),) * (bounds.events - 1),
        )
        self.slides = [Slide(*move) for move in self.known.moves]

    def empty(self) -> Any:
        """No configuration."""
        return np.zeros(self.shape, self.word)

    def initial(self) -> list[Where]:
        """The configurations without workers in which the component and each event has an initial
        row.
        """
        rows = [
            self.local.components.number(row) for row in choices(self.local.components.variables)
        ]
        events = [self.local.events.number(row) for row in choices(self.local.events.variables)]
        workers = (0,) * self.bounds.workers
        return [
            Where(r, workers, each)
            for r in rows
            for each in product(events, repeat=self.bounds.events)
        ]

    def start(self) -> Any:
        """The initial configurations, as an array."""
        array = self.empty()
        for where in self.initial():
            self.put(array, where)
        return array

    def after(self, array: Any) -> Any:
        """What one move leads to."""
        image = self.empty()
        for slide, worker, event in self.moves():
            self.slid(array, image, slide, worker, event)
        return image

    def size(self, array: Any) -> int:
        """How many configurations are in an array."""
        return int(np.bitwise_count(array).sum())

    def put(self, array: Any, where: Where) -> None:
        """Add a configuration."""
        array[(where.component, *where.workers, *where.events[:-1])] |= self.word(
            1 << where.events[-1]
        )

    def moves(self) -> Iterator[tuple[Slide, int, int]]:
        """Every move with the worker and the event that make it; -1: no worker, no event."""
        for slide in self.slides:
            events = range(self.bounds.events) if slide.before[1] != GONE else (GONE,)
            acts = slide.before[2] != GONE or slide.after[2] != GONE
            for event in events:
                for worker in range(self.bounds.workers) if acts else (GONE,):
                    yield slide, worker, event

    def position(self, event: int, row: int) -> int:
        """Where a worker is that works on this event with this row; GONE: nowhere."""
        return 0 if row == GONE else 1 + event * len(self.known.workers) + row

    def place(self, at: tuple[int, int, int], worker: int, event: int) -> tuple[Any, int]:
        """The slice of an end of a move, and the bit of the last event's row if that is the event
        (else -1).
        """
        index: list[Any] = [slice(None)] * len(self.shape)
        index[0] = at[0]
        if worker != GONE:
            index[1 + worker] = self.position(event, at[2])
        if event == GONE:
            return tuple(index), GONE
        if event == self.bounds.events - 1:
            return tuple(index), at[1]
        index[1 + self.bounds.workers + event] = at[1]
        return tuple(index), GONE

    def slid(self, source: Any, target: Any, slide: Slide, worker: int, event: int) -> None:
        """Make one move: what is in ``source`` before it is put into ``target`` after it."""
        source_at, bit = self.place(slide.before, worker, event)
        target_at, new = self.place(slide.after, worker, event)
        part = source[source_at]
        if bit != GONE:
            part = part & self.word(1 << bit)
            part = part << self.word(new - bit) if new >= bit else part >> self.word(bit - new)
        target[target_at] |= part

    def count(self, array: Any, slide: Slide, worker: int, event: int) -> int:
        """The configurations in which this move can be made."""
        source_at, bit = self.place(slide.before, worker, event)
        part = array[source_at]
        return int(np.bitwise_count(part if bit == GONE else part & self.word(1 << bit)).sum())

    def check(self, array: Any) -> None:
        """Every worker met has a row, on an event with a row, whose moves were worked out. Raises
        MachineError.
        """
        known = self.known.triples
        for component in range(len(self.known.components)):
            for row, worker in product(
                range(len(self.known.events)), range(len(self.known.workers))
            ):
                if (component, row, worker) not in known:
                    for event, who in product(
                        range(self.bounds.events), range(self.bounds.workers)
                    ):
                        if self.count(
                            array, Slide(-1, (component, row, worker), (0, 0, 0)), who, event
                        ):
                            raise MachineError(
                                "a configuration outside the domain was reached:"
                                f" {(component, row, worker)}"
                            )

    def members(self, array: Any) -> Iterator[Where]:
        """The configurations in an array, in order."""
        workers = self.bounds.workers
        for index in np.argwhere(array):
            word, place = int(array[tuple(index)]), tuple(index.tolist())
            for bit in range(self.bits):
                if word >> bit & 1:
                    yield Where(place[0], place[1 : 1 + workers], (*place[1 + workers :], bit))

    def state(self, orbits: Orbits, where: Where) -> State:
        """A configuration as a state of ``Orbits`` (which numbers rows by itself)."""
        crews: list[list[int]] = [[] for _ in where.events]
        for position in where.workers:
            if position:
                event, row = divmod(position - 1, len(self.known.workers))
                crews[event].append(orbits.local.workers.number(self.local.workers.rows[row]))
        rows = [orbits.local.events.number(self.local.events.rows[row]) for row in where.events]
        cells = [orbits.number(row, crew) for row, crew in zip(rows, crews, strict=True)]
        return (
            (
                orbits.local.components.number(self.local.components.rows[where.component]),
                *orbits.ordered(cells),
            ),
        )


def count(
    machine: Machine, bounds: Bounds, budget: Budget, progress: Progress | None = None
) -> Exploration:
    """Count the full graph. ``depth`` is 0: nothing is known of distances."""
    dense = Dense(machine, bounds)
    array = dense.start()
    moves = list(dense.moves())
    end = None if budget.seconds is None else monotonic() + budget.seconds
    states, before, reason = len(dense.initial()), 0, ""
    while states != before and not reason:
        before = states
        for number, (slide, worker, event) in enumerate(moves):
            dense.slid(array, array, slide, worker, event)
            if end is not None and number % 16 == 0 and monotonic() > end:
                reason = f"more than {seconds_words(budget.seconds or 0)}"
                break
        states = dense.size(array)
        if progress is not None:
            progress(states, 0)
        if budget.states is not None and states > budget.states:
            reason = f"more than {budget.states:,} states"
        elif beyond(budget.megabytes):
            reason = f"more than {budget.megabytes} MB after {states:,} states"
    dense.check(array)
    counts = [dense.count(array, *move) for move in moves]
    fired = frozenset(move[0].rule for move, many in zip(moves, counts, strict=True) if many)
    return Exploration(
        states, sum(counts), states, sum(counts), fired, 0, not reason, reason, "dense"
    )


def path_to(dense: Dense, levels: list[Any], bad: Where) -> tuple[Where, list[tuple[int, Where]]]:
    """A shortest path to a configuration of the last level: where it starts, and each rule with the
    configuration after it.
    """
    path: list[tuple[int, Where]] = []
    where = bad
    for level in reversed(levels[:-1]):
        rule, before = next(
            (slide.rule, origin)
            for slide, worker, event in dense.moves()
            if (origin := _back(dense, where, slide, worker, event)) is not None
            and _holds(dense, level, origin)
        )
        path.append((rule, where))
        where = before
    return where, path[::-1]


def _back(dense: Dense, where: Where, slide: Slide, worker: int, event: int) -> Where | None:
    """The configuration before a move, if it can have led here."""
    (c, row, own), (after, new, new_own) = slide.before, slide.after
    if where.component != after or (event != GONE and where.events[event] != new):
        return None
    if worker != GONE and where.workers[worker] != dense.position(event, new_own):
        return None
    workers, events = list(where.workers), list(where.events)
    if worker != GONE:
        workers[worker] = dense.position(event, own)
    if event != GONE:
        events[event] = row
    return Where(c, tuple(workers), tuple(events))


def _holds(dense: Dense, array: Any, where: Where) -> bool:
    word = int(array[(where.component, *where.workers, *where.events[:-1])])
    return bool(word >> where.events[-1] & 1)
