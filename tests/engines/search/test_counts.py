"""The reference problem has the state counts that SPIN, TLC, Rumur and the other tools found
(bench/README.md).
"""

from __future__ import annotations

import pytest
from onceproof.engines.search import Bounds, Budget, Exploration, Found, explore, simplest

from support.machines import no_dup, no_loss, reference


@pytest.mark.parametrize(
    ("events", "workers", "full", "transitions", "orbits"),
    [
        (1, 1, 31, 63, 31),
        (2, 2, 4_825, 22_126, 1_341),
        (3, 2, 90_909, 473_619, 8_625),
        (3, 3, 1_235_931, 8_810_397, 43_981),
    ],
)
def test_full_counts_come_out_of_the_orbits(
    events: int, workers: int, full: int, transitions: int, orbits: int
) -> None:
    found = explore(reference(True), Bounds(workers, events), Budget())
    assert found.complete
    assert (found.full_states, found.full_transitions, found.states) == (full, transitions, orbits)
    assert found.fired == frozenset(range(len(reference(True).rules)))


@pytest.mark.parametrize(
    ("events", "workers", "full", "transitions"), [(1, 1, 31, 63), (2, 2, 4_825, 22_126)]
)
def test_plain_mode_agrees(events: int, workers: int, full: int, transitions: int) -> None:
    found = explore(reference(True), Bounds(workers, events), Budget(), symmetry=False)
    assert (found.states, found.transitions) == (full, transitions)
    assert (found.full_states, found.full_transitions) == (full, transitions)
    assert found.depth == explore(reference(True), Bounds(workers, events), Budget()).depth


def test_several_keys_are_as_many_events_where_components_have_no_row() -> None:
    keys = explore(reference(True), Bounds(workers=2, events=1, keys=2), Budget())
    events = explore(reference(True), Bounds(workers=2, events=2, keys=1), Budget())
    assert keys == events


def test_the_known_verdicts() -> None:
    for events, workers in ((1, 1), (2, 2)):
        bounds = Bounds(workers, events)
        assert isinstance(simplest(reference(True), no_dup(), bounds, Budget()), Exploration)
        assert isinstance(simplest(reference(True), no_loss(), bounds, Budget()), Exploration)
        assert isinstance(simplest(reference(False), no_loss(), bounds, Budget()), Exploration)
    alone = simplest(reference(False), no_dup(), Bounds(1), Budget())
    assert isinstance(alone, Found)
    assert (alone.cost.faults, alone.peak_workers) == (1, 1)
    together = simplest(reference(False), no_dup(), Bounds(2), Budget())
    assert isinstance(together, Found)
    assert (together.cost.faults, together.peak_workers) == (0, 2)


def test_a_budget_stops_the_search_and_is_named() -> None:
    few = explore(reference(True), Bounds(3, 3), Budget(states=1_000))
    assert (few.states, few.complete, few.reason) == (1_000, False, "more than 1,000 states")
    enough = explore(reference(True), Bounds(1), Budget(states=31))
    assert (enough.complete, enough.reason) == (True, "")
    late = explore(reference(True), Bounds(3, 3), Budget(seconds=0))
    assert (late.complete, late.reason) == (False, "more than 0 ms")
    plain = explore(reference(True), Bounds(2, 2), Budget(states=100), symmetry=False)
    assert (plain.states, plain.complete) == (100, False)
    stopped = simplest(reference(True), no_dup(), Bounds(3, 3), Budget(states=1_000))
    assert isinstance(stopped, Exploration)
    assert not stopped.complete


def test_progress_is_told_now_and_then() -> None:
    told: list[tuple[int, int]] = []
    explore(
        reference(True),
        Bounds(2, 3),
        Budget(),
        lambda states, transitions: told.append((states, transitions)),
    )
    assert len(told) == 2
    assert told == sorted(told)
