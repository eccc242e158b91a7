"""The broker and the rest of the world: deliveries, acknowledgements, and what happens to messages, rows and locks by itself."""

from __future__ import annotations

from collections.abc import Iterator

from checker import design as d
from checker.machine import Cause, Level
from checker.replay.context import Context
from checker.replay.rows import apply, passes, without_row
from checker.replay.state import Spot, State, Worker, minus, union
from checker.syntax.nodes import Semantics
from checker.trace import Step

AVAILABLE = ("ready", "returned")
OVER = ("settled", "lost", "dead", "absent")

# ---------------------------------------------------------------- what a worker asks of the broker


def gone(ctx: Context, state: State, worker: Worker) -> State:
    """A worker disappears (it ended, failed or died): what it still held goes back."""
    state = state.without_worker(worker.number)
    if worker.holds:
        state = state.with_status(worker.process, worker.event, ctx.again(worker.process))
    return state._replace(held=minus(state.held, *worker.locks))


def settle(ctx: Context, state: State, worker: Worker) -> tuple[State, Worker, str]:
    """The ack arrives at the broker: the state after it and the broker's answer, ``done`` or ``refused``."""
    consumer, event = worker.process, worker.event
    promises = ctx.promises(consumer)
    if promises is Semantics.AT_MOST_ONCE:
        return state, worker, "done"
    if not ctx.tracks_holders(consumer):
        return state.with_status(consumer, event, "settled"), worker, "done"
    if worker.holds:
        if state.status(consumer, event) == "inflight":
            state = state.with_status(consumer, event, "settled")
        state = apply(ctx, state, event, worker.boxed)
        return state, worker._replace(holds=False, boxed=()), "done"
    late = ctx.design.queues[_queue(ctx, consumer)].late_ack == "settles"
    if late and promises is not Semantics.EXACTLY_ONCE:
        return state.with_status(consumer, event, "settled"), worker, "done"
    return state, worker, "refused"


def give_back(ctx: Context, state: State, worker: Worker) -> tuple[State, Worker]:
    """The nack arrives at the broker."""
    consumer, event = worker.process, worker.event
    if ctx.tracks_holders(consumer):
        if worker.holds:
            state = state.with_status(consumer, event, ctx.again(consumer))
            worker = worker._replace(holds=False, boxed=())
    elif state.status(consumer, event) == "inflight":
        state = state.with_status(consumer, event, "ready")
    return state, worker


def _queue(ctx: Context, consumer: str) -> str:
    queue = ctx.processes[consumer].queue
    assert queue is not None
    return queue


# ---------------------------------------------------------------- deliveries and starts


def starts(ctx: Context, state: State, event: int) -> Iterator[tuple[Step, State, Worker | None]]:
    """What can set something going for an event and is no fault: with the new worker, if any, which is not in the state yet."""
    component = state.events[event].component
    for process in ctx.design.processes:
        worker = Worker(state.free_number(), process.name, event, ctx.enter(process.body))
        if process.condition is not None:
            if passes(ctx, state, process.condition, event, worker):
                yield Step(Cause.START, component, event, worker.number, process.name), state, worker
            continue
        queue = _queue(ctx, process.name)
        status = state.status(process.name, event)
        if status in AVAILABLE:
            at_once = process.ack == "delivery" or ctx.promises(process.name) is Semantics.AT_MOST_ONCE
            after = state.with_status(process.name, event, "settled" if at_once else "inflight")
            worker = worker._replace(holds=ctx.holds(process.name))
            yield Step(Cause.DELIVERY, component, event, worker.number, process.name, queue), after, worker
        elif status == "inflight" and process.name in ctx.loose:
            after = state.with_status(process.name, event, "ready")
            yield Step(Cause.REDELIVERY, component, event, -1, process.name, queue), after, None


def has_room(state: State, process: d.Process, pool: int | None) -> bool:
    """Whether one more worker of this process may run. A killed worker's last request counts in the pool, not in ``workers N``."""
    if pool is not None and len(state.workers) >= pool:
        return False
    alive = sum(w.process == process.name and not w.underway for w in state.workers)
    return process.workers is None or alive < process.workers


# ---------------------------------------------------------------- faults of messages


def message_faults(ctx: Context, state: State, event: int) -> Iterator[tuple[Step, State]]:
    """Copies, losses and leases of one event's messages."""
    component = state.events[event].component
    for process in ctx.design.processes:
        if process.queue is None:
            continue
        name, queue = process.name, ctx.design.queues[process.queue]
        status = state.status(name, event)
        for cause in _copies(ctx, process, any(event in _events_of(state, s) for s in state.closed), status):
            yield Step(cause, component, event, -1, name, queue.name), state.with_status(name, event, "ready")
        if status == "ready" and ctx.promises(name) is Semantics.AT_MOST_ONCE:
            yield Step(Cause.VANISHED, component, event, -1, name, queue.name), state.with_status(name, event, "lost")
        if status == "returned":
            end = "dead" if queue.limit and queue.limit[1] == "dead-letter" else "lost"
            yield Step(Cause.DEAD_LETTERED, component, event, -1, name, queue.name), state.with_status(name, event, end)
    if ctx.design.assumes("within-lease"):
        return
    for worker in state.workers:
        if worker.event == event and worker.holds:
            after = state.with_status(worker.process, event, ctx.again(worker.process))
            after = after.with_worker(worker._replace(holds=False, boxed=()))
            queue_name = _queue(ctx, worker.process)
            yield Step(Cause.LEASE_EXPIRED, component, event, worker.number, worker.process, queue_name), after


def _copies(ctx: Context, consumer: d.Process, closed: bool, status: str) -> Iterator[Cause]:
    """Why a message that was delivered before may become available once more."""
    design, queue = ctx.design, ctx.design.queues[_queue(ctx, consumer.name)]
    again = {"settled"} | ({"inflight"} if ctx.tracks_holders(consumer.name) else set())
    at_least_once = ctx.semantics(queue.name) is Semantics.AT_LEAST_ONCE
    if status in again and at_least_once and not closed:
        if queue.publishing not in ("once", "new-id") and not design.assumes("no-publisher-retries"):
            yield Cause.PUBLISHER_RETRY
        if not design.assumes("no-broker-copies"):
            yield Cause.BROKER_COPY
    if status in again | {"dead"} and (at_least_once or queue.replays) and not design.assumes("no-replay"):
        yield Cause.REPLAY


# ---------------------------------------------------------------- faults of rows, records and locks


def store_faults(ctx: Context, state: State) -> Iterator[tuple[Step, State]]:
    """Rows and records that disappear, locks that expire."""
    safe = ctx.design.assumes("no-failover")
    for spot in state.rows:
        for trait in ctx.design.stores[spot[0]].loses:
            if trait == "expires":
                yield from _expiry(ctx, state, spot, without_row(ctx, state, spot))
            elif not safe:
                cause = Cause.FAILOVER if trait == "failover" else Cause.ROW_LOST
                yield _at(state, cause, spot), without_row(ctx, state, spot)
    for spot in state.records:
        if ctx.design.effects[spot[0]].retention is not None:
            yield from _expiry(ctx, state, spot, state._replace(records=minus(state.records, spot)))
    for spot in state.held:
        if ctx.design.locks[spot[0]].expires:
            yield _at(state, Cause.LOCK_EXPIRED, spot), state._replace(held=minus(state.held, spot))


def _expiry(ctx: Context, state: State, spot: Spot, after: State) -> Iterator[tuple[Step, State]]:
    """A record or row comes to its end; under the key-window assumption only when an event of its key is over."""
    if ctx.design.assumes("within-key-window"):
        if not any(_is_over(ctx, state, event) for event in _events_of(state, spot)):
            return
        after = after._replace(closed=union(after.closed, spot))
    yield _at(state, Cause.KEY_EXPIRED, spot), after


def _is_over(ctx: Context, state: State, event: int) -> bool:
    """No message of the event is on its way, and no worker is on it (nor a killed worker's last request)."""
    settled = all(state.status(p.name, event) in OVER for p in ctx.design.processes if p.queue)
    return settled and all(w.event != event for w in state.workers)


def _events_of(state: State, spot: Spot) -> list[int]:
    """The events that have their row or record at a spot."""
    _, level, number = spot
    return [i for i, e in enumerate(state.events) if number == (i if level == Level.EVENT.value else e.component)]


def _at(state: State, cause: Cause, spot: Spot) -> Step:
    """A step of the environment at a spot."""
    name, level, number = spot
    if level == Level.COMPONENT.value:
        return Step(cause, number, -1, subject=name)
    return Step(cause, state.events[number].component, number, subject=name)
