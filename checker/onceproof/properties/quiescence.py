"""Tests on rows, as conditions and as patterns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from onceproof.lower.variables import PENDING
from onceproof.machine.system import EventPattern, Guard, Level, Machine, Pattern, Test, Variable

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
    return tuple(
        v for v in machine.level(Level.EVENT) if v.name not in written and len(v.initial) > 1
    )


def guard(tests: Tests) -> Guard:
    """As a guard, in the order of the names."""
    return tuple(Test(name, allowed) for name, allowed in sorted(tests.items()))


def pattern(machine: Machine, tests: Tests, *, resting: bool = False) -> Pattern:
    """One event (with its component) that satisfies ``tests``; ``resting``: and has no worker.
    (``at_rest`` looks at requests, too.)
    """
    levels = {v.name: v.level for v in machine.variables}
    component = {n: a for n, a in tests.items() if levels[n] is Level.COMPONENT}
    event = {n: a for n, a in tests.items() if levels[n] is Level.EVENT}
    return Pattern(guard(component), (EventPattern(guard(event), (), () if resting else None),))


def at_rest(machine: Machine, cases: Iterable[Tests]) -> tuple[Pattern, ...]:
    """For each case, one event that satisfies it and on which nobody is at work: it has no worker,
    and no request of it is still on its way.
    """
    on_their_way = [x.name for x in machine.variables if x.name.endswith(PENDING)]
    arrived = dict.fromkeys(on_their_way, frozenset({"0"}))
    found = (conjoin(tests, arrived) for tests in cases)
    return tuple(pattern(machine, tests, resting=True) for tests in found if tests is not None)
