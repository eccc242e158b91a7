"""The second reading of a design's meaning, from docs/semantics.md alone: every possible next step,
and the replay of a trace.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from msgspec import Struct

from onceproof.interpreter.broker import (
    first_status,
    has_room,
    message_faults,
    starts,
    store_faults,
)
from onceproof.interpreter.context import Context
from onceproof.interpreter.cycles import cycle
from onceproof.interpreter.deaths import deaths, late
from onceproof.interpreter.failover import failovers, remember
from onceproof.interpreter.logs import positions
from onceproof.interpreter.order import told
from onceproof.interpreter.providers import arrivals
from onceproof.interpreter.relays import noticed, overtakings, see_less, unheard
from onceproof.interpreter.sessions import lock_faults, lost_sessions
from onceproof.interpreter.state import State
from onceproof.interpreter.trace import EventOf, Step, Trace
from onceproof.interpreter.workers import begun, moves
from onceproof.lang.design import Design
from onceproof.machine.delivery import Delivery
from onceproof.machine.system import Cause

Choices = list[tuple[Step, State]]

_OF_ISOLATION = {"begin", "serialization failure", "deadlock victim", "failed"}
_OF_A_PARTITION = (Cause.LEASE_EXPIRED, Cause.FENCED, Cause.REQUEUED, Cause.OVERTAKEN)
_OF_A_PLACE = (
    Cause.KEY_EXPIRED,
    Cause.ROW_LOST,
    Cause.FAILOVER,
    Cause.LOCK_EXPIRED,
    Cause.OVERTAKEN,
)


class ReplayError(Exception):
    """A trace that the design does not allow: a bug of whoever made it. ``why`` says what is
    possible instead of step ``index``.
    """

    def __init__(self, index: int, why: str) -> None:
        super().__init__(f"step {index}: {why}")
        self.index = index
        self.why = why


class Unordered(ReplayError):
    """The serializable blocks of a trace are in no order: a database would have failed one of them.
    The trace is no story, and no bug of who made it: ``rule`` is the name of what lets it through.
    """

    rule = "ssi-cycle"


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
    if any(map(ctx.has_lanes, ctx.processes)):
        ordered = list(dict.fromkeys(told(ctx, state, choice) for choice in ordered))
    if see_less(ctx):
        ordered = list(dict.fromkeys(noticed(ctx, state, choice) for choice in ordered))
    if ctx.remembered:
        ordered = list(dict.fromkeys(_remembered(ctx, state, choice) for choice in ordered))
    ordered.sort(key=lambda choice: _order(choice[0]))
    return ordered


def _choices(ctx: Context, state: State, pool: int | None) -> Iterator[tuple[Step, State]]:
    for worker in state.workers:
        if worker.underway:
            yield from late(ctx, state, worker)
        else:
            yield from moves(ctx, state, worker)
            yield from deaths(ctx, state, worker)
            yield from lost_sessions(ctx, state, worker)
    for event in range(len(state.events)):
        for step, after, worker_new in starts(ctx, state, event):
            if worker_new is None:
                yield step, after
            elif has_room(state, ctx.processes[worker_new.process], pool):
                yield step, begun(ctx, after, worker_new)
        yield from message_faults(ctx, state, event)
        yield from positions(ctx, state, event)
        yield from arrivals(ctx, state, event)
        yield from unheard(ctx, state, event)
    yield from overtakings(ctx, state)
    yield from failovers(ctx, state)
    yield from store_faults(ctx, state)
    yield from lock_faults(ctx, state)


def _remembered(ctx: Context, before: State, choice: tuple[Step, State]) -> tuple[Step, State]:
    """A choice whose state remembers what the databases were before it."""
    step, after = choice
    goes_back = step.cause is Cause.FAILOVER and step.subject in ctx.remembered
    return choice if goes_back else (step, remember(ctx, before, after))


def _order(step: Step) -> tuple[object, ...]:
    who = (step.cause.value, step.component, step.event, step.worker)
    return (*who, step.process, step.queue, step.subject, step.line, step.outcome)


def replay(design: Design, trace: Trace, wanted: Callable[[State], bool] | None = None) -> Replay:
    """Follow a trace step by step. Raises ``ReplayError`` at the first step the design does not
    allow, and for other events; ``Unordered`` if there is no order of its serializable blocks.

    Where a step leaves open what it leads to (how far a failover goes back, what a stale read
    shows), each way is tried, until one reaches the end in a state that is ``wanted``; if none is,
    the first that reaches the end counts.
    """
    _demand_events(design, trace.events)
    ctx = Context.of(design, trace.semantics)
    start = initial(design, trace.semantics, trace.events)
    first: Replay | None = None
    problem: ReplayError | None = None
    tried: set[tuple[int, State]] = set()
    ways: list[tuple[tuple[Step, ...], tuple[State, ...]]] = [((), (start,))]
    while ways:
        steps, states = ways.pop()
        if len(steps) < len(trace.steps):
            if (len(steps), states[-1]) in tried:
                continue
            tried.add((len(steps), states[-1]))
            try:
                fitting = _fitting(ctx, states[-1], len(steps), trace.steps[len(steps)])
            except ReplayError as error:
                problem = _later(problem, error)
                continue
            ways += [((*steps, step), (*states, after)) for step, after in reversed(fitting)]
            continue
        database = cycle(ctx, steps, states)
        if database is not None:
            words = design.part_words(database)
            why = f"no order of the serializable blocks of {words} explains it"
            problem = _later(problem, Unordered(len(steps), why))
            continue
        found = Replay(trace, steps, states)
        if wanted is None or wanted(states[-1]):
            return found
        first = first or found
    if first is not None:
        return first
    assert problem is not None
    raise problem


def _later(one: ReplayError | None, other: ReplayError) -> ReplayError:
    """The error of the way that has come further."""
    return other if one is None or other.index > one.index else one


def _fitting(ctx: Context, state: State, index: int, wanted: Step) -> Choices:
    """The choices that a step of a trace can be: one step, with all that it may lead to. Raises
    ``ReplayError``.
    """
    possible = choices(ctx, state)
    fitting = [c for c in possible if _fits(ctx, state, wanted, c[0])]
    if not fitting:
        raise ReplayError(index, f"{_words(wanted)} is not possible; {_instead(wanted, possible)}")
    exact = [c for c in fitting if c[0].outcome == wanted.outcome]
    fitting = exact or fitting
    if len({step for step, _ in fitting}) > 1 and len({after for _, after in fitting}) > 1:
        raise ReplayError(
            index,
            f"{_words(wanted)} can be several things: " + ", ".join(_words(s) for s, _ in fitting),
        )
    return list({after: (step, after) for step, after in fitting}.values())


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
    if wanted.cause is Cause.FAILOVER and offered.subject in ctx.design.databases:
        return (wanted.cause, wanted.subject) == (offered.cause, offered.subject)
    same = (wanted.cause, wanted.component, wanted.event) == (
        offered.cause,
        offered.component,
        offered.event,
    )
    of_a_worker = offered.worker >= 0 or wanted.cause in _OF_A_PARTITION
    if not same or (of_a_worker and wanted.worker != offered.worker):
        return False
    pairs = [(wanted.process, offered.process), (wanted.line, offered.line)]
    if not offered.line:
        pairs.append((wanted.queue, offered.queue))
    if wanted.cause is Cause.CONNECTION_LOST and wanted.subject != offered.subject:
        return False
    if wanted.cause in _OF_A_PLACE:
        pairs.append((wanted.subject, offered.subject))
    if any(a and b and a != b for a, b in pairs):
        return False
    return wanted.outcome == offered.outcome or _outcome_is_free(ctx, state, wanted, offered)


def _outcome_is_free(ctx: Context, state: State, wanted: Step, offered: Step) -> bool:
    """Steps that have one outcome only, if a database does not fail them: runs of collected lines,
    and requests that take effect late.
    """
    if offered.cause is Cause.LATE_EFFECT:
        return offered.worker >= 0
    worker = next((w for w in state.workers if w.number == offered.worker), None)
    if offered.cause is not Cause.HANDLER or worker is None or not worker.todo:
        return False
    if {offered.outcome, wanted.outcome} & _OF_ISOLATION:
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
