"""Traces as plain data for JSON files: written with certificates and by hand-made walks, read back
and replayed by anyone.
"""

from __future__ import annotations

from typing import Any

from onceproof.interpreter.trace import EventOf, Step, Trace
from onceproof.machine.delivery import Delivery
from onceproof.machine.system import Cause

SCHEMA = "onceproof-trace/1"


def to_data(trace: Trace) -> dict[str, Any]:
    """The events and steps of a trace, ready for ``json``. The semantics and what the trace is
    about are the caller's to add.
    """
    events = [
        {"component": e.component, "type": e.type, "payload": dict(e.payload)} for e in trace.events
    ]
    steps = [
        {
            "cause": s.cause.value,
            "component": s.component,
            "event": s.event,
            "worker": s.worker,
            "process": s.process,
            "queue": s.queue,
            "subject": s.subject,
            "line": s.line,
            "outcome": s.outcome,
        }
        for s in trace.steps
    ]
    return {"events": events, "steps": steps}


def of_data(data: Any, semantics: Delivery) -> Trace:
    """The trace that ``to_data`` wrote. Raises ValueError, with the reason, for anything else."""
    try:
        events = tuple(
            EventOf(e["component"], e["type"], tuple(sorted(e["payload"].items())))
            for e in data["events"]
        )
        steps = tuple(
            Step(Cause(s["cause"]), **{k: v for k, v in s.items() if k != "cause"})
            for s in data["steps"]
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"not a trace: {error}") from error
    return Trace(semantics, events, steps)
