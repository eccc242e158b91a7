"""From facts back to an invariant that solvers check: not what the facts were found in, but what
they say and nothing else.

Variables no fact speaks of are left out of the machine first. Leaving a variable out forgets the
tests on it and lets whatever is computed from it take any value it can give; so every step of the
machine is still a step of the smaller one, and an invariant of the smaller one that excludes the
claim's violations is one of the machine (it says the same of the variables that are left). Limits
on workers, which certificates ignore as well, are left out too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import product

from msgspec.structs import replace

from onceproof.engines.smt.certify import Outcome, certify
from onceproof.engines.smt.solver import Z3, Effort
from onceproof.explain.proof.space import LEVELS, possible
from onceproof.machine.invariant import Invariant, Row, Shape
from onceproof.machine.system import (
    Broadcast,
    Guard,
    Machine,
    Pattern,
    Property,
    Rule,
    Test,
    Update,
    put,
)

MOST_ROWS = 20_000
"""Rows and shapes that an invariant made of facts may have."""


def confirm(
    machine: Machine, prop: Property, facts: Sequence[Pattern], seconds: float
) -> tuple[int, str]:
    """Ask a solver whether facts (patterns that never are) are an inductive invariant together and
    imply the claim.

    The number of obligations it discharged, and why the answer is not yes (empty: it is).
    """
    smaller = narrowed(machine, mentioned((*facts, *prop.bad)))
    try:
        invariant = rebuilt(smaller, possible(machine), facts)
    except TooManyRows:
        return 0, "an invariant made of the facts would be too big to check"
    proof = certify(smaller, prop, invariant, [Z3(Effort(max(1.0, seconds)))])
    if proof.outcome is Outcome.PROVED:
        return len(proof.obligations), ""
    what = (
        "the solver gave up" if proof.outcome is Outcome.UNKNOWN else "the solver rejects the facts"
    )
    return len(
        proof.obligations
    ), f"{what}: {', '.join(f.obligation for f in proof.failures) or proof.reason}"


class TooManyRows(Exception):
    """The facts say too little for an invariant made of rows."""


def mentioned(patterns: Iterable[Pattern]) -> frozenset[str]:
    """The variables that patterns speak of."""
    guards: list[Guard] = []
    for pattern in patterns:
        guards.append(pattern.component)
        for event in pattern.events:
            guards += [event.guard, *event.workers, event.absent or ()]
    return frozenset(test.variable for guard in guards for test in guard)


def unreal(machine: Machine, possible_values: dict[str, set[str]]) -> list[Test]:
    """What some rule waits for although no step ever makes it so: tests on values that a variable
    never takes.
    """
    never: dict[str, frozenset[str]] = {}
    for rule in machine.rules:
        for test in rule.guard:
            if not test.allowed & possible_values[test.variable]:
                never[test.variable] = never.get(test.variable, frozenset()) | test.allowed
    return [Test(name, values) for name, values in sorted(never.items())]


def narrowed(machine: Machine, names: frozenset[str]) -> Machine:
    """The machine without the variables not in ``names``, as far as that only adds steps; see the
    module's text.
    """
    variable_names = set(names) | {t.variable for r in machine.rules for t in r.alone or ()}
    broadcasts = [b for r in machine.rules for b in r.others]
    variable_names |= {t.variable for b in broadcasts for t in b.guard}
    while True:
        more = {
            u.source
            for b in broadcasts
            for u in b.updates
            if u.target in variable_names and u.source is not None
        } - variable_names
        if not more:
            break
        variable_names |= more
    possible_values = possible(machine)
    rules = dict.fromkeys(
        rule for old in machine.rules for rule in _without(old, variable_names, possible_values)
    )
    variables = tuple(v for v in machine.variables if v.name in variable_names)
    return Machine(machine.name, machine.semantics, variables, tuple(rules))


def _without(rule: Rule, names: set[str], possible_values: dict[str, set[str]]) -> Iterator[Rule]:
    """A rule over the kept variables: one for each way to guess what is computed from the
    others.
    """
    allowed = {t.variable: t.allowed for t in rule.guard}
    choices: list[list[Update]] = []
    for update in rule.updates:
        if update.target not in names:
            continue
        if update.source is None or update.source in names:
            choices.append([update])
        else:
            olds = possible_values[update.source] & allowed.get(
                update.source, frozenset(possible_values[update.source])
            )
            choices.append(
                [
                    put(update.target, new)
                    for new in sorted({new for old, new in update.table if old in olds})
                ]
            )
    guard = tuple(t for t in rule.guard if t.variable in names)
    others = tuple(_heard(b, names) for b in rule.others)
    for updates in product(*choices):
        yield replace(rule, guard=guard, updates=updates, others=others)


def _heard(broadcast: Broadcast, names: set[str]) -> Broadcast:
    return replace(broadcast, updates=tuple(u for u in broadcast.updates if u.target in names))


def rebuilt(
    machine: Machine, possible_values: dict[str, set[str]], facts: Iterable[Pattern]
) -> Invariant:
    """The invariant that says of each configuration: its values are among ``possible_values``, and
    none of the patterns is in it.
    """
    builder = _Builder(machine, possible_values, tuple(facts))
    components = builder.components()
    events = builder.events(components)
    workers = builder.workers(events)
    shapes = builder.shapes(components, events, workers)
    return Invariant(frozenset(components), frozenset(events), frozenset(workers), tuple(shapes))


class _Builder:
    """Goes through all rows, level by level, and keeps those that no fact excludes."""

    def __init__(
        self, machine: Machine, possible_values: dict[str, set[str]], facts: tuple[Pattern, ...]
    ) -> None:
        self.names = [[v.name for v in machine.level(level)] for level in LEVELS]
        self.domains = [
            [[x for x in v.domain if x in possible_values[v.name]] for v in machine.level(level)]
            for level in LEVELS
        ]
        self.facts = facts
        self.count = 0

    def components(self) -> list[Row]:
        """Component rows."""
        facts = [f for f in self.facts if not f.events]
        return [
            row for row in self._rows(0) if not any(self._fits(0, row, f.component) for f in facts)
        ]

    def events(self, components: list[Row]) -> list[tuple[Row, Row]]:
        """Pairs of component and event rows."""
        facts = [f for f in self.facts if [len(e.workers) for e in f.events] == [0]]
        return [
            (c, e)
            for c in components
            for e in self._rows(1)
            if not any(
                self._fits(0, c, f.component) and self._fits(1, e, f.events[0].guard) for f in facts
            )
        ]

    def workers(self, events: list[tuple[Row, Row]]) -> list[tuple[Row, Row, Row]]:
        """Triples with worker rows."""
        facts = [f for f in self.facts if [len(e.workers) for e in f.events] == [1]]
        triples = []
        for c, e in events:
            near = [
                f
                for f in facts
                if self._fits(0, c, f.component) and self._fits(1, e, f.events[0].guard)
            ]
            triples += [
                (c, e, w)
                for w in self._rows(2)
                if not any(self._fits(2, w, f.events[0].workers[0]) for f in near)
            ]
        return triples

    def shapes(
        self,
        components: list[Row],
        events: list[tuple[Row, Row]],
        workers: list[tuple[Row, Row, Row]],
    ) -> Iterator[Shape]:
        """The other facts as shapes of rows that the rows leave possible."""
        beside: dict[Row, list[Row]] = {c: [] for c in components}
        crews: dict[tuple[Row, Row], list[Row]] = {pair: [] for pair in events}
        for c, e in events:
            beside[c].append(e)
        for c, e, w in workers:
            crews[c, e].append(w)
        shapes: dict[Shape, None] = {}
        for fact in self.facts:
            if len(fact.events) > 1 or any(len(e.workers) > 1 for e in fact.events):
                for c in (c for c in components if self._fits(0, c, fact.component)):
                    choices = []
                    for event in fact.events:
                        options = []
                        for e in (e for e in beside[c] if self._fits(1, e, event.guard)):
                            picks = [
                                [w for w in crews[c, e] if self._fits(2, w, guard)]
                                for guard in event.workers
                            ]
                            options += [(e, tuple(sorted(pick))) for pick in product(*picks)]
                            self._count(len(options))
                        choices.append(options)
                    for parts in product(*choices):
                        shapes[Shape(c, tuple(sorted(parts)))] = None
                        self._count(len(shapes))
        yield from sorted(shapes, key=lambda s: (s.component, s.events))

    def _rows(self, level: int) -> Iterator[Row]:
        for row in product(*self.domains[level]):
            self.count += 1
            self._count(self.count)
            yield row

    def _count(self, number: int) -> None:
        if number > MOST_ROWS:
            raise TooManyRows

    def _fits(self, level: int, row: Row, guard: Guard) -> bool:
        values = dict(zip(self.names[level], row, strict=True))
        return all(values[t.variable] in t.allowed for t in guard)
