"""The two readings of rows as they were (stale reads, failovers that go back, conditions in one
region) agree on random designs.
"""

from __future__ import annotations

import pytest

from support.past_designs import past_design
from support.readings import compare

QUICK, FULL, ALL, STEP, MOST = 16, 216, 2_016, 20, 4_000


def _problems(first: int, last: int) -> list[str]:
    return [
        f"design {seed}: {p}"
        for seed in range(first, last)
        for p in compare(seed, past_design, pool=2, most=MOST).problems
    ]


def test_everything_agrees_on_random_pasts() -> None:
    assert _problems(0, QUICK) == []


@pytest.mark.slow
@pytest.mark.parametrize("first", range(QUICK, FULL, STEP))
def test_everything_agrees_on_many_random_pasts(first: int) -> None:
    assert _problems(first, first + STEP) == []


@pytest.mark.nightly
@pytest.mark.parametrize("first", range(FULL, ALL, STEP))
def test_nightly_everything_agrees_on_many_random_pasts(first: int) -> None:
    assert _problems(first, first + STEP) == []
