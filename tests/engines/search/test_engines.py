"""The engines of the exhaustive search count the same graph, and each finds a run as short as
any.
"""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from onceproof.engines.search import Bounds, Budget, Exploration, MachineError
from onceproof.engines.search.count import (
    ENGINES,
    Unsuited,
    choose,
    columns,
    count,
    dense,
    shortest,
)
from onceproof.engines.search.count.rows import Known
from onceproof.machine.system import Machine, Run

from support.machines import no_dup, random_machine, reference
from support.naive_search import naive_bad, replay
from support.sample import sampled

KNOWN = {
    (1, 1): (31, 63, 31),
    (2, 2): (4_825, 22_126, 1_341),
    (3, 2): (90_909, 473_619, 8_625),
    (3, 3): (1_235_931, 8_810_397, 43_981),
}


@pytest.mark.parametrize(("events", "workers"), KNOWN)
@pytest.mark.parametrize("engine", ["orbits", "dense"])
def test_known_counts(engine: str, events: int, workers: int) -> None:
    found = count(reference(True), Bounds(workers, events), Budget(), engine)
    full, transitions, orbits = KNOWN[events, workers]
    assert found.complete
    assert found.engine == engine
    assert (found.full_states, found.full_transitions) == (full, transitions)
    assert found.states == (orbits if engine == "orbits" else full)
    assert found.fired == frozenset(range(len(reference(True).rules)))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("engine", "events", "workers", "full"),
    [
        ("orbits", 4, 3, 24_677_109),
        ("dense", 4, 3, 24_677_109),
        ("orbits", 5, 3, 416_424_969),
        ("orbits", 6, 3, 6_299_297_019),
    ],
)
def test_large_known_counts(engine: str, events: int, workers: int, full: int) -> None:
    assert count(reference(True), Bounds(workers, events), Budget(), engine).full_states == full


def _compared(
    machine: Machine, bounds: Bounds, engine: str, wanted: Exploration, quick: Exploration
) -> bool:
    """Whether the engine could count at all; if so, it counts as the reference does."""
    try:
        found = count(machine, bounds, Budget(), engine)
    except Unsuited:
        return False
    assert (found.full_states, found.full_transitions, found.fired) == (
        wanted.states,
        wanted.transitions,
        wanted.fired,
    ), engine
    if engine == "orbits":
        assert (found.states, found.transitions, found.depth) == (
            quick.states,
            quick.transitions,
            wanted.depth,
        )
    return True


@pytest.mark.parametrize("start", sampled(range(0, 120, 60), 2))
def test_engines_agree_on_random_machines(start: int) -> None:
    """Counts with the readable reference, and the length of a shortest run with one another; each
    run is replayed.
    """
    counted, refuted = dict.fromkeys(ENGINES, 0), 0
    for seed in range(start, start + 60):
        machine, prop = random_machine(seed, monotone=seed % 2 == 0)
        if seed % 3:  # workers that take no notice of each other, which all engines can hold
            rules = tuple(replace(rule, alone=None, others=()) for rule in machine.rules)
            machine = replace(machine, rules=rules, limits=())
        bounds = Bounds(1 + seed % 2, 1 + seed // 3 % 2, 1 + (seed % 11 == 0))
        wanted = count(machine, bounds, Budget(states=3_000), "plain")
        if not wanted.complete:
            continue
        quick = count(machine, bounds, Budget())
        lengths = set()
        for engine in ENGINES:
            counted[engine] += _compared(machine, bounds, engine, wanted, quick)
            try:
                run = shortest(machine, prop, bounds, Budget(), engine)
            except Unsuited:
                continue
            lengths.add(len(run.moves) if isinstance(run, Run) else None)
            if isinstance(run, Run):
                refuted += 1
                configs = replay(machine, run, bounds.workers)
                assert [naive_bad(prop, c) for c in configs].index(True) == len(run.moves), engine
        assert len(lengths) == 1, (seed, lengths)
    assert min(counted.values()) > 30, counted
    assert refuted > 15


def test_the_reference_problem_is_refuted_equally_fast() -> None:
    runs = [
        shortest(reference(False), no_dup(), Bounds(2, 2), Budget(), engine) for engine in ENGINES
    ]
    assert {len(run.moves) for run in runs if isinstance(run, Run)} == {
        9
    }  # one delivery to the mail, again, another to the mail
    assert all(isinstance(run, Run) for run in runs)
    safe = [
        shortest(reference(True), no_dup(), Bounds(2, 2), Budget(), engine) for engine in ENGINES
    ]
    assert {s.full_states for s in safe if isinstance(s, Exploration)} == {4_825}


def test_the_automatic_choice_is_named_and_moves_on_where_it_pays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(choose, "SMALL", 1_000)
    assert count(reference(True), Bounds(1), Budget()).states == 31
    large = count(reference(True), Bounds(2, 2), Budget())
    assert (large.states, large.full_states, large.engine) == (1_341, 4_825, "orbits")


@pytest.mark.parametrize("engine", ENGINES)
def test_budgets_stop_every_engine(engine: str) -> None:
    few = count(reference(True), Bounds(2, 2), Budget(states=100), engine)
    assert (few.complete, few.reason) == (False, "more than 100 states")
    if engine == "plain":
        return  # looks at the clock every 256 states, see test_counts.py
    late = count(reference(True), Bounds(2, 3), Budget(seconds=0), engine)
    assert (late.complete, late.reason) == (False, "more than 0 ms")


def test_what_does_not_fit_is_told_or_done_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dense, "MOST_BYTES", 1_000)
    with pytest.raises(Unsuited, match="an array of"):
        count(reference(True), Bounds(2, 2), Budget(), "dense")
    narrow = columns.Columns.__init__

    def init(self: columns.Columns, machine: Machine, bounds: Bounds) -> None:
        narrow(self, machine, bounds)
        self.bits = 3

    monkeypatch.setattr(columns.Columns, "__init__", init)
    with pytest.raises(Unsuited, match="64 bits"):
        shortest(reference(True), no_dup(), Bounds(2, 2), Budget(), "orbits")
    assert count(reference(True), Bounds(2, 2), Budget(), "orbits").full_states == 4_825


def test_a_row_outside_the_axes_is_an_internal_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """The array has a place for a combination whose moves nobody worked out: being there is an
    error, never ignored.
    """
    whole = dense.reachable

    def without_one(local: object) -> Known:
        known = whole(local)  # type: ignore[arg-type]
        lost = next(
            after for _, before, after in known.moves if before[2] < 0 <= after[2]
        )  # a new worker
        return Known(
            known.components, known.events, known.workers, known.triples - {lost}, known.moves
        )

    monkeypatch.setattr(dense, "reachable", without_one)
    with pytest.raises(MachineError, match="outside the domain"):
        count(reference(True), Bounds(1), Budget(), "dense")
