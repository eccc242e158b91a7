"""Stories with a delivery limit: a message is given up after as many failed deliveries as its queue
allows, not after the first.

The machine, and the replay, say that a message may be given up once it has been returned, which
covers every limit (docs/semantics_world.md, "A story with a limit N"). For a story that is too
little: the failed deliveries that are missing are put in front.
"""

from __future__ import annotations

from collections.abc import Callable

from onceproof.interpreter import Context, choices, replay
from onceproof.interpreter.state import State
from onceproof.interpreter.trace import Step, Trace
from onceproof.lang.design import Design
from onceproof.machine.system import Cause

NEW_MESSAGES = (
    Cause.PUBLISHER_RETRY,
    Cause.BROKER_COPY,
    Cause.REPLAY,
    Cause.BATCH_RETURNED,
    Cause.REWOUND,
)
"""After these there is another message, whose deliveries are counted anew."""

MOST = 100
"""Deliveries up to which all of them are told. Amazon SNS gives a message up after 100,015."""


def with_failed_deliveries(design: Design, trace: Trace, valid: Callable[[Trace], bool]) -> Trace:
    """The trace with as many failed deliveries before a message is given up as the limit of its
    queue says; without those for which no way is found. ``valid`` says whether a trace still is a
    run of the design that ends in the violation.
    """
    given_up = (s for s in trace.steps if s.cause is Cause.DEAD_LETTERED)
    for process, event in dict.fromkeys((s.process, s.event) for s in given_up):
        first, count = _missing(design, trace, process, event)
        for failed in _failures(design, trace, first) if 0 < count < MOST else ():
            steps = (*trace.steps[:first], *failed * count, *trace.steps[first:])
            longer = Trace(trace.semantics, trace.events, steps)
            if valid(longer):
                trace = longer
                break
    return trace


def _missing(design: Design, trace: Trace, process: str, event: int) -> tuple[int, int]:
    """Where the first delivery of a message is that is given up, and how many more must fail."""
    causes = [s.cause if (s.process, s.event) == (process, event) else None for s in trace.steps]
    end = max(i for i, cause in enumerate(causes) if cause is Cause.DEAD_LETTERED)
    begin = max((i for i, cause in enumerate(causes[:end]) if cause in NEW_MESSAGES), default=-1)
    deliveries = [i for i in range(begin + 1, end) if causes[i] is Cause.DELIVERY]
    queue = next(p.queue for p in design.processes if p.name == process)
    limit = design.queues[queue].limit if queue else None
    if not deliveries or limit is None:
        return 0, 0
    return deliveries[0], max(limit[0] - len(deliveries), 0)


def _failures(design: Design, trace: Trace, first: int) -> list[tuple[Step, ...]]:
    """Ways in which the delivery at ``first`` can fail before: as it is told, if that takes no
    fault; a worker that is killed at once; as it is told.
    """
    told = _as_told(trace, first)
    before = Trace(trace.semantics, trace.events, trace.steps[:first])
    state = replay(design, before).states[-1]
    context = Context.of(design, trace.semantics)
    killed = _killed_at_once(context, state, trace.steps[first])
    ways = [killed, told] if any(s.cause.is_fault for s in told) else [told, killed]
    return [way for way in ways if way]


def _killed_at_once(context: Context, state: State, wanted: Step) -> tuple[Step, ...]:
    """A delivery whose worker is killed before it does anything; none if the design rules that
    out.
    """
    process, event = wanted.process, wanted.event
    for delivery, holding in choices(context, state):
        if (delivery.cause, delivery.process, delivery.event) != (Cause.DELIVERY, process, event):
            continue
        for death, after in choices(context, holding):
            if (death.cause, death.worker) != (Cause.KILLED, delivery.worker):
                continue
            if after.status(process, event) == "returned":
                return delivery, death
            for back, _ in choices(context, after):
                if (back.cause, back.process, back.event) == (Cause.REDELIVERY, process, event):
                    return delivery, death, back
    return ()


def _as_told(trace: Trace, first: int) -> tuple[Step, ...]:
    """The failed delivery that the story has."""
    delivery = trace.steps[first]
    told = [delivery]
    for step in trace.steps[first + 1 :]:
        if (step.cause, step.process, step.event) == (
            Cause.DELIVERY,
            delivery.process,
            delivery.event,
        ) or step.cause is Cause.DEAD_LETTERED:
            break
        if step.worker == delivery.worker or step.cause is Cause.REDELIVERY:
            told.append(step)
    return tuple(told)
