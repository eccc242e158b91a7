"""Failure-transparent: whatever fails, the effects are those of a run without failures and with one
delivery.

Reachable effect vectors (how often each effect happened for the event) must be prefixes of such a
run's, and where nothing will change any more, its final ones (Ramalingam and Vaswani, POPL 2013;
Burckhardt et al., Durable Functions, OOPSLA 2021). It implies no duplicate, no loss and atomicity.
"""

from __future__ import annotations

from itertools import product

from onceproof.engines.search import Bounds, Budget
from onceproof.engines.search.compiled import GONE, Local
from onceproof.engines.search.states import configurations
from onceproof.lang.design import Claim
from onceproof.lower import Lowered
from onceproof.machine.slicing import sliced
from onceproof.machine.system import Cause, Level, Machine, Pattern, Property, RuleKind
from onceproof.properties import possibility
from onceproof.properties.quiescence import Tests, immutable, pattern

SMOOTH = frozenset(
    {Cause.HANDLER, Cause.DELIVERY, Cause.START, Cause.AUTO_ACKED, Cause.LATER_COMMIT}
)
"""What happens in a run without failures in which every message is delivered once."""

Vector = tuple[str, ...]


def failure_transparent(lowered: Lowered, claim: Claim) -> tuple[Pattern, ...]:
    """A vector no smooth run ever has, or one that stays for good although it is no smooth run's
    last.
    """
    names = tuple(lowered.design.effects)
    if any(e.level is Level.COMPONENT for e in lowered.design.effects.values()):
        raise possibility.TooWide(
            "this claim is only made for effects per event id, not per business key"
        )
    asked = Property(
        "", tuple(pattern(lowered.machine, {name: frozenset({"1", "2"})}) for name in names)
    )
    machine = sliced(
        lowered.machine, asked, handlers=False
    )  # a run ends when no worker comes any more, of any handler
    if any(v.level is Level.COMPONENT for v in machine.variables):
        raise possibility.TooWide(
            "what happens depends on rows that several events share, so single deliveries say too"
            " little"
        )
    patterns: list[Pattern] = []
    choices = [v.name for v in immutable(machine)]
    for chosen, (passed, final) in _smooth(
        machine, len(lowered.design.processes), names, choices
    ).items():
        where: Tests = {n: frozenset({x}) for n, x in zip(choices, chosen, strict=True)}
        for vector in product(("0", "1", "2"), repeat=len(names)):
            tests: Tests = {
                **where,
                **{n: frozenset({x}) for n, x in zip(names, vector, strict=True)},
            }
            if vector not in passed:
                patterns.append(pattern(machine, tests))
            elif vector not in final:
                patterns += possibility.unchanging(
                    machine, tests, names, possibility.passing(lowered)
                )
    return tuple(patterns)


def _smooth(
    machine: Machine, pool: int, names: tuple[str, ...], choices: list[str]
) -> dict[Vector, tuple[set[Vector], set[Vector]]]:
    """Per type and payload: the effect vectors of smooth runs, and those of their ends."""
    rules = tuple(r for r in machine.rules if r.action.cause in SMOOTH and not r.approximate)
    smooth = Machine(machine.name, machine.semantics, machine.variables, rules, machine.limits)
    visited = configurations(
        smooth, Bounds(max(pool, 1), 1), Budget(possibility.MOST_SITUATIONS, None)
    )
    if not isinstance(visited, list):
        raise possibility.TooWide("the runs without failures are too many")
    local = Local(smooth)
    columns = [v.name for v in machine.level(Level.EVENT)]
    vectors: dict[Vector, tuple[set[Vector], set[Vector]]] = {}
    for (shape,) in visited:
        row, workers = shape.events[0]
        values = dict(zip(columns, row, strict=True))
        passed, final = vectors.setdefault(tuple(values[c] for c in choices), (set(), set()))
        vector = tuple(values[n] for n in names)
        passed.add(vector)
        component, event = local.components.number(shape.component), local.events.number(row)
        if not workers and not local.moves(RuleKind.SPAWN, component, event, GONE):
            final.add(vector)
    return vectors
