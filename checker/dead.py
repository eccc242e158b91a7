"""Steps that can never run: a handler whose line nobody ever reaches proves nothing about that line.

The thread-modular fixpoint over-approximates what is reachable, so a line it never reaches is certainly dead. A line counts as
dead only
if it is dead under every semantics the design is checked under, and is not the handling of a failure (``on failure``,
``on duplicate``, ``on conflict``): such a case may be excluded on purpose.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from checker import cover
from checker.design import Design
from checker.lower import Lowered
from checker.machine import Cause
from checker.resolve_steps import inner
from checker.syntax import nodes as n


def dead_lines(design: Design, lowerings: Iterable[Lowered], seconds: float) -> tuple[int, ...]:
    """The lines of handler steps that never run under any of the lowerings (nothing is said if an engine gives up)."""
    handled = {line for p in design.processes for line in _lines(p.body)}
    ruled: set[int] = set()
    fired: set[int] = set()
    for lowered in lowerings:
        reach = cover.reachable(lowered.machine, cover.Budget(seconds=seconds))
        if isinstance(reach, cover.GaveUp):
            return ()
        ruled |= {r.action.line for r in lowered.machine.rules if r.action.cause is Cause.HANDLER}
        fired |= {
            r.action.line for i, r in enumerate(lowered.machine.rules) if i in reach.fired and r.action.cause is Cause.HANDLER
        }
    return tuple(sorted((handled & ruled) - fired))


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
