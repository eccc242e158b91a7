"""Every reachable configuration within bounds, as shapes: what a solver is asked to confirm for
bounded verdicts.
"""

from __future__ import annotations

from contextlib import suppress
from importlib.util import find_spec

from msgspec.structs import replace

from onceproof.engines.search.bounds import Bounds, Budget, Unsuited
from onceproof.engines.search.meter import Exploration, Meter
from onceproof.engines.search.symmetry import Orbits, State
from onceproof.machine.invariant import Shape
from onceproof.machine.system import Machine

SMALL = 500
"""States that are visited one by one sooner than arrays are set up."""


def configurations(
    machine: Machine, bounds: Bounds, budget: Budget
) -> list[tuple[Shape, ...]] | Exploration:
    """All reachable configurations up to symmetry, or the interrupted exploration if the budget
    does not suffice.
    """
    few = SMALL if budget.states is None else min(SMALL, budget.states)
    states = _one_by_one(machine, bounds, replace(budget, states=few))
    if isinstance(states, list) or not states.by_states or few == budget.states:
        return states
    if bounds.keys == 1 and find_spec("numpy") is not None:
        from onceproof.engines.search.count.array_search import (
            array_configurations,
        )  # numpy takes a while to import

        with suppress(Unsuited):
            return array_configurations(machine, bounds, budget)
    return _one_by_one(machine, bounds, budget)


def _one_by_one(
    machine: Machine, bounds: Bounds, budget: Budget
) -> list[tuple[Shape, ...]] | Exploration:
    """The same by the readable search."""
    orbits, meter = Orbits(machine, bounds), Meter(budget)
    seen: dict[State, None] = {}
    queue = list(dict.fromkeys(orbits.initial()))
    for state in queue:
        if not meter.admit(orbits.size(state), 0):
            return meter.exploration()
        seen[state] = None
    for state in queue:
        edges = orbits.edges(state)
        if not meter.expand(len(edges), 0):
            return meter.exploration()
        for _, after, *_ in edges:
            if after not in seen:
                if not meter.admit(1, 0):
                    return meter.exploration()
                seen[after] = None
                queue.append(after)
    return [tuple(_shape(orbits, part) for part in state) for state in seen]


def _shape(orbits: Orbits, part: tuple[int, ...]) -> Shape:
    local = orbits.local
    events = []
    for cell in part[1:]:
        event, workers = orbits.cells[cell]
        events.append(
            (local.events.rows[event], tuple(sorted(local.workers.rows[w] for w in workers)))
        )
    return Shape(local.components.rows[part[0]], tuple(sorted(events)))
