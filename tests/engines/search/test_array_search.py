"""The array search finds what the readable search finds: the same story to the byte, or the same
number of states.
"""

from __future__ import annotations

from collections import Counter
from itertools import islice

import numpy as np
import pytest
from onceproof.engines.search import Bounds, Budget, Exploration, Found, simplest, states
from onceproof.engines.search.bounds import Unsuited
from onceproof.engines.search.count import array_search as arrays
from onceproof.engines.search.count import array_states
from onceproof.engines.search.count.array_search import array_search
from onceproof.engines.search.count.array_states import ArrayStates
from onceproof.engines.search.count.packing import Packing, packing_for
from onceproof.engines.search.search import cheapest
from onceproof.engines.search.symmetry import Orbits, State
from onceproof.machine.system import Machine, Property, RuleKind

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

SIZES = ((1, 1), (2, 1), (3, 1), (1, 2), (2, 2), (2, 3))
STATES = 4_000

BY_HAND: list[tuple[Machine, Property]] = [
    (reference(True), no_dup()),
    (reference(False), no_dup()),
    (reference(False), no_loss()),
    balance(True),
    balance(False),
    versions(True),
    versions(False),
    fenced(),
    single_flight(True),
    single_flight(False),
    (single_flight(False)[0], no_company()),
    orders(True),
    orders(False),
    abandoned(None),
    abandoned(1),
    abandoned(2),
]


def _same(machine: Machine, prop: Property, bounds: Bounds) -> str:
    """Compare both searches; what came out, "" if that is too large to compare."""
    wanted = cheapest(machine, prop, bounds, Budget(states=STATES))
    if isinstance(wanted, Exploration) and not wanted.complete:
        return ""
    found = array_search(machine, prop, bounds, Budget())
    if isinstance(wanted, Found):
        assert isinstance(found, Found)
        assert (found.run, found.cost, found.peak_workers) == (
            wanted.run,
            wanted.cost,
            wanted.peak_workers,
        )
        return "story"
    assert isinstance(found, Exploration)
    assert (found.states, found.transitions, found.fired) == (
        wanted.states,
        wanted.transitions,
        wanted.fired,
    )
    assert found.complete
    return "empty"


def _look(seed: int) -> Counter[str]:
    machine, prop = random_machine(seed, monotone=seed % 3 == 0)
    met: Counter[str] = Counter()
    for size in SIZES:
        met[_same(machine, prop, Bounds(*size))] += 1
    met["alone"] += any(rule.alone is not None for rule in machine.rules)
    met["broadcast"] += any(rule.others for rule in machine.rules)
    met["removal"] += any(b.removes for rule in machine.rules for b in rule.others)
    met["limit"] += bool(machine.limits)
    met["component rule"] += any(rule.kind is RuleKind.COMPONENT for rule in machine.rules)
    met["end"] += any(rule.ends for rule in machine.rules)
    return met


@pytest.mark.parametrize("start", sampled(range(0, 300, 50), 6))
def test_random_machines(start: int) -> None:
    met: Counter[str] = sum((_look(seed) for seed in range(start, start + 50)), Counter())
    kinds = ("alone", "broadcast", "removal", "limit", "component rule", "end", "story", "empty")
    assert min(met[kind] for kind in kinds) > 2, met


@pytest.mark.nightly
@pytest.mark.parametrize("start", range(300, 40_300, 1_000))
def test_many_random_machines(start: int) -> None:
    for seed in range(start, start + 1_000):
        _look(seed)


@pytest.mark.parametrize("number", range(len(BY_HAND)))
def test_machines_by_hand(number: int) -> None:
    machine, prop = BY_HAND[number]
    assert all(_same(machine, prop, Bounds(*size)) for size in SIZES[:5])


def _steps(
    search: ArrayStates, orbits: Orbits, state: State
) -> tuple[Counter[tuple[int, int]], Counter[tuple[int, int]]]:
    """The steps out of a state as both see them: rule and target."""
    key = search.key_of(orbits, state)
    assert key is not None
    edges, _ = search.edges(np.array([key], np.int64))
    mine = Counter(zip(edges.rule.tolist(), edges.target.tolist(), strict=True))
    wanted: Counter[tuple[int, int]] = Counter()
    for rule, target, _ in orbits.edges(state):
        after = search.key_of(orbits, target)
        assert after is not None
        wanted[rule, after] += 1
    return mine, wanted


@pytest.mark.parametrize("start", range(0, 120, 60))
def test_the_steps_out_of_every_state_are_the_same(start: int) -> None:
    looked = 0
    for seed in range(start, start + 60):
        machine, _ = random_machine(seed)
        bounds = Bounds(*SIZES[seed % 5])
        search, orbits = ArrayStates(machine, bounds), Orbits(machine, bounds)
        known = {int(k) for k in search.initial()}
        seen = dict.fromkeys(orbits.initial())
        assert {search.key_of(orbits, state) for state in seen} == known
        queue = list(seen)
        for state in islice(queue, 200):  # it grows meanwhile
            mine, wanted = _steps(search, orbits, state)
            assert mine == wanted, (seed, state)
            looked += 1
            for _, target, _ in orbits.edges(state):
                if target not in seen:
                    seen[target] = None
                    queue.append(target)
    assert looked > 500


def test_packing_is_the_same_both_ways_and_puts_workers_and_events_in_order() -> None:
    search = ArrayStates(reference(True), Bounds(2, 2))
    keys = search.initial()
    for _ in range(6):
        edges, before = search.edges(keys)
        keys = np.unique(
            np.concatenate([edges.target, search.repacked(keys, before) if before else keys])
        )
    fields = search.packing.unpack(keys)
    assert (search.packing.pack(fields) == keys).all()
    fields.event[:], fields.worker[:] = (
        fields.event[:, ::-1].copy(),
        fields.worker[:, ::-1, ::-1].copy(),
    )
    assert (search.packing.pack(fields) == keys).all()


@pytest.mark.parametrize("number", range(len(BY_HAND)))
def test_states_are_packed_again_when_rows_need_more_bits(
    number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Widths that are just enough for the rows met so far: every few rows, all states are packed
    again.
    """

    def tight(bounds: Bounds, components: int, events: int, workers: int) -> Packing:
        return Packing(
            bounds, *(max(1, (n - 1).bit_length()) for n in (components, events, workers + 1))
        )

    monkeypatch.setattr(array_states, "packing_for", tight)
    machine, prop = BY_HAND[number]
    assert all(_same(machine, prop, Bounds(*size)) for size in SIZES[:5])


def test_what_does_not_fit_is_left_to_the_readable_search(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Unsuited, match="takes 72 bits"):
        packing_for(Bounds(5, 5), 4, 16, 2)
    with pytest.raises(Unsuited, match="several business keys"):
        array_search(reference(True), no_dup(), Bounds(1, 1, 2), Budget())
    few = array_search(reference(True), no_dup(), Bounds(2, 2), Budget(states=700))
    assert isinstance(few, Exploration)
    assert (few.complete, few.reason, few.states, few.by_states) == (
        False,
        "more than 700 states",
        700,
        True,
    )
    large = Bounds(2, 2)
    whole = simplest(reference(True), no_dup(), large, Budget())
    assert isinstance(whole, Exploration)
    assert (whole.engine, whole.states, whole.complete) == (arrays.NAME, 1_341, True)
    monkeypatch.setattr(
        array_states, "packing_for", lambda *_: packing_for(Bounds(9, 9), 1, 64, 64)
    )
    readable = simplest(reference(True), no_dup(), large, Budget())
    assert isinstance(readable, Exploration)
    assert (readable.engine, readable.states, readable.transitions) == (
        "orbits",
        1_341,
        whole.transitions,
    )


def test_all_configurations_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = 0
    for seed in range(150):
        machine, _ = random_machine(seed)
        bounds = Bounds(*SIZES[seed % 5])
        wanted = states.configurations(machine, bounds, Budget(states=states.SMALL))
        if isinstance(wanted, list):
            assert sorted(
                arrays.array_configurations(machine, bounds, Budget()), key=repr
            ) == sorted(wanted, key=repr), seed
            compared += len(wanted)
    assert compared > 2_000
    large = (reference(True), Bounds(2, 2), Budget())
    by_arrays = states.configurations(*large)
    monkeypatch.setattr(states, "find_spec", lambda _: None)
    assert sorted(states.configurations(*large), key=repr) == sorted(by_arrays, key=repr)
    assert len(by_arrays) == 1_341


def test_a_stop_by_time_says_so_and_claims_nothing() -> None:
    late = array_search(reference(True), no_dup(), Bounds(2, 2), Budget(seconds=0))
    assert isinstance(late, Exploration)
    assert (late.complete, late.reason) == (False, "more than 0 ms")
