"""Bounded model checking agrees with brute force, and what it decodes are runs."""

from __future__ import annotations

import pytest
from onceproof.engines.smt.bmc import Answer, Finding, refute
from onceproof.engines.smt.solver import Z3, Cvc5, Effort, Solver
from onceproof.machine.system import Machine, Property

from support.machines import (
    abandoned,
    balance,
    fenced,
    no_company,
    no_dup,
    no_loss,
    orders,
    random_machine,
    reference,
    single_flight,
    versions,
)
from support.sample import sampled
from support.tiny import Size, is_bad, layers, replay

SIZES = (
    Size(1, 1),
    Size(2, 1),
    Size(2, 2),
    Size(3, 1),
    Size(1, 2),
    Size(2, 1, 2),
    Size(0, 1),
    Size(3, 2),
)


def first_bad(machine: Machine, prop: Property, size: Size, depth: int) -> tuple[int | None, int]:
    """How many steps a bad state needs, None if none is that near; and how many steps were looked
    at.
    """
    looked = -1
    for steps, layer in enumerate(layers(machine, size, depth, most=2500)):
        if any(is_bad(machine, prop, state) for state in layer):
            return steps, steps
        looked = steps
    return None, looked


def demand_agreement(
    machine: Machine, prop: Property, size: Size, depth: int, solver: Solver
) -> Answer:
    expected, looked = first_bad(machine, prop, size, depth)
    answer = refute(machine, prop, size, looked, solver)
    if expected is None:
        assert (answer.finding, answer.depth, answer.run) == (Finding.NOT_WITHIN, looked, None)
        return answer
    assert (answer.finding, answer.depth) == (Finding.REACHED, expected)
    assert answer.run is not None
    assert len(answer.run.moves) == expected
    assert is_bad(machine, prop, replay(machine, answer.run, size.workers))
    return answer


@pytest.mark.parametrize("start", sampled(range(0, 140, 70), 2))
@pytest.mark.parametrize("monotone", [True, False])
def test_random_machines_are_refuted_exactly_when_brute_force_refutes_them(
    monotone: bool, start: int
) -> None:
    found = []
    for seed in range(start, start + 70):
        machine, prop = random_machine(seed, monotone)
        size = SIZES[seed % len(SIZES)]
        found.append(demand_agreement(machine, prop, size, 6, Z3()).finding)
    assert found.count(Finding.REACHED) > 10
    assert found.count(Finding.NOT_WITHIN) > 10


def test_every_length_is_decided_alike() -> None:
    for seed in range(300, 312):
        machine, prop = random_machine(seed)
        for depth in range(6):
            demand_agreement(machine, prop, Size(2, 2), depth, Z3())


@pytest.mark.parametrize(
    ("design", "size", "depth"),
    [
        ((reference(False), no_dup()), Size(1, 1), 12),
        ((reference(False), no_dup()), Size(2, 1), 12),
        ((reference(True), no_dup()), Size(2, 1), 12),
        ((reference(True), no_loss()), Size(2, 2), 5),
        (balance(False), Size(1, 2), 8),
        (versions(False), Size(2, 2), 8),
        (versions(False), Size(2, 1, 2), 8),
        (versions(True), Size(2, 2), 10),
        (fenced(), Size(3, 1), 8),
        ((single_flight(True)[0], no_company()), Size(3, 1), 8),
        ((single_flight(False)[0], no_company()), Size(3, 1), 8),
        (single_flight(False), Size(3, 1), 12),
        (orders(False), Size(2, 2), 6),
        (orders(True), Size(2, 2), 6),
        (abandoned(None), Size(2, 2), 6),
        (abandoned(1), Size(3, 2), 6),
        (abandoned(0), Size(2, 1), 6),
    ],
)
def test_small_designs_are_refuted_in_as_few_steps_as_brute_force_needs(
    design: tuple[Machine, Property], size: Size, depth: int
) -> None:
    demand_agreement(*design, size, depth, Z3())


def test_the_reference_problem_mails_twice_after_ten_steps_with_one_worker_and_a_crash() -> None:
    answer = refute(reference(False), no_dup(), Size(1, 1), 12, Z3())
    assert answer.finding is Finding.REACHED
    assert answer.depth == 10


@pytest.mark.skipif(not Cvc5().available(), reason="cvc5 is not installed")
def test_both_solvers_find_runs_of_the_same_length() -> None:
    for seed in range(15):
        machine, prop = random_machine(seed)
        demand_agreement(machine, prop, Size(2, 1), 4, Cvc5())


def test_the_same_question_has_the_same_answer_twice() -> None:
    machine, prop = reference(False), no_dup()
    assert refute(machine, prop, Size(2, 2), 12, Z3()) == refute(
        machine, prop, Size(2, 2), 12, Z3()
    )


def test_a_solver_that_gives_up_refutes_nothing_and_excludes_nothing() -> None:
    machine, prop = reference(False), no_dup()
    answer = refute(machine, prop, Size(3, 2), 12, Z3(Effort(steps=1)))
    assert answer.finding is Finding.UNKNOWN
    assert answer.run is None
    assert "z3" in answer.reason


def test_bounds_too_small_for_the_pattern_are_mentioned() -> None:
    machine, prop = fenced()
    answer = refute(machine, prop, Size(1, 1), 3, Z3())
    assert answer.finding is Finding.NOT_WITHIN
    assert "more events or workers" in answer.reason
