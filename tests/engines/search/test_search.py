"""The search agrees with a naive reading of the contract, written here a second time over names and
values.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
from onceproof.engines.search import (
    Bounds,
    Budget,
    Cost,
    Exploration,
    Found,
    MachineError,
    cost_of,
    explore,
    rarity,
    simplest,
)
from onceproof.machine.system import (
    Action,
    Broadcast,
    Cause,
    EventPattern,
    Guard,
    Level,
    Machine,
    Move,
    Pattern,
    Property,
    Rule,
    RuleKind,
    Update,
    Variable,
    put,
)

from support.machines import (
    abandoned,
    balance,
    fenced,
    no_company,
    no_dup,
    orders,
    random_machine,
    reference,
    single_flight,
    variables,
    versions,
    where,
)
from support.naive_search import Config, Row, naive_bad, naive_fire, replay
from support.sample import sampled


def naive_starts(machine: Machine, bounds: Bounds) -> list[Config]:
    def rows(level: Level) -> list[Row]:
        return [
            tuple(row)
            for row in product(*([(v.name, x) for x in v.initial] for v in machine.level(level)))
        ]

    events = list(product(rows(Level.EVENT), repeat=bounds.events))
    return [
        (components, chosen, (None,) * bounds.workers)
        for components in product(rows(Level.COMPONENT), repeat=bounds.keys)
        for chosen in product(events, repeat=bounds.keys)
    ]


def naive_moves(machine: Machine, config: Config) -> Iterator[tuple[Move, Config]]:
    rows, events, pool = config
    for number, rule in enumerate(machine.rules):
        actors: list[tuple[int, int, int]] = []
        for c in range(len(rows)):
            if rule.kind is RuleKind.COMPONENT:
                actors.append((c, -1, -1))
            for e in range(len(events[c])):
                if rule.kind is RuleKind.EVENT:
                    actors.append((c, e, -1))
                elif rule.kind is RuleKind.SPAWN:
                    actors += [(c, e, n) for n, worker in enumerate(pool) if worker is None]
                elif rule.kind is RuleKind.WORKER:
                    actors += [
                        (c, e, n)
                        for n, worker in enumerate(pool)
                        if worker is not None and worker[:2] == (c, e)
                    ]
        for actor in actors:
            after = naive_fire(machine, config, Move(number, *actor))
            if after is not None:
                yield Move(number, *actor), after


def check_run(machine: Machine, prop: Property, bounds: Bounds, found: Found) -> None:
    passed = replay(machine, found.run, bounds.workers)
    assert passed[0] in naive_starts(machine, bounds)
    assert [naive_bad(prop, config) for config in passed] == [False] * (len(passed) - 1) + [True]
    cost = Cost(0, 0, 0)
    for move in found.run.moves:
        cost = cost.plus(cost_of(machine.rules[move.rule].action.cause))
    assert cost == found.cost
    assert found.peak_workers == max(
        sum(worker is not None for worker in config[2]) for config in passed
    )


def cheapest(
    machine: Machine, prop: Property, bounds: Bounds, limit: int
) -> tuple[Cost | None, int, int, int] | None:
    """By brute force: the least cost of a bad configuration, and the states and transitions there
    are; None if over the limit.
    """
    starts = naive_starts(machine, bounds)
    heap: list[tuple[Any, int, Config]] = [
        (Cost(0, 0, 0), i, config) for i, config in enumerate(starts)
    ]
    done: set[Config] = set()
    best, transitions, pushed, fired = None, 0, len(heap), 0
    while heap:
        cost, _, config = heapq.heappop(heap)
        if config in done:
            continue
        done.add(config)
        if len(done) > limit:
            return None
        if best is None and naive_bad(prop, config):
            best = cost
        for move, after in naive_moves(machine, config):
            transitions += 1
            fired |= 1 << move.rule
            if after not in done:
                pushed += 1
                heapq.heappush(
                    heap, (cost.plus(cost_of(machine.rules[move.rule].action.cause)), pushed, after)
                )
    return best, len(done), transitions, fired


def bounds_of(seed: int) -> Bounds:
    return (
        Bounds(2, 2),
        Bounds(3, 1),
        Bounds(2, 1, 2),
        Bounds(1, 3),
        Bounds(3, 2),
        Bounds(2, 2, 2),
    )[seed % 6]


@pytest.mark.parametrize("start", sampled(range(0, 200, 100), 2))
def test_orbits_agree_with_identities_on_random_machines(start: int) -> None:
    compared = 0
    for seed in range(start, start + 100):
        machine, _ = random_machine(seed)
        full = explore(machine, bounds_of(seed), Budget(states=1_000), symmetry=False)
        if full.complete:
            orbits = explore(machine, bounds_of(seed), Budget())
            assert orbits.complete
            assert (orbits.full_states, orbits.full_transitions) == (
                full.states,
                full.transitions,
            ), seed
            assert (orbits.fired, orbits.depth) == (full.fired, full.depth), seed
            compared += 1
    assert compared >= 60


@pytest.mark.slow
def test_verdict_and_cost_agree_with_brute_force_on_random_machines() -> None:
    verdicts = {True: 0, False: 0}
    for seed in range(300):
        machine, prop = random_machine(seed, monotone=seed % 3 == 0)
        bounds = bounds_of(seed)
        naive = cheapest(machine, prop, bounds, 160)
        if naive is None:
            continue
        best, states, transitions, fired = naive
        full = explore(machine, bounds, Budget())
        assert (full.full_states, full.full_transitions) == (states, transitions), seed
        assert full.fired == {i for i in range(len(machine.rules)) if fired >> i & 1}
        found = simplest(machine, prop, bounds, Budget())
        verdicts[isinstance(found, Found)] += 1
        if isinstance(found, Found):
            assert found.cost == best, seed
            check_run(machine, prop, bounds, found)
        else:
            assert best is None, seed
            assert (found.complete, found.full_states, found.full_transitions) == (
                True,
                states,
                transitions,
            ), seed
            assert found.fired == full.fired
    assert min(verdicts.values()) >= 50, verdicts


def test_runs_of_larger_random_machines_replay_and_are_the_same_every_time() -> None:
    replayed = 0
    for seed in range(1000, 1120):
        machine, prop = random_machine(seed)
        found = simplest(machine, prop, Bounds(4, 3), Budget(states=3_000))
        if isinstance(found, Found):
            check_run(machine, prop, Bounds(4, 3), found)
            assert simplest(machine, prop, Bounds(4, 3), Budget()) == found
            replayed += 1
    assert replayed >= 40


@pytest.mark.parametrize(
    ("machine", "prop", "faults", "workers"),
    [
        (reference(False), no_dup(), 0, 2),
        (*balance(dedup=False), 0, 2),
        (*versions(compared=False), 0, 2),
        (single_flight(locked=False)[0], no_company(), 0, 2),
        (*orders(by_order=False), 0, 1),
        (*abandoned(None), 1, 1),
        (*abandoned(1), 1, 1),
    ],
    ids=lambda value: f"{value.name} {value.semantics}" if isinstance(value, Machine) else None,
)
def test_known_violations(machine: Machine, prop: Property, faults: int, workers: int) -> None:
    bounds = Bounds(workers, 2)
    found = simplest(machine, prop, bounds, Budget())
    assert isinstance(found, Found)
    assert (found.cost.faults, found.peak_workers) == (faults, workers)
    check_run(machine, prop, bounds, found)


@pytest.mark.parametrize(
    ("machine", "prop"),
    [
        (reference(True), no_dup()),
        balance(dedup=True),
        versions(compared=True),
        fenced(),
        single_flight(locked=True),
        single_flight(locked=False),
        (single_flight(locked=True)[0], no_company()),
        orders(by_order=True),
    ],
    ids=lambda value: f"{value.name} {value.semantics}" if isinstance(value, Machine) else None,
)
@pytest.mark.parametrize("bounds", [Bounds(2, 2), Bounds(3, 1), Bounds(2, 1, 2)])
def test_known_safe(machine: Machine, prop: Property, bounds: Bounds) -> None:
    found = simplest(machine, prop, bounds, Budget())
    assert isinstance(found, Exploration)
    assert found.complete


def test_absent_workers_are_absent() -> None:
    machine, prop = abandoned(None)
    present = Property("begun", (Pattern(events=(EventPattern(where(state="begun")),)),))
    without = simplest(machine, prop, Bounds(2), Budget())
    with_ = simplest(machine, present, Bounds(2), Budget())
    assert isinstance(without, Found)
    assert isinstance(with_, Found)
    assert (without.cost.steps, with_.cost.steps) == (2, 1)


def test_limits_bound_the_spawns_of_the_whole_configuration() -> None:
    def late(count: int) -> Property:
        return Property("late", (Pattern(events=(EventPattern((), (where(pc="late"),) * count),)),))

    machine, _ = abandoned(1)
    assert isinstance(simplest(machine, late(1), Bounds(3), Budget()), Found)
    found = simplest(
        machine, late(2), Bounds(3), Budget()
    )  # the second comes from "early", which no limit keeps back
    assert isinstance(found, Found)
    assert machine.rules[found.run.moves[-1].rule].kind is RuleKind.WORKER
    assert isinstance(simplest(machine, late(3), Bounds(3), Budget()), Exploration)


def test_rarity_puts_the_ordinary_first() -> None:
    known = [
        rarity(c)
        for c in (
            Cause.KILLED,
            Cause.ANSWER_LOST,
            Cause.ACK_LOST,
            Cause.LEASE_EXPIRED,
            Cause.REFUSED,
        )
    ]
    assert known == [1, 2, 3, 3, 4]
    assert [
        rarity(c) for c in (Cause.PUBLISHER_RETRY, Cause.BROKER_COPY, Cause.VANISHED, Cause.REPLAY)
    ] == [5, 5, 5, 6]
    assert {
        rarity(c) for c in (Cause.KEY_EXPIRED, Cause.ROW_LOST, Cause.FAILOVER, Cause.LATE_EFFECT)
    } == {7}
    assert cost_of(Cause.HANDLER) == Cost(0, 0, 1)
    assert Cost(1, 7, 3) < Cost(2, 2, 2)


def small(*rules: Rule, worker: tuple[Variable, ...] = ()) -> Machine:
    shared = variables(Level.COMPONENT, row="a b") + variables(Level.EVENT, state="a b c")
    return Machine("small", "", shared + (worker or variables(Level.WORKER, pc="go end")), rules)


def rule(kind: RuleKind, guard: Guard = (), updates: tuple[Update, ...] = (), **rest: Any) -> Rule:
    return Rule(kind, Action(Cause.HANDLER), guard, updates, **rest)


HALF = Update("state", "state", (("a", "b"),))
TELL = Broadcast(Level.EVENT, (), (put("pc", "end"),))


@pytest.mark.parametrize(
    "machine",
    [
        small(rule(RuleKind.EVENT, (), (put("state", "z"),))),
        small(rule(RuleKind.EVENT, (), (HALF,))),
        small(rule(RuleKind.EVENT, where(pc="go"))),
        small(rule(RuleKind.EVENT, where(nothing="go"))),
        small(rule(RuleKind.EVENT, where(state="a") + where(state="b"))),
        small(rule(RuleKind.EVENT, (), (put("state", "a"), put("state", "b")))),
        small(rule(RuleKind.EVENT, ends=True)),
        small(rule(RuleKind.COMPONENT, (), (put("state", "b"),))),
        small(rule(RuleKind.COMPONENT, alone=())),
        small(rule(RuleKind.COMPONENT, others=(TELL,))),
        small(rule(RuleKind.SPAWN, (), (Update("pc", "pc", (("go", "end"),)),))),
        small(rule(RuleKind.SPAWN, others=(TELL, TELL))),
        small(rule(RuleKind.SPAWN, others=(Broadcast(Level.EVENT, where(state="a"), ()),))),
        small(rule(RuleKind.SPAWN), worker=variables(Level.WORKER, pc="go end / go end")),
    ],
)
def test_a_machine_that_breaks_the_contract_raises(machine: Machine) -> None:
    with pytest.raises(MachineError):
        explore(machine, Bounds(2), Budget())


def test_a_guarded_table_may_be_partial() -> None:
    machine = small(rule(RuleKind.EVENT, where(state="a"), (HALF,)))
    assert explore(machine, Bounds(1), Budget()).states == 2


def test_a_pattern_over_a_variable_of_another_level_raises() -> None:
    prop = Property("wrong", (Pattern(component=where(state="a")),))
    with pytest.raises(MachineError):
        simplest(small(rule(RuleKind.SPAWN)), prop, Bounds(1), Budget())


@pytest.mark.parametrize("sizes", [(-1, 1, 1), (1, 0, 1), (1, 1, 0)])
def test_bounds_without_configurations_raise(sizes: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="no configuration"):
        Bounds(*sizes)
