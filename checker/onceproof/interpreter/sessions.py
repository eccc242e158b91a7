"""Locks, and the sessions that hold them (docs/semantics.md, "Kinds of locks" to "Pooled
sessions").
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from onceproof.interpreter import isolation
from onceproof.interpreter.broker import at_spot
from onceproof.interpreter.context import SERVICE, Context
from onceproof.interpreter.isolation import Waits
from onceproof.interpreter.runs import onward, went
from onceproof.interpreter.state import Spot, State, Worker, minus, union
from onceproof.interpreter.steps import Next, record
from onceproof.interpreter.trace import Step
from onceproof.lang import design as d
from onceproof.lang.design import LockKind, Pooled
from onceproof.lang.syntax import ast as n
from onceproof.machine.system import Cause

Done = tuple[State, Worker]
"""The state in which a worker has a lock, and that worker, which is not in the state yet."""


def spot_of(ctx: Context, state: State, worker: Worker, lock: d.Lock) -> Spot:
    """The lock of a worker's key."""
    return ctx.spot(lock.name, lock.level, state, worker.event)


def holders(state: State, spot: Spot) -> list[Worker]:
    """The workers whose session has a lock, or whose life it is tied to."""
    return [w for w in state.workers if spot in w.locks or spot in w.block_locks]


# ---------------------------------------------------------------- lines


def acquire(
    ctx: Context, state: State, worker: Worker, step: n.Acquire
) -> Iterator[tuple[Step, State, Done | None]]:
    """What asking for a lock comes to; with what is done if its answer can be lost. Raises
    ``Waits`` in the end, if the worker may have to wait.
    """
    lock = ctx.design.locks[step.lock.text]
    spot = spot_of(ctx, state, worker, lock)
    asked = record(ctx, state, worker, Cause.HANDLER, "")
    elsewhere = lock.pooled is Pooled.TRANSACTION and not ctx.is_of_block(worker, lock)
    if spot not in state.held or elsewhere:
        done = _taken(ctx, state, worker, lock)
        yield asked, onward(ctx, done[0], done[1].next_line()), done
        return
    if _is_leaked(state, lock, spot) and lock.pooled is Pooled.YES:
        # The pool handed out the connection that has it.
        after, owner = _taken(ctx, state, worker, lock)
        yield replace(asked, outcome="reacquired"), onward(ctx, after, owner.next_line()), None
    if step.or_else is None:
        raise Waits(spot, exclusive=True)
    yield replace(asked, outcome="held"), went(ctx, state, worker, step, "held"), None


def _taken(ctx: Context, state: State, worker: Worker, lock: d.Lock) -> Done:
    spot = spot_of(ctx, state, worker, lock)
    workers = tuple(w._replace(tokens=minus(w.tokens, spot)) for w in state.workers)
    state = isolation.lock_acquired(state._replace(workers=workers), spot, worker.number)
    worker = worker._replace(tokens=union(worker.tokens, spot))
    if ctx.is_of_block(worker, lock):
        worker = worker._replace(block_locks=union(worker.block_locks, spot))
    elif lock.pooled is Pooled.TRANSACTION:
        state = _untied(state, spot)
    elif ctx.holder_matters(lock):
        worker = worker._replace(locks=union(worker.locks, spot))
    state = state.with_worker(worker)
    return state._replace(held=union(state.held, spot)), worker


def _is_leaked(state: State, lock: d.Lock, spot: Spot) -> bool:
    """Whether a session in the pool has a lock, and no worker has that session."""
    pooled = lock.kind is LockKind.SESSION and lock.pooled is not Pooled.NO
    return pooled and spot in state.held and not holders(state, spot)


def release(ctx: Context, state: State, worker: Worker, step: n.Release) -> Next:
    """``release``, and what it does to the lock."""
    lock = ctx.design.locks[step.lock.text]
    spot = spot_of(ctx, state, worker, lock)
    done = record(ctx, state, worker, Cause.HANDLER, "")
    after, by = released(ctx, state, worker, lock)
    yield done, onward(ctx, after, by.next_line())
    somewhere = lock.pooled is Pooled.TRANSACTION and not ctx.is_of_block(worker, lock)
    if somewhere and spot in state.held:
        # The proxy may have sent it to another connection than that which has the lock.
        yield replace(done, outcome="nothing"), onward(ctx, state, worker.next_line())


def released(ctx: Context, state: State, worker: Worker, lock: d.Lock) -> Done:
    """The lock after a ``release`` of the worker, and the worker."""
    spot = spot_of(ctx, state, worker, lock)
    if lock.kind is LockKind.SESSION:
        outside = lock.pooled is Pooled.TRANSACTION and not ctx.is_of_block(worker, lock)
        frees = spot in worker.locks or outside
    else:
        frees = not lock.owner_releases or spot in worker.tokens
    if not frees:
        return state, worker
    worker = worker._replace(locks=minus(worker.locks, spot))
    return _untied(state._replace(held=minus(state.held, spot)), spot), worker


def _untied(state: State, spot: Spot) -> State:
    """The state in which no worker's life has to do with a lock."""
    workers = tuple(
        w._replace(locks=minus(w.locks, spot), block_locks=minus(w.block_locks, spot))
        for w in state.workers
    )
    return state._replace(workers=workers)


def extend(ctx: Context, state: State, worker: Worker, lock: str) -> str:
    """The answer to a renewal of a lock."""
    spot = spot_of(ctx, state, worker, ctx.design.locks[lock])
    return "done" if spot in state.held and spot in worker.tokens else "refused"


# ---------------------------------------------------------------- by themselves


def lost_sessions(ctx: Context, state: State, worker: Worker) -> Next:
    """A living worker loses a session that has locks: they are free, its open transaction there is
    rolled back, and it does not know.
    """
    if ctx.design.assumes("no-lost-connections"):
        return
    component = state.events[worker.event].component
    locks = [ctx.design.locks[spot[0]] for spot in (*worker.locks, *worker.block_locks)]
    names = {x.database or SERVICE for x in locks if x.kind is LockKind.SESSION}
    for name in sorted(names):
        ends = Step(
            Cause.CONNECTION_LOST,
            component,
            worker.event,
            worker.number,
            worker.process,
            subject=name,
        )
        yield ends, _without_session(ctx, state, worker, name)


def _without_session(ctx: Context, state: State, worker: Worker, name: str) -> State:
    own = [
        spot
        for spot in (*worker.locks, *worker.block_locks)
        if ctx.design.locks[spot[0]].kind is LockKind.SESSION
        and (ctx.design.locks[spot[0]].database or SERVICE) == name
    ]
    without = isolation.part_over(ctx, worker, name)._replace(
        locks=minus(worker.locks, *own),
        block_locks=minus(worker.block_locks, *own),
        lost=tuple(sorted({*worker.lost, name})),
    )
    return state.with_worker(without)._replace(held=minus(state.held, *own))


def lock_faults(ctx: Context, state: State) -> Iterator[tuple[Step, State]]:
    """Locks that expire, that a failover forgets, or that the pool's session lets go of."""
    for spot in state.held:
        lock = ctx.design.locks[spot[0]]
        free = _untied(state._replace(held=minus(state.held, spot)), spot)
        if lock.expires and not holders(state, spot):
            yield at_spot(state, Cause.LOCK_EXPIRED, spot), free
        if lock.replicated and not ctx.design.assumes("no-failover"):
            yield at_spot(state, Cause.FAILOVER, spot), free
        leaked = _is_leaked(state, lock, spot)
        if leaked and not ctx.design.assumes("no-lost-connections"):
            yield at_spot(state, Cause.CONNECTION_LOST, spot), free
