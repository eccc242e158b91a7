"""Search, Z3 and the independent interpreter agree on random designs; a broken engine does not get
away with it.
"""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from onceproof.lower import queues, worker
from onceproof.machine.system import Cause, RuleKind

from support import readings as comparing
from support.readings import Compared, compare

QUICK, FULL, ALL, STEP = 20, 500, 2_280, 20


def _agree(first: int, last: int) -> list[Compared]:
    results = [compare(seed) for seed in range(first, last)]
    wrong = [f"design {r.seed}: {p}" for r in results for p in r.problems]
    assert wrong == []
    return results


@pytest.mark.parametrize("first", range(0, QUICK, STEP))
def test_everything_agrees_on_random_designs(first: int) -> None:
    results = _agree(first, first + STEP)
    assert sum(not r.skipped for r in results) > STEP * 0.7
    assert sum(r.refuted for r in results) > STEP // 4
    assert sum(r.claims - r.refuted for r in results) > STEP // 4
    assert sum(r.by_z3 for r in results) > STEP // 4


@pytest.mark.slow
@pytest.mark.parametrize("first", range(QUICK, FULL, STEP))
def test_everything_agrees_on_many_random_designs(first: int) -> None:
    _agree(first, first + STEP)


@pytest.mark.nightly
@pytest.mark.parametrize("first", range(FULL, ALL, STEP))
def test_nightly_everything_agrees_on_many_random_designs(first: int) -> None:
    _agree(first, first + STEP)


def _caught(seeds: range) -> bool:
    return any(compare(seed).problems for seed in seeds)


def test_a_lowering_that_forgets_leases_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queues.Group, "lease", lambda *_: [])
    assert _caught(range(40))


def test_a_lowering_that_forgets_lost_answers_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    original = worker.Lowering.go

    def go(self, at, case, then, action, *block):  # type: ignore[no-untyped-def]
        if action.cause is not Cause.ANSWER_LOST:
            original(self, at, case, then, action, *block)

    monkeypatch.setattr(worker.Lowering, "go", go)
    assert _caught(range(40))


def test_a_lowering_whose_dead_workers_stay_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker.Lowering, "_kill", lambda *_: None)
    assert _caught(range(30, 60))  # few designs tell


def test_a_search_that_skips_a_kind_of_rule_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    original = comparing.simplest

    def blind(machine, *rest):  # type: ignore[no-untyped-def]
        seen = tuple(r for r in machine.rules if r.kind is not RuleKind.EVENT)
        return original(replace(machine, rules=seen), *rest)

    monkeypatch.setattr(comparing, "simplest", blind)
    assert _caught(range(60))


def test_a_solver_that_says_yes_to_everything_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparing, "_z3_proves", lambda *_: True)
    assert _caught(range(10))


def test_a_slice_that_drops_too_much_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    from onceproof.machine import slicing

    monkeypatch.setattr(slicing, "_uncovered", lambda *_: set())
    assert _caught(range(60))
