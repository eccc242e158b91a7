"""Workers that are killed, and their last requests, which may arrive later."""

from __future__ import annotations

from msgspec.structs import replace

from onceproof.interpreter import isolation
from onceproof.interpreter.broker import gone, settle
from onceproof.interpreter.choosing import Chooser, every
from onceproof.interpreter.context import Context, may_commit
from onceproof.interpreter.isolation import Begins, SerializationFailure, SessionLost, Waits
from onceproof.interpreter.logs import End
from onceproof.interpreter.providers import carried_out
from onceproof.interpreter.relays import draws
from onceproof.interpreter.rows import published, write
from onceproof.interpreter.runs import run
from onceproof.interpreter.sessions import released
from onceproof.interpreter.state import Spot, State, Worker, minus, union
from onceproof.interpreter.steps import Next, record
from onceproof.interpreter.trace import Step
from onceproof.lang.design import LockKind
from onceproof.lang.syntax import ast as n
from onceproof.machine.delivery import Delivery
from onceproof.machine.system import Cause


def deaths(ctx: Context, state: State, worker: Worker) -> Next:
    """A worker is killed, perhaps with its next request already under way."""
    named = worker.process in ctx.named_crashes and not ctx.has_time_limit(worker.process)
    killable = worker.exposed or not named
    if not ctx.may_be_killed(worker.process) or not (killable or ctx.passes_crash(worker)):
        return
    component = state.events[worker.event].component
    killed = Step(
        Cause.KILLED, component, worker.event, worker.number, worker.process, line=ctx.line(worker)
    )
    dead = [("", gone(ctx, state, worker, End.KILLED))]
    if (
        ctx.processes[worker.process].ack == "kill"
        and ctx.promises(worker.process) is not Delivery.AT_MOST_ONCE
    ):
        settled, acked, answer = settle(ctx, state, worker._replace(boxed=()))
        if answer == "done":
            acked = acked._replace(boxed=worker.boxed)
            dead.append(("acknowledged", gone(ctx, settled, acked, End.KILLED)))
    for outcome, after in dead:
        yield replace(killed, outcome=outcome), after
    if not worker.todo or not killable or not ctx.death_matters(worker.process):
        return
    ghost = _ghost(ctx, state, worker)
    if ghost is None:
        return
    for outcome, after in dead:
        # The session of a request in a database lives until that is done, and so do its locks.
        kept = after._replace(held=union(after.held, *ghost.locks, *ghost.block_locks))
        yield (
            replace(killed, outcome="request under way" + f", {outcome}" * bool(outcome)),
            kept.with_worker(ghost),
        )


def _ghost(ctx: Context, state: State, worker: Worker) -> Worker | None:
    """What is left of a worker whose next request is under way; None if that is none."""
    if next(draws(ctx, state, worker), None) is not None:
        return None
    step = ctx.at(worker)
    database: str | None
    ghost = worker._replace(holds=False, boxed=(), exposed=False, beaten=False, underway=True)
    ghost = ghost._replace(in_hand=False, in_lane=False)
    if step is None or ctx.is_collected(worker, step):
        if not may_commit(ctx, worker) or not _can_commit(ctx, state, worker):
            return None
        database = ctx.next_part(worker)
    elif isinstance(step, n.Release):
        lock = ctx.design.locks[step.lock.text]
        if lock.kind is LockKind.SESSION:
            return None
        ghost, database = ghost.block_over(), lock.database
    elif ctx.store_of(step) is not None:
        ghost, database = ghost.block_over(), ctx.home(ctx.store_of(step) or "")
    elif isinstance(step, n.Do | n.Publish):
        ghost, database = ghost.block_over(), None
    else:
        return None
    if database in worker.lost:
        return None

    def kept(spots: tuple[Spot, ...]) -> tuple[Spot, ...]:
        locks = ctx.design.locks
        if database is None:
            return ()
        here = [s for s in spots if locks[s[0]].database == database]
        return tuple(s for s in here if locks[s[0]].kind is LockKind.SESSION)

    return ghost._replace(locks=kept(worker.locks), block_locks=kept(ghost.block_locks))


def _can_commit(ctx: Context, state: State, worker: Worker) -> bool:
    """Whether the next step is a run itself, and does not only take a snapshot before it."""
    try:
        run(ctx, state, worker)
    except (Begins, SessionLost):
        return False
    except (Waits, SerializationFailure):
        pass
    return True


def late(ctx: Context, state: State, ghost: Worker) -> Next:
    """The last request of a killed worker takes effect after all, or never does."""
    effect = replace(record(ctx, state, ghost, Cause.LATE_EFFECT, ""), queue="", subject="")
    for after in every(lambda chooser: _done(ctx, state, ghost, chooser)):
        if after is not None:
            yield effect, _over(after, ghost)
    yield replace(effect, cause=Cause.KILLED, outcome="request lost"), _over(state, ghost)


def _done(ctx: Context, state: State, ghost: Worker, chooser: Chooser) -> State | None:
    """The state in which a dead worker's request is done; None if it has to wait."""
    step = ctx.at(ghost)
    try:
        if step is None or ctx.is_collected(ghost, step):
            return _run_done(ctx, state, ghost, chooser)
        if isinstance(step, n.Do) and not ctx.store_of(step):
            return carried_out(ctx, state, ghost.event, step.effect.text)
        if isinstance(step, n.Publish):
            return published(ctx, state, ghost.event, step.queue.text)
        if isinstance(step, n.Release):
            return released(ctx, state, ghost, ctx.design.locks[step.lock.text])[0]
        return write(ctx, state, ghost, step, chooser)[0]
    except Waits:
        return None


def _run_done(ctx: Context, state: State, ghost: Worker, chooser: Chooser) -> State:
    """The commit of a dead worker. If the database rolls it back, nothing is done."""
    while True:
        try:
            made = run(ctx, state, ghost, chooser)
        except Begins as begins:
            ghost = isolation.opened(ctx, state, ghost, begins.database)
        except SerializationFailure:
            return state
        else:
            return made.state if made.committed is not None else state


def _over(state: State, ghost: Worker) -> State:
    """The request is done or lost: its session ends."""
    after = state.without_worker(ghost.number)
    return after._replace(held=minus(after.held, *ghost.locks, *ghost.block_locks))
