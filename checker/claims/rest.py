"""Tests on rows as conditions, and which events must lead to an effect."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

from checker.machine import EventPattern, Guard, Level, Machine, Pattern, Test, Variable

Tests = Mapping[str, frozenset[str]]


def conjoin(first: Tests, second: Tests) -> Tests | None:
    """Both at once; None if that cannot be."""
    result = dict(first)
    for name, allowed in second.items():
        result[name] = result.get(name, allowed) & allowed
        if not result[name]:
            return None
    return result


def immutable(machine: Machine) -> tuple[Variable, ...]:
    """Event variables that never change and start with a choice: the event's type and payload."""
    written = {u.target for r in machine.rules for u in r.updates}
    return tuple(v for v in machine.level(Level.EVENT) if v.name not in written and len(v.initial) > 1)


def due(machine: Machine, counter: str) -> list[Tests]:
    """The types and payloads whose events may lead to ``counter`` going up: found by letting every other variable take any
    value it can.

    The empty test means all of them. Values are collected variable by variable, so tests on stores and locals are, in effect,
    ignored.
    """
    choices = immutable(machine)
    valuations = [dict(zip((v.name for v in choices), values, strict=True)) for values in product(*(v.initial for v in choices))]
    leading = [valuation for valuation in valuations if "1" in _values(machine, valuation)[counter]]
    if len(leading) == len(valuations):
        return [{}]
    return [{name: frozenset({value}) for name, value in valuation.items()} for valuation in leading]


def _values(machine: Machine, fixed: Mapping[str, str]) -> dict[str, set[str]]:
    """The values each variable can take, taken one by one."""
    values = {v.name: {fixed[v.name]} if v.name in fixed else set(v.initial) for v in machine.variables}
    changed = True
    while changed:
        changed = False
        for rule in machine.rules:
            if all(values[t.variable] & t.allowed for t in rule.guard):
                for update in [*rule.updates, *(u for b in rule.others for u in b.updates)]:
                    new = {update.constant} if update.source is None else {b for a, b in update.table if a in values[update.source]}
                    if not new <= values[update.target]:
                        values[update.target] |= {x for x in new if x is not None}
                        changed = True
    return values


def guard(tests: Tests) -> Guard:
    """As a guard, in the order of the names."""
    return tuple(Test(name, allowed) for name, allowed in sorted(tests.items()))


def pattern(machine: Machine, tests: Tests, *, resting: bool = False) -> Pattern:
    """One event (with its component) that satisfies ``tests``; ``resting``: and has no worker."""
    levels = {v.name: v.level for v in machine.variables}
    component = {n: a for n, a in tests.items() if levels[n] is Level.COMPONENT}
    event = {n: a for n, a in tests.items() if levels[n] is Level.EVENT}
    return Pattern(guard(component), (EventPattern(guard(event), (), () if resting else None),))
