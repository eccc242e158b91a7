"""Machines, patterns and invariants as JSON values that a person can read: names of variables and
values, no numbers that stand for something.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from onceproof.machine.invariant import Invariant, Row
from onceproof.machine.system import (
    Broadcast,
    EventPattern,
    Guard,
    Machine,
    Pattern,
    Rule,
    Update,
)


def machine_data(machine: Machine, names: Sequence[str]) -> dict[str, Any]:
    """A machine without its limits on workers, which only forbid. ``names``: of its rules."""
    return {
        "variables": [
            {
                "name": v.name,
                "level": v.level.value,
                "values": list(v.domain),
                "initial": list(v.initial),
            }
            for v in machine.variables
        ],
        "rules": [rule_data(r, name) for r, name in zip(machine.rules, names, strict=True)],
    }


def rule_data(rule: Rule, name: str) -> dict[str, Any]:
    """A rule; what it does not have is left out."""
    data: dict[str, Any] = {"rule": name, "acts": rule.kind.value, "line": rule.action.line}
    data["if"] = guard_data(rule.guard)
    data["then"] = _updates_data(rule.updates)
    if rule.ends:
        data["worker ends"] = True
    if rule.alone is not None:
        data["unless another worker"] = guard_data(rule.alone)
    if rule.others:
        data["other workers"] = [_broadcast_data(b) for b in rule.others]
    return data


def guard_data(guard: Guard) -> dict[str, list[str]]:
    """Tests: for each variable, the values that it may have."""
    return {test.variable: sorted(test.allowed) for test in guard}


def _updates_data(updates: Sequence[Update]) -> dict[str, Any]:
    return {
        u.target: u.constant if u.source is None else {"from": u.source, "table": dict(u.table)}
        for u in updates
    }


def _broadcast_data(broadcast: Broadcast) -> dict[str, Any]:
    whose = "rest" if broadcast.rest else broadcast.scope.value
    data: dict[str, Any] = {"of the": whose, "if": guard_data(broadcast.guard)}
    data["then"] = _updates_data(broadcast.updates)
    if broadcast.removes:
        data["are removed"] = True
    return data


def pattern_data(pattern: Pattern) -> dict[str, Any]:
    """A bad pattern."""
    return {
        "component": guard_data(pattern.component),
        "events": [_event_data(event) for event in pattern.events],
    }


def _event_data(event: EventPattern) -> dict[str, Any]:
    data: dict[str, Any] = {"if": guard_data(event.guard)}
    data["workers"] = [guard_data(guard) for guard in event.workers]
    if event.absent is not None:
        data["no worker"] = guard_data(event.absent)
    return data


def invariant_data(machine: Machine, invariant: Invariant) -> dict[str, Any]:
    """An invariant. Rows are listed once and named by their number, in pairs and triples of
    component, event and worker.
    """
    shapes = invariant.excluded
    components = {*invariant.components, *(c for c, _ in invariant.events)}
    components |= {c for c, _, _ in invariant.workers} | {s.component for s in shapes}
    events = {e for _, e in invariant.events} | {e for _, e, _ in invariant.workers}
    events |= {e for s in shapes for e, _ in s.events}
    workers = {w for _, _, w in invariant.workers}
    workers |= {w for s in shapes for _, crew in s.events for w in crew}
    component, event, worker = map(_numbers, (components, events, workers))
    return {
        "rows": {
            "component": list(map(list, component)),
            "event": list(map(list, event)),
            "worker": list(map(list, worker)),
        },
        "components": sorted(component[c] for c in invariant.components),
        "events": sorted([component[c], event[e]] for c, e in invariant.events),
        "workers": sorted([component[c], event[e], worker[w]] for c, e, w in invariant.workers),
        "never": sorted(
            [
                component[s.component],
                sorted([event[e], sorted(worker[w] for w in crew)] for e, crew in s.events),
            ]
            for s in shapes
        ),
    }


def _numbers(rows: set[Row]) -> dict[Row, int]:
    return {row: number for number, row in enumerate(sorted(rows))}
