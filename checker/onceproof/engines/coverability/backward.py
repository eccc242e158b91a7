"""Exact backward coverability inside R: from the bad shapes, step by step back, until nothing new
is found.

The shapes found stand for every configuration inside R from which something bad can be reached, for
any number of events and workers. If none of them is an initial configuration, their complement
inside R is an inductive invariant. The search ends because the order on shapes is a
well-quasi-order (Higman 1952; Finkel and Schnoebelen, TCS 2001).
"""

from __future__ import annotations

import heapq

from onceproof.engines.coverability.preimage import Back, Left, Preimage
from onceproof.engines.coverability.simplify import needed
from onceproof.engines.coverability.targets import Target, targets
from onceproof.engines.coverability.thread_modular import Reach
from onceproof.engines.coverability.verdict import (
    Budget,
    BudgetExceeded,
    Coverable,
    GaveUp,
    Meter,
    Safe,
)
from onceproof.engines.coverability.wqo import Basis, Part
from onceproof.machine.invariant import Shape
from onceproof.machine.system import Machine, Property

_Cost = tuple[bool, int, int, int]
"""What a path back has needed: approximations, workers at once, events, steps. Cheaper shapes are
looked at first.
"""


def cover(
    machine: Machine, prop: Property, reach: Reach, budget: Budget
) -> Safe | Coverable | GaveUp:
    """Decide whether a bad pattern can be reached, with any number of events and workers. ``reach``
    is R of this machine.
    """
    search = _Search(machine, reach, Meter(budget, "shapes of the backward search"))
    try:
        witness = search.run(prop)
    except BudgetExceeded as spent:
        return spent.given_up
    if witness is not None:
        approximate, workers, events, steps = witness
        fits = all(limit.count >= workers for limit in machine.limits)
        return Coverable(workers, events, steps, fits and not approximate)
    invariant = needed(reach.invariant(search.excluded()))
    return Safe(invariant, search.rounds, search.examined, approximated(machine, prop))


def approximated(machine: Machine, prop: Property) -> bool:
    """Something of the machine or the property is read more generously than it is written."""
    absent = any(event.absent is not None for pattern in prop.bad for event in pattern.events)
    return absent or bool(machine.limits) or any(rule.alone is not None for rule in machine.rules)


class _Search:
    """The shapes waiting, cheapest first, and the basis of those already taken back one step."""

    __slots__ = (
        "_basis",
        "_best",
        "_initial",
        "_meter",
        "_preimage",
        "_queue",
        "_reach",
        "examined",
        "rounds",
    )

    def __init__(self, machine: Machine, reach: Reach, meter: Meter) -> None:
        self._reach = reach
        self._meter = meter
        self._preimage = Preimage(reach)
        self._initial = frozenset(reach.encoded.components.initial())
        self._basis = Basis()
        self._best: dict[Part, _Cost] = {}
        self._queue: list[tuple[_Cost, Part]] = []
        self.examined = 0
        self.rounds = 0

    def run(self, prop: Property) -> _Cost | None:
        """The cost of a path back to an initial configuration, or ``None`` if there is no such
        path.
        """
        for target in targets(prop, self._preimage, self._meter):
            self._push(target.shape, _first(target))
        while self._queue:
            cost, shape = heapq.heappop(self._queue)
            self._meter.tick()
            if self._best[shape] < cost or self._basis.below(shape):
                continue
            if not shape[1] and shape[0] in self._initial:
                return cost
            self._basis.add(shape)
            self.examined += 1
            self.rounds = max(self.rounds, cost[3])
            self._expand(shape, cost)
        return None

    def _expand(self, shape: Part, cost: _Cost) -> None:
        """Push the predecessors."""

        def known(part: Part) -> bool:
            waiting = self._best.get(part)
            return (waiting is not None and waiting <= cost) or self._basis.below(part)

        for back in self._preimage.before(shape, known):
            self._meter.tick()
            self._push(back.shape, _further(cost, back))

    def _push(self, shape: Part, cost: _Cost) -> None:
        known = self._best.get(shape)
        if known is None:
            if self._basis.below(shape):
                return
            self._meter.element()
        elif known <= cost:
            return
        self._best[shape] = cost
        heapq.heappush(self._queue, (cost, shape))

    def excluded(self) -> tuple[Shape, ...]:
        """The shapes found, in the machine's own values."""
        component, event, worker = (rows.words for rows in self._reach.encoded.tables())
        return tuple(
            Shape(
                component(c),
                tuple(sorted((event(e), tuple(sorted(map(worker, ws)))) for e, ws in events)),
            )
            for c, events in self._basis.shapes()
        )


def _first(target: Target) -> _Cost:
    return (not target.exact, target.workers, target.events, 0)


def _further(cost: _Cost, back: Back) -> _Cost:
    """The cost one step further back. Stalled actors stay around for the rest of the run, so they
    are added up.
    """
    approximate, workers, events, steps = cost
    near_workers = sum(len(part[1]) for part in back.shape[1])
    around = workers + (back.left is not Left.NOTHING)
    crash = back.left is Left.CRASH and around > near_workers
    return (
        approximate or not back.exact,
        max(near_workers, around - crash),
        events + back.wider,
        steps + 1 + crash,
    )
