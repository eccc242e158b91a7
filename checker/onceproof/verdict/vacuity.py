"""Steps that can never run: a handler whose line nobody ever reaches proves nothing about that
line.

The thread-modular fixpoint over-approximates what is reachable, so a line it never reaches is
certainly dead; so does that of a view of one handler (``view``), which is asked where the whole
design is too large. A line counts as dead only if it is dead under every semantics the design is
checked under, and is not the handling of a failure (``on failure``, ``on duplicate``, ``on
conflict``): such a case may be excluded on purpose.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from onceproof.engines import coverability
from onceproof.engines.compositional.abstraction import Unseen, View, seen
from onceproof.lang.design import Design
from onceproof.lang.resolve.steps import inner
from onceproof.lang.syntax import ast as n
from onceproof.lower import Lowered
from onceproof.machine.slicing import home, place_variable, regions
from onceproof.machine.system import Cause, Machine, Rule, Update

WHOLE = 5_000
"""Rows of the fixpoint of a whole design."""


def dead_lines(design: Design, lowerings: Iterable[Lowered], seconds: float) -> tuple[int, ...]:
    """The lines of handler steps that never run under any of the lowerings (nothing is said if an
    engine gives up).
    """
    handled = {line for p in design.processes for line in _lines(p.body)}
    ruled: set[int] = set()
    fired: set[int] = set()
    for lowered in lowerings:
        runs = _runs(lowered.machine, seconds)
        if runs is None:
            return ()
        ruled |= _lines_of(lowered.machine.rules)
        fired |= runs
    return tuple(sorted((handled & ruled) - fired))


def _lines_of(rules: Iterable[Rule]) -> set[int]:
    """The lines of handler steps."""
    return {r.action.line for r in rules if r.action.cause is Cause.HANDLER}


def _runs(machine: Machine, seconds: float) -> set[int] | None:
    """The lines that may run, and perhaps more; None if an engine gives up."""
    reach = coverability.reachable(machine, coverability.Budget(WHOLE, seconds))
    if not isinstance(reach, coverability.GaveUp):
        return _lines_of(machine.rules[i] for i in reach.fired)
    place = place_variable(machine)
    if not reach.large or place is None:
        return None
    found: set[int] = set()
    for part in regions(machine, place):
        mine = [r for r in machine.rules if part & (home(r, place) or frozenset())]
        read = {t.variable for r in mine for t in r.guard} | {
            u.source for u in _updates(mine) if u.source is not None
        }
        try:
            small = seen(
                machine,
                View(
                    frozenset(read | {place.name}), place.name, tuple((p, p) for p in sorted(part))
                ),
            )
        except Unseen:
            return None
        there = coverability.reachable(small, coverability.Budget(seconds=seconds))
        if isinstance(there, coverability.GaveUp):
            return None
        # a rule that changes nothing of what is seen is not in the small machine, and may run
        found |= _lines_of(small.rules[i] for i in there.fired) | (
            _lines_of(mine) - _lines_of(small.rules)
        )
    return found


def _updates(rules: Iterable[Rule]) -> Iterator[Update]:
    """Everything that the rules write."""
    for rule in rules:
        yield from rule.updates
        for said in rule.others:
            yield from said.updates


def _lines(steps: tuple[n.Step, ...], in_atomic: bool = False) -> Iterator[int]:
    """Lines that take a step of their own; in an atomic block only those that certainly do."""
    for step in steps:
        silent = n.Stop | n.Fail | n.CrashHere | n.Section | n.Atomic | n.Use | n.BrokenStep
        if not isinstance(step, silent) and not in_atomic:
            yield step.span.line
        if isinstance(step, n.Insert | n.UpdateIf | n.Do):
            continue
        for block in inner(step):
            yield from _lines(block, in_atomic or isinstance(step, n.Atomic))
