"""The second reading of a design's meaning, from docs/semantics.md alone: every possible next step,
and the replay of a trace.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from onceproof.interpreter.broker import (
    first_status,
    has_room,
    message_faults,
    starts,
    store_faults,
)
from onceproof.interpreter.context import Context
from onceproof.interpreter.state import State
from onceproof.interpreter.trace import EventOf, Step, Trace
from onceproof.interpreter.workers import begun, deaths, late, moves
from onceproof.lang.design import Design
from onceproof.machine.delivery import Delivery
from onceproof.machine.system import Cause

Choices = list[tuple[Step, State]]

_OF_A_PLACE = (Cause.KEY_EXPIRED, Cause.ROW_LOST, Cause.FAILOVER, Cause.LOCK_EXPIRED)


class ReplayError(Exception):
    """A trace that the design does not allow: a bug of whoever made it. ``why`` says what is
    possible instead of step ``index``.
    """

    def __init__(self, index: int, why: str) -> None:
        super().__init__(f"step {index}: {why}")
        self.index = index
        self.why = why


class Replay(Struct, frozen=True):
    """``states[0]`` is the start, ``states[i + 1]`` follows ``steps[i]`` (the trace's steps as the
    interpreter tells them).
    """

    trace: Trace
    steps: tuple[Step, ...]
    states: tuple[State, ...]


def initial(design: Design, semantics: Delivery, events: tuple[EventOf, ...]) -> State:
    """The start: the messages of root queues are ready (or sent, if nobody confirms them),
    everything else is absent.

    Raises ValueError for an unknown event type.
    """
    for event in events:
        if event.type not in design.events:
            raise ValueError(f"no event type {event.type!r}")
    statuses = [
        ((p.name, "event", number), first_status(design.queues[p.queue], semantics))
        for p in design.processes
        for number, event in enumerate(events)
        if p.queue and design.queues[p.queue].is_root and design.queues[p.queue].event == event.type
    ]
    return State(events, tuple(sorted(statuses)))


def choices(ctx: Context, state: State, pool: int | None = None) -> Choices:
    """Every possible next step with the state after it, in a fixed order. ``pool``: at most so many
    workers at once.
    """
    ordered = list(_choices(ctx, state, pool))
    ordered.sort(key=lambda choice: _order(choice[0]))
    return ordered


def _choices(ctx: Context, state: State, pool: int | None) -> Iterator[tuple[Step, State]]:
    for worker in state.workers:
        if worker.underway:
            yield from late(ctx, state, worker)
        else:
            yield from moves(ctx, state, worker)
            yield from deaths(ctx, state, worker)
    for event in range(len(state.events)):
        for step, after, worker_new in starts(ctx, state, event):
            if worker_new is None:
                yield step, after
            elif has_room(state, ctx.processes[worker_new.process], pool):
                yield step, begun(ctx, after, worker_new)
        yield from message_faults(ctx, state, event)
    yield from store_faults(ctx, state)


def _order(step: Step) -> tuple[object, ...]:
    who = (step.cause.value, step.component, step.event, step.worker)
    return (*who, step.process, step.queue, step.subject, step.line, step.outcome)


def replay(design: Design, trace: Trace) -> Replay:
    """Follow a trace step by step. Raises ``ReplayError`` at the first step the design does not
    allow, and for other events.
    """
    _demand_events(design, trace.events)
    ctx = Context.of(design, trace.semantics)
    states = [initial(design, trace.semantics, trace.events)]
    steps: list[Step] = []
    for index, wanted in enumerate(trace.steps):
        possible = choices(ctx, states[-1])
        fitting = [c for c in possible if _fits(ctx, states[-1], wanted, c[0])]
        if not fitting:
            raise ReplayError(
                index, f"{_words(wanted)} is not possible; {_instead(wanted, possible)}"
            )
        if len({after for _, after in fitting}) > 1:
            raise ReplayError(
                index,
                f"{_words(wanted)} can be several things: "
                + ", ".join(_words(s) for s, _ in fitting),
            )
        steps.append(fitting[0][0])
        states.append(fitting[0][1])
    return Replay(trace, tuple(steps), tuple(states))


def _demand_events(design: Design, events: tuple[EventOf, ...]) -> None:
    """The events are of types that enter the design, and their fields have values that the design
    declares. Raises ReplayError.
    """
    roots = {q.event for q in design.queues.values() if q.is_root} or set(design.events)
    everywhere = {
        (name, value)
        for e in design.events.values()
        for name, values in e.payload
        for value in values
    }
    for number, event in enumerate(events):
        if event.type not in roots:
            raise ReplayError(0, f"event {number} is of no type that enters the design")
        given, own = dict(event.payload), dict(design.events[event.type].payload)
        if not given.items() <= everywhere or not all(
            given.get(name) in values for name, values in own.items()
        ):
            raise ReplayError(
                0, f"event {number} has fields or values that the design does not declare"
            )


def _fits(ctx: Context, state: State, wanted: Step, offered: Step) -> bool:
    """Whether a step of a trace is this choice. What a trace leaves out (``""``, line 0) may be
    anything, an outcome may not.

    A queue is compared only where it says whose message it is: a worker's line tells what it
    concerns.
    """
    same = (wanted.cause, wanted.component, wanted.event) == (
        offered.cause,
        offered.component,
        offered.event,
    )
    if not same or (offered.worker >= 0 and wanted.worker != offered.worker):
        return False
    pairs = [(wanted.process, offered.process), (wanted.line, offered.line)]
    if not offered.line:
        pairs.append((wanted.queue, offered.queue))
    if wanted.cause in _OF_A_PLACE:
        pairs.append((wanted.subject, offered.subject))
    if any(a and b and a != b for a, b in pairs):
        return False
    return wanted.outcome == offered.outcome or _outcome_is_free(ctx, state, offered)


def _outcome_is_free(ctx: Context, state: State, offered: Step) -> bool:
    """Steps that have one outcome only: runs of collected lines, and requests that take effect
    late.
    """
    if offered.cause is Cause.LATE_EFFECT:
        return True
    worker = next((w for w in state.workers if w.number == offered.worker), None)
    if offered.cause is not Cause.HANDLER or worker is None or not worker.todo:
        return False
    step = ctx.at(worker)
    return step is None or ctx.is_collected(worker, step)


def _words(step: Step) -> str:
    parts = [step.cause.value]
    parts += [f"event {step.event}"] if step.event >= 0 else [f"component {step.component}"]
    parts += [f"worker {step.worker}"] if step.worker >= 0 else []
    parts += [w for w in (step.process, step.queue, step.subject) if w]
    parts += [f"line {step.line}"] if step.line else []
    return " ".join(parts) + (f" ({step.outcome})" if step.outcome else "")


def _instead(wanted: Step, possible: Choices) -> str:
    """The choices that come nearest: of the same worker, else of the same cause, else all."""
    steps = [s for s, _ in possible]
    same_worker = [
        s
        for s in steps
        if wanted.worker >= 0 and s.worker == wanted.worker and s.event == wanted.event
    ]
    near = same_worker or [s for s in steps if s.cause is wanted.cause] or steps
    return "possible instead: " + ("; ".join(_words(s) for s in near[:8]) or "nothing")
