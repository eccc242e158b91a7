"""The backward guide is a consistent lower bound, and a guided search for combinations finds what a
plain one finds.
"""

from __future__ import annotations

import random
from collections import Counter
from itertools import islice

import pytest
from onceproof.engines import coverability
from onceproof.engines.coverability.distance import Distance
from onceproof.engines.search import Bounds, Budget
from onceproof.engines.search.min_fault_search import FREE, _Estimate, combinations
from onceproof.engines.search.symmetry import Orbits, State
from onceproof.engines.search.watch import Watch
from onceproof.machine.system import Machine, Property

from support.machines import random_machine
from support.sample import sampled

SIZES = ((1, 1), (2, 1), (3, 1), (1, 2), (2, 2))
MOST = 3


def _guide(
    machine: Machine, prop: Property, prices: list[int], bounds: Bounds, most: int
) -> Distance:
    reach = coverability.reachable(machine, coverability.Budget())
    assert isinstance(reach, coverability.Reach)
    guide = Distance(prop, reach, prices, (bounds.workers, bounds.events))
    for cost in range(most + 1):  # step by step: what was settled before stays
        assert guide.settle(cost, coverability.Budget())
    return guide


def _consistent(machine: Machine, prop: Property, prices: list[int], bounds: Bounds) -> int:
    """Look at every step between reachable states (300 of them); how many steps that was."""
    orbits = Orbits(machine, bounds)
    watch, estimate = (
        Watch(orbits, prop),
        _Estimate(_guide(machine, prop, prices, bounds, 1_000), orbits),
    )
    seen = dict.fromkeys(orbits.initial())
    queue, steps = list(seen), 0
    for state in islice(queue, 300):  # it grows meanwhile
        least = estimate.least(state)
        assert not watch.bad(state) or least == 0
        for rule, target, _ in orbits.edges(state):
            after = estimate.least(target)
            assert after is None or (least is not None and least <= prices[rule] + after), (
                state,
                rule,
                target,
            )
            steps += 1
            if target not in seen:
                seen[target] = None
                queue.append(target)
    return steps


def _bad_is_reachable(machine: Machine, prop: Property, bounds: Bounds) -> bool | None:
    orbits = Orbits(machine, bounds)
    watch = Watch(orbits, prop)
    seen: dict[State, None] = dict.fromkeys(orbits.initial())
    queue = list(seen)
    for state in queue:
        if watch.bad(state):
            return True
        if len(queue) > 2_000:
            return None
        for _, target, _ in orbits.edges(state):
            if target not in seen:
                seen[target] = None
                queue.append(target)
    return False


def _look(seed: int) -> Counter[str]:
    machine, prop = random_machine(seed, monotone=seed % 3 == 0)
    dice, met = random.Random(seed), Counter[str]()
    labels = [dice.choice((FREE, FREE, 0, 1, 2)) for _ in machine.rules]
    prices = [int(label != FREE) for label in labels]
    for size in SIZES:
        bounds = Bounds(*size)
        met["steps"] += _consistent(machine, prop, prices, bounds)
        plain = combinations(machine, prop, labels, MOST, (bounds, Budget(states=3_000)))
        if not plain.complete:
            continue
        guided = combinations(
            machine,
            prop,
            labels,
            MOST,
            (bounds, Budget()),
            guide=_guide(machine, prop, prices, bounds, MOST),
        )
        assert guided.complete
        assert guided.combinations == plain.combinations, (seed, size)
        assert guided.states <= plain.states
        met["fewer"] += guided.states < plain.states
        met["found"] += len(plain.combinations)
        met["nothing"] += not plain.combinations
        start = _Estimate(
            _guide(machine, prop, prices, bounds, 1_000), orbits := Orbits(machine, bounds)
        )
        if all(start.least(state) is None for state in orbits.initial()):
            met["cannot"] += 1
            assert _bad_is_reachable(machine, prop, bounds) is not True
    return met


@pytest.mark.parametrize("start", sampled(range(0, 200, 25), 8))
def test_random_machines(start: int) -> None:
    met: Counter[str] = sum((_look(seed) for seed in range(start, start + 25)), Counter())
    assert met["steps"] > 4_000, met
    assert min(met[kind] for kind in ("fewer", "found", "nothing", "cannot")) > 8, met


@pytest.mark.nightly
@pytest.mark.parametrize("start", range(200, 20_200, 500))
def test_many_random_machines(start: int) -> None:
    for seed in range(start, start + 500):
        _look(seed)


def test_a_guide_that_costs_too_much_is_none() -> None:
    machine, prop = random_machine(3)
    reach = coverability.reachable(machine, coverability.Budget())
    assert isinstance(reach, coverability.Reach)
    late = Distance(prop, reach, [1] * len(machine.rules), (2, 2))
    assert not late.settle(5, coverability.Budget(seconds=0))
