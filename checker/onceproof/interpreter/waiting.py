"""Workers that wait for each other, and which of them a database fails (docs/semantics_world.md,
"Waiting and deadlock").
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from onceproof.interpreter.context import Context
from onceproof.interpreter.isolation import Begins, SerializationFailure, SessionLost, Waits
from onceproof.interpreter.rows import look_at, write
from onceproof.interpreter.runs import Run, run
from onceproof.interpreter.sessions import holders, spot_of
from onceproof.interpreter.state import Spot, State, Worker
from onceproof.lang.design import LockKind
from onceproof.lang.syntax import ast as n


class Wait(NamedTuple):
    """What a worker waits for: a row or a lock, the workers that have it, and the database that
    sees this (None: none does).
    """

    spot: Spot
    holders: tuple[int, ...]
    database: str | None
    exclusive: bool = True


def wait_of(ctx: Context, state: State, worker: Worker) -> Wait | None:
    """What the next step of a worker waits for; None if it can be taken."""
    if worker.idle or not worker.todo:
        return None
    step = ctx.at(worker)
    try:
        if step is None or ctx.is_collected(worker, step):
            run(ctx, state, worker)
        elif isinstance(step, n.If | n.Let):
            look_at(ctx, state, worker, ctx.part_at(worker, step))
        elif isinstance(step, n.Acquire):
            return _of_lock(ctx, state, worker, step)
        elif ctx.store_of(step) is not None:
            write(ctx, state, worker, step)
    except Waits as waits:
        return _of_row(ctx, state, worker, waits)
    except (Begins, SerializationFailure, SessionLost):
        pass
    return None


def _of_row(ctx: Context, state: State, worker: Worker, waits: Waits) -> Wait:
    holders = tuple(
        w.number
        for w in state.workers
        if w.number != worker.number
        and (waits.spot in w.locked or (waits.exclusive and waits.spot in w.shared))
    )
    return Wait(waits.spot, holders, ctx.home(waits.spot[0]), waits.exclusive)


def _of_lock(ctx: Context, state: State, worker: Worker, step: n.Acquire) -> Wait | None:
    lock = ctx.design.locks[step.lock.text]
    spot = spot_of(ctx, state, worker, lock)
    if spot not in state.held or step.or_else is not None:
        return None
    others = tuple(w.number for w in holders(state, spot) if w.number != worker.number)
    seen = lock.database if lock.kind is LockKind.SESSION else None
    return Wait(spot, others, seen)


def on_a_cycle(ctx: Context, state: State, worker: Worker) -> bool:
    """Whether a worker is on a cycle of waiting ones that one database sees and ends."""
    wait = wait_of(ctx, state, worker)
    if wait is None or wait.database is None:
        return False
    if not ctx.design.databases[wait.database].picks_victims:
        return False
    seen, ahead = set[int](), list(wait.holders)
    while ahead:
        number = ahead.pop()
        if number == worker.number:
            return True
        if number not in seen:
            seen.add(number)
            ahead += _waited_for(ctx, state, number, wait.database)
    return False


def _waited_for(ctx: Context, state: State, number: int, database: str) -> Iterator[int]:
    worker = next((w for w in state.workers if w.number == number), None)
    wait = wait_of(ctx, state, worker) if worker is not None else None
    if wait is not None and wait.database == database:
        yield from wait.holders


def beaten(ctx: Context, state: State, worker: Worker, made: Run) -> State:
    """The state after a run, in which those who waited for a row that the worker shared, and now
    has for itself, may be told so.
    """
    after = made.state
    for spot in made.took & set(worker.shared):
        for other in state.workers:
            if other.number == worker.number or other.underway:
                continue
            wait = wait_of(ctx, state, other)
            still = next((w for w in after.workers if w.number == other.number), None)
            if wait is not None and still is not None and wait.spot == spot and wait.exclusive:
                after = after.with_worker(still._replace(beaten=True))
    return after
