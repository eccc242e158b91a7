"""Lifting: a run of the machine as a trace of the design, in an order that is easy to follow."""

from __future__ import annotations

from collections.abc import Callable

from onceproof.interpreter.trace import EventOf, Step, Trace
from onceproof.lower import Lowered
from onceproof.lower import variables as v
from onceproof.machine.system import Cause, Level, Machine, Run


def trace_of(lowered: Lowered, machine: Machine, run: Run) -> Trace:
    """The trace of a run of ``machine`` (``lowered.machine``, or a slice of it)."""
    design = lowered.design
    roots = v.root_types(design)
    events: list[EventOf] = []
    numbers: dict[tuple[int, int], int] = {}
    for c, rows in enumerate(run.events):
        for e, pairs in enumerate(rows):
            row = dict(pairs)
            kind = row.get(v.EVENT_TYPE, roots[0] if roots else "")
            payload = tuple(
                (f, row.get(v.payload(x.name, f), values[0]))
                for x in design.events.values()
                if x.name == kind or x.name not in roots
                for f, values in x.payload
                if v.payload_of(design, kind, f) == v.payload(x.name, f)
            )
            numbers[c, e] = len(events)
            events.append(EventOf(c, kind, payload))
    steps: list[Step] = []
    shared = {e.name for e in design.effects.values() if e.key_level is Level.COMPONENT}
    shared |= {s.name for s in design.stores.values() if s.level is Level.COMPONENT}
    for move in run.moves:
        action = machine.rules[move.rule].action
        event = numbers.get((move.component, move.event), -1)
        if action.cause is Cause.KEY_EXPIRED and action.subject in shared:
            event = -1  # the record belongs to the business key, whichever event is over
        if action.cause is Cause.FAILOVER and action.subject in design.databases:
            # Rows and sessions go back one by one in the machine, and in one step in the design.
            back = Step(action.cause, 0, -1, subject=action.subject)
            steps += [] if steps and steps[-1] == back else [back]
            continue
        steps.append(
            Step(
                action.cause,
                move.component,
                event,
                move.worker,
                action.process,
                action.queue,
                action.subject,
                action.line,
                action.outcome,
            )
        )
    return Trace(lowered.semantics, tuple(events), tuple(steps))


def with_late_redeliveries(trace: Trace) -> Trace:
    """The same run with every redelivery moved right before the delivery it leads to.

    A broker may notice a dead worker at any later time; with the redelivery late, the reader sees
    the death first. The caller replays the result.
    """
    steps = list(trace.steps)
    index = 0
    while index < len(steps):
        step = steps[index]
        if step.cause is Cause.REDELIVERY:
            delivery = next(
                (j for j in range(index + 1, len(steps)) if _takes(steps[j], step)), None
            )
            if delivery is not None and delivery > index + 1:
                steps.insert(delivery - 1, steps.pop(index))
                continue
        index += 1
    return Trace(trace.semantics, trace.events, tuple(steps))


def _takes(step: Step, ready: Step) -> bool:
    return (
        step.cause is Cause.DELIVERY and step.event == ready.event and step.process == ready.process
    )


def sorted_by_worker(trace: Trace, valid: Callable[[Trace], bool]) -> Trace:
    """The same violation with as few changes from one worker to another as neighbouring swaps
    allow.

    ``valid`` says whether a trace still is a run of the design that ends in the violation. A step
    moves before its left neighbour if its worker was there first; what comes from the broker
    belongs to the delivery it leads to.
    """
    steps = list(trace.steps)
    owners = _owners(steps)
    index = 1
    while index < len(steps):
        if owners[index] < owners[index - 1]:
            swapped = [*steps[: index - 1], steps[index], steps[index - 1], *steps[index + 1 :]]
            candidate = Trace(trace.semantics, trace.events, tuple(swapped))
            if valid(candidate):
                steps = swapped
                owners[index - 1], owners[index] = owners[index], owners[index - 1]
                index = max(index - 1, 1)
                continue
        index += 1
    return Trace(trace.semantics, trace.events, tuple(steps))


def _owners(steps: list[Step]) -> list[int]:
    """Whose step each one is: deliveries are numbered in order; a step without a worker belongs to
    the next delivery.
    """
    current: dict[int, int] = {}
    count = 0
    owners: list[int] = []
    for step in steps:
        if step.cause in (Cause.DELIVERY, Cause.START):
            count += 1
            current[step.worker] = count
        owners.append(current.get(step.worker, count + 1) if step.worker >= 0 else count + 1)
    return owners
