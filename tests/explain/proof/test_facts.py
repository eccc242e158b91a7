"""Facts of thirteen designs: what they say, that they are true, and that they are the reason."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import permutations
from pathlib import Path

import pytest
from msgspec.structs import replace
from onceproof.engines.coverability import Budget
from onceproof.engines.search import Bounds, Exploration
from onceproof.engines.search import Budget as Search
from onceproof.engines.search.states import configurations
from onceproof.engines.smt.certify import certify
from onceproof.engines.smt.solver import Z3, Effort
from onceproof.explain.proof import Fact, Kind
from onceproof.explain.proof.explain import reasons
from onceproof.explain.proof.rebuild import confirm, rebuilt
from onceproof.explain.proof.space import possible
from onceproof.machine.invariant import Row, Shape
from onceproof.machine.system import EventPattern, Guard, Level, Machine, Pattern

from support.designs import random_design
from support.explained import DESIGNS, Proved, explained, proofs
from support.explanation_text import explanation_text
from support.repo import ROOT
from support.sample import sampled

FACTS = Path(__file__).parent / "facts"
ONE_TO_FIVE = {"dedup", "locked"}
"""Designs that need more than five facts."""


@pytest.mark.parametrize("name", DESIGNS)
def test_what_is_said(name: str, golden: Callable[[Path, str], None]) -> None:
    golden(FACTS / f"{name}.txt", explanation_text(name))


@pytest.mark.parametrize("name", DESIGNS)
def test_few_facts_that_are_checked(name: str) -> None:
    for proved, why in explained(name):
        assert why.checked, (proved.claim.text, why.reason)
        assert why.obligations > 0
        assert len(why.facts) <= (7 if name in ONE_TO_FIVE else 5), proved.claim.text
        assert why.facts[-1].kind is Kind.CLAIM
        assert "Z3" in why.ground


def never(proved: Proved, facts: Iterable[Fact]) -> list[Pattern]:
    """What is inductive: everything that the facts exclude."""
    return reasons(facts, proved.claim)


# ---------------------------------------------------------------- true


def fits(machine: Machine, level: Level, row: Row, guard: Guard) -> bool:
    """The row passes the guard."""
    values = dict(zip([v.name for v in machine.level(level)], row, strict=True))
    return all(values[t.variable] in t.allowed for t in guard)


def contains(machine: Machine, shape: Shape, pattern: Pattern) -> bool:
    """The configuration contains the pattern (whatever else it contains)."""
    if not fits(machine, Level.COMPONENT, shape.component, pattern.component):
        return False
    for events in permutations(shape.events, len(pattern.events)):
        pairs = list(zip(events, pattern.events, strict=True))
        if all(
            fits(machine, Level.EVENT, row, wanted.guard) and crewed(machine, crew, wanted)
            for (row, crew), wanted in pairs
        ):
            return True
    return False


def crewed(machine: Machine, crew: tuple[Row, ...], wanted: EventPattern) -> bool:
    """Some of the workers match the pattern's."""
    return any(
        all(
            fits(machine, Level.WORKER, row, guard)
            for row, guard in zip(some, wanted.workers, strict=True)
        )
        for some in permutations(crew, len(wanted.workers))
    )


def reached(machine: Machine, size: Bounds) -> Iterator[Shape]:
    """Configurations that can be reached: all of them, or none if they are many."""
    states = configurations(machine, size, Search(states=2_500))
    if not isinstance(states, Exploration):
        yield from (shape for state in states for shape in state)


def wrong(
    proved: Proved, facts: tuple[Fact, ...], sizes: tuple[Bounds, ...]
) -> list[tuple[str, Shape]]:
    """Facts that some reached configuration contradicts."""
    machine = proved.machine
    return [
        (fact.text, shape)
        for size in sizes
        for shape in reached(machine, size)
        for fact in facts
        if any(contains(machine, shape, pattern) for pattern in fact.never)
    ]


@pytest.mark.parametrize("name", DESIGNS)
def test_facts_hold_in_what_can_be_reached(name: str) -> None:
    for proved, why in explained(name):
        assert list(reached(proved.machine, Bounds(2, 1)))
        assert not wrong(proved, why.facts, (Bounds(2, 1), Bounds(1, 2), Bounds(2, 2)))


# ---------------------------------------------------------------- the reason


@pytest.mark.parametrize("name", DESIGNS)
def test_no_fact_can_be_left_out(name: str) -> None:
    for proved, why in explained(name):
        for fact in why.facts[:-1]:
            rest = never(proved, [other for other in why.facts if other != fact])
            assert confirm(proved.machine, proved.prop, rest, 30)[1].startswith(
                "the solver rejects"
            ), fact.text


def bolder(pattern: Pattern) -> Iterator[Pattern]:
    """Patterns that say more than a fact does: with one test less."""
    for i in range(len(pattern.component)):
        yield replace(pattern, component=pattern.component[:i] + pattern.component[i + 1 :])
    for number, event in enumerate(pattern.events):
        fewer = [
            replace(event, guard=event.guard[:i] + event.guard[i + 1 :])
            for i in range(len(event.guard))
        ]
        for w, worker in enumerate(event.workers):
            for i in range(len(worker)):
                crew = (*event.workers[:w], worker[:i] + worker[i + 1 :], *event.workers[w + 1 :])
                fewer.append(replace(event, workers=crew))
        yield from (
            replace(pattern, events=(*pattern.events[:number], e, *pattern.events[number + 1 :]))
            for e in fewer
        )


@pytest.mark.parametrize(
    "name", ["dedup", "key", "ack_first", "lease", "version", "once", "inside"]
)
def test_wrong_facts_are_rejected(name: str) -> None:
    rejected = 0
    for proved, why in explained(name):
        shapes = list(reached(proved.machine, Bounds(2, 1)))
        for fact in why.facts[:-1]:
            for pattern in fact.never:
                for bold in bolder(pattern):
                    if any(contains(proved.machine, shape, bold) for shape in shapes):
                        rejected += 1
                        assert confirm(
                            proved.machine, proved.prop, [*never(proved, why.facts), bold], 30
                        )[1].startswith("the solver rejects")
    assert rejected


@pytest.mark.parametrize(
    "name", ["dedup", "key", "ack_first", "lease", "version", "once", "inside"]
)
def test_facts_are_inductive_on_the_whole_machine(name: str) -> None:
    """The check leaves out variables no fact speaks of; with all of them the answer is the same."""
    for proved, why in explained(name):
        invariant = rebuilt(proved.machine, possible(proved.machine), never(proved, why.facts))
        assert certify(proved.machine, proved.prop, invariant, [Z3(Effort(30))]).proved, (
            proved.claim.text
        )


# ---------------------------------------------------------------- whatever the design


@pytest.mark.parametrize("seed", sampled(range(6), 3))
def test_random_designs(seed: int) -> None:
    for proved in list(proofs(random_design(seed), Budget(elements=2_000, seconds=5)))[:8]:
        why = proved.why(20)
        assert why.checked, (seed, proved.claim.text, why.reason)
        assert not wrong(proved, why.facts, (Bounds(2, 1),)), (seed, proved.claim.text)


@pytest.mark.slow
def test_the_same_whatever_the_hash_seed() -> None:
    script = (
        "from support.explanation_text import explanation_text\n"
        "for name in ('ack_first', 'lease', 'once'): print(explanation_text(name))"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", script],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT / "tests")},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "4711")
    ]
    assert runs[0]
    assert len(set(runs)) == 1


@pytest.mark.parametrize("name", ["key", "ack_first", "lease"])
def test_a_wrong_invariant_makes_no_wrong_facts(name: str) -> None:
    """What is said to be checked is true even if the invariant it came from is not one."""
    for proved, _ in explained(name):
        gone = sorted(proved.invariant.workers)[::3]
        why = dataclasses.replace(
            proved,
            invariant=replace(
                proved.invariant, workers=proved.invariant.workers - set(gone), excluded=()
            ),
        ).why()
        assert not why.checked or not wrong(proved, why.facts, (Bounds(2, 1), Bounds(2, 2)))


def test_no_time() -> None:
    (proved, _), *_ = explained("dedup")
    why = proved.why(0.0)
    assert not why.checked
    assert why.reason == "the time allowed was over"
    assert [fact.kind for fact in why.facts] == [Kind.CLAIM]
    assert "holds in every reachable state" in why.ground
