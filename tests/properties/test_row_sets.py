"""What can no longer happen: whole sets of rows at once give what rows one by one give."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import pytest
from onceproof.lang.design import Claim
from onceproof.lang.load import load, load_text
from onceproof.lower import Lowered, lower
from onceproof.machine.system import Level, Machine, Pattern, Variable
from onceproof.properties import TooWide, asked, possibility, row_sets
from onceproof.properties.mdd import NOTHING, Diagrams

from support.broker_designs import broker_design
from support.designs import random_design
from support.handlers import starts
from support.repo import ROOT


def lowerings(start: int, stop: int) -> Iterator[Lowered]:
    for seed in range(start, stop):
        for make in (random_design, broker_design):
            design = load_text(make(seed)).design
            assert design is not None
            yield lower(design, design.semantics[seed % len(design.semantics)])


def differences(lowered: Lowered, monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    """How many claims were compared, and how many differ."""
    compared = wrong = 0
    for claim in lowered.design.claims:
        if claim.kind not in ("no-loss", "together", "recoverable"):
            continue
        found = []
        for limit in (10**9, 0):
            monkeypatch.setattr(possibility, "ONE_BY_ONE", limit)
            try:
                found.append(_spread(*_bad(lowered, claim)))
            except TooWide:
                break
        if len(found) == 2:
            compared += 1
            wrong += found[0] != found[1]
    return compared, wrong


def _bad(lowered: Lowered, claim: Claim) -> tuple[Machine, tuple[Pattern, ...]]:
    """What must never be reached, and the machine that it is about."""
    machine, prop = asked(lowered, claim)
    return machine, prop.bad


def _spread(machine: Machine, bad: tuple[Pattern, ...]) -> set[tuple[str, ...]]:
    """The rows that the patterns stand for, written in one way."""
    shared = [v for v in machine.variables if v.level is not Level.WORKER]
    sets = Diagrams(shared)
    whole = NOTHING
    for pattern in bad:
        whole = sets.either(
            whole,
            sets.cube(
                {t.variable: t.allowed for t in (*pattern.component, *pattern.events[0].guard)}
            ),
        )
    return {
        tuple(f"{n}={','.join(sorted(x))}" for n, x in sorted(cube.items()))
        for cube in sets.cubes(whole)
    }


@pytest.mark.parametrize("start", starts(24, 6))
def test_random_designs(start: int, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [differences(lowered, monkeypatch) for lowered in lowerings(start, start + 6)]
    assert sum(wrong for _, wrong in found) == 0
    assert sum(compared for compared, _ in found) > 4


@pytest.mark.parametrize(
    "path", sorted((ROOT / "examples" / "theory").glob("*.once")), ids=lambda p: p.stem
)
def test_examples(path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    design = load(path).design
    if design is None:
        pytest.skip("a library")
    assert [differences(lower(design, s), monkeypatch)[1] for s in design.semantics] == [0] * len(
        design.semantics
    )


def _less(original: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self, rule, worker: (
        list(original(self, rule, worker))[:1] if worker is None else ()
    )


def _any_row(original: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self, guard, tables: original(self, {}, tables)


@pytest.mark.parametrize("mutant", ["steps are forgotten", "guards are forgotten"])
def test_mutants(mutant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if mutant == "steps are forgotten":
        monkeypatch.setattr(row_sets.Runs, "_steps", _less(row_sets.Runs._steps))
    else:
        monkeypatch.setattr(Diagrams, "moves", _any_row(Diagrams.moves))
    assert any(differences(lowered, monkeypatch)[1] for lowered in lowerings(0, 24))


def test_sets_of_rows() -> None:
    """Every operation against the sets it stands for."""
    variables = [
        Variable(n, Level.EVENT, tuple("abc"[:k]), ("a",))
        for n, k in (("x", 2), ("y", 3), ("z", 2))
    ]
    sets = Diagrams(variables)
    every = list(product(*(v.domain for v in variables)))

    def content(node: int) -> set[tuple[str, ...]]:
        return {
            r
            for c in sets.cubes(node)
            for r in every
            if all(r["xyz".index(n)] in allowed for n, allowed in c.items())
        }

    def of(test: Callable[[tuple[str, ...]], bool]) -> int:
        node = NOTHING
        for row in filter(test, every):
            node = sets.either(
                node, sets.cube({n: frozenset({x}) for n, x in zip("xyz", row, strict=True)})
            )
        return node

    one, other = of(lambda r: r[0] == "a" or r[1] == "c"), of(lambda r: r[1] != "b" and r[2] == "b")
    assert content(sets.both(one, other)) == content(one) & content(other)
    assert content(sets.either(one, other)) == content(one) | content(other)
    assert content(sets.others(one)) == set(every) - content(one)
    step = sets.moves(
        {"z": frozenset("a")}, {"y": {"a": "b", "b": "c", "c": "c"}, "x": {"a": "b", "b": "b"}}
    )
    after = {r: ("b", {"a": "b"}.get(r[1], "c"), r[2]) for r in every}
    assert content(sets.before(one, step)) == {
        r for r in every if r[2] == "a" and after[r] in content(one)
    }
    assert len({sets.cube({}), of(lambda _: True)}) == 1
