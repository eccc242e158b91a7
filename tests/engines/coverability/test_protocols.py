"""Protocols with known answers: the verdict, how many workers and events a violation needs, and how
hard it was.
"""

from __future__ import annotations

import pytest
from onceproof.engines.coverability import Budget, Coverable, Safe, prove

from support.bounded import Bounded
from support.machines import (
    abandoned,
    balance,
    fenced,
    no_company,
    no_loss,
    reference,
    single_flight,
)
from support.protocols import Known, known

ALL = known()
NAMES = [
    f"{k.machine.name} {k.machine.semantics} {k.claim.name} {number}"
    for number, k in enumerate(ALL)
]


@pytest.mark.parametrize("case", ALL, ids=NAMES)
def test_verdict(case: Known) -> None:
    verdict = prove(case.machine, case.claim, Budget())
    if case.refuted is None:
        assert isinstance(verdict, Safe)
        assert verdict.elements <= 30
    else:
        assert isinstance(verdict, Coverable)
        assert (verdict.workers, verdict.events, verdict.exact) == (*case.refuted, case.exact)


@pytest.mark.parametrize("case", ALL, ids=NAMES)
def test_table_agrees_with_explicit_search(case: Known) -> None:
    def found(workers: int, events: int) -> bool:
        bounded = Bounded(case.machine, workers)
        reached = bounded.reachable(events)
        assert reached is not None
        return any(bounded.bad(configuration, case.claim) for configuration in reached)

    if case.refuted is None:
        assert not found(2, 1)
        assert not found(1, 2)
    else:
        workers, events = case.refuted
        assert found(workers, events)
        assert not found(workers - 1, events)
        assert not found(workers, events - 1)


def test_modular_part_alone_excludes_nothing() -> None:
    verdict = prove(reference(True), no_loss(), Budget())
    assert isinstance(verdict, Safe)
    assert (verdict.invariant.excluded, verdict.rounds, verdict.elements, verdict.approximated) == (
        (),
        0,
        0,
        False,
    )


def test_removing_broadcast_keeps_workers_apart() -> None:
    verdict = prove(*fenced(), Budget())
    assert isinstance(verdict, Safe)
    assert {shape.worker_count for shape in verdict.invariant.excluded} == {2}


def test_counter_of_the_component_is_shared_by_events() -> None:
    assert isinstance(prove(*balance(dedup=True), Budget()), Safe)
    assert prove(*balance(dedup=False), Budget()) == Coverable(1, 1, 5, exact=True)


def test_alone_is_enough_for_a_proof() -> None:
    locked, _ = single_flight(locked=True)
    verdict = prove(locked, no_company(), Budget())
    assert isinstance(verdict, Safe)
    assert verdict.approximated
    assert isinstance(prove(single_flight(locked=False)[0], no_company(), Budget()), Coverable)


@pytest.mark.parametrize("locked", [True, False])
def test_alone_without_crashes_is_never_exactly_refuted(locked: bool) -> None:
    """True claims, but nobody can crash: removing the offenders is too generous here, and the
    engine must say so.
    """
    verdict = prove(*single_flight(locked), Budget())
    assert isinstance(verdict, Coverable)
    assert not verdict.exact


@pytest.mark.parametrize(("limit", "exact"), [(None, True), (1, True), (0, False)])
def test_limits_and_absent(limit: int | None, exact: bool) -> None:
    """An ``absent`` worker that may crash needs no approximation, nor does a limit that so few
    workers cannot reach.
    """
    verdict = prove(*abandoned(limit), Budget())
    assert isinstance(verdict, Coverable)
    assert (verdict.workers, verdict.events, verdict.exact) == (1, 1, exact)
