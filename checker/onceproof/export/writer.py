"""What the languages share: how conditions of rules, limits, broadcasts and claims are put together
from the few phrases in which the languages differ.

Two families. Where a language has quantifiers, slots and events stay variables
(``QuantifiedWriter``: Murphi, TLA+). Where it has none, they are written out one by one
(``EnumeratedWriter``: Promela, SMV).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from itertools import permutations
from typing import ClassVar

from msgspec import Struct

from onceproof.export.model import Dialect, Model, changes, head, reached
from onceproof.machine.system import (
    Broadcast,
    EventPattern,
    Guard,
    Level,
    Limit,
    Pattern,
    Property,
    Rule,
    RuleKind,
    Update,
)

ACTING = (RuleKind.WORKER, RuleKind.SPAWN)
"""The kinds of rules whose actor has a slot."""


class Actor(Struct, frozen=True):
    """Whose variables are meant, as indices in the text of the target language."""

    component: str = ""
    event: str = ""
    slot: str = ""


class Writer(ABC):
    """Writes a model in one language."""

    states: ClassVar[str]
    """How the number of states that the other checker prints relates to ours."""
    order: ClassVar[tuple[RuleKind, ...]] = tuple(RuleKind)
    """The kinds of rules, as they are written one after the other."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.size = model.size
        self.variables = model.variables
        self.has_keys = model.size.keys > 1
        """Whether there is more than one component, so that it has to be named."""
        self.dialect = self.dialect_of(model)

    def text(self) -> str:
        """The whole model."""
        lines = self.declarations()
        for kind in self.order:
            for name, rule in self.model.rules(kind):
                for block in self.rule(name, rule):
                    lines += ["", *block]
        lines += self.behavior()
        for number, claim in enumerate(self.model.claims):
            lines += ["", *self.claim(number, claim)]
        return "\n".join([*lines, *self.footer()]) + "\n"

    # -- the parts of a model

    @abstractmethod
    def declarations(self) -> list[str]:
        """All that stands before the rules."""

    @abstractmethod
    def rule(self, name: str, rule: Rule) -> list[list[str]]:
        """A rule, in blocks of lines."""

    def behavior(self) -> list[str]:
        """How the rules make up the runs, where the language has to be told."""
        return []

    @abstractmethod
    def claim(self, number: int, claim: Property) -> list[str]:
        """A claim, to be checked in every state."""

    def footer(self) -> list[str]:
        """All that stands after the claims."""
        return []

    def heading(self, margin: str) -> list[str]:
        """The comment at the top."""
        return [f"{margin}{line}".rstrip() for line in head(self.model, self.states)]

    # -- the phrases of a language

    @abstractmethod
    def dialect_of(self, model: Model) -> Dialect:
        """How conditions are written."""

    @abstractmethod
    def place(self, name: str, actor: Actor) -> str:
        """A variable of an actor."""

    @abstractmethod
    def free(self, slot: str) -> str:
        """The slot has no worker."""

    @abstractmethod
    def occupied(self, slot: str) -> str:
        """The slot has a worker."""

    @abstractmethod
    def works(self, slot: str, event: str) -> list[str]:
        """The slot has a worker on this event."""

    @abstractmethod
    def in_component(self, slot: str, actor: Actor) -> list[str]:
        """The slot has a worker on some event of the actor's component."""

    @abstractmethod
    def alone(self, rule: Rule, actor: Actor) -> list[str]:
        """No other worker of the event forbids the step."""

    @abstractmethod
    def at_limit(self, limit: Limit) -> str:
        """There are as many workers as the limit allows."""

    # -- what is made of them

    def short(self, name: str) -> str:
        """The identifier of a variable."""
        return self.model.names.variables[name]

    def first(self, name: str) -> str:
        """The value that a variable starts with, in the model's words."""
        return self.dialect.value(name, self.variables[name].initial[0])

    def guard(self, guard: Guard, actor: Actor) -> list[str]:
        """The tests of a guard."""
        return self.dialect.guard(self.model, guard, lambda name: self.place(name, actor))

    def ready(self, kind: RuleKind, actor: Actor) -> list[str]:
        """The actor's slot is as a rule of this kind needs it."""
        match kind:
            case RuleKind.SPAWN:
                return [self.free(actor.slot)]
            case RuleKind.WORKER:
                return self.works(actor.slot, actor.event)
            case _:
                return []

    def conditions(self, rule: Rule, actor: Actor) -> list[str]:
        """All that must hold for the actor to take the step."""
        return [
            *self.ready(rule.kind, actor),
            *self.guard(rule.guard, actor),
            *self.alone(rule, actor),
            *self.limits(rule, actor),
        ]

    def limits(self, rule: Rule, actor: Actor) -> list[str]:
        """A spawn beyond a limit is disabled."""
        conditions = []
        for limit, tests in reached(self.model, rule):
            counts = [
                self.dialect.test(
                    self.place(test.variable, actor), self.variables[test.variable], test.allowed
                )
                for test in tests
            ]
            conditions.append(self.dialect.deny(self.dialect.all([*counts, self.at_limit(limit)])))
        return conditions

    def receives(self, broadcast: Broadcast, slot: str, actor: Actor) -> list[str]:
        """The worker in the slot takes part in a broadcast of the actor's rule."""
        scope = (
            self.works(slot, actor.event)
            if broadcast.scope is Level.EVENT
            else self.in_component(slot, actor)
        )
        if broadcast.rest and actor.event:
            scope = [*scope, self.dialect.deny(self.dialect.all(self.works(slot, actor.event)))]
        return [*scope, *self.guard(broadcast.guard, Actor(slot=slot))]

    def constant(self, update: Update) -> str:
        """The value of an update that reads nothing."""
        return self.dialect.value(update.target, update.table[0][1])

    def branches(self, update: Update, place: str) -> list[tuple[str, str]]:
        """An update that reads the value at ``place``: conditions, each with the new value."""
        assert update.source is not None
        return [
            (self.is_one_of(update.source, place, olds), self.dialect.value(update.target, new))
            for olds, new in changes(update)
        ]

    def is_one_of(self, name: str, place: str, values: Iterable[str]) -> str:
        """The variable at ``place`` has one of the values."""
        equal = self.dialect.equal
        return self.dialect.any(f"{place} {equal} {self.dialect.value(name, x)}" for x in values)

    def source(self, name: str, actor: Actor, saved: tuple[str, Sequence[str]]) -> str:
        """Where an update finds its old value in a language whose assignments run one after the
        other.

        ``saved``: the prefix of copies, and the variables that were copied before the first
        assignment.
        """
        prefix, names = saved
        return f"{prefix}__{self.short(name)}" if name in names else self.place(name, actor)


class EnumeratedWriter(Writer):
    """For languages without quantifiers: every slot and event is named. Events are numbered through
    all components.
    """

    def __init__(self, model: Model) -> None:
        super().__init__(model)
        self.slots = [str(i) for i in range(model.size.workers)]
        self.total = model.size.events * model.size.keys
        """How many events there are in all; as the event of a slot, this number means none."""

    @abstractmethod
    def number_of(self, conditions: list[str]) -> str:
        """How many of the conditions hold."""

    def at_limit(self, limit: Limit) -> str:
        counted = [
            self.dialect.all([self.occupied(slot), *self.guard(limit.guard, Actor(slot=slot))])
            for slot in self.slots
        ]
        return f"{self.number_of(counted)} >= {limit.count}"

    def nobody(self, guard: Guard, event: str, slots: Iterable[str], but: str = "") -> list[str]:
        """No worker of the event satisfies the guard; ``but``: the slot of one who may."""
        return [
            self.dialect.deny(
                self.dialect.all(
                    [
                        *([f"{slot} {self.dialect.unequal} {but}"] if but else []),
                        *self.works(slot, event),
                        *self.guard(guard, Actor(slot=slot)),
                    ]
                )
            )
            for slot in slots
        ]

    def bad(self, claim: Property, margin: str) -> str:
        """A state is bad: every way to choose the events of every pattern, a line each."""
        ways = dict.fromkeys(way for pattern in claim.bad for way in self.pattern(pattern))
        return f"\n{margin}{self.dialect.either} ".join(ways) or self.dialect.false

    def pattern(self, pattern: Pattern) -> list[str]:
        """The ways in which a state can match a pattern."""
        ways = []
        for k in range(self.size.keys):
            row = self.guard(pattern.component, Actor(component=str(k)))
            numbers = range(k * self.size.events, (k + 1) * self.size.events)
            for events in permutations(numbers, len(pattern.events)):
                parts = [
                    part
                    for each, event in zip(pattern.events, events, strict=True)
                    for part in self.event_pattern(each, str(event))
                ]
                ways.append(f"({self.dialect.all([*row, *parts])})")
        return ways

    def event_pattern(self, pattern: EventPattern, event: str) -> list[str]:
        """One event of a pattern, with its workers and without those that must be absent."""
        parts = self.guard(pattern.guard, Actor(event=event))
        if pattern.workers:
            choices = permutations(self.slots, len(pattern.workers))
            parts.append(
                self.dialect.any(
                    f"({self.dialect.all(self.worker_patterns(pattern.workers, slots, event))})"
                    for slots in choices
                )
            )
        if pattern.absent is not None:
            parts += self.nobody(pattern.absent, event, self.slots)
        return parts

    def worker_patterns(
        self, guards: Sequence[Guard], slots: Sequence[str], event: str
    ) -> list[str]:
        """The workers of an event pattern, in these slots."""
        return [
            part
            for slot, guard in zip(slots, guards, strict=True)
            for part in (*self.works(slot, event), *self.guard(guard, Actor(slot=slot)))
        ]


class QuantifiedWriter(Writer):
    """For languages with quantifiers and arrays: ``w``, ``e`` and ``k`` are the actor's slot, event
    and component.
    """

    start: ClassVar[int] = 0
    """The number of the first bound event and slot."""

    @abstractmethod
    def exists(self, binders: list[tuple[str, str]], condition: str) -> str:
        """For some values of the binders, each a kind (``Key``, ``Event``, ``Slot``) and a
        name.
        """

    @abstractmethod
    def nobody(self, condition: str) -> str:
        """No slot ``v`` satisfies the condition."""

    def place(self, name: str, actor: Actor) -> str:
        short = self.short(name)
        key = f"[{actor.component or 'k'}]" if self.has_keys else ""
        match self.variables[name].level:
            case Level.COMPONENT:
                return f"{short}{key}"
            case Level.EVENT:
                return f"{short}{key}[{actor.event or 'e'}]"
            case Level.WORKER:
                return f"worker[{actor.slot or 'w'}].{short}"

    def in_component(self, slot: str, actor: Actor) -> list[str]:
        same = [f"worker[{slot}].key = k"] if self.has_keys else []
        return [self.occupied(slot), *same]

    def distinct(self, names: Sequence[str]) -> list[str]:
        """No two names mean the same."""
        unequal = self.dialect.unequal
        return [f"{a} {unequal} {b}" for i, a in enumerate(names) for b in names[:i]]

    def pattern(self, pattern: Pattern) -> str:
        """A state matches a pattern."""
        events = [f"e{i + self.start}" for i in range(len(pattern.events))]
        parts = [*self.guard(pattern.component, Actor()), *self.distinct(events)]
        for each, event in zip(pattern.events, events, strict=True):
            parts += self.event_pattern(each, event)
        key = [("Key", "k")] if self.has_keys else []
        binders = [*key, *(("Event", event) for event in events)]
        return self.exists(binders, self.dialect.all(parts))

    def event_pattern(self, pattern: EventPattern, event: str) -> list[str]:
        """One event of a pattern, with its workers and without those that must be absent."""
        parts = self.guard(pattern.guard, Actor(event=event))
        slots = [f"{event}w{i + self.start}" for i in range(len(pattern.workers))]
        workers = self.distinct(slots)
        for slot, guard in zip(slots, pattern.workers, strict=True):
            workers += [*self.works(slot, event), *self.guard(guard, Actor(slot=slot))]
        if slots:
            binders = [("Slot", slot) for slot in slots]
            parts.append(self.exists(binders, self.dialect.all(workers)))
        if pattern.absent is not None:
            absent = [*self.works("v", event), *self.guard(pattern.absent, Actor(slot="v"))]
            parts.append(self.nobody(self.dialect.all(absent)))
        return parts
