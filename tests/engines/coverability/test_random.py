"""Random machines: the unbounded engine and a bounded explicit search never contradict each
other.
"""

from __future__ import annotations

import random

import pytest
from onceproof.engines.coverability import Budget, Coverable, GaveUp, Reach, Safe, prove
from onceproof.engines.coverability.thread_modular import Closure
from onceproof.machine.invariant import Invariant
from onceproof.machine.system import Machine, Property

from support.bounded import Bounded, Configuration, satisfies
from support.machines import random_machine
from support.sample import sampled

BOUNDS = ((2, 2), (3, 2), (3, 1))
MOST = 4000


def violated(machine: Machine, claim: Property, workers: int, events: int) -> bool | None:
    """Explicit search within bounds; ``None`` if that is too large."""
    bounded = Bounded(machine, workers)
    reached = bounded.reachable(events, MOST)
    return (
        None
        if reached is None
        else any(bounded.bad(configuration, claim) for configuration in reached)
    )


def compare(seed: int, monotone: bool) -> None:
    machine, claim = random_machine(seed, monotone=monotone)
    verdict = prove(machine, claim, Budget(elements=100_000))
    found = any(violated(machine, claim, workers, events) for workers, events in BOUNDS)
    if isinstance(verdict, Safe):
        assert not found
        check_invariant(machine, claim, verdict.invariant, seed)
    else:
        assert isinstance(verdict, Coverable)
        if monotone:
            assert verdict.exact
        if verdict.exact:
            assert violated(machine, claim, verdict.workers, verdict.events) is not False


def check_invariant(machine: Machine, claim: Property, invariant: Invariant, seed: int) -> None:
    """It holds of all that is reachable; it is kept by every step from small configurations inside
    it; none of those is bad.
    """
    bounded = Bounded(machine, 99)
    for configuration in Bounded(machine, 2).reachable(2, MOST) or ():
        assert satisfies(configuration, invariant)
    dice = random.Random(seed)
    for _ in range(60):
        configuration = draw(invariant, dice)
        if satisfies(configuration, invariant):
            assert not bounded.bad(configuration, claim)
            for after in bounded.successors(configuration):
                assert satisfies(after, invariant)


def draw(invariant: Invariant, dice: random.Random) -> Configuration:
    """A component, up to two events and up to three workers, all inside R; hardly ever
    reachable.
    """
    component = dice.choice(sorted(invariant.components))
    rows = sorted(event for c, event in invariant.events if c == component)
    events = []
    for _ in range(dice.choice((1, 1, 2)) if rows else 0):
        row = dice.choice(rows)
        workers = sorted(w for c, e, w in invariant.workers if (c, e) == (component, row))
        chosen = [dice.choice(workers) for _ in range(dice.randint(0, 3))] if workers else []
        events.append((row, tuple(sorted(chosen))))
    return component, tuple(sorted(events))


@pytest.mark.parametrize("start", sampled(range(0, 360, 40), 3))
def test_monotone_machines(start: int) -> None:
    for seed in range(start, start + 40):
        compare(seed, monotone=True)


@pytest.mark.parametrize("start", range(0, 120, 40))
def test_machines_with_alone_absent_and_limits(start: int) -> None:
    for seed in range(start, start + 40):
        compare(seed, monotone=False)


@pytest.mark.slow
@pytest.mark.parametrize("start", range(1000, 4000, 500))
def test_many_machines(start: int) -> None:
    for seed in range(start, start + 500):
        compare(seed, monotone=seed % 3 != 0)


@pytest.mark.parametrize("start", range(0, 200, 40))
def test_a_fixpoint_in_pieces_is_that_of_one_run(start: int) -> None:
    """Rows, what stands beside them and local transitions, all in their order."""
    for seed in range(start, start + 40):
        machine, _ = random_machine(seed, monotone=seed % 2 == 0)
        whole, pieces = Closure(machine), Closure(machine)
        reach = whole.run(Budget())
        assert isinstance(reach, Reach)
        limits = (1, 2, 3, 5, 7, 12, 20, 50, 100, 100_000)
        answers = [pieces.run(Budget(elements=n)) for n in limits]
        for limit, answer in zip(limits, answers, strict=True):
            assert isinstance(answer, GaveUp) == (limit < reach.size)
        last = answers[-1]
        assert isinstance(last, Reach)
        for part in ("components", "events_of", "workers_of", "pairs", "triples", "locals"):
            assert getattr(last, part) == getattr(reach, part)
        assert list(last.events_of) == list(reach.events_of)
        assert list(last.workers_of) == list(reach.workers_of)
