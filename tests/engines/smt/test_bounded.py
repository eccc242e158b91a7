"""A set of configurations is accepted as all that can be reached only if it is."""

from __future__ import annotations

import pytest
from onceproof.engines.smt.certify import Outcome, bounded
from onceproof.engines.smt.solver import Z3, Cvc5, Effort
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
from support.tiny import Size, State, is_bad, layers, shapes


def reached(machine: Machine, size: Size, most: int = 10**9) -> list[State]:
    return [state for layer in layers(machine, size, most=most) for state in layer]


def turned(state: State) -> State:
    """The same configuration with its components, events and workers in another order."""
    return tuple(
        (row, tuple((r, ws[::-1]) for r, ws in events[::-1])) for row, events in state[::-1]
    )


@pytest.mark.parametrize(
    ("design", "size"),
    [
        ((reference(True), no_dup()), Size(3, 1)),
        ((reference(True), no_dup()), Size(2, 2)),
        ((reference(False), no_loss()), Size(2, 1)),
        (versions(True), Size(2, 2)),
        (versions(True), Size(2, 1, 2)),
        (balance(True), Size(1, 2)),
        (fenced(), Size(2, 2)),
        ((single_flight(True)[0], no_company()), Size(3, 1)),
        (single_flight(False), Size(3, 1)),
        (orders(True), Size(2, 2)),
        ((abandoned(1)[0], no_company()), Size(1, 1)),
    ],
)
def test_the_reachable_configurations_are_accepted_and_any_one_less_is_not(
    design: tuple[Machine, Property], size: Size
) -> None:
    machine, prop = design
    states = [shapes(state) for state in reached(machine, size)]
    assert bounded(machine, prop, size, states, Z3()).outcome is Outcome.PROVED
    for missing in {0, len(states) // 3, len(states) // 2, len(states) - 1}:
        proof = bounded(machine, prop, size, states[:missing] + states[missing + 1 :], Z3())
        assert proof.outcome is Outcome.FAILED
        assert {failure.obligation.partition("-")[0] for failure in proof.failures} <= {
            "initial",
            "rule",
        }
        assert all(
            (failure.action is None) == (failure.obligation == "initial")
            for failure in proof.failures
        )


@pytest.mark.parametrize("start", sampled(range(0, 60, 30), 2))
def test_random_machines_are_judged_as_by_brute_force(start: int) -> None:
    found = []
    for seed in range(start, start + 30):
        machine, prop = random_machine(seed)
        size = (Size(2, 1), Size(1, 2), Size(2, 2), Size(1, 1, 2))[seed % 4]
        states = reached(machine, size, 300)
        if len(states) > 300:
            continue
        proof = bounded(machine, prop, size, [shapes(turned(state)) for state in states], Z3())
        wrong = any(is_bad(machine, prop, state) for state in states)
        assert proof.outcome is (Outcome.FAILED if wrong else Outcome.PROVED)
        assert {failure.obligation.partition("-")[0] for failure in proof.failures} == (
            {"claim"} if wrong else set()
        )
        found.append(wrong)
    assert found.count(True) > 5
    assert found.count(False) > 5


def test_the_order_of_components_events_and_workers_does_not_matter() -> None:
    machine, prop = versions(True)
    size = Size(2, 2, 2)
    states = reached(machine, size)
    mixed = [tuple(reversed(shapes(turned(state)))) for state in states]
    assert bounded(machine, prop, size, mixed, Z3()).proved


def test_more_than_can_be_reached_is_accepted_if_it_is_closed() -> None:
    machine, prop = reference(True), no_dup()
    states = [shapes(state) for state in reached(machine, Size(2, 1))]
    assert bounded(machine, prop, Size(2, 1), states + states, Z3()).proved


def test_nothing_is_not_everything() -> None:
    proof = bounded(reference(True), no_dup(), Size(1, 1), [], Z3())
    assert proof.outcome is Outcome.FAILED
    assert [failure.obligation for failure in proof.failures] == ["initial"]


def test_configurations_of_other_bounds_or_machines_are_refused() -> None:
    machine, prop = reference(True), no_dup()
    states = [shapes(state) for state in reached(machine, Size(2, 1))]
    for size in (Size(1, 1), Size(2, 2), Size(2, 1, 2)):
        assert bounded(machine, prop, size, states, Z3()).outcome is Outcome.FAILED
    assert bounded(versions(True)[0], prop, Size(2, 1), states, Z3()).outcome is Outcome.FAILED
    assert (
        bounded(machine, prop, Size(3, 1), states, Z3()).outcome is Outcome.FAILED
    )  # a third worker leads out of the set


def test_too_many_configurations_and_too_little_effort_are_unknown() -> None:
    machine, prop = reference(True), no_dup()
    states = [shapes(state) for state in reached(machine, Size(2, 1))]
    proof = bounded(machine, prop, Size(2, 1), states * 300, Z3())
    assert proof.outcome is Outcome.UNKNOWN
    assert "configurations" in proof.reason
    assert (
        bounded(machine, prop, Size(2, 1), states, Z3(Effort(steps=1))).outcome is Outcome.UNKNOWN
    )


@pytest.mark.skipif(not Cvc5().available(), reason="cvc5 is not installed")
def test_cvc5_agrees() -> None:
    machine, prop = versions(True)
    states = [shapes(state) for state in reached(machine, Size(2, 1))]
    assert bounded(machine, prop, Size(2, 1), states, Cvc5()).proved
    assert bounded(machine, prop, Size(2, 1), states[:-1], Cvc5()).outcome is Outcome.FAILED


def test_a_pattern_that_does_not_fit_is_mentioned() -> None:
    machine, prop = fenced()
    states = [shapes(state) for state in reached(machine, Size(1, 1))]
    proof = bounded(machine, prop, Size(1, 1), states, Z3())
    assert proof.proved
    assert "more events or workers" in proof.reason
