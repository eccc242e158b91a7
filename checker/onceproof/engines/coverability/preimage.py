"""One step back: from a shape to finitely many shapes that stand for exactly the configurations one
step before it.

The shape after the step says nothing about rows outside it, so the actor may be one of its workers
or not, and may sit at one of its events or at another. Bystanders are inverted through the reaction
of the step; a bystander with several possible rows before gives several predecessors. Abdulla,
Cerans, Jonsson, Tsay, "General decidability theorems for infinite-state systems" (LICS 1996).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from itertools import product

from msgspec import Struct

from onceproof.engines.coverability.encode import Local
from onceproof.engines.coverability.names import GONE
from onceproof.engines.coverability.thread_modular import Reach
from onceproof.engines.coverability.wqo import EventPart, Part, multisets


class Left(Enum):
    """What the actor leaves outside the shape after its step."""

    NOTHING = "nothing"  # it is gone, or part of the shape
    CRASH = "crash"  # a worker that may silently crash at once
    STALLED = "stalled"  # a worker that stays around


class Back(Struct, frozen=True):
    """A predecessor. ``wider``: the actor sits at an event outside the shape. ``left`` is what
    becomes of it.

    ``price``: of the step. ``exact``: false if the step needs an ``alone`` guard read as the
    removal of workers that may be unable to go by themselves.
    """

    shape: Part
    left: Left
    wider: bool
    exact: bool
    price: int = 0


class _Change(Struct, frozen=True, cache_hash=True):
    """A step without its actor: the component and event row before, the reactions at that event and
    elsewhere, its price. A key of three tables.
    """

    component: int
    event: int
    same: int
    other: int
    price: int


_Actor = tuple[int, Left]
"""The actor's row before the step, or ``GONE``, and what it leaves unless it is matched."""


class Preimage:
    """The predecessors of shapes inside R, by look-up of the local transitions of R in their
    results.

    ``prices``: of the rules, for those who ask what a way back costs.
    """

    __slots__ = (
        "_alone",
        "_beside",
        "_cache",
        "_component",
        "_inverses",
        "_is_indexed",
        "_kept",
        "_prices",
        "_silent",
        "_touched",
        "_untouched",
        "reach",
    )

    def __init__(self, reach: Reach, prices: Sequence[int] = ()) -> None:
        self.reach = reach
        self._prices = prices
        self._component: dict[int, dict[tuple[int, int, int], None]] = {}
        self._beside: dict[int, dict[tuple[int, int], dict[tuple[_Change, _Actor], None]]] = {}
        self._touched: dict[tuple[int, int], dict[_Change, dict[_Actor, None]]] = {}
        self._kept: dict[tuple[int, int, int], dict[tuple[_Change, int], None]] = {}
        self._untouched = frozenset(reach.encoded.events.initial())
        self._silent: set[tuple[int, int, int]] = set()
        self._alone: dict[tuple[int, int, int], bool] = {}
        self._inverses: dict[tuple[int, int, int], dict[int, list[int]]] = {}
        self._cache: dict[tuple[int, int, int, tuple[int, ...]], list[tuple[int, ...]]] = {}
        self._is_indexed = False
        for number, c, e, w, c2, e2, w2 in reach.locals:
            if w != GONE and w2 == GONE and (c, e) == (c2, e2):
                step = reach.encoded.steps[number]
                if not step.same and not step.other:
                    self._silent.add((c, e, w))

    def _index(self, local: Local) -> None:
        """File one local transition under its result, unless the predecessors it gives would
        contain the shape itself.
        """
        number, c, e, w, c2, e2, w2 = local
        step = self.reach.encoded.steps[number]
        elsewhere = c != c2 or step.other != 0
        price = self._prices[number] if self._prices else 0
        if e == GONE:
            if elsewhere:
                self._component.setdefault(c2, {})[c, step.other, price] = None
            return
        change, actor = _Change(c, e, step.same, step.other, price), (w, self._left(c2, e2, w, w2))
        in_event = elsewhere or e != e2 or step.same != 0
        if elsewhere:
            self._beside.setdefault(c2, {}).setdefault((c, step.other), {})[change, actor] = None
        if in_event:
            self._touched.setdefault((c2, e2), {}).setdefault(change, {})[actor] = None
        if w2 != GONE and (in_event or w != w2):
            self._kept.setdefault((c2, e2, w2), {})[change, w] = None

    def _left(self, component: int, event: int, before: int, after: int) -> Left:
        if after == GONE:
            return Left.NOTHING
        # A new worker counts even if it crashes at once: it is one more than there were before the
        # step.
        return (
            Left.CRASH
            if before != GONE and self.removable(component, event, after)
            else Left.STALLED
        )

    def removable(self, component: int, event: int, worker: int) -> bool:
        """Such a worker may at any time disappear without a trace (a silent crash)."""
        return (component, event, worker) in self._silent

    def normal(self, component: int, events: list[EventPart]) -> Part:
        """The shape of these parts, without untouched events: any number of those is always there,
        so nothing is lost.
        """
        return component, tuple(
            sorted(part for part in events if part[1] or part[0] not in self._untouched)
        )

    def before(self, shape: Part, known: Callable[[Part], bool]) -> Iterator[Back]:
        """The predecessors, some of them perhaps more than once or one above another.

        Those above a ``known`` shape may be missing: if the bystanders alone make one, no actor is
        added to them.
        """
        if not self._is_indexed:  # where no bad shape fits into R, nobody asks
            self._is_indexed = True
            for local in self.reach.locals:
                self._index(local)
        after, events = shape
        # The actor is the component: it has no event, so every event of the shape is a bystander.
        for component, other, price in self._component.get(after, ()):
            for rest in self._bystanders(component, after, other, events):
                yield Back(self.normal(component, rest), Left.NOTHING, False, True, price)
        # The actor sits at an event that the shape does not show. Its event has to be added, unless
        # the bystanders alone are already a known bad shape: more events are never less bad.
        for (component, other), changes in self._beside.get(after, {}).items():
            for rest in self._bystanders(component, after, other, events):
                if not known(self.normal(component, rest)):
                    for change, (worker, left) in changes:
                        event_part = (change.event, () if worker == GONE else (worker,))
                        yield Back(
                            self.normal(component, [*rest, event_part]),
                            left,
                            True,
                            self._exact(change),
                            change.price,
                        )
        # The actor sits at one of the events shown. Equal events give equal predecessors.
        for i, part in enumerate(events):
            if i == 0 or events[i - 1] != part:
                yield from self._outside(after, part, events[:i] + events[i + 1 :], known)
                yield from self._inside(after, part, events[:i] + events[i + 1 :])

    def _outside(
        self,
        after: int,
        part: EventPart,
        rest: tuple[EventPart, ...],
        known: Callable[[Part], bool],
    ) -> Iterator[Back]:
        """The actor sits at the event ``part`` but is none of its workers afterwards."""
        event, workers = part
        for change, actors in self._touched.get((after, event), {}).items():
            for near, others in self._company(change, after, workers, rest):
                if not known(self.normal(change.component, [(change.event, near), *others])):
                    for worker, left in actors:
                        yield Back(
                            self._join(change, worker, near, others),
                            left,
                            False,
                            self._exact(change),
                            change.price,
                        )

    def _inside(self, after: int, part: EventPart, rest: tuple[EventPart, ...]) -> Iterator[Back]:
        """The actor is one of the workers of the event ``part`` afterwards."""
        event, workers = part
        for i, worker in enumerate(workers):
            if i == 0 or workers[i - 1] != worker:
                rest_here = workers[:i] + workers[i + 1 :]
                for change, actor in self._kept.get((after, event, worker), ()):
                    for near, others in self._company(change, after, rest_here, rest):
                        yield Back(
                            self._join(change, actor, near, others),
                            Left.NOTHING,
                            False,
                            self._exact(change),
                            change.price,
                        )

    def _join(
        self, change: _Change, actor: int, near: tuple[int, ...], others: list[EventPart]
    ) -> Part:
        """The actor put back among the bystanders."""
        crew = near if actor == GONE else tuple(sorted((*near, actor)))
        return self.normal(change.component, [(change.event, crew), *others])

    def _company(
        self, change: _Change, after: int, workers: tuple[int, ...], rest: tuple[EventPart, ...]
    ) -> Iterator[tuple[tuple[int, ...], list[EventPart]]]:
        """All that the bystanders at the actor's event and the other events may have been
        before.
        """
        for near in self._rows_before(change.same, change.component, change.event, workers):
            for others in self._bystanders(change.component, after, change.other, rest):
                yield near, others

    def _bystanders(
        self, component: int, after: int, reaction: int, events: tuple[EventPart, ...]
    ) -> Iterator[list[EventPart]]:
        """All that the events without the actor may have been before."""
        if component == after and not reaction:
            yield list(events)
            return
        choices = [
            self._rows_before(reaction, component, event, workers) for event, workers in events
        ]
        for picks in product(*choices):
            yield [(event, workers) for (event, _), workers in zip(events, picks, strict=True)]

    def _rows_before(
        self, reaction: int, component: int, event: int, workers: tuple[int, ...]
    ) -> list[tuple[int, ...]]:
        """All that the bystanders ``workers`` may have been before, beside the rows before, inside
        R.
        """
        key = (reaction, component, event, workers)
        if key not in self._cache:
            predecessors: list[tuple[int, ...]] = []
            if (component, event) in self.reach.pairs:
                inverse = self._inverse(reaction, component, event)
                predecessors = list(multisets([inverse.get(worker, []) for worker in workers]))
            self._cache[key] = predecessors
        return self._cache[key]

    def _inverse(self, reaction: int, component: int, event: int) -> dict[int, list[int]]:
        key = (reaction, component, event)
        if key not in self._inverses:
            inverse: dict[int, list[int]] = {}
            react = self.reach.encoded.reactions[reaction].after
            for worker in self.reach.workers_of[component, event]:
                inverse.setdefault(react(worker), []).append(worker)
            self._inverses[key] = inverse
        return self._inverses[key]

    def _exact(self, change: _Change) -> bool:
        """No worker that could be there forbids the step, unless it may silently go."""
        key = (change.same, change.component, change.event)
        if key not in self._alone:
            offends = self.reach.encoded.reactions[change.same].offends
            workers = self.reach.workers_of[change.component, change.event]
            self._alone[key] = all(
                self.removable(change.component, change.event, w) for w in workers if offends(w)
            )
        return self._alone[key]
