"""Events of one key that are in one worker's hands at a time (docs/semantics_world.md, "Order").

A *lane* is a consumer and a key. It is taken by a delivery; in a queue until the worker no longer
holds the message, on a log until the worker ends, is killed or is fenced.
"""

from __future__ import annotations

from collections.abc import Iterable

from onceproof.interpreter.context import Context
from onceproof.interpreter.state import Spot, State, Worker
from onceproof.interpreter.trace import Step
from onceproof.machine.system import Cause, Level

AVAILABLE = ("sent", "ready", "returned", "two", "three")
"""Statuses in which a message can be delivered."""

_BY_POSITION = (Cause.RESTARTED, Cause.REWOUND, Cause.BATCH_RETURNED)
_OF_A_HOLDER = (Cause.LEASE_EXPIRED, Cause.CONNECTION_LOST, Cause.FENCED, Cause.REQUEUED)


def is_open(ctx: Context, state: State, process: str, event: int) -> bool:
    """Whether the lane of an event's message is free, and its turn has come: one that came back
    goes before those of its lane that did not.
    """
    lane = ctx.lane(process, state, event)
    if lane is None:
        return True
    if any(_takes(ctx, state, w, lane) for w in state.workers if w.process == process):
        return False
    return (process, event) in state.ahead or not any(
        other == process and ctx.lane(process, state, e) == lane for other, e in state.ahead
    )


def _takes(ctx: Context, state: State, worker: Worker, lane: Spot) -> bool:
    """Whether a worker is in a lane."""
    inside = worker.in_lane if ctx.design.queues[lane[0]].log else worker.holds
    return inside and ctx.lane(worker.process, state, worker.event) == lane


def told(ctx: Context, before: State, choice: tuple[Step, State]) -> tuple[Step, State]:
    """A choice whose state knows which messages came back."""
    step, after = choice
    ahead = set(after.ahead)
    for process, event in _places(ctx, after):
        if after.status(process, event) not in AVAILABLE:
            ahead.discard((process, event))
        elif before.status(process, event) not in AVAILABLE:
            if _came_back(ctx, before, step, after, (process, event)):
                ahead.add((process, event))
    return step, after._replace(ahead=tuple(sorted(ahead)))


def _places(ctx: Context, state: State) -> Iterable[tuple[str, int]]:
    """Every message in a lane that several events share."""
    for process in ctx.design.processes:
        for event in range(len(state.events)):
            lane = ctx.lane(process.name, state, event)
            if lane is not None and lane[1] == Level.COMPONENT.value:
                yield process.name, event


def _came_back(
    ctx: Context, before: State, step: Step, after: State, message: tuple[str, int]
) -> bool:
    """Whether a step gave a message back, and made no other one."""
    if (step.process, step.event) != message:
        return False
    is_log = ctx.design.queues[ctx.processes[step.process].queue or ""].log
    if step.cause in _BY_POSITION or (step.cause is Cause.REPLAY and is_log):
        return True
    had = next((w for w in before.workers if w.number == step.worker), None)
    has = next((w for w in after.workers if w.number == step.worker), None)
    if had is None:
        return step.cause in _OF_A_HOLDER
    held, holds = had.holds or had.in_hand, has is not None and (has.holds or has.in_hand)
    return held and not holds
