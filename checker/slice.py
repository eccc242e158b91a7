"""Drops from a machine what cannot influence a property: other effects' counters, rows nobody reads.

A set D of variables may go if forgetting it loses no step: rules that become equal without D (same action, same remaining guard and
updates) must between them be enabled for *every* valuation of D. Then the smaller machine has exactly the same runs, seen without D
(a bisimulation), so verdicts carry over in both directions. The largest such D is computed by throwing out variables that fail
the test.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import product

from checker.machine import EventPattern, Guard, Machine, Pattern, Property, Rule, Variable

MOST_VALUATIONS = 4_096


def sliced(machine: Machine, prop: Property) -> Machine:
    """The machine without the variables that do not matter for ``prop``."""
    dropped = _droppable(machine, prop)
    rules: dict[Rule, None] = {}
    for rule in machine.rules:
        rules.setdefault(_without(rule, dropped))
    kept = tuple(v for v in machine.variables if v.name not in dropped)
    return Machine(machine.name, machine.semantics, kept, tuple(rules), machine.limits)


def _mentioned(prop: Property) -> set[str]:
    def names(guard: Guard | None) -> set[str]:
        return {t.variable for t in guard or ()}

    def event(pattern: EventPattern) -> set[str]:
        return names(pattern.guard) | names(pattern.absent) | {x for g in pattern.workers for x in names(g)}

    def one(pattern: Pattern) -> set[str]:
        return names(pattern.component) | {x for e in pattern.events for x in event(e)}

    return {x for p in prop.bad for x in one(p)}


def _droppable(machine: Machine, prop: Property) -> frozenset[str]:
    needed = _mentioned(prop) | {t.variable for limit in machine.limits for t in limit.guard}
    for rule in machine.rules:
        needed |= {t.variable for t in rule.alone or ()}
        needed |= {t.variable for b in rule.others for t in b.guard}
    dropped = {v.name for v in machine.variables} - needed
    domains = {v.name: v for v in machine.variables}
    while True:
        failing = _read_by_others(machine, dropped) | _uncovered(machine, dropped, domains)
        if not failing:
            return frozenset(dropped)
        dropped -= failing


def _read_by_others(machine: Machine, dropped: set[str]) -> set[str]:
    """Dropped variables from which a kept one is computed."""
    every = [u for r in machine.rules for u in (*r.updates, *(x for b in r.others for x in b.updates))]
    return {u.source for u in every if u.source in dropped and u.target not in dropped and u.source is not None}


def _uncovered(machine: Machine, dropped: set[str], domains: dict[str, Variable]) -> set[str]:
    """Dropped variables on whose value some step depends."""
    groups: dict[Rule, list[dict[str, frozenset[str]]]] = defaultdict(list)
    for rule in machine.rules:
        tests = {t.variable: t.allowed for t in rule.guard if t.variable in dropped}
        groups[_without(rule, frozenset(dropped))].append(tests)
    failing: set[str] = set()
    for members in groups.values():
        if any(not tests for tests in members):
            continue
        names = sorted({name for tests in members for name in tests})
        size = 1
        for name in names:
            size *= len(domains[name].domain)
        valuations = product(*(domains[name].domain for name in names)) if size <= MOST_VALUATIONS else None
        if valuations is None or not all(_enabled(members, dict(zip(names, values, strict=True))) for values in valuations):
            failing.update(names)
    return failing


def _enabled(members: list[dict[str, frozenset[str]]], valuation: dict[str, str]) -> bool:
    return any(all(valuation[name] in allowed for name, allowed in tests.items()) for tests in members)


def _without(rule: Rule, dropped: frozenset[str]) -> Rule:
    guard = tuple(t for t in rule.guard if t.variable not in dropped)
    updates = tuple(u for u in rule.updates if u.target not in dropped)
    return Rule(rule.kind, rule.action, guard, updates, rule.ends, rule.alone, rule.others)
