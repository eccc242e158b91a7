"""Handlers, line by line: everything a worker can do next."""

from __future__ import annotations

from typing import NamedTuple

from msgspec.structs import replace

from onceproof.interpreter import isolation, providers, sessions, waiting
from onceproof.interpreter.broker import answers, give_back, gone, renew, settle, torn
from onceproof.interpreter.choosing import Chooser, every
from onceproof.interpreter.context import Context
from onceproof.interpreter.isolation import Begins, SerializationFailure, SessionLost, Waits
from onceproof.interpreter.lagging import truths, values
from onceproof.interpreter.logs import End, sought
from onceproof.interpreter.relays import draws, reads
from onceproof.interpreter.rows import (
    after_test,
    look_at,
    published,
    takes_for_copy,
    view,
    write,
)
from onceproof.interpreter.runs import Run, let, onward, proceed, run, went
from onceproof.interpreter.state import State, Worker
from onceproof.interpreter.steps import Next, record
from onceproof.interpreter.trace import Step
from onceproof.lang.syntax import ast as n
from onceproof.machine.delivery import Delivery
from onceproof.machine.system import Cause


class Stopped(NamedTuple):
    """Why a run cannot be executed now; ``database``: whose snapshot is to be taken before."""

    why: str
    database: str = ""


def begun(ctx: Context, state: State, worker: Worker) -> State:
    """The state with a new worker at its first step; a handler that takes none ends with a step of
    its own.
    """
    return onward(ctx, state, worker, begins=True)


def moves(ctx: Context, state: State, worker: Worker) -> Next:
    """Every next step of a worker, with the state after it. If it has to wait, it can only fail."""
    beaten, worker = worker.beaten, worker._replace(exposed=False, beaten=False)
    if worker.idle:
        end = End.FAILED if worker.failed else End.ENDED
        yield record(ctx, state, worker, Cause.HANDLER, ""), gone(ctx, state, worker, end)
        return
    drawn = list(draws(ctx, state, worker)) if worker.todo else []
    if drawn:
        yield from drawn
        return
    if not worker.todo and ctx.processes[worker.process].queue is None:
        read = reads(ctx, state, worker)
        yield record(ctx, state, worker, Cause.HANDLER, ""), gone(ctx, read, worker)
        return
    if not worker.todo:
        on_return = n.Ack(None, ctx.processes[worker.process].span)
        yield from _ack(ctx, state, worker, on_return)
        if ctx.asks_database(worker, on_return):
            yield from _failed(ctx, state, worker, None)
        return
    step = ctx.at(worker)
    if beaten:
        yield _rolled_back(ctx, state, worker, step, "deadlock victim")
    try:
        if step is None or ctx.is_collected(worker, step):
            yield from _run(ctx, state, worker, beaten)
        else:
            yield from _own_step(ctx, state, worker, step, beaten)
    except SessionLost as lost:
        still = worker._replace(lost=tuple(x for x in worker.lost if x != lost.database))
        yield _rolled_back(ctx, state, still, step, "failed")


def _own_step(ctx: Context, state: State, worker: Worker, step: n.Step, beaten: bool) -> Next:
    """A line that is a step of its own. Raises ``SessionLost``."""
    isolation.check_session(worker, ctx.database_at(worker, step))
    if isinstance(step, n.Acquire) and (database := _begins_at(ctx, worker, step)) is not None:
        yield _begin(ctx, state, worker, database)
        return
    try:
        yield from _line(ctx, state, worker, step)
        if isinstance(step, n.If | n.Let) and isolation.is_doomed(_looks(ctx, state, worker, step)):
            yield _rolled_back(ctx, state, worker, step, "serialization failure")
    except Waits:
        if not beaten and waiting.on_a_cycle(ctx, state, worker):
            yield _rolled_back(ctx, state, worker, step, "deadlock victim")
    if ctx.asks_database(worker, step):
        yield from _failed(ctx, state, worker, step)


def _run(ctx: Context, state: State, worker: Worker, beaten: bool) -> Next:
    """A run of collected lines, or the commit of a block. Raises ``SessionLost``."""
    for way in every(lambda chooser: _attempt(ctx, state, worker, chooser)):
        yield from _run_came_to(ctx, state, worker, way, beaten)


def _attempt(ctx: Context, state: State, worker: Worker, chooser: Chooser) -> Run | Stopped:
    """A run, or what stops it. Raises ``SessionLost``."""
    try:
        return run(ctx, state, worker, chooser)
    except Begins as begins:
        return Stopped("begin", begins.database)
    except Waits:
        return Stopped("waits")
    except SerializationFailure:
        return Stopped("serialization failure")


def _run_came_to(
    ctx: Context, state: State, worker: Worker, made: Run | Stopped, beaten: bool
) -> Next:
    step = ctx.at(worker)
    if isinstance(made, Stopped):
        if made.why == "begin":
            yield _begin(ctx, state, worker, made.database)
            return
        if made.why == "serialization failure":
            yield _rolled_back(ctx, state, worker, step, made.why)
        elif not beaten and waiting.on_a_cycle(ctx, state, worker):
            yield _rolled_back(ctx, state, worker, step, "deadlock victim")
        yield from _failed(ctx, state, worker, step)
        return
    outcome = f"commit{made.committed}" if made.committed is not None else ""
    after = waiting.beaten(ctx, state, worker, made)
    yield record(ctx, state, worker, Cause.HANDLER, outcome), after
    if made.doomed:
        yield _rolled_back(ctx, state, worker, step, "serialization failure")
    yield from _failed(ctx, state, worker, step)
    if made.at_commit is not None:
        yield from _unanswered(ctx, state, worker, step, made.at_commit)


def _begin(ctx: Context, state: State, worker: Worker, database: str) -> tuple[Step, State]:
    """The first statement of a block on a database starts."""
    at = ctx.open_block(worker)
    assert at is not None
    line = ctx.headers[worker.todo[at].block]
    taken = replace(
        record(ctx, state, worker, Cause.HANDLER, "begin"), line=line, subject="", queue=""
    )
    return taken, state.with_worker(isolation.opened(ctx, state, worker, database))


def _begins_at(ctx: Context, worker: Worker, step: n.Acquire) -> str | None:
    """The database whose snapshot is taken before a lock of it is asked for."""
    database = ctx.design.locks[step.lock.text].database
    if database is None or not isolation.at_first_statement(ctx, worker, database):
        return None
    return database if isolation.snapshot_of(worker, database) is None else None


def _rolled_back(
    ctx: Context, state: State, worker: Worker, step: n.Step | None, outcome: str
) -> tuple[Step, State]:
    """The database fails a block, or a line, because of what others do."""
    after = ctx.after_failure(worker, step)
    taken = record(ctx, state, worker, Cause.HANDLER, outcome)
    return taken, proceed(ctx, state, worker, after)


def _failed(ctx: Context, state: State, worker: Worker, step: n.Step | None) -> Next:
    """A step on a database does nothing."""
    if not ctx.design.assumes("no-database-failures"):
        after = ctx.after_failure(worker, step)
        yield (
            record(ctx, state, worker, Cause.DATABASE_FAILED, "failed"),
            proceed(ctx, state, worker, after),
        )


def _unanswered(
    ctx: Context, state: State, worker: Worker, step: n.Step | None, done: tuple[State, Worker]
) -> Next:
    """A step on a database is ``done``, and the worker cannot tell."""
    if not ctx.design.assumes("no-database-failures"):
        written, by = done
        yield (
            record(ctx, state, worker, Cause.DATABASE_ANSWER_LOST, "answer lost"),
            proceed(ctx, written, by, ctx.after_failure(by, step)),
        )


def _line(ctx: Context, state: State, worker: Worker, step: n.Step) -> Next:
    match step:
        case n.If():
            yield from _test(ctx, state, worker, step)
        case n.Do(_, effect) if ctx.design.effects[effect.text].store is None:
            yield from _call(ctx, state, worker, step)
        case n.Publish():
            yield from _publish(ctx, state, worker, step)
        case n.Ack():
            yield from _ack(ctx, state, worker, step)
        case n.Nack():
            after, worker_after = give_back(ctx, state, worker)
            yield (
                record(ctx, state, worker, Cause.HANDLER, ""),
                onward(ctx, after, worker_after.next_line()),
            )
        case n.SeekBack():
            back = worker._replace(holds=False, in_hand=False)
            yield (
                record(ctx, state, worker, Cause.HANDLER, ""),
                onward(ctx, sought(ctx, state, worker), back.next_line()),
            )
        case n.Acquire():
            yield from _acquire(ctx, state, worker, step)
        case n.Release():
            yield from sessions.release(ctx, state, worker, step)
        case n.Renew():
            yield from _renew(ctx, state, worker, step)
        case n.Wait():
            yield (
                record(ctx, state, worker, Cause.HANDLER, ""),
                onward(ctx, state, worker.next_line()),
            )
        case n.Let():
            looking = _looks(ctx, state, worker, step)
            for value in values(ctx, view(ctx, state, worker), step.value, worker.event, worker):
                after = onward(ctx, state, let(ctx, state, looking, step, value))
                yield record(ctx, state, worker, Cause.HANDLER, ""), after
        case _:
            yield from _write(ctx, state, worker, step)


# ---------------------------------------------------------------- single lines


def _test(ctx: Context, state: State, worker: Worker, step: n.If) -> Next:
    """One single test of a condition."""
    test = ctx.part_at(worker, step)
    assert not isinstance(test, n.ReadPresence | n.ReadColumn | n.Constant)
    worker = _looks(ctx, state, worker, step)
    for truth in truths(ctx, view(ctx, state, worker), test, worker.event, worker):
        at = after_test(step.condition, worker.part, truth)
        if isinstance(at, bool):
            into = ctx.into(worker, step.body if at else step.otherwise)
            after = onward(ctx, state, into)
        else:
            after = state.with_worker(worker._replace(part=at))
        yield record(ctx, state, worker, Cause.HANDLER, "yes" if truth else "no"), after
    asks = isinstance(test, n.Happened) and ctx.design.effects[test.effect.text].store is None
    if asks and not ctx.design.assumes("no-refusals"):
        assert isinstance(test, n.Happened)
        refused = record(ctx, state, worker, Cause.REFUSED, "refused")
        yield (
            replace(refused, subject=test.effect.text),
            proceed(ctx, state, worker, ctx.failed(worker)),
        )


def _looks(ctx: Context, state: State, worker: Worker, step: n.If | n.Let) -> Worker:
    """The worker with the snapshot and the locks that its next test or ``let`` takes."""
    return look_at(ctx, state, worker, ctx.part_at(worker, step))


def _write(ctx: Context, state: State, worker: Worker, step: n.Step) -> Next:
    """A write outside a block: what comes of it, with the answer, without it, or with that to a
    repeated request.
    """
    for result in every(lambda chooser: write(ctx, state, worker, step, chooser)):
        yield from _write_came_to(ctx, state, worker, step, result)


def _write_came_to(
    ctx: Context, state: State, worker: Worker, step: n.Step, result: tuple[State, Worker, str]
) -> Next:
    after, by, outcome = result
    taken = record(ctx, state, worker, Cause.HANDLER, outcome)
    yield taken, went(ctx, after, by, step, outcome)
    if outcome:
        return
    yield from _unanswered(ctx, state, worker, step, (after, by))
    store = ctx.store_of(step)
    repeats = store is not None and ctx.design.databases[ctx.home(store)].repeats
    if repeats and not ctx.design.assumes("no-database-failures"):
        taken = replace(taken, cause=Cause.DATABASE_ANSWER_LOST, outcome="own retry")
        match step:
            case n.Insert() | n.UpdateIf() | n.Delete() if ctx.finds_own(step):
                yield taken, went(ctx, after, by, step, ctx.unwanted(step))
            case n.Insert() | n.Increment() | n.Do():
                done, first = after, by
                for twice, last, other in every(lambda c: write(ctx, done, first, step, c)):
                    if not other:
                        yield taken, went(ctx, twice, last, step, "")
            case _:
                pass


def _call(ctx: Context, state: State, worker: Worker, step: n.Do) -> Next:
    """A request for an external effect: repeated while there are attempts left, then handled."""
    effect = step.effect.text
    for answer in providers.answers(ctx, state, worker, effect):
        by = worker
        if answer.carried_out:
            by = worker._replace(exposed=ctx.exposes(effect))
        if answer.seen == "done":
            after = went(ctx, answer.state, by, step, "")
        elif worker.part < step.retries:
            after = answer.state.with_worker(by._replace(part=worker.part + 1))
        else:
            after = went(ctx, answer.state, by, step, answer.seen)
        yield record(ctx, state, worker, answer.cause, answer.outcome), after


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
            record(ctx, state, worker, Cause.HANDLER, outcome or "done"),
            went(ctx, after, worker, step, ""),
        )
    if ctx.queue_database(worker.process, step) is not None:
        for _, after in arrivals:
            yield from _unanswered(ctx, state, worker, step, (after, worker))
    at_most_once = ctx.semantics(queue) is Delivery.AT_MOST_ONCE
    if at_most_once or ctx.design.queues[queue].unconfirmed:
        lost = published(ctx, state, worker.event, queue, "lost")
        yield (
            record(ctx, state, worker, Cause.VANISHED, "lost"),
            went(ctx, lost, worker, step, ""),
        )
    if at_most_once:
        return
    if not ctx.design.assumes("no-refusals"):
        yield (
            record(ctx, state, worker, Cause.REFUSED, "refused"),
            went(ctx, state, worker, step, "refused"),
        )
    if not ctx.design.assumes("no-lost-answers"):
        for outcome, after in arrivals:
            unanswered = "dropped, answer lost" if outcome else "answer lost"
            yield (
                record(ctx, state, worker, Cause.ANSWER_LOST, unanswered),
                went(ctx, after, worker, step, "answer lost"),
            )


def _ack(ctx: Context, state: State, worker: Worker, step: n.Ack) -> Next:
    """The acknowledgement arrives, is lost on the way, or (if the handler looks at the answer) its
    answer is lost.
    """

    def then(reached: State, by: Worker, outcome: str) -> State:
        if not by.todo:
            return gone(ctx, reached, by)
        return went(ctx, reached, by, step, outcome if step.or_else else "")

    possible = answers(ctx, state, worker)
    for after, acked, answer in possible:
        yield (
            record(ctx, state, worker, Cause.HANDLER, answer),
            then(after, acked, "" if answer == "done" else answer),
        )
        if answer == "done" and ctx.queue_database(worker.process, step) is not None:
            line = step if acked.todo else None
            yield from _unanswered(ctx, state, worker, line, (after, acked))
    for partly in torn(ctx, worker):
        after, acked, _ = settle(ctx, state, partly)
        yield record(ctx, state, worker, Cause.VANISHED, "torn"), then(after, acked, "")
    if ctx.settles_at_delivery(worker.process):
        return
    if not ctx.design.assumes("no-lost-acks"):
        yield record(ctx, state, worker, Cause.ACK_LOST, "lost"), then(state, worker, "lost")
    for after, acked, answer in possible:
        if step.or_else and answer == "done" and not ctx.design.assumes("no-lost-answers"):
            yield (
                record(ctx, state, worker, Cause.ANSWER_LOST, "answer lost"),
                then(after, acked, "answer lost"),
            )


def _acquire(ctx: Context, state: State, worker: Worker, step: n.Acquire) -> Next:
    for taken, after, done in sessions.acquire(ctx, state, worker, step):
        yield taken, after
        if done is not None:
            yield from _unanswered(ctx, state, worker, step, done)


def _renew(ctx: Context, state: State, worker: Worker, step: n.Renew) -> Next:
    """The lease of the message or of a lock is extended, if the worker still has it."""
    if step.lock is None:
        answer = renew(ctx, worker)
    else:
        answer = sessions.extend(ctx, state, worker, step.lock.text)
    refused = answer if step.or_else and answer == "refused" else ""
    yield (
        record(ctx, state, worker, Cause.HANDLER, answer),
        went(ctx, state, worker, step, refused),
    )
    if step.or_else and answer == "done" and not ctx.design.assumes("no-lost-answers"):
        yield (
            record(ctx, state, worker, Cause.ANSWER_LOST, "answer lost"),
            went(ctx, state, worker, step, "answer lost"),
        )
