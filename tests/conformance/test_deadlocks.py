"""Workers that wait for good: the machine misses nothing that the interpreter finds, and a story
without wider rules is true.
"""

from __future__ import annotations

import pytest
from onceproof.properties import deadlock

from support.found import claims_that_differ, differences_in
from support.lock_designs import lock_design

QUICK, FULL, ALL, STEP = 8, 98, 2_000, 30
CAUGHT = 26
"""The first design that has a cycle and few enough states."""
MOST = 1_200
"""States that are compared."""


def differences(seed: int) -> list[str] | None:
    """What is wrong with the answers about one design; None if it has too many states."""
    return claims_that_differ(lock_design(seed), 2 + (seed % 3 == 0), 1 + seed % 2, MOST)


def _compare(seeds: range) -> int:
    return differences_in({seed: differences(seed) for seed in seeds})


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
