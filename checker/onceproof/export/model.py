"""What is exported: a machine, claims about it, how many of everything, and the names they get.

The export is one more reading of ``onceproof.machine.system``: written from its docstring alone, it
shares nothing with the search, so that another checker's verdict on an exported model is an opinion
of its own.

What a state of an exported model is: the component rows, the event rows and the slots of the
workers. Components, events and slots are told apart. A slot is free, or holds the event it works on
and the worker's variables; a free slot has one fixed content. A spawn may take any free slot. So
the number of states is ``full_states`` of ``explore`` for the same bounds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import product
from math import prod

from msgspec import Struct

from onceproof.export.names import Names
from onceproof.machine.system import (
    Cause,
    Guard,
    Level,
    Limit,
    Machine,
    Property,
    Rule,
    RuleKind,
    Test,
    Update,
    Variable,
)


class Size(Struct, frozen=True):
    """``workers``: slots in all; ``events``: per component; ``keys``: components."""

    workers: int
    events: int
    keys: int = 1


class Model(Struct, frozen=True):
    """Everything a writer needs. ``title`` names the exported module where a language wants a name.

    ``symmetric``: say that events and slots are interchangeable, where the language can say so.
    """

    machine: Machine
    claims: tuple[Property, ...]
    size: Size
    names: Names
    title: str = "design"
    symmetric: bool = False

    @property
    def components(self) -> tuple[Variable, ...]:
        """The variables of a component row."""
        return self.machine.level(Level.COMPONENT)

    @property
    def events(self) -> tuple[Variable, ...]:
        """The variables of an event row."""
        return self.machine.level(Level.EVENT)

    @property
    def workers(self) -> tuple[Variable, ...]:
        """The variables of a worker."""
        return self.machine.level(Level.WORKER)

    @property
    def variables(self) -> Mapping[str, Variable]:
        """By name."""
        return {v.name: v for v in self.machine.variables}

    def rules(self, kind: RuleKind) -> list[tuple[str, Rule]]:
        """The rules of one kind, with their identifiers."""
        return [
            (self.names.rules[i], rule)
            for i, rule in enumerate(self.machine.rules)
            if rule.kind is kind
        ]


Place = Callable[[str], str]
"""Where a variable stands, as text of the target language, for the actor at hand."""


class Dialect(Struct, frozen=True):
    """How a language writes conditions, and how the model's values are written in it."""

    equal: str
    unequal: str
    both: str
    either: str
    negation: str
    true: str
    false: str
    value: Callable[[str, str], str]
    """The text of a value of a variable."""

    def all(self, parts: Iterable[str]) -> str:
        """A conjunction. Each part must stand as an operand."""
        operands = [p for p in parts if p != self.true]
        return f" {self.both} ".join(operands) if operands else self.true

    def any(self, parts: Iterable[str]) -> str:
        """A disjunction in brackets. Each part must stand as an operand."""
        operands = list(dict.fromkeys(parts))
        if not operands:
            return self.false
        return operands[0] if len(operands) == 1 else f"({f' {self.either} '.join(operands)})"

    def deny(self, condition: str) -> str:
        """A negation."""
        return f"{self.negation}({condition})"

    def test(self, place: str, variable: Variable, allowed: frozenset[str]) -> str:
        """One variable has one of the allowed values."""
        inside = [x for x in variable.domain if x in allowed]
        outside = [x for x in variable.domain if x not in allowed]
        if not outside:
            return self.true
        if len(outside) == 1 and len(inside) > 1:
            return f"{place} {self.unequal} {self.value(variable.name, outside[0])}"
        return self.any(f"{place} {self.equal} {self.value(variable.name, x)}" for x in inside)

    def guard(self, model: Model, guard: Guard, place: Place) -> list[str]:
        """The tests of a guard that say something."""
        tests = (
            self.test(place(t.variable), model.variables[t.variable], t.allowed) for t in guard
        )
        return [t for t in tests if t != self.true]


def changes(update: Update) -> list[tuple[tuple[str, ...], str]]:
    """The table of an update that reads a source, by new value: which old values lead to it."""
    old_values: dict[str, list[str]] = {}
    for old, new in update.table:
        old_values.setdefault(new, []).append(old)
    return [(tuple(olds), new) for new, olds in old_values.items()]


def in_order(updates: tuple[Update, ...]) -> tuple[Update, ...]:
    """The same updates in an order in which fewer sources are overwritten before they are read."""
    left, done = list(updates), []
    while left:
        ready = [u for u in left if not any(o is not u and o.source == u.target for o in left)]
        chosen = ready[0] if ready else left[0]
        left.remove(chosen)
        done.append(chosen)
    return tuple(done)


def saved_sources(updates: tuple[Update, ...]) -> tuple[str, ...]:
    """Of updates that run one after the other, in this order: the sources that are overwritten
    before they are read, so that their old value must be saved.
    """
    written: set[str] = set()
    saved: dict[str, None] = {}
    for update in updates:
        if update.source in written and update.source is not None:
            saved[update.source] = None
        written.add(update.target)
    return tuple(saved)


MOST_ROWS = 4_096


class TooLarge(Exception):
    """The model would be too large to be of use; the message says what is too many."""


def starts(variables: tuple[Variable, ...]) -> list[tuple[str, ...]]:
    """The initial rows of a level, in the order of the declared values. Raises ``TooLarge``."""
    count = prod(len(v.initial) for v in variables)
    if count > MOST_ROWS:
        raise TooLarge(f"{count:,} different rows to start from, more than {MOST_ROWS:,}")
    return list(product(*(v.initial for v in variables)))


def reached(model: Model, rule: Rule) -> Iterator[tuple[Limit, tuple[Test, ...]]]:
    """The limits that a SPAWN can run into, each with the tests of shared variables under which it
    counts the new worker.
    """
    for limit in model.machine.limits if rule.kind is RuleKind.SPAWN else ():
        counted = _newborn(model, rule, limit.guard)
        if limit.count <= model.size.workers and all(counted):
            yield limit, tuple(t for each in counted for t in each)


def _newborn(model: Model, rule: Rule, guard: Guard) -> list[list[Test]]:
    """When the worker that a SPAWN creates satisfies ``guard``: a conjunction of disjunctions of
    tests of shared variables.

    An empty list is always, an empty disjunction is never.
    """
    updates = {u.target: u for u in rule.updates}
    conjunction: list[list[Test]] = []
    for test in guard:
        update = updates.get(test.variable)
        if update is None or update.source is None:
            value = (
                model.variables[test.variable].initial[0] if update is None else update.table[0][1]
            )
            if value not in test.allowed:
                conjunction.append([])
        else:
            allowed = frozenset(old for old, new in update.table if new in test.allowed)
            conjunction.append([Test(update.source, allowed)] if allowed else [])
    return conjunction


def describe(rule: Rule) -> str:
    """One line for a reader: place, who, what and why, and whether it is wider than the truth."""
    action = rule.action
    where = f"line {action.line}" if action.line else ""
    who = ", ".join(x for x in (action.process, action.queue) if x)
    what = " ".join(x for x in (action.subject, action.outcome) if x)
    cause = "" if action.cause is Cause.HANDLER else action.cause.value
    head = ", ".join(x for x in (where, who) if x)
    tail = ": ".join(x for x in (cause, what) if x) or action.cause.value
    tail += f" (wider than the truth: {rule.approximate})" if rule.approximate else ""
    return tame(f"{head}: {tail}" if head else tail).replace('"', "'")


def head(model: Model, states: str) -> list[str]:
    """The lines of comment at the top of a model; ``states`` says how to count."""
    size, machine = model.size, model.machine
    lines = [
        tame(f"{machine.name.rsplit('/', 1)[-1]}, {machine.semantics} delivery"),
        f"{size.workers} workers, {size.events} events"
        + (f" of each of {size.keys} keys" if size.keys > 1 else ""),
        "Exported by Onceproof. docs/export.md says what this is and how to run it.",
        states,
        "",
        "Names of the design:",
    ]
    lines += [f"  {tame(line)}" for line in model.names.table(machine)]
    return lines


def tame(line: str) -> str:
    """Text for a comment, which must not end before its end in any of the languages."""
    return " ".join(line.replace("*/", "* /").replace("(*", "( *").replace("*)", "* )").split())
