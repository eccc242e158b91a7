"""The record of a worker's step."""

from __future__ import annotations

from collections.abc import Iterator

from onceproof.interpreter.context import Context
from onceproof.interpreter.state import State, Worker
from onceproof.interpreter.trace import Step
from onceproof.lang.syntax import ast as n
from onceproof.machine.system import Cause

Next = Iterator[tuple[Step, State]]
"""Steps that can be next, each with the state after it."""


def record(ctx: Context, state: State, worker: Worker, cause: Cause, outcome: str) -> Step:
    """The record of a worker's step at the line where it stands."""
    queue, subject = "", ""
    match ctx.at(worker) if worker.todo else n.Ack(None, ctx.processes[worker.process].span):
        case n.Do(_, effect):
            subject = effect.text
        case n.Publish(target):
            queue = target.text
        case n.Ack() | n.Nack() | n.SeekBack():
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
