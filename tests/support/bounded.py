"""A tiny explicit search over bounded configurations of one component: the oracle the unbounded
engine is compared with.

Written from the words of ``onceproof.machine.system`` alone; slow, and without any of the engine's
tricks.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations_with_replacement, permutations, product

from onceproof.machine.invariant import Invariant, Row
from onceproof.machine.system import (
    EventPattern,
    Guard,
    Level,
    Machine,
    Pattern,
    Property,
    Rule,
    RuleKind,
    Update,
)

Event = tuple[Row, tuple[Row, ...]]
Configuration = tuple[Row, tuple[Event, ...]]
Values = dict[str, str]


class Bounded:
    """The machine with a fixed number of events and at most so many workers."""

    def __init__(self, machine: Machine, workers: int) -> None:
        self.machine = machine
        self.most = workers
        self.names = {level: tuple(v.name for v in machine.level(level)) for level in Level}
        self.newborn = tuple(v.initial[0] for v in machine.level(Level.WORKER))

    def initial(self, events: int) -> list[Configuration]:
        """The initial configurations with that many events."""
        components = list(product(*(v.initial for v in self.machine.level(Level.COMPONENT))))
        rows = sorted(product(*(v.initial for v in self.machine.level(Level.EVENT))))
        return [
            (c, tuple((e, ()) for e in chosen))
            for c in components
            for chosen in combinations_with_replacement(rows, events)
        ]

    def values(self, level: Level, row: Row) -> Values:
        return dict(zip(self.names[level], row, strict=True))

    def write(self, level: Level, row: Row, updates: tuple[Update, ...], here: Values) -> Row:
        after = self.values(level, row)
        for update in updates:
            if update.target in after:
                after[update.target] = (
                    update.table[0][1]
                    if update.source is None
                    else dict(update.table)[here[update.source]]
                )
        return tuple(after[name] for name in self.names[level])

    def holds(self, guard: Guard, here: Values) -> bool:
        return all(here[test.variable] in test.allowed for test in guard)

    def successors(self, configuration: Configuration) -> Iterator[Configuration]:
        """One step: every rule, every actor."""
        component, events = configuration
        outer = self.values(Level.COMPONENT, component)
        for rule in self.machine.rules:
            if rule.kind is RuleKind.COMPONENT:
                if self.holds(rule.guard, outer):
                    yield self.fire(rule, configuration, None, None)
                continue
            for i, (row, workers) in enumerate(events):
                here = outer | self.values(Level.EVENT, row)
                actors: list[int | None] = (
                    [*range(len(workers))] if rule.kind is RuleKind.WORKER else [None]
                )
                for actor in actors:
                    seen = (
                        here if actor is None else here | self.values(Level.WORKER, workers[actor])
                    )
                    if (
                        self.holds(rule.guard, seen)
                        and self.quiet(rule, workers, actor)
                        and self.room(rule, configuration)
                    ):
                        after = self.fire(rule, configuration, i, actor)
                        if self.within_limits(rule, configuration, after):
                            yield after

    def quiet(self, rule: Rule, workers: tuple[Row, ...], actor: int | None) -> bool:
        others = [w for j, w in enumerate(workers) if j != actor]
        return rule.alone is None or not any(
            self.holds(rule.alone, self.values(Level.WORKER, w)) for w in others
        )

    def room(self, rule: Rule, configuration: Configuration) -> bool:
        return (
            rule.kind is not RuleKind.SPAWN
            or sum(len(workers) for _, workers in configuration[1]) < self.most
        )

    def within_limits(self, rule: Rule, before: Configuration, after: Configuration) -> bool:
        """A spawn must not lead from within a limit to beyond it (the new worker is what would be
        too many).
        """
        return rule.kind is not RuleKind.SPAWN or all(
            self.count(limit.guard, after) <= max(limit.count, self.count(limit.guard, before))
            for limit in self.machine.limits
        )

    def count(self, guard: Guard, configuration: Configuration) -> int:
        component, events = configuration
        outer = self.values(Level.COMPONENT, component)
        return sum(
            self.holds(guard, outer | self.values(Level.EVENT, row) | self.values(Level.WORKER, w))
            for row, ws in events
            for w in ws
        )

    def fire(
        self, rule: Rule, configuration: Configuration, at: int | None, actor: int | None
    ) -> Configuration:
        component, events = configuration
        here = self.values(Level.COMPONENT, component)
        if at is not None:
            here |= self.values(Level.EVENT, events[at][0])
            if actor is not None:
                here |= self.values(Level.WORKER, events[at][1][actor])
        result: list[Event] = []
        for i, (row, workers) in enumerate(events):
            after: list[Row] = []
            for j, worker in enumerate(workers):
                if (i, j) == (at, actor):
                    if not rule.ends:
                        after.append(self.write(Level.WORKER, worker, rule.updates, here))
                else:
                    after += self.heard(rule, worker, same=i == at)
            if i == at and rule.kind is RuleKind.SPAWN:
                after.append(self.write(Level.WORKER, self.newborn, rule.updates, here))
            new_row = self.write(Level.EVENT, row, rule.updates, here) if i == at else row
            result.append((new_row, tuple(sorted(after))))
        return self.write(Level.COMPONENT, component, rule.updates, here), tuple(sorted(result))

    def heard(self, rule: Rule, worker: Row, *, same: bool) -> list[Row]:
        for broadcast in rule.others:
            own = self.values(Level.WORKER, worker)
            if broadcast.reaches(same) and self.holds(broadcast.guard, own):
                return (
                    []
                    if broadcast.removes
                    else [self.write(Level.WORKER, worker, broadcast.updates, own)]
                )
        return [worker]

    def reachable(self, events: int, most: int = 10**9) -> list[Configuration] | None:
        """All reachable configurations, or ``None`` if there are more than ``most``."""
        found = dict.fromkeys(self.initial(events))
        todo = list(found)
        while todo:
            for after in self.successors(todo.pop()):
                if after not in found:
                    if len(found) >= most:
                        return None
                    found[after] = None
                    todo.append(after)
        return list(found)

    def bad(self, configuration: Configuration, prop: Property) -> bool:
        """The configuration contains a bad pattern."""
        return any(self.matches(configuration, pattern) for pattern in prop.bad)

    def matches(self, configuration: Configuration, pattern: Pattern) -> bool:
        component, events = configuration
        if not self.holds(pattern.component, self.values(Level.COMPONENT, component)):
            return False
        chosen = permutations(events, len(pattern.events))
        return any(
            all(self.fits(e, p) for e, p in zip(events, pattern.events, strict=True))
            for events in chosen
        )

    def fits(self, event: Event, pattern: EventPattern) -> bool:
        row, workers = event
        own = [self.values(Level.WORKER, w) for w in workers]
        if not self.holds(pattern.guard, self.values(Level.EVENT, row)):
            return False
        if pattern.absent is not None and any(self.holds(pattern.absent, w) for w in own):
            return False
        chosen = permutations(own, len(pattern.workers))
        return any(
            all(self.holds(g, w) for g, w in zip(pattern.workers, ws, strict=True)) for ws in chosen
        )


def satisfies(configuration: Configuration, invariant: Invariant) -> bool:
    """The configuration is one that the invariant allows, read off its definition."""
    component, events = configuration
    if component not in invariant.components:
        return False
    for row, workers in events:
        if (component, row) not in invariant.events or any(
            (component, row, w) not in invariant.workers for w in workers
        ):
            return False
    for shape in invariant.excluded:
        if shape.component == component:
            for chosen in permutations(events, len(shape.events)):
                pairs = list(zip(chosen, shape.events, strict=True))
                if all(
                    e[0] == s[0] and all(e[1].count(w) >= s[1].count(w) for w in s[1])
                    for e, s in pairs
                ):
                    return False
    return True
