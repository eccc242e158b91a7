"""Workers that wait for good (docs/semantics_world.md, "Waiting and deadlock"): for a cycle of
waiting workers that nothing ends, for themselves, for a lock that nobody lets go of.

What a worker waits for, and what it has, is read off the machine: it waits at a place whose steps
need something free and have no other way; it has what it has taken on some way to that place, or
what its own variable says that it holds. Both are wider than the truth, since whoever has a thing
may still let go of it in time, so every pattern is tagged.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import permutations

from msgspec import Struct

from onceproof.lang.design import Lock, LockKind
from onceproof.lower import Lowered
from onceproof.lower import variables as v
from onceproof.lower.case import DEAD
from onceproof.machine.system import (
    Cause,
    EventPattern,
    Guard,
    Level,
    Machine,
    Pattern,
    Rule,
    RuleKind,
    Test,
)
from onceproof.properties.possibility import TooWide
from onceproof.properties.quiescence import Tests, conjoin, guard

NAME = "deadlock"
"""The name of the wider patterns (docs/semantics_world.md, "Wider rules")."""
MOST_PATTERNS = 200


class Resource(Struct, frozen=True):
    """A lock or a row that workers wait for. ``database``: the one that ends cycles of its own."""

    name: str
    level: Level
    database: str | None


def waiting_for_good(lowered: Lowered, row: Tests) -> tuple[Pattern, ...]:
    """The situations in which a living worker may wait for good, and the component's row passes the
    tests. Raises TooWide.
    """
    waits = _waits(lowered.machine)
    patterns: dict[Pattern, None] = {}
    for pattern in _patterns(lowered, waits, row):
        patterns[pattern] = None
        if len(patterns) > MOST_PATTERNS:
            raise TooWide("workers wait for each other in too many ways")
    return tuple(patterns)


def _patterns(
    lowered: Lowered, waits: Mapping[str, frozenset[str]], row: Tests
) -> Iterator[Pattern]:
    for lock in lowered.design.locks.values():
        yield from _nobody_lets_go(lowered, lock, waits, row)
    resources = _resources(lowered, waits)
    had = _had(lowered.machine)
    for count in range(1, len(resources) + 1):
        for cycle in permutations(resources, count):
            if cycle[0] != min(cycle, key=lambda r: r.name) or _is_ended(lowered, cycle):
                continue
            workers = [
                _worker(lowered, cycle[i], waits.get(cycle[(i + 1) % count].name, frozenset()), had)
                for i in range(count)
            ]
            if all(w is not None for w in workers):
                known = [w for w in workers if w is not None]
                for parts in _partitions(count):
                    if _meet(cycle, parts):
                        events = tuple(EventPattern((), tuple(known[i] for i in p)) for p in parts)
                        yield Pattern(guard(row), events, NAME)


def _nobody_lets_go(
    lowered: Lowered, lock: Lock, waits: Mapping[str, frozenset[str]], row: Tests
) -> Iterator[Pattern]:
    """Somebody waits for a lock that outlives whoever took it."""
    domain = next((x.domain for x in lowered.machine.variables if x.name == lock.name), ())
    taken = set(domain) & ({"held", "leaked"} if lock.kind is LockKind.STORED else {"leaked"})
    places = waits.get(lock.name)
    if not taken or not places:
        return
    worker = (Test(v.PC, places),)
    held = {lock.name: frozenset(taken)}
    if lock.level is Level.COMPONENT:
        tests = conjoin(row, held)
        assert tests is not None
        yield Pattern(guard(tests), (EventPattern((), (worker,)),), NAME)
    else:
        yield Pattern(guard(row), (EventPattern(guard(held), (worker,)),), NAME)


def _resources(lowered: Lowered, waits: Mapping[str, frozenset[str]]) -> list[Resource]:
    """What workers wait for and keep while they wait: locks of sessions, and rows."""
    design = lowered.design
    levels = {x.name: x.level for x in lowered.machine.variables}
    found = [
        Resource(lock.name, lock.level, lock.database)
        for lock in design.locks.values()
        if lock.kind is LockKind.SESSION and lock.name in waits
    ]
    found += [
        Resource(v.busy(store.name), levels[v.busy(store.name)], store.database)
        for store in design.stores.values()
        if v.busy(store.name) in waits
    ]
    return sorted(found, key=lambda r: r.name)


def _is_ended(lowered: Lowered, cycle: tuple[Resource, ...]) -> bool:
    """Whether one database sees the whole cycle and fails somebody; nobody is on a cycle of one."""
    databases = {r.database for r in cycle}
    database = lowered.design.databases.get(cycle[0].database or "")
    sees = len(databases) == 1 and database is not None and database.picks_victims
    return sees and len(cycle) > 1


def _worker(
    lowered: Lowered, has: Resource, places: frozenset[str], had: Mapping[str, frozenset[str]]
) -> Guard | None:
    """A worker that has one thing and waits at one of these places."""
    own = v.holding(has.name)
    if any(x.name == own for x in lowered.machine.variables):
        return guard({v.PC: places, own: frozenset({"yes"})}) if places else None
    here = places & had.get(has.name, frozenset())
    return guard({v.PC: here}) if here else None


def _meet(cycle: tuple[Resource, ...], parts: tuple[tuple[int, ...], ...]) -> bool:
    """Whether workers that share something of an event are on one event."""
    part = {i: number for number, members in enumerate(parts) for i in members}
    return all(
        resource.level is not Level.EVENT or part[i] == part[(i - 1) % len(cycle)]
        for i, resource in enumerate(cycle)
    )


def _partitions(count: int) -> Iterator[tuple[tuple[int, ...], ...]]:
    """The ways in which so many workers are on events."""
    if count == 0:
        yield ()
        return
    for smaller in _partitions(count - 1):
        yield (*smaller, (count - 1,))
        for i, part in enumerate(smaller):
            yield (*smaller[:i], (*part, count - 1), *smaller[i + 1 :])


# ---------------------------------------------------------------- read off the machine


def _at(rule: Rule) -> frozenset[str]:
    return next((t.allowed for t in rule.guard if t.variable == v.PC), frozenset())


def _things(machine: Machine) -> frozenset[str]:
    """Locks and rows that can be taken."""
    return frozenset(
        x.name for x in machine.variables if x.level is not Level.WORKER and x.initial == ("free",)
    )


def _waits(machine: Machine) -> dict[str, frozenset[str]]:
    """For each thing, the places of living workers whose step may need it free: some step does, and
    none is for the case that it is taken.
    """
    things = _things(machine)
    needs: dict[str, set[str]] = defaultdict(set)
    otherwise: dict[str, set[str]] = defaultdict(set)
    for rule in machine.rules:
        if rule.kind is not RuleKind.WORKER or rule.action.cause is not Cause.HANDLER:
            continue
        for test in rule.guard:
            if test.variable in things:
                (needs if "free" in test.allowed else otherwise)[test.variable].update(_at(rule))
    return {
        name: frozenset(pc for pc in places - otherwise[name] if not pc.endswith(DEAD))
        for name, places in needs.items()
        if places - otherwise[name]
    }


def _had(machine: Machine) -> dict[str, frozenset[str]]:
    """For each thing, the places to which some way leads on which a worker took it and did not let
    go.
    """
    things = _things(machine)
    steps = [r for r in machine.rules if r.kind in (RuleKind.WORKER, RuleKind.SPAWN)]
    had: dict[str, set[str]] = {name: set() for name in things}
    changed = True
    while changed:
        changed = False
        for rule in steps:
            if rule.ends:
                continue
            to = next((u.constant for u in rule.updates if u.target == v.PC), None)
            targets = {to} if to is not None else set(_at(rule))
            for name in things:
                put = next((u for u in rule.updates if u.target == name), None)
                taken = put is not None and any(new != "free" for _, new in put.table)
                kept = put is None and bool(_at(rule) & had[name])
                if (taken or kept) and not targets <= had[name]:
                    had[name] |= targets
                    changed = True
    return {name: frozenset(places) for name, places in had.items()}
