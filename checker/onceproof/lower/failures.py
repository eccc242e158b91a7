"""Steps on a database or a lock service that fail, or whose answer is lost
(docs/semantics.md, "Failing database steps").

A failure without a clause needs no place and no variable of its own: the worker is gone as after a
kill, or fails as with ``fail``.
"""

from __future__ import annotations

from onceproof.lang import design as d
from onceproof.lang.syntax import ast as n
from onceproof.lower import modelled
from onceproof.lower import program as op
from onceproof.lower.case import Case, Location
from onceproof.lower.handler import Handler
from onceproof.machine.system import Action, Cause

RETRIES = "retry-count"
"""The wider rule of steps that are repeated: attempts are not counted."""


def is_database_step(design: d.Design, operation: op.Operation) -> bool:
    """Whether a line outside ``atomic``, or one that is a stop point inside it, is a step on a
    database or a lock service. What a broker collects never comes here: it takes no step.
    """
    match operation:
        case op.Decide(test):
            return reads_a_row(design, test)
        case op.Read(step):
            return not isinstance(step.value, n.Constant)
        case op.Extend(lock):
            return lock is not None
        case op.Write() | op.Attempt() | op.Take() | op.LetGo():
            return True
        case op.Send(queue):
            return is_kept_in_a_database(design, queue)
        case _:
            return False


def is_kept_in_a_database(design: d.Design, queue: str | None) -> bool:
    """Whether a queue lives in a database."""
    kept = queue is not None and design.queues[queue].database is not None
    return modelled.OWN_DATABASE and kept


def reads_a_row(design: d.Design, test: n.Condition) -> bool:
    """Whether a single test asks a database: of a row, or of an effect in a store."""
    match test:
        case n.InStore() | n.ColumnIs():
            return True
        case n.Happened(effect):
            return design.effects[effect.text].store is not None
        case _:
            return False


class Failures:
    """The failing steps of one handler."""

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.design = handler.design
        self.possible = not self.design.assumes("no-database-failures")

    def fail(self, at: Location, subject: str = "") -> None:
        """The step at ``at`` fails: nothing of it is done."""
        if self.possible:
            action = self.handler.action(
                at, Cause.DATABASE_FAILED, subject=subject, outcome="failed"
            )
            self.after(at, self.handler.base(at), action)

    def lose_answer(self, at: Location, done: Case, locks: frozenset[str], subject: str) -> None:
        """The step at ``at`` is done, and its worker cannot tell. ``locks``: the stores whose rows
        its block still has locked after that.
        """
        if self.possible:
            action = self.handler.action(
                at, Cause.DATABASE_ANSWER_LOST, subject=subject, outcome="answer lost"
            )
            self.after(at, done, action, locks)

    def after(
        self,
        at: Location,
        case: Case,
        action: Action,
        locks: frozenset[str] | None = None,
        wider: str = "",
    ) -> None:
        """What follows a failed step: the block around is rolled back, then the line or block is
        repeated, or its clause runs, or the handler fails.
        """
        place = self.handler.program.places[at.place]
        ways = [place.failed] if place.again is None else [place.again, place.failed]
        wider = wider or ("" if place.again is None else RETRIES)
        for then in ways:
            self.handler.leave_block(at, case, then, action, locks, wider)

    def own_retry(self, at: Location, written: Case, then: int, subject: str) -> None:
        """The client's library repeats a request whose answer it did not get, and meets its own
        first write ("A client that repeats requests"). ``written``: what is there after both;
        ``then``: where the outcome leads that it reports.
        """
        database = self.design.database_of(subject)
        if self.possible and database is not None and database.repeats:
            action = self.handler.action(
                at, Cause.DATABASE_ANSWER_LOST, subject=subject, outcome="own retry"
            )
            self.handler.go(at, written, then, action)
