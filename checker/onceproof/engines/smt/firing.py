"""For each rule of a machine, whether it can fire where an invariant holds: with a configuration
from which it does, or with the tests of its guard that never hold together.

An obligation about a rule that cannot fire holds for want of a configuration. That is what it says
of most rules of some proofs, and nobody should find that out by himself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce
from operator import and_, or_

from msgspec import Struct

from onceproof.machine.invariant import Invariant, Row
from onceproof.machine.system import Guard, Level, Machine, Rule, RuleKind, Test


class Firing(Struct, frozen=True):
    """``rows``: of the component, the event and the worker that act, as far as the rule has them;
    empty if there are none. Then ``never`` are tests of the guard that no rows pass together.
    """

    rows: tuple[Row, ...]
    never: Guard = ()


def firings(machine: Machine, invariant: Invariant) -> Iterator[Firing]:
    """One for each rule."""
    components = invariant.components
    events = {(c, e) for c, e in invariant.events if c in components}
    workers = [(c, e, w) for c, e, w in invariant.workers if (c, e) in events]
    levels = (Level.COMPONENT, Level.EVENT, Level.WORKER)
    tables = {
        RuleKind.COMPONENT: _Table(machine, levels[:1], [(c,) for c in components]),
        RuleKind.EVENT: _Table(machine, levels[:2], list(events)),
        RuleKind.WORKER: _Table(machine, levels, workers),
    }
    tables[RuleKind.SPAWN] = tables[RuleKind.EVENT]
    excluded = {
        (s.component, *(x for e, crew in s.events for x in (e, *crew)))
        for s in invariant.excluded
        if len(s.events) <= 1 and s.worker_count <= 1
    }
    for rule in machine.rules:
        yield _firing(rule, tables[rule.kind], excluded)


def _firing(rule: Rule, table: _Table, excluded: set[tuple[Row, ...]]) -> Firing:
    rows = next((r for r in table.matching(rule.guard) if not _within(excluded, r)), None)
    if rows is not None:
        return Firing(rows)
    never = list(rule.guard)
    for test in rule.guard:
        fewer = [t for t in never if t is not test]
        if all(_within(excluded, r) for r in table.matching(fewer)):
            never = fewer
    return Firing((), tuple(never))


def _within(excluded: set[tuple[Row, ...]], rows: tuple[Row, ...]) -> bool:
    return any(rows[: i + 1] in excluded for i in range(len(rows)))


class _Table:
    """Rows, each of one component, event or worker with what it belongs to, by their values."""

    def __init__(
        self, machine: Machine, levels: Sequence[Level], rows: Sequence[tuple[Row, ...]]
    ) -> None:
        self.rows = sorted(rows)
        names = [v.name for level in levels for v in machine.level(level)]
        self.sets: dict[tuple[str, str], int] = {}
        for number, row in enumerate(self.rows):
            for name, value in zip(names, (x for part in row for x in part), strict=True):
                self.sets[name, value] = self.sets.get((name, value), 0) | 1 << number

    def matching(self, guard: Sequence[Test]) -> Iterator[tuple[Row, ...]]:
        """The rows that pass all tests, in order."""
        passing = reduce(
            and_,
            (reduce(or_, (self.sets.get((t.variable, x), 0) for x in t.allowed), 0) for t in guard),
            (1 << len(self.rows)) - 1,
        )
        while passing:
            lowest = passing & -passing
            yield self.rows[lowest.bit_length() - 1]
            passing ^= lowest
