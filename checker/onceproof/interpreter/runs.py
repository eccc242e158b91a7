"""What happens between two steps: lines that take no step of their own, and runs of collected
lines.
"""

from __future__ import annotations

from typing import NamedTuple

from onceproof.interpreter import isolation
from onceproof.interpreter.broker import aborts, answers, gone
from onceproof.interpreter.choosing import Chooser
from onceproof.interpreter.context import ATOMIC, Context, conjunctions
from onceproof.interpreter.isolation import Begins, SerializationFailure
from onceproof.interpreter.logs import End
from onceproof.interpreter.rows import (
    after_test,
    apply,
    hold_still,
    look_at,
    passes,
    published,
    value_of,
    view,
    write,
)
from onceproof.interpreter.state import Spot, State, Worker, Write, put
from onceproof.lang.design import Isolation
from onceproof.lang.syntax import ast as n


class Part(NamedTuple):
    """What a serializable block has read and changed in a database when its part commits there."""

    database: str
    read: tuple[Spot, ...]
    wrote: tuple[Spot, ...]


class Run(NamedTuple):
    """A run of collected lines. ``committed``: which commit ended it: None, "", or " of D" in a
    block that writes several databases; ``at_commit``: the state and the worker right behind it.
    ``took``: the rows that it has locked;
    ``doomed``: the block may fail instead, although it goes on. ``parts``: those that committed.
    """

    state: State
    committed: str | None = None
    at_commit: tuple[State, Worker] | None = None
    took: frozenset[Spot] = frozenset()
    doomed: bool = False
    parts: tuple[Part, ...] = ()


def onward(ctx: Context, state: State, worker: Worker, begins: bool = False) -> State:
    """Pass what takes no step, up to the worker's next step or its end. ``begins``: no step has
    been taken before.

    What is collected when a block ends after a stop point is a step of its own, because the worker
    may be killed before it.
    """
    return _onward(ctx, state, worker, Run(state), running=False, begins=begins).state


def run(ctx: Context, state: State, worker: Worker, chooser: Chooser | None = None) -> Run:
    """Run collected lines, up to the next stop point or the end of the block, and what takes no
    step after it. Raises ``Waits``, ``Begins``, ``SerializationFailure``.

    Where some way through the run writes to a database, its snapshot is taken before, also if this
    way does not.
    """
    for database in sorted(ctx.design.databases):
        if _needs_snapshot(ctx, worker, database) and ctx.may_write(worker, database):
            isolation.check_session(worker, database)
            raise Begins(database)
    return _onward(ctx, state, worker, Run(state), running=True, chooser=chooser)


def proceed(ctx: Context, state: State, worker: Worker, after: Worker | None) -> State:
    """The state after a step of ``worker`` that left it as ``after``; None: its handler fails."""
    if after is None:
        return gone(ctx, state, worker, End.FAILED)
    if not after.todo:
        state = aborts(ctx, state, worker)
    return onward(ctx, state, after)


def went(ctx: Context, state: State, worker: Worker, step: n.Step, outcome: str) -> State:
    """The state after a line: on with the next one, or with what an unwanted outcome leads to."""
    after = ctx.turned_down(worker, step, outcome) if outcome else worker.next_line()
    return proceed(ctx, state, worker, after)


def _onward(
    ctx: Context,
    state: State,
    worker: Worker,
    made: Run,
    running: bool,
    begins: bool = False,
    chooser: Chooser | None = None,
) -> Run:
    chooser = chooser or Chooser()
    earlier = len(worker.collected)
    going: Worker | None = worker
    while going is not None and going.todo:
        worker = going
        step, frame = ctx.at(going), going.todo[-1]
        if step is None:
            if frame.kind.startswith(ATOMIC):
                if (going.collected or going.posted) and not running:
                    return made._replace(state=state.with_worker(going))
                parts = ctx.parts(going.process, ctx.blocks[frame.block])
                written = {ctx.home(w.name) for w in going.collected}
                pending = [p for p in parts if p in written or ctx.posted_in(going, p)]
                if pending:
                    made = made._replace(parts=(*made.parts, *parts_of(ctx, going, pending[0])))
                    state, going = _commit_part(ctx, state, going, pending[0], earlier, chooser)
                    which = f" of {ctx.design.part_words(pending[0])}" if parts[1:] else ""
                    made = made._replace(
                        committed=which, at_commit=(state.with_worker(going), going)
                    )
                if len(pending) > 1:
                    return made._replace(state=state.with_worker(going))
                made = made._replace(parts=(*made.parts, *parts_of(ctx, going)))
                running, going = False, going.block_over()
            going = ctx.left(going)
        elif ctx.is_boxed(going, step):
            state, going = _silently(ctx, state, going, step, chooser)
        elif running and ctx.is_collected(going, step):
            before = going
            started = _started(ctx, state, going, step)
            state, going = _silently(ctx, state, started, step, chooser)
            if going is not None:
                took = made.took | (set(going.locked) - set(before.locked))
                made = made._replace(took=took, doomed=isolation.is_doomed(going))
            running = going is not None and ctx.open_block(going) is not None
        elif isinstance(step, n.Fail):
            state, going = _turned(ctx, state, going, ctx.failed(going))
            running = False
        elif isinstance(step, n.Stop):
            going = ctx.stopped(going)
        elif isinstance(step, n.Section | n.Atomic):
            going = ctx.entered(going, step)
        elif isinstance(step, n.CrashHere):
            going = going.next_line()._replace(exposed=True)
        else:
            return made._replace(state=state.with_worker(going))
    if going is None or not ctx.has_last_step(going.process):
        last = going or worker
        if begins:
            idle = last._replace(
                todo=(), idle=True, failed=going is None and ctx.is_log(last.process)
            )
            return made._replace(state=state.with_worker(idle))
        end = End.ENDED if going is not None else End.FAILED
        return made._replace(state=gone(ctx, state, last, end))
    return made._replace(state=state.with_worker(going))


def _commit_part(
    ctx: Context, state: State, worker: Worker, database: str, earlier: int, chooser: Chooser
) -> tuple[State, Worker]:
    """One database commits what the block has collected for it; the rest stays as it is.
    ``earlier``: how many writes were collected before this step.
    """
    isolation.check_session(worker, database)
    if isolation.is_doomed(worker, database):
        raise SerializationFailure
    mine = tuple(w for w in worker.collected if ctx.home(w.name) == database)
    rest = tuple(w for w in worker.collected if ctx.home(w.name) != database)
    rechecks = ctx.design.databases[database].rechecks
    before = sum(ctx.home(w.name) == database for w in worker.collected[:earlier])
    if rechecks and not hold_still(ctx, state, worker, mine, before, chooser):
        raise SerializationFailure
    state = apply(ctx, state, worker.event, mine, worker.number)
    state = isolation.part_committed(ctx, state, worker, database)
    posted = ctx.posted_in(worker, database)
    for made in posted:
        if made.kind == "publish":
            state = published(ctx, state, worker.event, made.name, "committed")
        else:
            state, worker, _ = chooser.pick(answers(ctx, state, worker))
    worker = worker._replace(posted=tuple(w for w in worker.posted if w not in posted))
    # A crash point in the block is before its commits.
    over = isolation.part_over(ctx, worker, database)
    return state, over._replace(collected=rest, exposed=ctx.exposed_by(mine))


def parts_of(ctx: Context, worker: Worker, database: str | None = None) -> tuple[Part, ...]:
    """The serializable parts of a worker's open block (in ``database``)."""
    return tuple(
        Part(
            s.database,
            tuple(x for x in worker.read if ctx.home(x[0]) == s.database),
            tuple(x for x in worker.wrote if ctx.home(x[0]) == s.database),
        )
        for s in worker.snapshots
        if database in (None, s.database) and ctx.level(worker, s.database) is Isolation.OPTIMISTIC
    )


def _started(ctx: Context, state: State, worker: Worker, step: n.Step) -> Worker:
    """The worker with the snapshots that a line of a run takes which only reads. Raises
    ``SessionLost``.
    """
    store, posted = ctx.store_of(step), ctx.posts_in(worker, step)
    if store is not None or posted is not None:
        isolation.check_session(worker, ctx.home(store) if store is not None else posted)
    elif isinstance(step, n.If | n.Let):
        for database in ctx.databases_read(step):
            isolation.check_session(worker, database)
            if _needs_snapshot(ctx, worker, database):
                worker = isolation.opened(ctx, state, worker, database)
    return worker


def _needs_snapshot(ctx: Context, worker: Worker, database: str) -> bool:
    return (
        isolation.at_first_statement(ctx, worker, database)
        and isolation.snapshot_of(worker, database) is None
    )


def _silently(
    ctx: Context, state: State, worker: Worker, step: n.Step, chooser: Chooser
) -> tuple[State, Worker | None]:
    """One line of a run, or one that the broker collects."""
    if isinstance(step, n.If):
        tests = [t for row in conjunctions(step.condition) for t in row]
        at: int | bool = 0
        while not isinstance(at, bool):
            worker = look_at(ctx, state, worker, tests[at])
            truth = passes(ctx, view(ctx, state, worker), tests[at], worker.event, worker)
            at = after_test(step.condition, at, truth)
        return state, ctx.into(worker, step.body if at else step.otherwise)
    if isinstance(step, n.Let):
        return state, let(ctx, state, look_at(ctx, state, worker, step.value), step)
    if ctx.posts_in(worker, step) is not None:
        worker, outcome = _posted(ctx, state, worker, step, chooser)
    else:
        state, worker, outcome = write(ctx, state, worker, step, chooser)
    if not outcome:
        return state, worker.next_line()
    return _turned(ctx, state, worker, ctx.turned_down(worker, step, outcome))


def _posted(
    ctx: Context, state: State, worker: Worker, step: n.Step, chooser: Chooser
) -> tuple[Worker, str]:
    """A message that is published or acknowledged with the commit of a block. The answer to an
    ``ack or`` is what the row of the message says now.
    """
    kind = "publish" if isinstance(step, n.Publish) else "ack"
    if isinstance(step, n.Ack) and step.or_else is not None:
        _, _, answer = chooser.pick(answers(ctx, state, worker))
        if answer == "refused":
            return worker, answer
    made = Write(kind, ctx.queue_at(worker.process, step) or "")
    return worker._replace(posted=(*worker.posted, made)), ""


def _turned(
    ctx: Context, state: State, worker: Worker, after: Worker | None
) -> tuple[State, Worker | None]:
    """The worker after an unwanted outcome. If only the ack of a failed handler is left, what the
    broker has collected is dropped.
    """
    failed = after is not None and not after.todo
    return (aborts(ctx, state, worker) if failed else state), after


def let(
    ctx: Context, state: State, worker: Worker, step: n.Let, value: str | None = None
) -> Worker:
    """The worker behind a ``let``, which found ``value`` (None: what there is now)."""
    if value is None:
        value = value_of(ctx, view(ctx, state, worker), step.value, worker.event)
    return worker._replace(locals=put(worker.locals, step.name.text, value)).next_line()
