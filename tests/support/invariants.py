"""Designs with invariants that prove them, for the tests of proofs and certificates."""

from __future__ import annotations

from onceproof.engines.coverability import Budget, Safe, prove
from onceproof.machine.invariant import Invariant
from onceproof.machine.system import (
    Cause,
    EventPattern,
    Level,
    Machine,
    Pattern,
    Property,
    Rule,
    RuleKind,
    put,
)

from support.machines import saturate, step, variables, where


def invariant_of(machine: Machine, prop: Property) -> Invariant:
    """What the coverability engine finds."""
    verdict = prove(machine, prop, Budget(elements=5000))
    assert isinstance(verdict, Safe)
    return verdict.invariant


def locked(effects: int, shared: bool = False) -> tuple[Machine, Property]:
    """A worker takes a lock, of its event or (``shared``) of its component, before it looks and
    sends, and nobody crashes.

    PROVED, but not by rows alone: that two workers are never inside together must be part of the
    invariant.
    """
    rules = [
        Rule(RuleKind.SPAWN, step(Cause.DELIVERY, 1), where(acked="no")),
        Rule(
            RuleKind.WORKER,
            step(Cause.HANDLER, 2),
            where(pc="start", lock="free"),
            (put("lock", "held"), put("pc", "look0")),
        ),
    ]
    points = ["start"]
    events = {"acked": "no yes"}
    for i in range(effects):
        here, done, line, after = f"look{i}", f"done{i}", 3 + 2 * i, f"look{i + 1}"
        points += [here, f"send{i}"]
        events |= {f"mail{i}": "0 1 2", done: "no yes"}
        rules += [
            Rule(
                RuleKind.WORKER,
                step(Cause.HANDLER, line, "new"),
                where(**{"pc": here, done: "no"}),
                (put("pc", f"send{i}"),),
            ),
            Rule(
                RuleKind.WORKER,
                step(Cause.HANDLER, line, "old"),
                where(**{"pc": here, done: "yes"}),
                (put("pc", after),),
            ),
            Rule(
                RuleKind.WORKER,
                step(Cause.HANDLER, line + 1),
                where(pc=f"send{i}"),
                (saturate(f"mail{i}"), put(done, "yes"), put("pc", after)),
            ),
        ]
    points.append(f"look{effects}")
    leave = (put("lock", "free"), put("acked", "yes"))
    rules.append(
        Rule(RuleKind.WORKER, step(Cause.HANDLER, 99), where(pc=points[-1]), leave, ends=True)
    )
    lock = variables(Level.COMPONENT if shared else Level.EVENT, lock="free held")
    machine = Machine(
        f"locked {effects}",
        "",
        lock + variables(Level.EVENT, **events) + variables(Level.WORKER, pc=" ".join(points)),
        tuple(rules),
    )
    return machine, Property(
        "each mail once",
        tuple(Pattern(events=(EventPattern(where(**{f"mail{i}": "2"})),)) for i in range(effects)),
    )


def tickets(count: int) -> tuple[Machine, Property]:
    """A worker takes one of ``count`` tickets of the component before it goes in, and returns it:
    never ``count`` + 1 are inside.

    They may be of any events, so the invariant excludes shapes of every way to spread them over
    events.
    """
    left = tuple(str(n) for n in range(count + 1))
    rules = [Rule(RuleKind.SPAWN, step(Cause.DELIVERY, 1))]
    for n in left[1:]:
        less = str(int(n) - 1)
        rules.append(
            Rule(
                RuleKind.WORKER,
                step(Cause.HANDLER, 2, n),
                where(pc="out", left=n),
                (put("left", less), put("pc", "in")),
            )
        )
        rules.append(
            Rule(
                RuleKind.WORKER,
                step(Cause.HANDLER, 3, n),
                where(pc="in", left=less),
                (put("left", n),),
                ends=True,
            )
        )
    names = " ".join(reversed(left))
    shared = variables(Level.COMPONENT, left=names)
    machine = Machine(
        f"tickets {count}", "", shared + variables(Level.WORKER, pc="out in"), tuple(rules)
    )
    crowd = (where(pc="in"),) * (count + 1)
    return machine, Property("enough room", (Pattern(events=(EventPattern((), crowd),)),))
