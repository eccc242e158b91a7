"""A tiny, slow reading of ``onceproof.machine.system``, written for these tests only: steps with
identities, and search by brute force.

State: a tuple of components, each (row, events); an event is (row, workers); a worker is (identity,
row). Rows hold values.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, combinations_with_replacement, permutations, product
from typing import Any

from onceproof.machine.invariant import Invariant, Row, Shape
from onceproof.machine.system import (
    Guard,
    Level,
    Machine,
    Move,
    Pattern,
    Property,
    Rule,
    RuleKind,
    Run,
    Update,
)

State = tuple[Any, ...]


@dataclass(frozen=True)
class Size:
    """Bounds: workers alive, events of each component, components."""

    workers: int
    events: int
    keys: int = 1


def named(machine: Machine, level: Level, row: Row) -> dict[str, str]:
    return dict(zip([v.name for v in machine.level(level)], row, strict=True))


def row_of(machine: Machine, level: Level, values: dict[str, str]) -> Row:
    return tuple(values[v.name] for v in machine.level(level))


def holds(guard: Guard, values: dict[str, str]) -> bool:
    return all(values[test.variable] in test.allowed for test in guard)


def updated(updates: tuple[Update, ...], before: dict[str, str]) -> dict[str, str]:
    return {
        u.target: u.table[0][1] if u.source is None else dict(u.table)[before[u.source]]
        for u in updates
    }


def rows(machine: Machine, level: Level) -> list[Row]:
    return list(product(*(v.initial for v in machine.level(level))))


def starts(machine: Machine, size: Size) -> list[State]:
    event = [(row, ()) for row in rows(machine, Level.EVENT)]
    component = list(product(rows(machine, Level.COMPONENT), product(event, repeat=size.events)))
    return list(product(component, repeat=size.keys))


def living(state: State) -> list[tuple[int, Row]]:
    return [worker for _, events in state for _, workers in events for worker in workers]


def successors(machine: Machine, state: State, pool: int) -> Iterator[tuple[Move, State]]:
    for index, rule in enumerate(machine.rules):
        for c, (_, events) in enumerate(state):
            if rule.kind is RuleKind.COMPONENT:
                places = [(-1, -1)]
            elif rule.kind is RuleKind.WORKER:
                places = [
                    (e, identity)
                    for e, (_, workers) in enumerate(events)
                    for identity, _ in workers
                ]
            elif rule.kind is RuleKind.EVENT:
                places = [(e, -1) for e in range(len(events))]
            else:
                used = {identity for identity, _ in living(state)}
                places = [(e, min(set(range(len(used) + 1)) - used)) for e in range(len(events))]
            for e, w in places:
                after = apply(machine, rule, state, (c, e, w), pool)
                if after is not None:
                    yield Move(index, c, e, w), after


def apply(
    machine: Machine, rule: Rule, state: State, place: tuple[int, int, int], pool: int
) -> State | None:
    """The state after the rule fires there, None if it cannot."""
    c, e, w = place
    row, events = state[c]
    values = named(machine, Level.COMPONENT, row)
    if e >= 0:
        values |= named(machine, Level.EVENT, events[e][0])
    if rule.kind is RuleKind.WORKER:
        values |= named(machine, Level.WORKER, dict(events[e][1])[w])
    if not holds(rule.guard, values):
        return None
    if rule.alone is not None and e >= 0:
        if any(
            i != w and holds(rule.alone, named(machine, Level.WORKER, r)) for i, r in events[e][1]
        ):
            return None
    new = values | updated(rule.updates, values)
    if rule.kind is RuleKind.SPAWN:
        new = {v.name: v.initial[0] for v in machine.level(Level.WORKER)} | new
        if len(living(state)) >= pool:
            return None
        for limit in machine.limits:
            count = sum(
                holds(limit.guard, named(machine, Level.WORKER, r)) for _, r in living(state)
            )
            if holds(limit.guard, new) and count >= limit.count:
                return None
    changed = []
    for number, (event_row, workers) in enumerate(events):
        kept = []
        for identity, worker_row in workers:
            if (number, identity) == (e, w):
                if not rule.ends:
                    kept.append((identity, row_of(machine, Level.WORKER, new)))
                continue
            heard = hear(machine, rule, worker_row, number == e)
            if heard is not None:
                kept.append((identity, heard))
        if number == e and rule.kind is RuleKind.SPAWN:
            kept.append((w, row_of(machine, Level.WORKER, new)))
        changed.append(
            (row_of(machine, Level.EVENT, new) if number == e else event_row, tuple(kept))
        )
    return (*state[:c], (row_of(machine, Level.COMPONENT, new), tuple(changed)), *state[c + 1 :])


def hear(machine: Machine, rule: Rule, row: Row, same_event: bool) -> Row | None:
    values = named(machine, Level.WORKER, row)
    for broadcast in rule.others:
        if broadcast.reaches(same_event) and holds(broadcast.guard, values):
            return (
                None
                if broadcast.removes
                else row_of(machine, Level.WORKER, values | updated(broadcast.updates, values))
            )
    return row


def matches(machine: Machine, pattern: Pattern, component: Any) -> bool:
    row, events = component
    if not holds(pattern.component, named(machine, Level.COMPONENT, row)):
        return False
    for chosen in permutations(events, len(pattern.events)):
        if all(
            event_matches(machine, wanted, event)
            for wanted, event in zip(pattern.events, chosen, strict=True)
        ):
            return True
    return False


def event_matches(machine: Machine, wanted: Any, event: Any) -> bool:
    row, workers = event
    crew = [named(machine, Level.WORKER, r) for _, r in workers]
    if not holds(wanted.guard, named(machine, Level.EVENT, row)):
        return False
    if wanted.absent is not None and any(holds(wanted.absent, worker) for worker in crew):
        return False
    chosen = permutations(crew, len(wanted.workers))
    return any(
        all(holds(g, w) for g, w in zip(wanted.workers, some, strict=True)) for some in chosen
    )


def is_bad(machine: Machine, prop: Property, state: State) -> bool:
    return any(matches(machine, pattern, component) for pattern in prop.bad for component in state)


def canonical(state: State) -> State:
    """The same for states that differ in identities and order only."""
    return tuple(
        sorted(
            (row, tuple(sorted((r, tuple(sorted(w for _, w in ws))) for r, ws in events)))
            for row, events in state
        )
    )


def layers(
    machine: Machine, size: Size, depth: int = 10**9, most: int = 10**9
) -> Iterator[list[State]]:
    """The states first reached after 0, 1, 2, ... steps, one for each class."""
    frontier = list({canonical(s): s for s in starts(machine, size)}.values())
    seen = {canonical(s) for s in frontier}
    while frontier and depth >= 0 and len(seen) <= most:
        yield frontier
        found: dict[State, State] = {}
        for state in frontier:
            for _, after in successors(machine, state, size.workers):
                found.setdefault(canonical(after), after)
        frontier = [state for key, state in found.items() if key not in seen]
        seen |= set(found)
        depth -= 1


def replay(machine: Machine, run: Run, pool: int) -> State:
    """The state after the run; an exception if some move is impossible."""
    level = machine.level
    for values, wanted in [(r, Level.COMPONENT) for r in run.rows] + [
        (r, Level.EVENT) for es in run.events for r in es
    ]:
        assert [name for name, _ in values] == [v.name for v in level(wanted)]
        assert all(dict(values)[v.name] in v.initial for v in level(wanted))
    state: State = tuple(
        (tuple(v for _, v in row), tuple((tuple(v for _, v in event), ()) for event in events))
        for row, events in zip(run.rows, run.events, strict=True)
    )
    for move in run.moves:
        state = dict(successors(machine, state, pool))[move]
    return state


def shapes(state: State) -> tuple[Shape, ...]:
    return tuple(Shape(row, events) for row, events in canonical(state))


def guess(machine: Machine, size: Size, pairs: bool = True) -> Invariant:
    """What is true of all states of this size: the row sets, and the pairs (of workers; of events)
    that never occur together.

    It need not be inductive: that is for the solver to say.
    """
    states = [
        shape for layer in layers(machine, size) for state in layer for shape in shapes(state)
    ]
    components = frozenset(s.component for s in states)
    events = frozenset((s.component, row) for s in states for row, _ in s.events)
    workers = frozenset(
        (s.component, row, worker) for s in states for row, crew in s.events for worker in crew
    )
    seen = {
        (s.component, row, two)
        for s in states
        for row, crew in s.events
        for two in combinations(crew, 2)
    }
    seen_events = {
        (s.component, two) for s in states for two in combinations([row for row, _ in s.events], 2)
    }
    excluded = []
    for c, e, w in workers:
        for d, f, x in workers:
            if (
                pairs
                and (c, e) == (d, f)
                and w <= x
                and (c, e, (w, x)) not in seen
                and size.workers > 1
            ):
                excluded.append(Shape(c, ((e, (w, x)),)))
    for c, e in events:
        for d, f in events:
            if pairs and c == d and e <= f and (c, (e, f)) not in seen_events and size.events > 1:
                excluded.append(Shape(c, ((e, ()), (f, ()))))
    excluded.sort(key=lambda s: (s.component, s.events))
    return Invariant(components, events, workers, tuple(excluded))


def embeds(shape: Shape, component: Any) -> bool:
    """The component has the shape's row, and distinct events with the shape's rows and (distinct)
    workers.
    """
    row, events = component
    if row != shape.component:
        return False
    for chosen in permutations(events, len(shape.events)):
        for (wanted, crew), (event_row, workers) in zip(shape.events, chosen, strict=True):
            there = [r for _, r in workers]
            if wanted != event_row or any(there.count(r) < crew.count(r) for r in crew):
                break
        else:
            return True
    return False


def satisfies(invariant: Invariant, component: Any) -> bool:
    row, events = component
    return (
        row in invariant.components
        and all((row, event) in invariant.events for event, _ in events)
        and all(
            (row, event, worker) in invariant.workers
            for event, workers in events
            for _, worker in workers
        )
        and not any(embeds(shape, component) for shape in invariant.excluded)
    )


def models(
    machine: Machine, invariant: Invariant, events: int, workers: int, most: int
) -> list[State] | None:
    """Every component that satisfies the invariant, with up to so many events and workers per
    event; None if these are too many.
    """
    found: list[State] = []
    for row in sorted(invariant.components):
        options = []
        for component, event in sorted(invariant.events):
            rows = sorted(w for c, e, w in invariant.workers if (c, e) == (row, event))
            crews = [
                crew for n in range(workers + 1) for crew in combinations_with_replacement(rows, n)
            ]
            options += [(event, tuple(enumerate(crew))) for crew in crews if component == row]
        for count in range(events + 1):
            if len(options) ** count > most * (count + 1):
                return None
            for chosen in combinations_with_replacement(options, count):
                # identities are unique in the whole configuration
                renamed = tuple(
                    (e, tuple((10 * n + i, w) for i, w in crew))
                    for n, (e, crew) in enumerate(chosen)
                )
                if satisfies(invariant, (row, renamed)):
                    found.append(((row, renamed),))
    return found if len(found) <= most else None


def proves(machine: Machine, prop: Property, invariant: Invariant, states: list[State]) -> bool:
    """The invariant holds at the start (with up to two events), excludes the bad, and is kept by
    every step from ``states``.
    """
    begin = [component for events in range(3) for (component,) in starts(machine, Size(0, events))]
    if not all(satisfies(invariant, component) for component in begin):
        return False
    if any(is_bad(machine, prop, state) for state in states):
        return False
    return all(
        satisfies(invariant, after[0])
        for state in states
        for _, after in successors(machine, state, 10**6)
    )
