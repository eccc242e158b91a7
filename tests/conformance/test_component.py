"""Claims over everything that shares a business key: the machine misses nothing that the
interpreter finds with two events of one key, and a story without wider rules is always true.
"""

from __future__ import annotations

import pytest
from onceproof.engines.search import Bounds, Budget, Found, simplest
from onceproof.interpreter.oracle import event_sets, explore
from onceproof.lang.load import load_text
from onceproof.lower import lower
from onceproof.machine import approximation
from onceproof.machine.delivery import Delivery
from onceproof.properties import TooWide, component, question

from support.component_designs import CLAIMS, component_design

QUICK, FULL, ALL, STEP = 10, 130, 2_010, 40
MOST = 1_500
"""States that are compared."""


def differences(seed: int) -> list[str] | None:
    """What is wrong with the answers about one design; None if it has too many states."""
    design = load_text(component_design(seed), "component.once").design
    assert design is not None
    semantics, pool, wrong = Delivery.AT_LEAST_ONCE, 1 + seed % 2, []
    explored = [explore(design, semantics, e, pool, MOST) for e in event_sets(design, 2)]
    if not all(one.complete for one in explored):
        return None
    lowered = lower(design, semantics)
    for index, claim in enumerate(design.claims):
        try:
            machine, prop = question(lowered, claim)
        except TooWide:
            continue
        found = isinstance(simplest(machine, prop, Bounds(pool, 2), Budget()), Found)
        broken = any(index in one.violations for one in explored)
        exact = approximation.is_exact(machine, prop)
        if broken and not found:
            wrong.append(f"{seed} {claim.text}: only the interpreter finds it broken")
        if found and not broken and exact:
            wrong.append(f"{seed} {claim.text}: only the machine finds it broken")
    return wrong


def _compare(seeds: range) -> int:
    compared = [x for x in map(differences, seeds) if x is not None]
    assert [problem for problems in compared for problem in problems] == []
    return len(compared)


def test_nothing_is_missed_with_two_events_of_one_key() -> None:
    assert _compare(range(QUICK)) > QUICK // 3


@pytest.mark.slow
@pytest.mark.parametrize("start", range(QUICK, FULL, STEP))
def test_nothing_is_missed_on_many_designs(start: int) -> None:
    _compare(range(start, start + STEP))


@pytest.mark.nightly
@pytest.mark.parametrize("start", range(FULL, ALL, STEP))
def test_nightly_nothing_is_missed_on_many_designs(start: int) -> None:
    _compare(range(start, start + STEP))


def test_a_row_that_nobody_closes_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the bits nobody has closed a row, and every loss behind one is missed."""
    monkeypatch.setattr(component, "_cases", lambda machine, rule, opened: iter([(False, rule)]))
    assert any(differences(seed) for seed in range(72))


def test_the_claims_are_those_of_the_component() -> None:
    design = load_text(component_design(0), "component.once").design
    assert design is not None
    assert [claim.text for claim in design.claims] == list(CLAIMS)
