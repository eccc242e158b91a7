"""What is remembered in a run changes no answer; what time has stopped is not remembered."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterator
from contextlib import contextmanager

import pytest
from msgspec.structs import replace
from onceproof.base import memo
from onceproof.base.memo import Memory, remembering
from onceproof.engines import coverability
from onceproof.engines.search import Bounds, Budget, Exploration, Found, simplest
from onceproof.machine.system import EventPattern, Pattern
from onceproof.report.formats.json import to_json
from onceproof.verdict.check import check
from onceproof.verdict.task import Options

from support.machines import no_dup, random_machine, reference
from support.repo import ROOT
from support.sample import sampled

FEW = sorted((ROOT / "examples" / "article").glob("*.once"))


class Forgetful(Memory):
    """Remembers nothing."""

    def put(self, question: Hashable, answer: object, weight: int) -> None:
        """Forget it at once."""


def _shown(memory: Memory, paths: list[str]) -> str:
    with remembering(memory):
        document = json.loads(to_json(check(paths, Options(seconds=600.0))))
    for cell in document["results"]:
        cell["timing"] = None
    return json.dumps(document, sort_keys=True)


@pytest.mark.parametrize("path", sampled(FEW, 3), ids=lambda p: p.stem)
def test_memory_changes_no_answer(path: object) -> None:
    memory = Memory()
    assert _shown(memory, [str(path)]) == _shown(Forgetful(), [str(path)])


@pytest.mark.slow
def test_guarantees_with_equal_machines_share_their_work() -> None:
    memory = Memory()
    _shown(memory, [str(p) for p in FEW])
    assert memory.hits > 50


@pytest.mark.slow
def test_memory_changes_no_answer_of_any_example() -> None:
    paths = [
        str(p)
        for p in sorted((ROOT / "examples").rglob("*.once"))
        if "theory" in p.parts or "patterns" in p.parts
    ]
    assert len(paths) > 20
    assert _shown(Memory(), paths) == _shown(Forgetful(), paths)


def test_answers_with_any_budget_are_those_without_memory() -> None:
    """Asked in an order in which each answer could wrongly serve the next."""
    for seed in range(60):
        machine, prop = random_machine(seed, monotone=seed % 2 == 0)
        bounds = Bounds(2, 1 + seed % 2)
        limits = (None, 5, 50, 400, 20, 700, None, 50)
        plain = [simplest(machine, prop, bounds, Budget(states)) for states in limits]
        proofs = [
            coverability.prove(machine, prop, coverability.Budget(elements)) for elements in limits
        ]
        with remembering(Memory()):
            assert [simplest(machine, prop, bounds, Budget(states)) for states in limits] == plain
            assert [
                coverability.prove(machine, prop, coverability.Budget(elements))
                for elements in limits
            ] == proofs
        with remembering(Memory()) as memory:
            for states in reversed(limits):
                simplest(machine, prop, bounds, Budget(states))
            assert [simplest(machine, prop, bounds, Budget(states)) for states in limits] == plain
            assert memory.hits >= 4


def test_searches_that_share_their_moves_find_what_each_finds_alone() -> None:
    stories = 0
    for seed in range(80):
        machine, prop = random_machine(seed, monotone=seed % 2 == 0)
        _, other = random_machine(seed, monotone=seed % 2 == 0)
        other = replace(other, bad=(*other.bad, Pattern(events=(EventPattern(workers=((),)),))))
        sizes = ((1, 1), (2, 1), (2, 2), (3, 1), (1, 2))
        asked = [(p, Bounds(*size)) for p in (prop, other) for size in sizes]
        plain = [simplest(machine, p, bounds, Budget(1_500)) for p, bounds in asked]
        stories += sum(isinstance(found, Found) for found in plain)
        for order in (asked, asked[::-1]):
            with remembering(Memory()):
                shared = {q: simplest(machine, *q, Budget(1_500)) for q in order}
            assert [shared[q] for q in asked] == plain, seed
    assert stories > 200


def test_what_time_has_stopped_is_asked_again() -> None:
    with remembering(Memory()):
        late = simplest(reference(False), no_dup(), Bounds(3, 3), Budget(seconds=0))
        assert isinstance(late, Exploration)
        assert "more than 0 ms" in late.reason
        assert isinstance(
            coverability.prove(reference(True), no_dup(), coverability.Budget(seconds=0)),
            coverability.GaveUp,
        )
        assert isinstance(simplest(reference(False), no_dup(), Bounds(1), Budget()), Found)
        assert isinstance(
            coverability.prove(reference(True), no_dup(), coverability.Budget()), coverability.Safe
        )


def test_the_oldest_answers_are_forgotten_first() -> None:
    memory = Memory(most=10)
    memory.put("a", "first", 4)
    memory.put("b", "second", 4)
    assert memory.get("a") == "first"
    memory.put("c", "third", 4)
    assert (memory.get("a"), memory.get("b"), memory.get("c")) == ("first", None, "third")
    memory.put("d", "larger than all that there is room for", 40)
    assert memory.get("d") is not None
    assert memory.get("a") is None


@contextmanager
def _inner() -> Iterator[Memory]:
    with remembering() as memory:
        yield memory


def test_a_run_inside_a_run_is_part_of_it() -> None:
    assert memo.current() is None
    with remembering() as outer, _inner() as inner:
        assert inner is outer is memo.current()
    assert memo.current() is None
