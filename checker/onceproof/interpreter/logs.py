"""Queues that commit positions: what becomes of a record when its worker ends, fails, seeks back or
loses it, and what happens to records that were passed over (docs/semantics_world.md, "Logs with
positions").

A record is before the position of its group (``ready``), in a worker's hands (``inflight``),
``passed`` over without a commit, or covered by the committed position (``settled``).
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

from onceproof.interpreter.context import Context
from onceproof.interpreter.state import State, Worker
from onceproof.interpreter.trace import Step
from onceproof.lang import design as d
from onceproof.machine.system import Cause


class End(Enum):
    """How a worker came to its end."""

    ENDED = "ended"
    FAILED = "failed"
    KILLED = "killed"


def left(ctx: Context, state: State, worker: Worker, end: End) -> State:
    """Where the position is when a worker is gone."""
    consumer, event = worker.process, worker.event
    rule = ctx.after_failures(consumer)
    if end is End.FAILED and rule == "seek":
        return sought(ctx, state, worker)
    if not worker.holds:
        return state
    if end is End.KILLED or (end is End.FAILED and rule == "stop"):
        return state.with_status(consumer, event, ctx.again(consumer))
    if state.status(consumer, event) == "inflight":
        return state.with_status(consumer, event, "passed")
    return state


def sought(ctx: Context, state: State, worker: Worker) -> State:
    """The position goes back to the record of a worker, which is in memory: also if it was
    committed, unless the worker has lost it.
    """
    consumer, event = worker.process, worker.event
    behind = state.status(consumer, event) in ("settled", "passed")
    if worker.holds or (worker.in_hand and behind):
        return state.with_status(consumer, event, ctx.again(consumer))
    return state


def refuses_late(ctx: Context, worker: Worker) -> bool:
    """Whether a late commit that would settle may be refused as well: the member may have left its
    group, or be in it still.
    """
    return ctx.is_log(worker.process) and _either(ctx, worker.process)


def settles_late(ctx: Context, consumer: str) -> bool:
    """Whether a late commit may settle where no line and no model says so."""
    return ctx.is_log(consumer) and _either(ctx, consumer)


def _either(ctx: Context, consumer: str) -> bool:
    process = ctx.processes[consumer]
    queue = ctx.design.queues[process.queue or ""]
    return process.parallel and not queue.late_ack_said and queue.late_ack != "settles"


def covered_in_hand(ctx: Context, process: d.Process) -> bool:
    """Whether the commit of a later record can cover one that a worker has in its hands."""
    return ctx.is_log(process.name) and process.parallel and ctx.later_commits(process)


def copied_from(ctx: Context, process: d.Process) -> set[str]:
    """The statuses in which another copy of a record is one to be read. While it is in the hands of
    the one worker of its partition, the copy lies behind it.
    """
    return {"settled", "passed"} | ({"inflight"} if process.parallel else set())


def positions(ctx: Context, state: State, event: int) -> Iterator[tuple[Step, State]]:
    """What happens to the records of an event that were passed over: a later commit covers them, or
    they are read again.
    """
    for process in ctx.design.processes:
        name = process.name
        if not ctx.is_log(name) or state.status(name, event) != "passed":
            continue

        def step(cause: Cause, process: d.Process = process) -> Step:
            component = state.events[event].component
            return Step(cause, component, event, -1, process.name, process.queue or "")

        if ctx.later_commits(process):
            yield step(Cause.LATER_COMMIT), state.with_status(name, event, "settled")
        if ctx.may_be_killed(name) or ctx.after_failures(name) == "stop":
            yield step(Cause.RESTARTED), state.with_status(name, event, "ready")
        for cause in ctx.losses_of_hold(process):
            yield step(cause), state.with_status(name, event, "ready")
