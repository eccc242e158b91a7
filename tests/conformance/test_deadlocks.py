"""Workers that wait for good: the machine misses nothing that the interpreter finds, and a story
without wider rules is true.
"""

from __future__ import annotations

import pytest
from onceproof.engines.search import Bounds, Budget, Found, simplest
from onceproof.interpreter.oracle import event_sets, explore
from onceproof.lang.load import load_text
from onceproof.lower import lower
from onceproof.machine import approximation
from onceproof.machine.delivery import Delivery
from onceproof.properties import TooWide, deadlock, question

from support.lock_designs import lock_design

QUICK, FULL, ALL, STEP = 8, 98, 2_000, 30
CAUGHT = 26
"""The first design that has a cycle and few enough states."""
MOST = 1_200
"""States that are compared."""


def differences(seed: int) -> list[str] | None:
    """What is wrong with the answers about one design; None if it has too many states."""
    design = load_text(lock_design(seed), "locks.once").design
    assert design is not None
    semantics, pool, count = Delivery.AT_LEAST_ONCE, 2 + (seed % 3 == 0), 1 + seed % 2
    explored = [explore(design, semantics, e, pool, MOST) for e in event_sets(design, count)]
    if not all(one.complete for one in explored):
        return None
    lowered, wrong = lower(design, semantics), []
    for index, claim in enumerate(design.claims):
        try:
            machine, prop = question(lowered, claim)
        except TooWide:
            continue
        found = isinstance(simplest(machine, prop, Bounds(pool, count), Budget()), Found)
        broken = any(index in one.violations for one in explored)
        if broken and not found:
            wrong.append(f"{seed} {claim.text}: only the interpreter finds it broken")
        if found and not broken and approximation.is_exact(machine, prop):
            wrong.append(f"{seed} {claim.text}: only the machine finds it broken")
    return wrong


def _compare(seeds: range) -> int:
    compared = [x for x in map(differences, seeds) if x is not None]
    assert [problem for problems in compared for problem in problems] == []
    return len(compared)


def test_nobody_who_waits_for_good_is_missed() -> None:
    assert _compare(range(QUICK)) > QUICK // 4


@pytest.mark.slow
@pytest.mark.parametrize("start", range(QUICK, FULL, STEP))
def test_nobody_who_waits_is_missed_on_many_designs(start: int) -> None:
    _compare(range(start, start + STEP))


@pytest.mark.nightly
@pytest.mark.parametrize("start", range(FULL, ALL, STEP))
def test_nightly_nobody_who_waits_is_missed(start: int) -> None:
    _compare(range(start, min(start + STEP, ALL)))


def test_cycles_that_are_not_looked_at_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadlock, "_is_ended", lambda *_: True)
    assert differences(CAUGHT)
