"""Handlers, line by line: everything a worker can do next."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from onceproof.interpreter.broker import aborts, give_back, gone, renew, settle
from onceproof.interpreter.context import ATOMIC, Context, conjunctions, may_commit
from onceproof.interpreter.rows import (
    Waits,
    after_test,
    apply,
    call,
    check_locks,
    passes,
    published,
    rows_read,
    takes_for_copy,
    value_of,
    view,
    write,
)
from onceproof.interpreter.state import State, Worker, minus, put, union
from onceproof.interpreter.trace import Step
from onceproof.lang.syntax import ast as n
from onceproof.machine.delivery import Delivery
from onceproof.machine.system import Cause

Next = Iterator[tuple[Step, State]]


def moves(ctx: Context, state: State, worker: Worker) -> Next:
    """Every next step of a worker, with the state after it. Nothing if it has to wait."""
    worker = worker._replace(exposed=False)
    if worker.idle:
        yield _record(ctx, state, worker, Cause.HANDLER, ""), gone(ctx, state, worker)
        return
    try:
        if not worker.todo:
            yield from _ack(ctx, state, worker, n.Ack(None, ctx.processes[worker.process].span))
            return
        step = ctx.at(worker)
        if step is None or ctx.is_collected(worker, step):
            after, committed = onward(ctx, state, worker, running=True)
            outcome = f"commit{committed}" if committed is not None else ""
            yield _record(ctx, state, worker, Cause.HANDLER, outcome), after
            return
        yield from _line(ctx, state, worker, step)
    except Waits:
        return


def _line(ctx: Context, state: State, worker: Worker, step: n.Step) -> Next:
    match step:
        case n.If():
            yield _test(ctx, state, worker, step)
        case n.Do(_, effect) if ctx.design.effects[effect.text].store is None:
            yield from _call(ctx, state, worker, step)
        case n.Publish():
            yield from _publish(ctx, state, worker, step)
        case n.Ack():
            yield from _ack(ctx, state, worker, step)
        case n.Nack():
            after, worker_after = give_back(ctx, state, worker)
            yield (
                _record(ctx, state, worker, Cause.HANDLER, ""),
                onward(ctx, after, worker_after.next_line())[0],
            )
        case n.Acquire():
            yield from _acquire(ctx, state, worker, step)
        case n.Release(lock):
            yield (
                _record(ctx, state, worker, Cause.HANDLER, ""),
                onward(ctx, *_free(ctx, state, worker, lock.text))[0],
            )
        case n.Renew():
            yield from _renew(ctx, state, worker, step)
        case n.Wait():
            yield (
                _record(ctx, state, worker, Cause.HANDLER, ""),
                onward(ctx, state, worker.next_line())[0],
            )
        case n.Let():
            yield (
                _record(ctx, state, worker, Cause.HANDLER, ""),
                onward(ctx, state, _let(ctx, state, worker, step))[0],
            )
        case _:
            after, worker_after, outcome = write(ctx, state, worker, step)
            yield (
                _record(ctx, state, worker, Cause.HANDLER, outcome),
                _went(ctx, after, worker_after, step, outcome),
            )


def _record(ctx: Context, state: State, worker: Worker, cause: Cause, outcome: str) -> Step:
    """The record of a worker's step at the line where it stands."""
    queue, subject = "", ""
    match ctx.at(worker) if worker.todo else n.Ack(None, ctx.processes[worker.process].span):
        case n.Do(_, effect):
            subject = effect.text
        case n.Publish(target):
            queue = target.text
        case n.Ack() | n.Nack():
            queue = ctx.processes[worker.process].queue or ""
        case n.Acquire(lock) | n.Release(lock):
            subject = lock.text
        case n.Renew(lock):
            queue, subject = (
                ("", lock.text) if lock else (ctx.processes[worker.process].queue or "", "")
            )
        case step if step is not None:
            subject = ctx.store_of(step) or ""
    component = state.events[worker.event].component
    return Step(
        cause,
        component,
        worker.event,
        worker.number,
        worker.process,
        queue,
        subject,
        ctx.line(worker),
        outcome,
    )


# ---------------------------------------------------------------- going on


def begun(ctx: Context, state: State, worker: Worker) -> State:
    """The state with a new worker at its first step; a handler that takes none ends with a step of
    its own.
    """
    after, _ = onward(ctx, state, worker, begins=True)
    return after


def onward(
    ctx: Context, state: State, worker: Worker, running: bool = False, begins: bool = False
) -> tuple[State, str | None]:
    """Pass what takes no step, up to the worker's next step or its end; which commit of an atomic
    block was on the way: None, "", or " of D" in a block that writes several databases.

    ``running``: the step is a run of collected lines, which ends at the next stop point or with the
    block. What is collected when a block ends after a stop point is a step of its own, because the
    worker may be killed before it. ``begins``: no step has been taken before.
    """
    committed: str | None = None
    going: Worker | None = worker
    while going is not None and going.todo:
        worker = going
        step, frame = ctx.at(going), going.todo[-1]
        if step is None:
            if frame.kind.startswith(ATOMIC):
                if going.collected and not running:
                    return state.with_worker(going), committed
                parts = ctx.parts(ctx.blocks[frame.block])
                pending = [p for p in parts if any(ctx.home(w.name) == p for w in going.collected)]
                if pending:
                    committed = f" of {ctx.design.part_words(pending[0])}" if parts[1:] else ""
                    state, going = _commit_part(ctx, state, going, pending[0])
                if len(pending) > 1:
                    return state.with_worker(going), committed
                running, going = False, going._replace(collected=(), locked=())
            going = going._replace(todo=going.todo[:-1], part=0)
        elif ctx.is_boxed(going, step) or (running and ctx.is_collected(going, step)):
            state, going = _silently(ctx, state, going, step)
        elif isinstance(step, n.Fail):
            state, going = _fails(ctx, state, going)
        elif isinstance(step, n.Stop):
            going = ctx.stopped(going)
        elif isinstance(step, n.Section | n.Atomic):
            going = ctx.entered(going, step)
        elif isinstance(step, n.CrashHere):
            going = going.next_line()._replace(exposed=True)
        else:
            return state.with_worker(going), committed
    if going is None or not ctx.processes[going.process].acks_at_end:
        if begins:
            return state.with_worker((going or worker)._replace(todo=(), idle=True)), committed
        return gone(ctx, state, going or worker), committed
    return state.with_worker(going), committed


def _commit_part(ctx: Context, state: State, worker: Worker, database: str) -> tuple[State, Worker]:
    """One database commits what the block has collected for it; the rest stays as it is."""
    writes = tuple(w for w in worker.collected if ctx.home(w.name) == database)
    rest = tuple(w for w in worker.collected if ctx.home(w.name) != database)
    own = [spot for spot in worker.locked if ctx.home(spot[0]) == database]
    # A crash point in the block is before its commits.
    worker = worker._replace(
        collected=rest, locked=minus(worker.locked, *own), exposed=ctx.exposed_by(writes)
    )
    return apply(ctx, state, worker.event, writes), worker


def _went(ctx: Context, state: State, worker: Worker, step: n.Step, outcome: str) -> State:
    """The state after a line: on with the next one, or with what an unwanted outcome leads to."""
    after = ctx.turned_down(worker, step, outcome) if outcome else worker.next_line()
    if after is None or not after.todo:
        state, after = _fails(ctx, state, worker)
    return gone(ctx, state, worker) if after is None else onward(ctx, state, after)[0]


def _silently(
    ctx: Context, state: State, worker: Worker, step: n.Step
) -> tuple[State, Worker | None]:
    """One line of a run, or one that the broker collects."""
    if isinstance(step, n.If):
        worker = _lock_read(ctx, state, worker, step.condition)
        truth = passes(ctx, view(ctx, state, worker), step.condition, worker.event, worker)
        return state, ctx.into(worker, step.body if truth else step.otherwise)
    if isinstance(step, n.Let):
        return state, _let(ctx, state, _lock_read(ctx, state, worker, step.value), step)
    state, worker, outcome = write(ctx, state, worker, step)
    if not outcome:
        return state, worker.next_line()
    after = ctx.turned_down(worker, step, outcome)
    return (state, after) if after is not None and after.todo else _fails(ctx, state, worker)


def _fails(ctx: Context, state: State, worker: Worker) -> tuple[State, Worker | None]:
    """The handler fails: it is gone (None), or only its ack is left, and what it has collected is
    dropped.
    """
    after = ctx.failed(worker)
    return (state if after is None else aborts(ctx, state, worker)), after


def _lock_read(ctx: Context, state: State, worker: Worker, part: n.Condition | n.Value) -> Worker:
    """In a serializable block, lock the rows that are looked at: of a condition, those of the tests
    that are needed.
    """
    seen = view(ctx, state, worker)
    spots = set(rows_read(ctx, state, part, worker.event))
    if isinstance(part, n.AnyOf | n.AllOf):
        tests = [t for row in conjunctions(part) for t in row]
        at: int | bool = 0
        while not isinstance(at, bool):
            spots |= set(rows_read(ctx, state, tests[at], worker.event))
            at = after_test(part, at, passes(ctx, seen, tests[at], worker.event, worker))
    check_locks(state, worker, spots)
    return worker._replace(locked=union(worker.locked, *spots))


# ---------------------------------------------------------------- single lines


def _test(ctx: Context, state: State, worker: Worker, step: n.If) -> tuple[Step, State]:
    """One single test of a condition."""
    tests = [t for row in conjunctions(step.condition) for t in row]
    truth = passes(ctx, view(ctx, state, worker), tests[worker.part], worker.event, worker)
    recorded = _record(ctx, state, worker, Cause.HANDLER, "yes" if truth else "no")
    at = after_test(step.condition, worker.part, truth)
    if not isinstance(at, bool):
        return recorded, state.with_worker(worker._replace(part=at))
    return recorded, onward(ctx, state, ctx.into(worker, step.body if at else step.otherwise))[0]


def _let(ctx: Context, state: State, worker: Worker, step: n.Let) -> Worker:
    value = value_of(ctx, view(ctx, state, worker), step.value, worker.event)
    return worker._replace(locals=put(worker.locals, step.name.text, value)).next_line()


def _call(ctx: Context, state: State, worker: Worker, step: n.Do) -> Next:
    """An external effect: done, refused, or done with its answer lost."""
    effect = step.effect.text
    retrying = worker._replace(part=worker.part + 1) if worker.part < step.retries else None

    def failed(after: State, by: Worker, outcome: str) -> State:
        if retrying is not None:
            return after.with_worker(retrying._replace(exposed=by.exposed))
        return _went(ctx, after, by, step, outcome)

    if not ctx.design.assumes("no-refusals"):
        yield (
            _record(ctx, state, worker, Cause.REFUSED, "refused"),
            failed(state, worker, "refused"),
        )
    after, done = call(ctx, state, worker, effect), worker._replace(exposed=ctx.exposes(effect))
    yield _record(ctx, state, worker, Cause.HANDLER, "done"), _went(ctx, after, done, step, "")
    if not ctx.design.assumes("no-lost-answers"):
        yield (
            _record(ctx, state, worker, Cause.ANSWER_LOST, "answer lost"),
            failed(after, done, "answer lost"),
        )


def _publish(ctx: Context, state: State, worker: Worker, step: n.Publish) -> Next:
    """A message enters a queue, or is dropped as a copy; where nobody confirms it, it may vanish
    unnoticed.
    """
    queue = step.queue.text
    arrivals = [("", published(ctx, state, worker.event, queue))]
    if takes_for_copy(ctx, state, worker.event, queue):
        arrivals.append(("dropped", state))
    for outcome, after in arrivals:
        yield (
            _record(ctx, state, worker, Cause.HANDLER, outcome or "done"),
            _went(ctx, after, worker, step, ""),
        )
    at_most_once = ctx.semantics(queue) is Delivery.AT_MOST_ONCE
    if at_most_once or ctx.design.queues[queue].unconfirmed:
        lost = published(ctx, state, worker.event, queue, "lost")
        yield (
            _record(ctx, state, worker, Cause.VANISHED, "lost"),
            _went(ctx, lost, worker, step, ""),
        )
    if at_most_once:
        return
    if not ctx.design.assumes("no-refusals"):
        yield (
            _record(ctx, state, worker, Cause.REFUSED, "refused"),
            _went(ctx, state, worker, step, "refused"),
        )
    if not ctx.design.assumes("no-lost-answers"):
        for outcome, after in arrivals:
            unanswered = "dropped, answer lost" if outcome else "answer lost"
            yield (
                _record(ctx, state, worker, Cause.ANSWER_LOST, unanswered),
                _went(ctx, after, worker, step, "answer lost"),
            )


def _ack(ctx: Context, state: State, worker: Worker, step: n.Ack) -> Next:
    """The acknowledgement arrives, is lost on the way, or (if the handler looks at the answer) its
    answer is lost.
    """
    after, acked, answer = settle(ctx, state, worker)

    def then(reached: State, by: Worker, outcome: str) -> State:
        if not by.todo:
            return gone(ctx, reached, by)
        return _went(ctx, reached, by, step, outcome if step.or_else else "")

    yield (
        _record(ctx, state, worker, Cause.HANDLER, answer),
        then(after, acked, "" if answer == "done" else answer),
    )
    if ctx.settles_at_delivery(worker.process):
        return
    if not ctx.design.assumes("no-lost-acks"):
        yield _record(ctx, state, worker, Cause.ACK_LOST, "lost"), then(state, worker, "lost")
    if step.or_else and answer == "done" and not ctx.design.assumes("no-lost-answers"):
        yield (
            _record(ctx, state, worker, Cause.ANSWER_LOST, "answer lost"),
            then(after, acked, "answer lost"),
        )


def _acquire(ctx: Context, state: State, worker: Worker, step: n.Acquire) -> Next:
    lock = ctx.design.locks[step.lock.text]
    spot = ctx.spot(lock.name, lock.level, state, worker.event)
    if spot in state.held:
        if step.or_else:
            yield (
                _record(ctx, state, worker, Cause.HANDLER, "held"),
                _went(ctx, state, worker, step, "held"),
            )
        return
    workers = tuple(w._replace(tokens=minus(w.tokens, spot)) for w in state.workers)
    after = state._replace(held=union(state.held, spot), workers=workers)
    own = [spot] if ctx.holder_matters(lock) else []
    owner = worker._replace(tokens=union(worker.tokens, spot), locks=union(worker.locks, *own))
    yield _record(ctx, state, worker, Cause.HANDLER, ""), onward(ctx, after, owner.next_line())[0]


def _free(ctx: Context, state: State, worker: Worker, lock: str) -> tuple[State, Worker]:
    """``release``: the lock is free, whoever held it."""
    spot = ctx.spot(lock, ctx.design.locks[lock].level, state, worker.event)
    workers = tuple(w._replace(locks=minus(w.locks, spot)) for w in state.workers)
    after = state._replace(held=minus(state.held, spot), workers=workers)
    return after, worker._replace(locks=minus(worker.locks, spot)).next_line()


def _renew(ctx: Context, state: State, worker: Worker, step: n.Renew) -> Next:
    """The lease of the message or of a lock is extended, if the worker still has it."""
    if step.lock is None:
        answer = renew(ctx, worker)
    else:
        spot = ctx.spot(step.lock.text, ctx.design.locks[step.lock.text].level, state, worker.event)
        answer = "done" if spot in state.held and spot in worker.tokens else "refused"
    refused = answer if step.or_else and answer == "refused" else ""
    yield (
        _record(ctx, state, worker, Cause.HANDLER, answer),
        _went(ctx, state, worker, step, refused),
    )
    if step.or_else and answer == "done" and not ctx.design.assumes("no-lost-answers"):
        yield (
            _record(ctx, state, worker, Cause.ANSWER_LOST, "answer lost"),
            _went(ctx, state, worker, step, "answer lost"),
        )


# ---------------------------------------------------------------- sudden ends


def deaths(ctx: Context, state: State, worker: Worker) -> Next:
    """A worker is killed, perhaps with its next request already under way."""
    killable = worker.exposed or worker.process not in ctx.named_crashes
    if ctx.design.assumes("no-crash") or not (killable or ctx.passes_crash(worker)):
        return
    component = state.events[worker.event].component
    killed = Step(
        Cause.KILLED, component, worker.event, worker.number, worker.process, line=ctx.line(worker)
    )
    dead = [("", gone(ctx, state, worker))]
    if (
        ctx.processes[worker.process].ack == "kill"
        and ctx.promises(worker.process) is not Delivery.AT_MOST_ONCE
    ):
        settled, acked, answer = settle(ctx, state, worker._replace(boxed=()))
        if answer == "done":
            dead.append(("acknowledged", gone(ctx, settled, acked._replace(boxed=worker.boxed))))
    for outcome, after in dead:
        yield replace(killed, outcome=outcome), after
    if not worker.todo or not killable or not ctx.death_matters(worker.process):
        return
    step = ctx.at(worker)
    ghost = worker._replace(holds=False, locks=(), boxed=(), exposed=False, underway=True)
    if step is None or ctx.is_collected(worker, step):
        if not may_commit(ctx, worker):
            return
    elif ctx.store_of(step) or isinstance(step, n.Do | n.Publish):
        ghost = ghost._replace(collected=(), locked=())
    else:
        return
    for outcome, after in dead:
        yield (
            replace(killed, outcome="request under way" + f", {outcome}" * bool(outcome)),
            after.with_worker(ghost),
        )


def late(ctx: Context, state: State, ghost: Worker) -> Next:
    """The last request of a killed worker takes effect after all, or never does."""
    effect = replace(_record(ctx, state, ghost, Cause.LATE_EFFECT, ""), queue="", subject="")
    step = ctx.at(ghost)
    try:
        if step is None or ctx.is_collected(ghost, step):
            after, committed = onward(ctx, state, ghost, running=True)
            after = after if committed is not None else state
        elif isinstance(step, n.Do) and not ctx.store_of(step):
            after = call(ctx, state, ghost, step.effect.text)
        elif isinstance(step, n.Publish):
            after = published(ctx, state, ghost.event, step.queue.text)
        else:
            after = write(ctx, state, ghost, step)[0]
        yield effect, after.without_worker(ghost.number)
    except Waits:
        pass
    yield (
        replace(effect, cause=Cause.KILLED, outcome="request lost"),
        state.without_worker(ghost.number),
    )
