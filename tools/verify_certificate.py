#!/usr/bin/env python3
"""Decides whether a written proof (``proof.json``) is one: alone, without a solver.

    python3 tools/verify_certificate.py FOLDER...

This program imports nothing of Onceproof and nothing but the standard library. It reads the
machine, the claim and the invariant from the file, by a reading of its own, and decides by going
through all cases. Every domain is finite and an invariant lists its rows, so each question below
has finitely many cases; docs/certificates.md says why these cover any number of events and workers.

It decides: that what is left of the machine can do all that the machine does (``slice``, views);
that the invariant holds at the start, that every rule keeps it, and that it leaves no violation;
that every rule is listed, and either can fire or not, as is said. It does not decide that the
machine is what the design means: ``onceproof verify`` makes it again. A reader can compare: each
rule names its line, and ``--lines`` prints the design with its rules.

Exit codes: 0 all accepted, 1 one is rejected, 2 there is none.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import combinations, product
from pathlib import Path
from typing import Any

COMPONENT, EVENT, WORKER, SPAWN = "component", "event", "worker", "spawn"
REST = "rest"  # of a component: its workers that are not on the event of who acts
LEVELS = (COMPONENT, EVENT, WORKER)
OPTIONAL = {"worker ends", "unless another worker", "other workers", "are removed", "no worker"}


Row = tuple[str, ...]
"""The values of one component, event or worker."""
Rows = dict[str, Row]
"""Rows of a component, an event of it and a worker of that, by level, as far as there are any."""
Tests = dict[str, frozenset[str]]
"""For each variable that is asked for, the values that pass."""
Update = tuple[str | None, dict[str, str]]
"""What is read, if anything, and the new value for each of its values."""
Updates = dict[str, Update]
Event = tuple[Row, list[Row]]
"""An event with some of its workers."""
Near = tuple[Row | None, list[Row]]
"""The same; None stands for the event that acts."""
Violation = tuple[Tests, list[tuple[Tests, list[Tests], Tests | None]]]
"""Tests of the component, of events, of workers that are there, and of such as are not."""
Seen = tuple[str, Tests, dict[str, Any], bool, Tests | None, set[Any]]
"""What is seen of a rule: who acts, tests, changes, whether the worker ends, whose company forbids
it, and what happens to others.
"""


class Rejected(Exception):
    """Why the proof is none."""


def demand(condition: object, why: str) -> None:
    if not condition:
        raise Rejected(why)


def fields(value: Any, *names: str) -> dict[str, Any]:
    """A record with these fields and none but optional ones besides."""
    demand(isinstance(value, dict), f"a record is expected, with {', '.join(names)}")
    demand(
        set(names) <= set(value) <= {*names, *OPTIONAL}, f"fields {sorted(value)}: expected {names}"
    )
    return value


def words(value: Any, what: str) -> list[str]:
    demand(
        isinstance(value, list) and all(isinstance(x, str) for x in value),
        f"{what}: a list of names",
    )
    return value


# ---------------------------------------------------------------- the machine


class Machine:
    """Variables and rules. ``position``: where a variable is in the row of its level."""

    def __init__(self, data: Any) -> None:
        fields(data, "variables", "rules")
        self.variables, self.position, self.columns = {}, {}, {level: [] for level in LEVELS}
        for v in data["variables"]:
            fields(v, "name", "level", "values", "initial")
            name, level = v["name"], v["level"]
            demand(isinstance(name, str) and level in LEVELS, f"variable {name}: no such level")
            demand(name not in self.variables, f"two variables are called {name}")
            values, initial = words(v["values"], name), words(v["initial"], name)
            demand(values and len(set(values)) == len(values), f"{name}: its values")
            demand(initial and set(initial) <= set(values), f"{name}: its initial values")
            demand(level != WORKER or len(initial) == 1, f"{name}: a worker has one initial value")
            self.variables[name] = v
            self.position[name] = (level, len(self.columns[level]))
            self.columns[level].append(name)
        self.rules = [Rule(self, r) for r in data["rules"]]
        names = [r.name for r in self.rules]
        demand(len(set(names)) == len(names), "two rules have one name")

    def values(self, name: str) -> list[str]:
        return self.variables[name]["values"]

    def tests(self, data: Any, levels: Sequence[str], what: str) -> Tests:
        """A condition: for each variable, the values that it may have."""
        demand(isinstance(data, dict), f"{what}: a condition is expected")
        for name, allowed in data.items():
            demand(name in self.variables, f"{what}: there is no variable {name}")
            demand(self.position[name][0] in levels, f"{what}: {name} cannot be seen there")
            demand(
                set(words(allowed, what)) <= set(self.values(name)),
                f"{what}: {name} never has such a value",
            )
        return {name: frozenset(allowed) for name, allowed in data.items()}

    def updates(
        self, data: Any, guard: Tests, targets: Sequence[str], sources: Sequence[str], what: str
    ) -> Updates:
        """What is written: for each variable its source, if any, and a table of values."""
        demand(isinstance(data, dict), f"{what}: updates are expected")
        result = {}
        for name, new in data.items():
            demand(
                name in self.variables and self.position[name][0] in targets,
                f"{what}: {name} cannot be written",
            )
            if isinstance(new, str):
                source, table = None, {"": new}
            else:
                fields(new, "from", "table")
                source, table = new["from"], new["table"]
                demand(
                    source in self.variables and self.position[source][0] in sources,
                    f"{what}: {source} cannot be read",
                )
                demand(isinstance(table, dict), f"{what}: a table is expected")
                demand(
                    guard.get(source, frozenset(self.values(source))) <= set(table),
                    f"{what}: the table for {name} has gaps",
                )
            demand(
                table and set(table.values()) <= set(self.values(name)),
                f"{what}: {name} never has such a value",
            )
            result[name] = (source, table)
        return result

    def initial_rows(self, level: str) -> Iterator[Row]:
        return product(*(self.variables[name]["initial"] for name in self.columns[level]))

    def passes(self, tests: Tests, rows: Rows) -> bool:
        """Whether a condition holds of rows by level."""
        return all(
            rows[self.position[n][0]][self.position[n][1]] in allowed
            for n, allowed in tests.items()
        )

    def written(self, updates: Updates, before: Rows, after: Rows) -> Rows:
        """Rows by level after updates that read ``before``."""
        rows = {level: list(row) for level, row in after.items() if row is not None}
        for name, (source, table) in updates.items():
            level, index = self.position[name]
            if source is not None:
                source_level, at = self.position[source]
            rows[level][index] = table[""] if source is None else table[before[source_level][at]]
        return {level: tuple(row) for level, row in rows.items()}


class Rule:
    """One step: who acts, when, what becomes of whom."""

    def __init__(self, machine: Machine, data: Any) -> None:
        fields(data, "rule", "acts", "line", "if", "then")
        self.machine, self.name, self.acts, self.line = (
            machine,
            data["rule"],
            data["acts"],
            data["line"],
        )
        demand(
            isinstance(self.name, str) and isinstance(self.line, int), "a rule without name or line"
        )
        demand(self.acts in (*LEVELS, SPAWN), f"{self.name}: nobody acts")
        shared = (COMPONENT,) if self.acts == COMPONENT else (COMPONENT, EVENT)
        seen = (*shared, WORKER) if self.acts == WORKER else shared
        written = (*shared, WORKER) if self.acts in (WORKER, SPAWN) else shared
        self.guard = machine.tests(data["if"], seen, self.name)
        self.updates = machine.updates(data["then"], self.guard, written, seen, self.name)
        self.ends = data.get("worker ends", False)
        demand(
            self.ends in (True, False) and (self.acts == WORKER or not self.ends),
            f"{self.name}: only a worker ends",
        )
        alone = data.get("unless another worker")
        self.alone = None if alone is None else machine.tests(alone, (WORKER,), self.name)
        self.others = []
        for b in data.get("other workers", []):
            fields(b, "of the", "if", "then")
            demand(b["of the"] in (COMPONENT, EVENT, REST), f"{self.name}: whose workers?")
            guard = machine.tests(b["if"], (WORKER,), self.name)
            updates = machine.updates(b["then"], guard, (WORKER,), (WORKER,), self.name)
            self.others.append((b["of the"], guard, updates, b.get("are removed", False)))
        for (whose, one, _, _), (theirs, two, _, _) in combinations(self.others, 2):
            if {whose, theirs} == {EVENT, REST}:
                continue  # no worker is in both
            both = [
                one.get(n, frozenset(machine.values(n))) & two.get(n, frozenset(machine.values(n)))
                for n in {*one, *two}
            ]
            demand(not all(both), f"{self.name}: two changes of one worker")

    def step(self, rows: Rows) -> Rows:
        """The rows of those who act, after the step, with a new worker or without the old one."""
        after = {level: row for level, row in rows.items() if level != WORKER or not self.ends}
        if self.acts == SPAWN:
            (after[WORKER],) = self.machine.initial_rows(WORKER)
        updates = self.updates
        if self.ends:
            updates = {n: u for n, u in updates.items() if self.machine.position[n][0] != WORKER}
        return self.machine.written(updates, rows, after)

    def other(self, row: Row, same_event: bool) -> Row | None:
        """What becomes of another worker; None if it is gone.

        Whoever would forbid the step by being there is removed instead, which only adds steps.
        """
        rows = {WORKER: row}
        if same_event and self.alone is not None and self.machine.passes(self.alone, rows):
            return None
        for scope, guard, updates, removes in self.others:
            reaches = scope in ((EVENT, COMPONENT) if same_event else (COMPONENT, REST))
            if reaches and self.machine.passes(guard, rows):
                return None if removes else self.machine.written(updates, rows, rows)[WORKER]
        return row

    @property
    def is_idle(self) -> bool:
        return not (self.acts == SPAWN or self.updates or self.ends or self.others)


def pattern(machine: Machine, data: Any) -> Violation:
    """A violation: a condition of the component, and events with some workers."""
    fields(data, "component", "events")
    events = []
    for e in data["events"]:
        fields(e, "if", "workers")
        crew = [machine.tests(w, (WORKER,), "a violation") for w in e["workers"]]
        absent = e.get("no worker")
        absent = None if absent is None else machine.tests(absent, (WORKER,), "a violation")
        events.append((machine.tests(e["if"], (EVENT,), "a violation"), crew, absent))
    return machine.tests(data["component"], (COMPONENT,), "a violation"), events


# ---------------------------------------------------------------- pictures: slices and views


class Picture:
    """A machine seen with some of its variables, the workers at some places, under other names.

    ``large`` does nothing that ``small`` could not do as well, seen like this: each step of it is,
    in the picture, a step of ``small`` or none.
    """

    def __init__(
        self,
        large: Machine,
        small: Machine,
        place: str | None,
        names: dict[str, str],
        becomes: list[list[int]],
    ) -> None:
        self.large, self.small, self.place, self.names = large, small, place, names
        if place in large.variables and names == {x: x for x in large.values(place)}:
            self.place = place = None  # everybody is seen, and the place is like any variable
        kept = small.variables
        for name, v in kept.items():
            demand(
                name in large.variables and large.variables[name]["level"] == v["level"],
                f"{name} is made up",
            )
            if name != place:
                demand(v["values"] == large.values(name), f"{name}: other values")
                demand(
                    set(large.variables[name]["initial"]) <= set(v["initial"]),
                    f"{name}: other initial values",
                )
        if place is not None:
            demand(
                place in large.variables and large.position[place][0] == WORKER,
                "the place is no variable of workers",
            )
            demand(set(names) <= set(large.values(place)), "places that are none")
            demand(place in kept or not names, "the place is forgotten, and some workers are not")
            demand(
                not names or set(names.values()) <= set(small.values(place)),
                "names of places that are none",
            )
        demand(len(becomes) == len(large.rules), "not every rule is accounted for")
        for rule, candidates in zip(large.rules, becomes, strict=True):
            demand(
                all(isinstance(i, int) and 0 <= i < len(small.rules) for i in candidates),
                f"{rule.name}: becomes no rule",
            )
            for projected in self.projected(rule):
                if not (
                    projected[0] != SPAWN
                    and not projected[2]
                    and not projected[3]
                    and not projected[5]
                ):
                    demand(
                        any(self.covers(small.rules[i], projected) for i in candidates),
                        f"{rule.name}: nothing stands for it",
                    )

    def home(self, rule: Rule) -> set[str] | None:
        """The places of the worker that acts, or appears; None without a place."""
        if self.place is None:
            return None
        for _, guard, updates, _ in rule.others:
            self.stays(rule, guard, updates)
        if rule.acts not in (WORKER, SPAWN):
            return None
        source, table = rule.updates.get(self.place, (None, None))
        demand(source is None, f"{rule.name}: where the worker goes is computed")
        if rule.acts == SPAWN:
            return {table[""]} if table else set(self.large.variables[self.place]["initial"])
        self.stays(rule, rule.guard, rule.updates)
        return set(rule.guard.get(self.place, self.large.values(self.place)))

    def stays(self, rule: Rule, guard: Tests, updates: Updates) -> None:
        """A worker that moves stays in sight, or out of it."""
        source, table = updates.get(self.place, (None, None))
        demand(source is None, f"{rule.name}: where a worker goes is computed")
        if table:
            where = guard.get(self.place, self.large.values(self.place))
            sides = {x in self.names for x in (*where, table[""])}
            demand(len(sides) == 1, f"{rule.name}: a worker goes out of sight, or comes into it")

    def projected(self, rule: Rule) -> Iterator[Seen]:
        """What is seen of a rule: for each case (acts, guard, updates, ends, alone, others)."""
        where = self.home(rule)
        if where is None:
            yield from self.cases(rule, rule.acts, rule.guard, rule.ends)
            return
        inside = where & set(self.names)
        if inside:
            guard = dict(rule.guard)
            if rule.acts == WORKER:
                guard[self.place] = frozenset(inside)
            yield from self.cases(rule, rule.acts, guard, rule.ends)
        if where - inside:
            yield from self.cases(rule, EVENT, rule.guard, False)

    def renamed(self, source: str | None, table: dict[str, str], acts: str) -> Update | None:
        """A source and a table in the words of the small machine; None if that is not possible."""
        if source is None:
            return source, table
        if not self.is_seen(source, acts):
            return None
        if source != self.place:
            return source, table
        pairs = {(self.names[x], new) for x, new in table.items() if x in self.names}
        return (source, dict(pairs)) if len(dict(pairs)) == len(pairs) else None

    def is_seen(self, name: str, acts: str) -> bool:
        return name in self.small.variables and (
            acts in (WORKER, SPAWN) or self.large.position[name][0] != WORKER
        )

    def called(self, name: str, allowed: Iterable[str]) -> frozenset[str]:
        """Values in the words of the small machine."""
        return (
            frozenset(self.names[x] for x in allowed) if name == self.place else frozenset(allowed)
        )

    def cases(self, rule: Rule, acts: str, guard: Tests, ends: bool) -> Iterator[Seen]:
        """A value that is computed from what is not seen can be any that the table has."""
        tests = {n: self.called(n, a) for n, a in guard.items() if self.is_seen(n, acts)}
        fixed: Updates = {}
        choices: list[list[tuple[str, str]]] = []
        for name, (source, table) in rule.updates.items():
            if not self.is_seen(name, acts) or (ends and self.large.position[name][0] == WORKER):
                continue
            if name == self.place:
                fixed[name] = (None, {"": self.names[table[""]]})
            elif (known := self.renamed(source, table, acts)) is not None:
                fixed[name] = known
            else:
                choices.append([(name, value) for value in sorted(set(table.values()))])
        if acts == SPAWN and self.place in self.small.variables and self.place not in fixed:
            fixed[self.place] = (
                None,
                {"": self.names[self.large.variables[self.place]["initial"][0]]},
            )
        for chosen in product(*choices):
            updates: Updates = {**fixed, **{name: (None, {"": value}) for name, value in chosen}}
            yield (
                acts,
                tests,
                self.normal(updates, tests, acts),
                ends,
                rule.alone,
                self.broadcasts(rule),
            )

    def normal(self, updates: Updates, tests: Tests, acts: str) -> dict[str, Any]:
        """Updates by what they do where the tests hold: those that change nothing are left out."""
        result: dict[str, Any] = {}
        for name, (source, table) in updates.items():
            if source is None:
                pairs = {(old, table[""]) for old in tests.get(name, self.small.values(name))}
                constant = True
            else:
                pairs = {(old, table[old]) for old in tests.get(source, self.small.values(source))}
                constant = len({new for _, new in pairs}) == 1
            new_worker = acts == SPAWN and self.small.position[name][0] == WORKER
            if constant:
                (value,) = {new for _, new in pairs}
                if new_worker or tests.get(name, frozenset(self.small.values(name))) != {value}:
                    result[name] = value
            elif source != name or any(old != new for old, new in pairs):
                result[name] = (source, frozenset(pairs))
        if acts == SPAWN:
            for name in self.small.columns[WORKER]:
                result.setdefault(name, self.small.variables[name]["initial"][0])
        return result

    def broadcasts(self, rule: Rule) -> set[Any]:
        """What is seen of what a rule does to other workers."""
        seen = set()
        for scope, guard, updates, removes in rule.others:
            if self.place is not None:
                where = guard.get(self.place, self.large.values(self.place))
                if not set(where) & set(self.names):
                    continue  # of workers that are not seen
            shown = {n: u for n, u in updates.items() if n in self.small.variables}
            if not shown and not removes:
                continue
            demand(
                set(guard) <= set(self.small.variables),
                f"{rule.name}: asks other workers what is not seen",
            )
            if self.place in shown:
                shown[self.place] = (None, {"": self.names[shown[self.place][1][""]]})
            known = {n: self.renamed(*u, WORKER) for n, u in shown.items()}
            demand(None not in known.values(), f"{rule.name}: writes what is not seen")
            shown = {n: u for n, u in known.items() if u is not None}
            tests = dict(guard)
            if self.place in guard:
                names = {self.names[x] for x in guard[self.place] if x in self.names}
                behind = {x for x, name in self.names.items() if name in names}
                demand(
                    behind <= guard[self.place],
                    f"{rule.name}: tells places apart that have one name",
                )
                tests[self.place] = frozenset(names)
            seen.add((scope, self.key(tests), self.key(self.normal(shown, tests, WORKER)), removes))
        return seen

    def key(self, values: Mapping[str, Any]) -> frozenset[Any]:
        return frozenset((n, v) for n, v in values.items() if v != frozenset(self.small.values(n)))

    def surely(self, seen: Tests, tests: Tests) -> bool:
        """Whether a worker that is seen to pass ``seen`` passes ``tests`` for certain."""
        for name, allowed in tests.items():
            if name not in self.small.variables:
                return False
            for value in seen.get(name, self.small.values(name)):
                behind = (
                    [x for x, n in self.names.items() if n == value]
                    if name == self.place
                    else [value]
                )
                if not set(behind) <= allowed:
                    return False
        return True

    def covers(self, rule: Rule, projected: Seen) -> bool:
        """Whether a rule of the small machine can do what is seen of one of the large machine."""
        acts, tests, updates, ends, alone, others = projected
        if rule.acts != acts or rule.ends != ends:
            return False
        if not all(
            tests.get(n, frozenset(self.small.values(n))) <= allowed
            for n, allowed in rule.guard.items()
        ):
            return False
        if rule.alone is not None and (alone is None or not self.surely(rule.alone, alone)):
            return False
        own = {
            n: u
            for n, u in rule.updates.items()
            if not (ends and self.small.position[n][0] == WORKER)
        }
        if self.normal(own, tests, acts) != updates:
            return False
        effects = {
            (s, self.key(g), self.key(self.normal(u, g, WORKER)), r) for s, g, u, r in rule.others
        }
        return effects == others

    def shows(self, large: Violation, small: Violation) -> bool:
        """Whether a violation of the large machine is seen as this one of the small machine."""
        (component, events), (seen_component, seen_events) = large, small
        if len(events) != len(seen_events) or not self.weaker(component, seen_component):
            return False
        for (guard, crew, absent), (seen, seen_crew, seen_absent) in zip(
            events, seen_events, strict=True
        ):
            if not self.weaker(guard, seen) or len(crew) != len(seen_crew):
                return False
            if seen_absent is not None and (absent is None or not self.surely(seen_absent, absent)):
                return False
            for worker, seen_worker in zip(crew, seen_crew, strict=True):
                tests = dict(worker)
                if self.place is not None:
                    where = worker.get(self.place, frozenset(self.large.values(self.place)))
                    if not where <= set(self.names):
                        return False
                    tests[self.place] = self.called(self.place, where)
                if not self.weaker(tests, seen_worker):
                    return False
        return True

    def weaker(self, tests: Tests, seen: Tests) -> bool:
        return all(
            tests.get(n, frozenset(self.small.values(n))) <= allowed for n, allowed in seen.items()
        )


# ---------------------------------------------------------------- the invariant


class Invariant:
    """Rows of a component, of its events, of their workers, and what never occurs together."""

    def __init__(self, machine: Machine, data: Any) -> None:
        fields(data, "rows", "components", "events", "workers", "never")
        self.machine = machine
        rows = {level: [tuple(words(r, "a row")) for r in data["rows"][level]] for level in LEVELS}
        for level in LEVELS:
            for values in rows[level]:
                fits = len(values) == len(machine.columns[level])
                demand(
                    fits
                    and all(
                        x in machine.values(n)
                        for n, x in zip(machine.columns[level], values, strict=True)
                    ),
                    f"no row of a {level}: {values}",
                )

        def row(level: str, number: Any) -> Row:
            demand(
                isinstance(number, int) and 0 <= number < len(rows[level]),
                "a row that is not listed",
            )
            return rows[level][number]

        self.components = {row(COMPONENT, c) for c in data["components"]}
        self.events: dict[Row, set[Row]] = {c: set() for c in self.components}
        for c, e in data["events"]:
            if row(COMPONENT, c) in self.components:
                self.events[row(COMPONENT, c)].add(row(EVENT, e))
        self.workers: dict[tuple[Row, Row], set[Row]] = {
            (c, e): set() for c, events in self.events.items() for e in events
        }
        for c, e, w in data["workers"]:
            if (row(COMPONENT, c), row(EVENT, e)) in self.workers:
                self.workers[row(COMPONENT, c), row(EVENT, e)].add(row(WORKER, w))
        self.never: dict[Row, list[list[Event]]] = {}
        for c, events in data["never"]:
            shape = [(row(EVENT, e), sorted(row(WORKER, w) for w in crew)) for e, crew in events]
            self.never.setdefault(row(COMPONENT, c), []).append(shape)

    def has(self, component: Row, event: Row | None = None, worker: Row | None = None) -> bool:
        if event is None:
            return component in self.components
        if worker is None:
            return event in self.events.get(component, ())
        return worker in self.workers.get((component, event), ())

    def excludes(self, component: Row, events: list[Event]) -> bool:
        """Whether something that never occurs is part of these events with their workers."""
        return any(contains(events, shape) for shape in self.never.get(component, ()))


def contains(events: list[Event], shape: list[Event]) -> bool:
    """Whether each event of the shape can be found among the events, with its workers."""
    if not shape:
        return True
    (row, crew), *rest = shape
    return any(
        e == row and within(crew, workers) and contains(events[:i] + events[i + 1 :], rest)
        for i, (e, workers) in enumerate(events)
    )


def within(crew: list[Row], workers: list[Row]) -> bool:
    left = list(workers)
    for worker in crew:
        if worker not in left:
            return False
        left.remove(worker)
    return True


class Induction:
    """That an invariant holds at the start, that every rule keeps it, and what it leaves out."""

    def __init__(self, machine: Machine, invariant: Invariant) -> None:
        self.machine, self.invariant = machine, invariant

    def start(self) -> None:
        inv, machine = self.invariant, self.machine
        first = set(machine.initial_rows(EVENT))
        for component in machine.initial_rows(COMPONENT):
            demand(inv.has(component), "the invariant does not hold at the start")
            demand(
                all(inv.has(component, e) for e in first),
                "the invariant does not hold of an event at the start",
            )
            for shape in inv.never.get(component, ()):
                demand(
                    any(crew or e not in first for e, crew in shape),
                    "at the start is what never occurs",
                )

    def violation(self, pattern: Violation) -> None:
        """No configuration in which the invariant holds has the pattern."""
        component_tests, events = pattern
        for component in self.invariant.components:
            if self.machine.passes(component_tests, {COMPONENT: component}):
                for found in product(*(list(self.matches(component, *e)) for e in events)):
                    demand(
                        self.invariant.excludes(component, list(found)),
                        "the invariant leaves a violation",
                    )

    def matches(
        self, component: Row, tests: Tests, crew: list[Tests], absent: Tests | None
    ) -> Iterator[Event]:
        """Events with workers that match, none of whom the pattern forbids."""
        for event in self.invariant.events[component]:
            if self.machine.passes(tests, {EVENT: event}):
                workers = [
                    w
                    for w in self.invariant.workers[component, event]
                    if absent is None or not self.machine.passes(absent, {WORKER: w})
                ]
                choices = [
                    [w for w in workers if self.machine.passes(t, {WORKER: w})] for t in crew
                ]
                for chosen in product(*choices):
                    yield event, list(chosen)

    def actors(self, rule: Rule) -> Iterator[Rows]:
        """All rows of those who act by a rule where the invariant holds."""
        inv = self.invariant
        for component in inv.components:
            rows = [{COMPONENT: component}]
            if rule.acts != COMPONENT:
                rows = [{COMPONENT: component, EVENT: e} for e in inv.events[component]]
            for row in rows:
                full = [row]
                if rule.acts == WORKER:
                    full = [{**row, WORKER: w} for w in inv.workers[component, row[EVENT]]]
                for found in full:
                    if self.machine.passes(rule.guard, found) and not inv.excludes(
                        component, own(found)
                    ):
                        yield found

    def kept(self, rule: Rule) -> bool:
        """Every rule keeps the invariant: go through all who may act, and all who may be near."""
        fires = False
        for before in self.actors(rule):
            fires = True
            self.step(rule, before, rule.step(before))
        return fires

    def step(self, rule: Rule, before: Rows, after: Rows) -> None:
        inv, why = self.invariant, f"{rule.name}: the invariant does not hold afterwards"
        old, new = before[COMPONENT], after[COMPONENT]
        event, then, worker = before.get(EVENT), after.get(EVENT), after.get(WORKER)
        demand(inv.has(new), why)
        if event is not None:
            demand(inv.has(new, then), why)
            demand(worker is None or inv.has(new, then, worker), why)
            for w in inv.workers[old, event]:
                image = rule.other(w, True)
                if image is not None and not inv.has(new, then, image):
                    self.impossible(before, [(None, [w])], why)
        hears = any(scope != EVENT for scope, _, _, _ in rule.others)
        if new != old or hears:
            for e in inv.events[old]:
                if not inv.has(new, e):
                    self.impossible(before, [(e, [])], why)
                for w in inv.workers[old, e]:
                    image = rule.other(w, False)
                    if image is not None and not inv.has(new, e, image):
                        self.impossible(before, [(e, [w])], why)
        changes = new != old or then != event or rule.others
        for shape in inv.never.get(new, ()):
            # Without the acting event, and nothing else changed, it was there before.
            if changes or worker is not None:
                self.never(rule, before, after, shape, why)

    def impossible(self, before: Rows, near: list[Near], why: str) -> None:
        """Those who act, and these near them, are what never occurs together. An event None is the
        acting one.
        """
        events = own(before)
        for event, workers in near:
            if event is None:
                events = [(events[0][0], events[0][1] + workers), *events[1:]]
            else:
                events = [*events, (event, workers)]
        demand(self.invariant.excludes(before[COMPONENT], events), why)

    def never(self, rule: Rule, before: Rows, after: Rows, shape: list[Event], why: str) -> None:
        """What never occurs does not come about: whatever it came from does not occur either."""
        then, worker = after.get(EVENT), after.get(WORKER)
        roles = (
            [None, *(i for i, (row, _) in enumerate(shape) if row == then)]
            if then is not None
            else [None]
        )
        for role in roles:
            options = []
            for i, (row, crew) in enumerate(shape):
                if i == role:
                    options.append(
                        list(self.sources(rule, before[COMPONENT], before[EVENT], crew, True))
                    )
                    if worker in crew:
                        rest = list(crew)
                        rest.remove(worker)
                        options[-1] += self.sources(
                            rule, before[COMPONENT], before[EVENT], rest, True
                        )
                else:
                    options.append(list(self.sources(rule, before[COMPONENT], row, crew, False)))
            for chosen in product(*options):
                near = [
                    (None if i == role else row, list(crew))
                    for i, ((row, _), crew) in enumerate(zip(shape, chosen, strict=True))
                ]
                self.impossible(before, near, why)

    def sources(
        self, rule: Rule, component: Row, event: Row, crew: list[Row], same_event: bool
    ) -> Iterator[tuple[Row, ...]]:
        """Workers of an event that the step makes into these."""
        if not self.invariant.has(component, event):
            return
        workers = self.invariant.workers[component, event]
        yield from product(
            *([w for w in workers if rule.other(w, same_event) == image] for image in crew)
        )


def own(rows: Rows) -> list[Event]:
    """Those who act, as events with workers."""
    if EVENT not in rows:
        return []
    return [(rows[EVENT], [rows[WORKER]] if WORKER in rows else [])]


# ---------------------------------------------------------------- the whole proof


def left_over(box: Tests, boxes: list[Tests], values: Callable[[str], frozenset[str]]) -> bool:
    """Whether some point of a box is in none of the others; a box is values of variables."""
    for n, other in enumerate(boxes):
        if all(box.get(v, values(v)) & allowed for v, allowed in other.items()):
            for v, allowed in other.items():
                outside = box.get(v, values(v)) - allowed
                if outside and left_over({**box, v: outside}, boxes[n + 1 :], values):
                    return True
                box = {**box, v: box.get(v, values(v)) & allowed}
            return False
    return True


def joint(machine: Machine, violations: list[Violation], excluded: list[Violation]) -> None:
    """No violation is left beside what the parts exclude."""
    usable = [(c, e[0][0]) for c, e in excluded if len(e) == 1 and not e[0][1] and e[0][2] is None]
    for violation in violations:
        component, events = violation
        if violation not in excluded:
            demand(events, "a violation is left beside the parts")
            boxes = [{**c, **e} for c, e in usable]
            box = {**component, **events[0][0]}
            demand(
                not left_over(box, boxes, lambda v: frozenset(machine.values(v))),
                "a violation is left beside the parts",
            )


READ = re.compile(r"no (duplicate) (\S+)|(\S+) (before) (\S+)|no (loss) of (\S+)|(never) (.+)")
SOME = frozenset("12")
GONE = frozenset({"none now"})
"""Of a store's rows: some were written, and are gone."""
OTHER = "the violations are not those of the claim"


def claimed(text: str, machine: Machine, violations: list[Violation]) -> bool:
    """Whether the words of a claim say what its violations are, and these are they.

    Of a loss, the words say what each violation must look like, not which there are.
    """
    match = READ.fullmatch(text)
    kind = next((match[i] for i in (1, 4, 6, 8) if match[i]), "") if match else ""
    names = [match[i] for i in (2, 3, 5, 7, 9) if match[i]] if match else []
    zero, twice = frozenset("0"), frozenset("2")
    kinds = {"duplicate": [twice], "before": [zero, SOME], "loss": [zero]}
    if kind in kinds:
        tests = counted(machine, names, kinds[kind])
    else:
        tests = condition(machine, names[0]) if kind else None
    if tests is None:
        return False
    demand(kind == "loss" or len(violations) == 1, OTHER)
    for component, events in violations:
        demand(len(events) <= 1, OTHER)
        guard, crew, absent = events[0] if events else ({}, [], None)
        found = {**component, **guard}
        demand(not crew and absent == ({} if kind == "loss" else None), OTHER)
        if kind == "loss":
            demand(tests.items() <= found.items(), OTHER)
            demand(all(found.values()), "a violation that cannot be")
        else:
            demand(found == tests, OTHER)
    return kind != "loss"


def counted(machine: Machine, names: list[str], tests: list[frozenset[str]]) -> Tests | None:
    """Tests of counters; None if these are none."""
    counters = [f"{n}#" if f"{n}#" in machine.variables else n for n in names]
    if any(n not in machine.variables for n in counters):
        return None
    values = [frozenset(machine.values(n)) for n in counters]
    if any(v - GONE != {"0", "1", "2"} for v in values):
        return None
    wider = [t | (v & GONE) if t == SOME else t for t, v in zip(tests, values, strict=True)]
    return dict(zip(counters, wider, strict=True))


def condition(machine: Machine, text: str) -> Tests | None:
    """What a condition says, if it is a conjunction of simple ones; None if it is not."""
    tests: Tests = {}
    for part in text.split(" and "):
        found = re.fullmatch(r"(\S+) happened|\S+ in (\S+)|(\S+) is (not )?(\S+)", part)
        effect, store, column, other, value = found.groups() if found else [None] * 5
        name = effect or store or column
        if name not in machine.variables or name in tests:
            return None
        values = frozenset(machine.values(name))
        allowed = SOME if effect else frozenset({"present"}) if store else frozenset({value})
        if not allowed <= values:
            return None
        tests[name] = values - allowed if other else allowed
    return tests


def verified(folder: Path) -> dict[str, int]:
    """What a proof shows, in numbers. Raises Rejected."""
    try:
        data = json.loads((folder / "proof.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise Rejected(f"not to be read: {error}") from error
    fields(
        data,
        "schema",
        "design",
        "claim",
        "semantics",
        "texts",
        "machine",
        "violations",
        "slice",
        "parts",
    )
    demand(data["schema"] == "onceproof-proof/1", "another schema")
    text = "\n".join(words(next(iter(data["texts"].values())), "the design")).encode()
    demand(
        data["design"] in (sha256(text).hexdigest(), sha256(b"\xef\xbb\xbf" + text).hexdigest()),
        "the design's text has another hash",
    )
    whole = Machine(data["machine"])
    lines = max(len(lines) for lines in data["texts"].values())
    demand(all(0 <= r.line <= lines for r in whole.rules), "a rule names a line that is not there")
    violations = [pattern(whole, p) for p in data["violations"]]
    cut = data["slice"]
    fields(cut, "place", "forgets", "without workers at", "machine", "becomes")
    small = Machine(cut["machine"])
    forgotten = set(whole.variables) - set(small.variables)
    demand(forgotten == set(cut["forgets"]), "what is forgotten is not what is said")
    places = {}
    if cut["place"] in small.variables:
        places = {x: x for x in small.values(cut["place"])}
    gone = set(whole.values(cut["place"])) - set(places) if cut["place"] is not None else set()
    demand(gone == set(cut["without workers at"]), "other workers are left out than is said")
    picture = Picture(whole, small, cut["place"], places, cut["becomes"])
    kept = [pattern(small, p) for p in data["violations"]]
    demand(all(map(picture.shows, violations, kept)), "a violation is not seen in the slice")
    demand(data["parts"], "there is no proof in it")
    excluded, numbers = [], {"rules": 0, "fire": 0, "variables": len(small.variables)}
    for part in data["parts"]:
        machine, bad, chains = small, kept, cut["becomes"]
        if "view" in part:
            view = part["view"]
            fields(view, "place", "names", "machine", "becomes", "excludes", "seen as")
            machine = Machine(view["machine"])
            seen = Picture(small, machine, view["place"], view["names"], view["becomes"])
            excluded += (out := [pattern(small, p) for p in view["excludes"]])
            bad = [pattern(machine, p) for p in view["seen as"]]
            demand(
                len(out) == len(bad) and all(map(seen.shows, out, bad)),
                "a part excludes something else",
            )
            chains = [
                [i for rule in left for i in view["becomes"][rule]] for left in cut["becomes"]
            ]
            fields(
                {k: v for k, v in part.items() if k != "view"},
                "invariant",
                "initial",
                "rules",
                "claims",
            )
        else:
            fields(part, "invariant", "initial", "rules", "claims")
            excluded += bad
        accepted(machine, bad, chains, part, folder, numbers)
    joint(small, kept, excluded)
    numbers["read"] = claimed(data["claim"], whole, violations)
    return numbers


def accepted(
    machine: Machine,
    bad: list[Violation],
    chains: list[list[int]],
    part: dict[str, Any],
    folder: Path,
    numbers: dict[str, int],
) -> None:
    """One machine with its invariant; counts its rules and those that fire."""
    invariant = Invariant(machine, part["invariant"])
    induction = Induction(machine, invariant)
    induction.start()
    listed = part["rules"]
    demand(
        [r["rule"] for r in listed] == [r.name for r in machine.rules],
        "the list of rules is not that of the machine",
    )
    for index, (rule, entry) in enumerate(zip(machine.rules, listed, strict=True)):
        stands = [large for large, left in enumerate(chains) if index in left]
        demand(entry["stands for"] == stands, f"{rule.name}: stands for other rules")
        fires = induction.kept(rule)
        numbers["rules"] += 1
        numbers["fire"] += fires
        demand(fires == ("fires from" in entry), f"{rule.name}: whether it can fire is wrong")
        if fires:
            rows = {level: tuple(row) for level, row in entry["fires from"].items()}
            demand(rows in list(induction.actors(rule)), f"{rule.name}: does not fire there")
        else:
            never = machine.tests(entry["cannot fire: never"], LEVELS, rule.name)
            demand(
                all(rule.guard.get(n) == a for n, a in never.items()),
                f"{rule.name}: asks something else",
            )
    for violation in bad:
        induction.violation(violation)
    files = [part["initial"], *(e["file"] for e in listed), *part["claims"]]
    demand(len(part["claims"]) == len(bad), "not every violation has its file")
    for number, name in enumerate(files):
        demand(
            name.split("/")[-1].startswith(f"{number:03d}-"), f"{name}: a file is missing before it"
        )
        demand((folder / name).is_file(), f"{name} is missing")
    for name, entry in zip(files[1 : 1 + len(listed)], listed, strict=True):
        head = (folder / name).read_text(encoding="utf-8")[:4000]
        demand(f"; obligation: {entry['rule']}\n" in head, f"{name} is about another rule")


def annotated(folder: Path) -> Iterator[str]:
    """The design with the rules of each line."""
    data = json.loads((folder / "proof.json").read_text(encoding="utf-8"))
    by_line: dict[int, list[str]] = {}
    for rule in data["machine"]["rules"]:
        by_line.setdefault(rule["line"], []).append(rule["rule"])
    for rule in by_line.pop(0, []):
        yield f"       | {rule}"
    for number, line in enumerate(next(iter(data["texts"].values())), start=1):
        yield f"{number:6} | {line}"
        yield from (f"       |     {rule}" for rule in by_line.get(number, []))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--lines", action="store_true", help="print the design with its rules, too")
    arguments = parser.parse_args()
    found = sorted({p.parent for f in arguments.folders for p in f.rglob("proof.json")})
    rejected, rules, fire, started = 0, 0, 0, time.monotonic()
    for folder in found:
        try:
            numbers = verified(folder)
        except Rejected as error:
            rejected += 1
            print(ascii(f"REJECTED {folder}: {error}")[1:-1])
            continue
        except (
            KeyError,
            TypeError,
            ValueError,
            AttributeError,
            RecursionError,
            StopIteration,
        ) as error:
            rejected += 1
            print(ascii(f"REJECTED {folder}: not a proof: {error!r}")[1:-1])
            continue
        rules, fire = rules + numbers["rules"], fire + numbers["fire"]
        claim = "claim read" if numbers["read"] else "violations as listed"
        print(
            ascii(
                f"accepted {folder}: {numbers['fire']} of {numbers['rules']} rules fire; {claim}"
            )[1:-1]
        )
        if arguments.lines:
            print("\n".join(ascii(line)[1:-1] for line in annotated(folder)))
    print(
        f"{len(found) - rejected} of {len(found)} accepted; {fire} of {rules} rules can fire;"
        f" {time.monotonic() - started:.1f} s"
    )
    return 2 if not found else 1 if rejected else 0


if __name__ == "__main__":
    sys.exit(main())
