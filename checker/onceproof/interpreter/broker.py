"""The broker and the rest of the world: deliveries, acknowledgements, and what happens to messages,
rows and locks by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from onceproof.interpreter import modelled
from onceproof.interpreter.context import Context
from onceproof.interpreter.lagging import may_pass
from onceproof.interpreter.logs import (
    End,
    copied_from,
    covered_in_hand,
    left,
    refuses_late,
    settles_late,
)
from onceproof.interpreter.order import AVAILABLE, is_open
from onceproof.interpreter.relays import may_start, started
from onceproof.interpreter.rows import apply, published, row_lost
from onceproof.interpreter.state import Spot, State, Worker, minus, union
from onceproof.interpreter.trace import Step
from onceproof.lang import design as d
from onceproof.machine.delivery import Delivery
from onceproof.machine.system import Cause, Level

REMAINS = {"two": ("ready",), "three": ("two", "three")}
"""What remains of several messages that wait when one of them is taken. Three are three or more."""
OVER = ("settled", "lost", "dead", "absent")

# ---------------------------------------------------------------- what a worker asks of the broker


def gone(ctx: Context, state: State, worker: Worker, end: End = End.ENDED) -> State:
    """A worker disappears (it ended, failed or was killed): what it still held goes back. A session
    of a pool goes on, unless its process was killed.
    """
    state = aborts(ctx, state, worker).without_worker(worker.number)
    if ctx.is_log(worker.process):
        state = left(ctx, state, worker, end)
    elif worker.holds and ctx.design.queues[_queue(ctx, worker.process)].redelivers:
        status = state.status(worker.process, worker.event)
        again = ctx.given_back(worker.process, status)
        state = state.with_status(worker.process, worker.event, again)
    elif worker.holds and state.status(worker.process, worker.event) == "inflight":
        state = state.with_status(worker.process, worker.event, "dead")
    freed = [
        spot
        for spot in worker.locks
        if ctx.ends_with_session(ctx.design.locks[spot[0]])
        and (end is End.KILLED or ctx.design.locks[spot[0]].pooled is d.Pooled.NO)
    ]
    return state._replace(held=minus(state.held, *freed))


def aborts(ctx: Context, state: State, worker: Worker) -> State:
    """What the worker has collected inside the broker is dropped; where that leaks, a message of it
    may appear later.
    """
    if not worker.boxed:
        return state
    source, known = ctx.design.queues[_queue(ctx, worker.process)], ctx.design.queues
    queues = {
        w.name for w in worker.boxed if w.kind == "publish" and d.leaks(source, known[w.name])
    }
    spots = ((q, Level.EVENT.value, worker.event) for q in queues if any(ctx.groups(q)))
    return state._replace(aborted=union(state.aborted, *spots))


def settle(ctx: Context, state: State, worker: Worker) -> tuple[State, Worker, str]:
    """The ack arrives at the broker: the state after it and the broker's answer, ``done`` or
    ``refused``.
    """
    consumer, event = worker.process, worker.event
    promises = ctx.promises(consumer)
    if ctx.settles_at_delivery(consumer):
        return state, worker, "done"
    if not ctx.tracks_holders(consumer):
        return state.with_status(consumer, event, "settled"), worker, "done"
    if worker.holds:
        if state.status(consumer, event) == "inflight":
            state = state.with_status(consumer, event, "settled")
        state = apply(ctx, state, event, worker.boxed, worker.number)
        exposed = worker.exposed or ctx.exposed_by(worker.boxed)
        return state, worker._replace(holds=False, boxed=(), exposed=exposed), "done"
    late = ctx.design.queues[_queue(ctx, consumer)].late_ack == "settles"
    late = late or settles_late(ctx, consumer)
    if late and promises is not Delivery.EXACTLY_ONCE and consumer in ctx.several | ctx.fed_back:
        return state, worker, "done"  # which message it was is not remembered
    if late and promises is not Delivery.EXACTLY_ONCE:
        return state.with_status(consumer, event, "settled"), worker, "done"
    return state, worker, "done" if ctx.is_polite(consumer) else "refused"


def answers(ctx: Context, state: State, worker: Worker) -> list[tuple[State, Worker, str]]:
    """What can come of an ack that arrives at the broker, as ``settle`` tells it."""
    after, acked, answer = settle(ctx, state, worker)
    possible = [(after, acked, answer)]
    if answer == "done" and not worker.holds and refuses_late(ctx, worker):
        possible.append((state, worker, "refused"))
    return possible


def torn(ctx: Context, worker: Worker) -> Iterator[Worker]:
    """The worker with the messages that are left of what it has collected, when its transaction
    appears in part.
    """
    queue = ctx.design.queues[_queue(ctx, worker.process)]
    collected = [i for i, w in enumerate(worker.boxed) if w.kind == "publish"]
    if not (modelled.TORN and queue.leaks and worker.holds):
        return
    for size in range(1, len(collected) + 1):
        for missing in combinations(collected, size):
            left_over = tuple(w for i, w in enumerate(worker.boxed) if i not in missing)
            yield worker._replace(boxed=left_over)


def give_back(ctx: Context, state: State, worker: Worker) -> tuple[State, Worker]:
    """The nack arrives at the broker."""
    consumer, event = worker.process, worker.event
    if ctx.tracks_holders(consumer):
        if worker.holds:
            again = ctx.given_back(consumer, state.status(consumer, event))
            state = state.with_status(consumer, event, again)
            worker = worker._replace(holds=False)
    elif not ctx.settles_at_delivery(consumer) and state.status(consumer, event) == "inflight":
        state = state.with_status(consumer, event, "ready")
    return state, worker


def _queue(ctx: Context, consumer: str) -> str:
    queue = ctx.processes[consumer].queue
    assert queue is not None
    return queue


def renew(ctx: Context, worker: Worker) -> str:
    """The broker's answer to a renewal of the message's lease."""
    return "done" if worker.holds or not ctx.holds(worker.process) else "refused"


# ---------------------------------------------------------------- deliveries and starts


def first_status(queue: d.Queue, choice: Delivery) -> str:
    """The status of a message that comes from outside."""
    unsure = queue.unconfirmed and (queue.semantics or choice) is not Delivery.AT_MOST_ONCE
    return "sent" if unsure else "ready"


def starts(ctx: Context, state: State, event: int) -> Iterator[tuple[Step, State, Worker | None]]:
    """What can set something going for an event and is no fault: with the new worker, if any, which
    is not in the state yet.
    """
    component = state.events[event].component
    for process in ctx.design.processes:
        worker = Worker(state.free_number(), process.name, event, ctx.enter(process.body))
        if process.condition is not None:
            may = may_start(ctx, state, process, event)
            if may and may_pass(ctx, state, process.condition, event, worker):
                yield (
                    Step(Cause.START, component, event, worker.number, process.name),
                    started(state, process, event),
                    worker,
                )
            continue
        queue = _queue(ctx, process.name)
        status = state.status(process.name, event)
        if status in AVAILABLE and not is_open(ctx, state, process.name, event):
            continue
        if status in AVAILABLE:
            at_once = (
                process.ack == "delivery" or ctx.promises(process.name) is Delivery.AT_MOST_ONCE
            )
            worker = worker._replace(
                holds=ctx.holds(process.name),
                in_hand=ctx.seeks(process.name),
                in_lane=ctx.has_lanes(process.name) and ctx.design.queues[queue].log,
                again=status == "returned" and ctx.asks_redelivered(process),
            )
            for now in REMAINS.get(status, ("settled" if at_once else "inflight",)):
                yield (
                    Step(Cause.DELIVERY, component, event, worker.number, process.name, queue),
                    state.with_status(process.name, event, now),
                    worker,
                )
        elif status == "inflight" and process.name in ctx.loose:
            after = state.with_status(process.name, event, "ready")
            yield Step(Cause.REDELIVERY, component, event, -1, process.name, queue), after, None


def has_room(state: State, process: d.Process, pool: int | None) -> bool:
    """Whether one more worker of this process may run. A killed worker's last request counts in the
    pool, not in ``workers N``.
    """
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
        for cause in _copies(ctx, process, _closed(state, event), status):
            new = ctx.again(name) if cause is Cause.BATCH_RETURNED else "ready"
            yield (
                Step(cause, component, event, -1, name, queue.name),
                state.with_status(name, event, new),
            )
        if _may_vanish(ctx, process, status):
            yield (
                Step(Cause.VANISHED, component, event, -1, name, queue.name),
                state.with_status(name, event, REMAINS.get(status, ("lost",))[0]),
            )
        if _may_be_lost(ctx, queue, status):
            yield (
                Step(Cause.BROKER_LOST, component, event, -1, name, queue.name),
                state.with_status(name, event, REMAINS.get(status, ("lost",))[0]),
            )
        if status == "returned" and queue.limit and not ctx.fails_few_times:
            end = "lost" if queue.limit[1] == "drop" else "dead"
            given_up = state.with_status(name, event, end)
            if modelled.FED and queue.limit_to is not None:
                given_up = published(ctx, given_up, event, queue.limit_to)
            yield (Step(Cause.DEAD_LETTERED, component, event, -1, name, queue.name), given_up)
    for worker in state.workers:
        if worker.event == event and (worker.holds or worker.in_hand or worker.in_lane):
            yield from _parted(ctx, state, worker)
    for spot in state.aborted:
        if spot[2] == event and not _closed(state, event):
            after = published(
                ctx, state._replace(aborted=minus(state.aborted, spot)), event, spot[0], "aborted"
            )
            yield Step(Cause.ABORTED_APPEARED, component, event, queue=spot[0]), after


def _parted(ctx: Context, state: State, worker: Worker) -> Iterator[tuple[Step, State]]:
    """A living worker loses its message: it goes back, or it is acknowledged by itself. On a log,
    it may also lose a record that it has committed.
    """
    process, component = ctx.processes[worker.process], state.events[worker.event].component
    lost = state.with_worker(worker._replace(holds=False, in_hand=False, in_lane=False))
    after = state.with_worker(worker._replace(holds=False))

    def record(cause: Cause) -> Step:
        return Step(
            cause, component, worker.event, worker.number, process.name, process.queue or ""
        )

    for cause in ctx.losses_of_hold(process):
        again = ctx.given_back(process.name, state.status(process.name, worker.event))
        back = lost.with_status(process.name, worker.event, again)
        yield record(cause), back if worker.holds else lost
    by_itself = process.ack == "any-time" or (
        process.ack == "cumulative" and ctx.ever_acks(process)
    )
    if worker.holds and (by_itself or covered_in_hand(ctx, process)):
        settled = state.status(process.name, worker.event) == "inflight"
        yield (
            record(Cause.AUTO_ACKED),
            after.with_status(process.name, worker.event, "settled") if settled else after,
        )


def _closed(state: State, event: int) -> bool:
    """Whether a record or row of the event's key has ended: publishers and brokers make no more
    copies.
    """
    return any(event in _events_of(state, spot) for spot in state.closed)


def _may_be_lost(ctx: Context, queue: d.Queue, status: str) -> bool:
    """Whether the broker may lose a message that it has confirmed."""
    safe = ctx.design.assumes("broker-loses-nothing")
    return modelled.BROKERS and queue.loses_confirmed and not safe and status in AVAILABLE


def _may_vanish(ctx: Context, process: d.Process, status: str) -> bool:
    """Whether a message may be lost before a worker sees it."""
    if ctx.promises(process.name) is Delivery.AT_MOST_ONCE:
        return status in ("ready", "two", "three")
    expires = ctx.design.queues[process.queue or ""].expires and not ctx.design.assumes(
        "no-expired-messages"
    )
    return status == "sent" or (expires and status in (*AVAILABLE, "passed"))


def _copies(ctx: Context, consumer: d.Process, closed: bool, status: str) -> Iterator[Cause]:
    """Why a message that was delivered before may become available once more."""
    design, queue = ctx.design, ctx.design.queues[_queue(ctx, consumer.name)]
    redeliverable = {"settled"} | ({"inflight"} if ctx.tracks_holders(consumer.name) else set())
    is_log = ctx.is_log(consumer.name)
    if is_log:
        redeliverable = copied_from(ctx, consumer)
    at_least_once = ctx.semantics(queue.name) is Delivery.AT_LEAST_ONCE
    at_most_once = ctx.semantics(queue.name) is Delivery.AT_MOST_ONCE
    if status in redeliverable and not closed:
        arrives = not ctx.drops_copies(queue.name) and not at_most_once
        arrives |= modelled.BROKERS and at_most_once and queue.publishing == "retries"
        if (
            arrives
            and queue.publishing not in ("once", "new-id")
            and not design.assumes("no-publisher-retries")
        ):
            yield Cause.PUBLISHER_RETRY
        if at_least_once and queue.copies and not design.assumes("no-broker-copies"):
            yield Cause.BROKER_COPY
        if status == "settled" and ctx.forgets_acks(queue):
            yield Cause.BROKER_RESTARTED
    behind = {"settled", "passed"} if is_log else {"settled"}
    if status in behind and not closed and not at_most_once:
        rewinds = queue.rewinds or (is_log and consumer.parallel)
        if rewinds and not design.assumes("no-rewinds"):
            yield Cause.REWOUND
        if (
            queue.batches
            and status == "settled"
            and queue.redelivers
            and consumer.ack != "delivery"
            and not design.assumes("no-batch-failures")
        ):
            yield Cause.BATCH_RETURNED
    replayed = queue.replays or (at_least_once if queue.replay is None else queue.replay)
    if status in redeliverable | {"dead"} and replayed and not design.assumes("no-replay"):
        yield Cause.REPLAY


# ---------------------------------------------------------------- faults of rows and records


def store_faults(ctx: Context, state: State) -> Iterator[tuple[Step, State]]:
    """Rows and records that disappear."""
    safe = ctx.design.assumes("no-failover")
    for spot in state.rows:
        for trait in ctx.design.stores[spot[0]].loses:
            if trait == "expires":
                yield from _expiry(ctx, state, spot, row_lost(ctx, state, spot))
            elif not safe and trait == "cache":
                yield at_spot(state, Cause.ROW_LOST, spot), row_lost(ctx, state, spot)
    for spot in (*state.records, *state.errors):
        if ctx.design.effects[spot[0]].retention is not None:
            forgotten = state._replace(
                records=minus(state.records, spot), errors=minus(state.errors, spot)
            )
            yield from _expiry(ctx, state, spot, forgotten)


def _expiry(ctx: Context, state: State, spot: Spot, after: State) -> Iterator[tuple[Step, State]]:
    """A record or row comes to its end; under the key-window assumption only when an event of its
    key is over.
    """
    if ctx.design.assumes("within-key-window"):
        if not any(_is_over(ctx, state, event) for event in _events_of(state, spot)):
            return
        after = after._replace(closed=union(after.closed, spot))
    yield at_spot(state, Cause.KEY_EXPIRED, spot), after


def _is_over(ctx: Context, state: State, event: int) -> bool:
    """No message of the event is on its way, and no worker is on it (nor a killed worker's last
    request).
    """
    settled = all(state.status(p.name, event) in OVER for p in ctx.design.processes if p.queue)
    return settled and not state.at_work(event)


def _events_of(state: State, spot: Spot) -> list[int]:
    """The events that have their row or record at a spot."""
    _, level, number = spot
    return [
        i
        for i, e in enumerate(state.events)
        if number == (i if level == Level.EVENT.value else e.component)
    ]


def at_spot(state: State, cause: Cause, spot: Spot) -> Step:
    """A step of the environment at a spot."""
    name, level, number = spot
    if level == Level.COMPONENT.value:
        return Step(cause, number, -1, subject=name)
    return Step(cause, state.events[number].component, number, subject=name)
