"""Both readings count messages alike: those that our own handlers publish twice, to their own
queue, or in one transaction, also where workers are few.
"""

from __future__ import annotations

import pytest
from onceproof.lower.queues import Group

from support.message_designs import message_design
from support.readings import compare

QUICK, FULL, ALL, STEP = 24, 400, 2_000, 40


def _problems(first: int, last: int) -> list[str]:
    return [
        f"design {seed}: {p}"
        for seed in range(first, last)
        for p in compare(seed, message_design).problems
    ]


def test_everything_agrees_on_random_messages() -> None:
    results = [compare(seed, message_design) for seed in range(QUICK)]
    assert [f"design {r.seed}: {p}" for r in results for p in r.problems] == []
    assert sum(not r.skipped for r in results) > QUICK // 2
    assert sum(r.refuted for r in results) > QUICK // 4
    assert sum(r.claims - r.refuted for r in results) > QUICK // 4


@pytest.mark.slow
@pytest.mark.parametrize("first", range(QUICK, FULL, STEP))
def test_everything_agrees_on_many_random_messages(first: int) -> None:
    assert _problems(first, first + STEP) == []


@pytest.mark.nightly
@pytest.mark.parametrize("first", range(FULL, ALL, STEP))
def test_nightly_everything_agrees_on_many_random_messages(first: int) -> None:
    assert _problems(first, first + STEP) == []


def _caught(first: int = 0) -> bool:
    return any(compare(seed, message_design).problems for seed in range(first, first + QUICK))


def test_a_reading_that_merges_messages_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Group, "counted", property(lambda _: False))
    assert _caught()


def test_a_reading_whose_fed_back_messages_are_loose_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("onceproof.lower.queues._fed_by", lambda *_: frozenset())
    assert _caught(70)
