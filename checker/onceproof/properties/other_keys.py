"""One business key at a time (theory T1b): the machine in which rows under the other keys answer
anything (docs/semantics_world.md, "Two business keys").

Events that share another key, and not this one, meet only in rows of that key. Without those rows,
with every answer that they could give, no such event matters, and a proof about the events of one
value of this key is one about all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from math import prod

from msgspec.structs import replace

from onceproof.lang.design import Design
from onceproof.lower import variables as v
from onceproof.machine.invariant import Invariant, Row
from onceproof.machine.system import (
    Broadcast,
    Level,
    Machine,
    Pattern,
    Property,
    Rule,
    RuleKind,
    Update,
    put,
)

NAME = "other-key"
"""The name of the wider rule (docs/semantics_world.md, "Wider rules")."""
KINDS = ("no-duplicate", "before", "one-worker", "never")
"""Claims that name what must never be, and do not ask what can still come."""


def of_one_key(
    machine: Machine, prop: Property, design: Design, key: str
) -> tuple[Machine, Property] | None:
    """The machine and the claim without the rows that are kept under other business keys; None if
    the claim names such a row, or if workers are told of changes over the component, which under
    another key are other workers.
    """
    others = {x.name for x in machine.level(Level.COMPONENT) if _key_of(design, x.name) != key}
    if not others or any(_asks(pattern, others) for pattern in prop.bad):
        return None
    if any(_is_told(b) for rule in machine.rules for b in rule.others):
        return None
    rules = tuple(dict.fromkeys(x for rule in machine.rules for x in _answered(rule, others)))
    variables = tuple(x for x in machine.variables if x.name not in others)
    return replace(machine, variables=variables, rules=rules), prop


def _key_of(design: Design, name: str) -> str:
    """The business key of a variable of the component; empty if it is not known."""
    for effect in design.effects.values():
        if name == v.record(effect.name):
            return effect.key_field or ""
    base = re.split(r"[.# ]", name)[0]
    tables = (design.stores, design.effects, design.locks)
    return next((table[base].key for table in tables if base in table), "")


def _asks(pattern: Pattern, others: set[str]) -> bool:
    tests = [*pattern.component, *(t for event in pattern.events for t in event.guard)]
    return any(t.variable in others for t in tests)


def _is_told(broadcast: Broadcast) -> bool:
    return broadcast.scope is Level.COMPONENT


def _answered(rule: Rule, others: set[str]) -> Iterator[Rule]:
    """The rule for every answer of the rows that are left out."""
    guard = tuple(t for t in rule.guard if t.variable not in others)
    choices: list[list[Update]] = []
    for update in rule.updates:
        if update.target in others:
            continue
        if update.source in others:
            values = sorted({new for _, new in update.table})
            choices.append([put(update.target, value) for value in values])
        else:
            choices.append([update])
    untouched = len(guard) == len(rule.guard) and all(
        u.target not in others and u.source not in others for u in rule.updates
    )
    if untouched:
        yield rule
        return
    by_itself = rule.kind in (RuleKind.EVENT, RuleKind.COMPONENT)
    for updates in product(*choices):
        if updates or rule.others or not by_itself:
            yield replace(rule, guard=guard, updates=updates, approximate=NAME)


MOST_ANSWERS = 256
"""Combinations of values of the rows that are left out, up to which a proof is spelled out."""


def lifted(invariant: Invariant, machine: Machine, small: Machine) -> Invariant | None:
    """An invariant of the ``small`` machine as one of the whole, whatever the other rows say; None
    if that would be too long.
    """
    whole, kept = machine.level(Level.COMPONENT), set(small.level(Level.COMPONENT))
    if prod(len(x.domain) for x in whole if x not in kept) > MOST_ANSWERS:
        return None

    def spelled(row: Row) -> Iterator[Row]:
        values = iter(row)
        yield from product(*((next(values),) if x in kept else x.domain for x in whole))

    return Invariant(
        frozenset(c for row in invariant.components for c in spelled(row)),
        frozenset((c, event) for row, event in invariant.events for c in spelled(row)),
        frozenset((c, e, worker) for row, e, worker in invariant.workers for c in spelled(row)),
        tuple(
            replace(shape, component=c)
            for shape in invariant.excluded
            for c in spelled(shape.component)
        ),
    )


def of_kept_rows(invariant: Invariant, machine: Machine, small: Machine) -> Invariant:
    """An invariant of the whole machine without the rows that the ``small`` one leaves out."""
    whole, kept = machine.level(Level.COMPONENT), set(small.level(Level.COMPONENT))

    def cut(row: Row) -> Row:
        return tuple(value for x, value in zip(whole, row, strict=True) if x in kept)

    shapes = (replace(shape, component=cut(shape.component)) for shape in invariant.excluded)
    return Invariant(
        frozenset(map(cut, invariant.components)),
        frozenset((cut(row), event) for row, event in invariant.events),
        frozenset((cut(row), event, worker) for row, event, worker in invariant.workers),
        tuple(dict.fromkeys(shapes)),
    )
