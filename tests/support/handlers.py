"""Random machines of several handlers."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import pytest
from msgspec.structs import replace
from onceproof.machine.system import (
    Broadcast,
    Level,
    Machine,
    Property,
    Rule,
    RuleKind,
    Test,
    Variable,
    put,
)

from support.machines import Maker


def starts(stop: int, step: int) -> list[Any]:
    """Where the parts of a comparison begin: the first is quick, the others are left to the full
    run.
    """
    return [0, *(pytest.param(start, marks=pytest.mark.slow) for start in range(step, stop, step))]


@dataclass
class _Handlers(Maker):
    """Draws a machine of several handlers, each with its own places and rows of its own beside
    those that several of them see.
    """

    points: tuple[str, ...] = ()
    every: tuple[str, ...] = ()
    seen: frozenset[str] = frozenset()

    def broadcasts(self, kind: RuleKind, number: int) -> tuple[Broadcast, ...]:
        """Now and then all handlers' workers hear it; those of others stay where they are."""
        if self.dice.random() < 0.7:
            return super().broadcasts(kind, number)
        own, self.points = self.points, self.every
        found = super().broadcasts(kind, number)
        self.points = own
        return tuple(
            replace(b, updates=tuple(u for u in b.updates if u.target != "pc")) for b in found
        )

    def at(self, *levels: Level) -> list[Variable]:
        found = [v for v in self.variables if v.level in levels and v.name in self.seen]
        return [
            replace(v, domain=self.points, initial=self.points[:1]) if v.name == "pc" else v
            for v in found
        ]

    def rule(self, kind: RuleKind, number: int) -> Rule:
        """A rule of the handler whose turn it is; nearly always its workers are the only ones that
        can act by it.
        """
        rule = super().rule(kind, number)
        if kind is RuleKind.SPAWN:
            others = tuple(u for u in rule.updates if u.target != "pc")
            return replace(rule, updates=(*others, put("pc", self.points[0])))
        reads = any(u.source == "pc" for u in rule.updates)
        if (
            kind is RuleKind.WORKER
            and all(t.variable != "pc" for t in rule.guard)
            and (reads or self.dice.random() < 0.9)
        ):
            rule = replace(rule, guard=(*rule.guard, Test("pc", frozenset(self.points))))
        updates = (
            u if u.target != "pc" or u.source is None else put("pc", u.table[0][1])
            for u in rule.updates
        )
        return replace(rule, updates=tuple(updates))


def random_handlers(seed: int, monotone: bool = False) -> tuple[Machine, Property]:
    """A small random machine of two or three handlers with a random claim about what the first of
    them sees.
    """
    dice = random.Random(seed)
    maker = _Handlers(dice, monotone)
    maker.declare()
    worker = {v.name for v in maker.variables if v.level is Level.WORKER}
    rows = [v for v in maker.variables if v.level is not Level.WORKER]
    count = dice.choice((2, 2, 3))
    maker.variables = [v for v in maker.variables if v.level is Level.WORKER and v.name != "pc"]
    own = [[replace(v, name=f"{v.name}.{h}") for v in rows] for h in range(count)]
    maker.variables += [v for mine in own for v in mine]
    places = [tuple(f"{h}p{i}" for i in range(dice.randint(2, 3))) for h in range(count)]
    every = tuple(p for points in places for p in points)
    maker.variables.insert(0, Variable("pc", Level.WORKER, every, every[:1]))
    maker.every = every
    names = [worker | {v.name for v in mine} for mine in own]
    sees = [
        mine | {x for other in names for x in sorted(other) if dice.random() < 0.12}
        for mine in names
    ]
    rules: list[Rule] = []
    for points, seen in zip(places, sees, strict=True):
        maker.points, maker.seen = points, frozenset(seen)
        kinds = [
            RuleKind.SPAWN,
            *dice.choices((RuleKind.EVENT, *(RuleKind.WORKER,) * 4), k=dice.randint(2, 4)),
        ]
        rules += [maker.rule(kind, len(rules) + i) for i, kind in enumerate(kinds)]
    maker.points, maker.seen = places[0], frozenset(sees[0])
    claim = Property("random", tuple(maker.pattern() for _ in range(dice.choice((1, 1, 2)))))
    limits = maker.limits()
    return Machine(
        f"random {seed}", "handlers", tuple(maker.variables), tuple(rules), limits
    ), claim
