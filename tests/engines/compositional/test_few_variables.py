"""Few variables suffice: what is proved through them holds, of this machine and of changed ones."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from onceproof.base.memo import Memory, remembering
from onceproof.engines import coverability
from onceproof.engines.compositional import certificate
from onceproof.engines.compositional.few_variables import by_focus, focus_of, named
from onceproof.engines.search import Bounds, Budget, Found, simplest
from onceproof.engines.smt.certify import Outcome
from onceproof.engines.smt.solver import Z3, Effort
from onceproof.machine.system import Machine, Property

from support.handlers import random_handlers
from support.machines import no_dup, random_machine, reference

BUDGET = coverability.Budget(20_000)


def _machines(seeds: range) -> Iterator[tuple[Machine, Property]]:
    for seed in seeds:
        yield random_machine(seed, monotone=seed % 2 == 0)
        yield random_handlers(seed)


def _demand_no_story(machine: Machine, prop: Property) -> None:
    for workers, events in ((1, 1), (2, 1), (2, 2)):
        assert not isinstance(
            simplest(machine, prop, Bounds(workers, events), Budget(3_000)), Found
        )


def test_what_is_proved_through_few_variables_holds() -> None:
    """The claim of one machine through the variables that sufficed in it, and through those that
    sufficed in another one.
    """
    found, again, before = 0, 0, frozenset[str]()
    for machine, prop in _machines(range(60)):
        focus = focus_of(machine, prop, frozenset(), BUDGET)
        lemma = None if focus is None else by_focus(machine, prop, focus, BUDGET)
        if focus is not None:
            assert lemma is not None
            assert lemma.view.variables <= focus | named(prop) | {lemma.view.place}
            assert certificate.check(machine, prop, (lemma,), (Z3(Effort(60.0)),)).outcome is (
                Outcome.PROVED
            )
            _demand_no_story(machine, prop)
            found += 1
        other = by_focus(machine, prop, before, BUDGET)
        if other is not None:
            _demand_no_story(machine, prop)
            again += 1
        before = focus or before
    assert found > 10
    assert again > 3


def test_it_takes_fewer_rows_than_the_whole() -> None:
    machine, prop = reference(safe=True), no_dup()
    focus = focus_of(machine, prop, frozenset(), BUDGET)
    assert focus is not None
    few = by_focus(machine, prop, focus, BUDGET)
    every = by_focus(machine, prop, (v.name for v in machine.variables), BUDGET)
    assert few is not None
    assert every is not None
    assert few.view.variables < every.view.variables
    assert len(few.invariant.workers) < len(every.invariant.workers)


def test_it_is_found_once_in_a_run() -> None:
    machine, prop = reference(safe=True), no_dup()
    with remembering(Memory()) as memory:
        first = focus_of(machine, prop, frozenset(), BUDGET)
        hits = memory.hits
        assert focus_of(machine, prop, frozenset(), BUDGET) == first
        assert memory.hits == hits + 1


def _demand_that_proofs_hold(seeds: range) -> None:
    before = frozenset[str]()
    for machine, prop in _machines(seeds):
        focus = focus_of(machine, prop, frozenset(), BUDGET)
        if focus is not None or by_focus(machine, prop, before, BUDGET) is not None:
            _demand_no_story(machine, prop)
        before = focus or before


@pytest.mark.slow
def test_what_is_proved_through_few_variables_holds_on_more_machines() -> None:
    _demand_that_proofs_hold(range(60, 600))


@pytest.mark.nightly
@pytest.mark.parametrize("start", range(600, 20_600, 1_000))
def test_what_is_proved_through_few_variables_holds_on_many_machines(start: int) -> None:
    _demand_that_proofs_hold(range(start, start + 1_000))
