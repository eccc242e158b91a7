"""The sizes, in workers and events, of the searches for a story, and which of them a solver can
confirm.
"""

from __future__ import annotations

from msgspec import Struct

from onceproof.engines import coverability
from onceproof.machine.system import Level, Machine, Property
from onceproof.verdict.task import Task

LADDER = ((1, 1), (2, 1), (1, 2), (2, 2), (3, 1), (3, 2), (4, 1), (4, 2))
"""Workers and events of the searches for a story, smallest first."""

FOR_SOLVERS = 20_000
"""States of a bounded graph that a solver is asked to confirm."""


class Visited(Struct, frozen=True):
    """Workers and events within which everything was searched, and how many states that is."""

    size: tuple[int, int]
    states: int


def fits(states: int) -> bool:
    """Whether a solver is asked to confirm that so many states are all there are."""
    return states <= FOR_SOLVERS


def largest(visited: list[Visited]) -> tuple[int, int]:
    """The largest size that a solver can confirm; if there is none, the smallest that was
    searched.
    """
    return next(
        (v.size for v in reversed(visited) if fits(v.states)),
        visited[0].size if visited else (1, 1),
    )


def ladder(task: Task, hint: coverability.Coverable | None) -> list[tuple[int, int]]:
    """The workers and events of the searches for a story, in their order; those that cannot make a
    difference are left out.
    """
    sizes = set(LADDER)
    if hint is not None:
        sizes |= {(w, e) for w in range(1, hint.workers + 1) for e in range(1, hint.events + 1)}
        sizes.add((max(hint.workers, 1), max(hint.events, 1)))
    exact = hint is not None and hint.exact
    sizes = {s for s in sizes if exact or s[0] <= most_workers(task)}
    if one_event_suffices(task.machine, task.prop):
        sizes = {s for s in sizes if s[1] == 1}
    return sorted(sizes, key=lambda s: (s[0] + s[1], s[0]))


def one_event_suffices(machine: Machine, prop: Property) -> bool:
    """Whether events share nothing, so that they cannot influence each other, and nothing is asked
    about several of them.
    """
    alone = bool(prop.bad) and all(len(b.events) < 2 for b in prop.bad)
    return alone and not machine.level(Level.COMPONENT)


def most_workers(task: Task) -> int:
    """How many workers there can be at once, if the design limits every consumer and relay; else
    more than is ever searched.
    """
    limits = [p.workers for p in task.lowered.design.processes]
    return (
        sum(n for n in limits if n is not None) if None not in limits else max(n for n, _ in LADDER)
    )
