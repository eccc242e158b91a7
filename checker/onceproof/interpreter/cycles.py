"""Whether the serializable blocks of a whole run fit into one order. Pairs of them that do not are
failed on the way; longer cycles are looked for here, at its end (docs/semantics.md,
"Serializable, optimistic").
"""

from __future__ import annotations

from typing import NamedTuple

from onceproof.interpreter import isolation
from onceproof.interpreter.context import Context
from onceproof.interpreter.isolation import Begins, SerializationFailure, Waits
from onceproof.interpreter.rows import rows_read
from onceproof.interpreter.runs import Part, parts_of, run
from onceproof.interpreter.state import State, Worker
from onceproof.interpreter.trace import Step
from onceproof.lang.design import Isolation
from onceproof.lang.syntax import ast as n
from onceproof.machine.system import Cause

_DONE = frozenset({"", "done", "yes", "no", "own retry"})
"""Outcomes of a step after which a block that ends has committed."""


class _Committed(NamedTuple):
    """A serializable block that has committed. ``began`` and ``ended``: the numbers of the states
    that it saw first, and that came of its commit.
    """

    part: Part
    began: int
    ended: int


def cycle(ctx: Context, steps: tuple[Step, ...], states: tuple[State, ...]) -> str | None:
    """A database in which the serializable blocks of a run have no order; None if all have one."""
    optimistic = {
        x.name
        for x in ctx.design.databases.values()
        if Isolation.OPTIMISTIC in (x.isolation, x.serializable)
    }
    if not optimistic:
        return None
    found: list[_Committed] = []
    for number, step in enumerate(steps):
        before, after = states[number], states[number + 1]
        worker = next((w for w in before.workers if w.number == step.worker), None)
        if worker is not None:
            found += [
                _Committed(part, _began(worker, part.database, states[: number + 1]), number + 1)
                for part in _ended(ctx, step, before, after, worker)
            ]
    for database in sorted({block.part.database for block in found}):
        if _goes_round([b for b in found if b.part.database == database]):
            return database
    return None


def _began(worker: Worker, database: str, states: tuple[State, ...]) -> int:
    """The number of the state as of which a worker's block reads."""
    number = len(states) - 1
    while number > 0 and any(
        w.number == worker.number and isolation.snapshot_of(w, database)
        for w in states[number].workers
    ):
        number -= 1
    return number


def _ended(
    ctx: Context, step: Step, before: State, after: State, worker: Worker
) -> tuple[Part, ...]:
    """The serializable blocks that a step of a worker commits."""
    if not worker.todo or worker.idle:
        return ()
    line = ctx.at(worker)
    if line is None or ctx.is_collected(worker, line):
        return _of_run(ctx, step, before, worker)
    if ctx.open_block(worker) is None:
        return _of_line(ctx, step, before, worker, line)
    still = next((w for w in after.workers if w.number == worker.number), None)
    over = still is None or ctx.open_block(still) is None
    over = over and step.cause is Cause.HANDLER and step.outcome in _DONE
    return parts_of(ctx, worker) if over else ()


def _of_run(ctx: Context, step: Step, before: State, worker: Worker) -> tuple[Part, ...]:
    commits = step.outcome == "" or step.outcome.startswith("commit")
    lost = step.cause is Cause.DATABASE_ANSWER_LOST
    if not (step.cause in (Cause.HANDLER, Cause.LATE_EFFECT) and commits) and not lost:
        return ()
    try:
        return run(ctx, before, worker).parts
    except (Begins, Waits, SerializationFailure):
        return ()


def _of_line(
    ctx: Context, step: Step, before: State, worker: Worker, line: n.Step
) -> tuple[Part, ...]:
    """A line outside a block is a block of its own, where the database is serializable."""
    if step.outcome == "failed" or step.cause is Cause.KILLED:
        return ()
    store = ctx.store_of(line)
    if store is not None and not ctx.is_boxed(worker, line):
        if ctx.design.databases[ctx.home(store)].isolation is not Isolation.OPTIMISTIC:
            return ()
        row = (ctx.row(store, before, worker.event),)
        turned_down = step.cause is Cause.HANDLER and step.outcome not in _DONE
        return (Part(ctx.home(store), row if turned_down else (), () if turned_down else row),)
    if isinstance(line, n.If | n.Let):
        part = ctx.part_at(worker, line)
        database = ctx.database_read(part)
        if database is not None:
            if ctx.design.databases[database].isolation is Isolation.OPTIMISTIC:
                return (Part(database, rows_read(ctx, before, part, worker.event), ()),)
    return ()


def _goes_round(blocks: list[_Committed]) -> bool:
    """Whether the blocks of one database precede each other in a circle."""
    ahead = {
        i: {j for j, b in enumerate(blocks) if i != j and _precedes(a, b)}
        for i, a in enumerate(blocks)
    }
    while True:
        last = {i for i, after in ahead.items() if not after}
        if not last:
            return bool(ahead)
        ahead = {i: after - last for i, after in ahead.items() if i not in last}


def _precedes(one: _Committed, other: _Committed) -> bool:
    """Whether the first read what the other has changed since, or was over before the other began
    and they have to do with the same rows.
    """
    (_, read, wrote), (_, other_read, other_wrote) = one.part, other.part
    if one.began < other.ended and set(read) & set(other_wrote):
        return True
    shared = set(wrote) & {*other_read, *other_wrote}
    return one.ended <= other.began and bool(shared)
