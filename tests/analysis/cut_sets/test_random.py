"""Telling faults apart changes nothing: random designs break with it where they break without it,
and every run is confirmed.
"""

from __future__ import annotations

import pytest
from onceproof.analysis.fault_model import faulty
from onceproof.counterexample.validate import Rejected, validated
from onceproof.engines.search import Bounds, Budget, Exploration, Found, simplest
from onceproof.engines.search.min_fault_search import FREE, combinations
from onceproof.lang.load import load_text
from onceproof.lower import lower
from onceproof.machine.approximation import exact, exact_property
from onceproof.machine.delivery import Delivery
from onceproof.machine.system import Level
from onceproof.properties import TooWide, question

from support.designs import random_design

QUICK, ALL, STEP = 24, 600, 24
STATES = 1_000


def _look(seed: int) -> tuple[int, int]:
    """How many claims were compared, and how many of them break."""
    design = load_text(random_design(seed)).design
    if design is None:
        return 0, 0
    semantics = tuple(Delivery)[seed % 3]
    semantics = semantics if semantics in design.semantics else design.semantics[0]
    lowered = lower(design, semantics)
    compared = broken = 0
    for claim in design.claims:
        try:
            machine, prop = question(lowered, claim)
        except TooWide:
            continue
        machine, prop = exact(machine), exact_property(prop)  # else a story may not replay
        told = faulty(lowered, machine)
        bounds = Bounds(2, 2 if machine.level(Level.COMPONENT) else 1)
        plain = simplest(machine, prop, bounds, Budget(STATES))
        apart = simplest(told.machine, prop, bounds, Budget(4 * STATES))
        if any(isinstance(x, Exploration) and not x.complete for x in (plain, apart)):
            continue
        assert isinstance(plain, Found) == isinstance(apart, Found), (seed, claim.text)
        compared += 1
        if not isinstance(plain, Found):
            continue
        broken += 1
        every = told.every
        labels = [FREE if f is None else every.index(f) for f in told.faults]
        found = combinations(told.machine, prop, labels, 2, (bounds, Budget(20 * STATES, 10.0)))
        for one in found.combinations:
            assert not isinstance(validated(lowered, claim, told.machine, one.run), Rejected), (
                seed,
                claim.text,
                [every[i] for i in one.labels],
            )
        none_free = isinstance(simplest(told.only(), prop, bounds, Budget(4 * STATES)), Found)
        assert none_free == any(not one.labels for one in found.combinations), (seed, claim.text)
    return compared, broken


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, QUICK, STEP))
def test_random_designs(first: int) -> None:
    seen = [_look(seed) for seed in range(first, first + STEP)]
    assert sum(c for c, _ in seen) > STEP // 2
    assert sum(b for _, b in seen) > STEP // 4


@pytest.mark.nightly
@pytest.mark.parametrize("first", range(QUICK, ALL, STEP))
def test_many_random_designs(first: int) -> None:
    for seed in range(first, first + STEP):
        _look(seed)
