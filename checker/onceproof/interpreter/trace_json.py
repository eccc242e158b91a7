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


MOST_EVENTS = 30
MOST_STEPS = 5_000
"""A story that is longer was not made by a search, and following it could take for ever."""


def of_data(data: Any, semantics: Delivery) -> Trace:
    """The trace that ``to_data`` wrote. Raises ValueError, with the reason, for anything else."""
    try:
        events = tuple(_event(e) for e in _items(data["events"], MOST_EVENTS))
        steps = tuple(_step(s) for s in _items(data["steps"], MOST_STEPS))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"not a trace: {error}") from error
    return Trace(semantics, events, steps)


def _event(data: Any) -> EventOf:
    payload = tuple(sorted((_text(name), _text(value)) for name, value in data["payload"].items()))
    return EventOf(_number(data["component"], 0), _text(data["type"]), payload)


def _step(data: Any) -> Step:
    return Step(
        Cause(data["cause"]),
        _number(data["component"], 0),
        _number(data["event"], -1),
        _number(data["worker"], -1),
        _text(data["process"]),
        _text(data["queue"]),
        _text(data["subject"]),
        _number(data["line"], 0),
        _text(data["outcome"]),
    )


def _items(value: Any, most: int) -> list[Any]:
    if not isinstance(value, list) or len(value) > most:
        raise TypeError(f"a list of at most {most} entries is expected")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("a string is expected")
    return value


def _number(value: Any, least: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value < 1_000_000:
        raise TypeError(f"a number from {least} on is expected")
    return value
