"""Which rows occur at all, whatever the numbers: the fixpoint behind the axes of ``dense``.

As in ``checker/onceproof/engines/coverability/thread_modular.py``, and written independently of it:
a step of one worker changes what others see beside them, and how many there are of each is
forgotten. So there may be too many rows, never too few.
"""

from __future__ import annotations

from msgspec import Struct

from onceproof.engines.search.compiled import GONE, Local, LocalMove
from onceproof.engines.search.symmetry import choices
from onceproof.machine.system import RuleKind

Triple = tuple[int, int, int]
"""A component row, an event row, a worker row, by number; GONE: none."""


class Known(Struct, frozen=True):
    """The rows, by number; which triples occur; and every move from a triple (or pair, or component
    row) to another.
    """

    components: tuple[int, ...]
    events: tuple[int, ...]
    workers: tuple[int, ...]
    triples: frozenset[Triple]
    moves: tuple[tuple[int, Triple, Triple], ...]


def reachable(local: Local) -> Known:
    """The fixpoint. The machine has no broadcasts, ``alone`` conditions or limits."""
    seen: dict[Triple, None] = {}
    moves: dict[tuple[int, Triple, Triple], None] = {}
    for row in choices(local.components.variables):
        seen[local.components.number(row), GONE, GONE] = None
        for event in choices(local.events.variables):
            seen[local.components.number(row), local.events.number(event), GONE] = None
    before = -1
    while before != len(seen):
        before = len(seen)
        for at in list(seen):
            for kind in _kinds(at):
                for move in local.moves(kind, *at):
                    _note(move, at, seen, moves)
    rows = (range(len(rows.rows)) for rows in (local.components, local.events, local.workers))
    components, events, workers = (tuple(r) for r in rows)
    return Known(
        components, events, workers, frozenset(t for t in seen if GONE not in t), tuple(moves)
    )


def _kinds(at: Triple) -> tuple[RuleKind, ...]:
    if at[1] == GONE:
        return (RuleKind.COMPONENT,)
    return (RuleKind.SPAWN, RuleKind.EVENT) if at[2] == GONE else (RuleKind.WORKER,)


def _note(
    move: LocalMove,
    at: Triple,
    seen: dict[Triple, None],
    moves: dict[tuple[int, Triple, Triple], None],
) -> None:
    """What a move leads to, for the one who makes it, for others at the event, and for other
    events.
    """
    after = (move.component, move.event, move.worker)
    moves[move.rule, at, after] = None
    seen[after] = seen[move.component, move.event, GONE] = seen[move.component, GONE, GONE] = None
    for component, event, worker in list(seen):
        if component == at[0] and event != GONE:
            if move.component != component:
                seen[move.component, event, worker] = None
            if event == at[1]:
                seen[move.component, move.event, worker] = None
