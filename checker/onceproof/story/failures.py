"""The words of a story for steps on a database that fail, or whose answer is lost."""

from __future__ import annotations

from onceproof.machine.system import Cause
from onceproof.story.names import Moment

FAILURES = frozenset({"failed", "serialization failure", "deadlock victim", "begin"})
"""Outcomes of a step on a database or lock service that is told here."""


def tells(m: Moment) -> bool:
    """Whether the step is one of these."""
    if m.step.cause in (Cause.DATABASE_FAILED, Cause.DATABASE_ANSWER_LOST):
        return True
    return m.step.cause is Cause.HANDLER and m.step.outcome in FAILURES


_FAILED = {
    "failed": "it fails, and nothing is written",
    "serialization failure": (
        "another transaction has changed what this one has seen, and the database rolls it back"
    ),
    "deadlock victim": "it would wait for ever; the database ends the deadlock and rolls it back",
    "own retry": (
        "the answer is lost, and the client repeats the request by itself, after its own first one"
    ),
    "answer lost": "it is done, but the answer is lost: {worker} cannot tell",
}
"""What came of a step on a database or lock service, by the outcome of the step."""


def failure_words(m: Moment, where: str) -> str:
    """What failed, and what the handler makes of it. ``where``: the line or lines."""
    if m.step.outcome == "begin":
        return "begins its transaction: from now on it reads the rows as they are now"
    told = _FAILED[m.step.outcome].format(worker=m.who)
    return f"tries {where}; {told}" + ("; the handler is over" if m.gone else "")
