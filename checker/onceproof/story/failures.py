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


def failure_words(m: Moment) -> str:
    """What failed, and what the handler makes of it."""
    where = f"the step at line {m.step.line}"
    match m.step.outcome:
        case "begin":
            return "begins its transaction: from now on it reads the rows as they are now"
        case "serialization failure":
            text = (
                f"{where} fails: another transaction changed what this one has seen, and it is"
                " rolled back"
            )
        case "deadlock victim":
            text = f"{where} fails: the database ends a deadlock and rolls it back"
        case "own retry":
            return (
                f"the client repeats {where}, whose first answer was lost, and meets its own first"
                " request"
            )
        case outcome if outcome.startswith("answer lost"):
            text = f"{where} is done, but the answer is lost: {m.who} cannot tell"
        case _:
            text = f"{where} fails: nothing is written"
    return text + ("; the handler is over" if m.gone else "")
