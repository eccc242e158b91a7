"""What the parts of a handler's lowering ask of the whole: its paths, the names of its places, and
the rules that it makes. ``worker.Lowering`` answers; the parts stand below it and do not import it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from onceproof.lang import design as d
from onceproof.lower import program as op
from onceproof.lower.case import Case, Location
from onceproof.lower.effects import Meaning
from onceproof.lower.program import Program
from onceproof.machine.system import Action, Cause, Rule, Variable


class Handler(Protocol):
    """A handler while it is followed. ``lockable``: stores whose rows some transaction keeps locked
    over a stop. ``home``: the database of each variable. ``program`` grows by places without a
    line of their own. ``rules``: what has come out so far.
    """

    design: d.Design
    process: d.Process
    domains: Mapping[str, Variable]
    lockable: frozenset[str]
    home: dict[str, str]
    meaning: Meaning
    program: Program
    rules: list[Rule]

    def name(self, at: Location) -> str:
        """The value of ``pc`` for a place; new places are followed later."""

    def base(self, at: Location) -> Case:
        """The case of a worker at ``at``, before anything is decided."""

    def action(
        self, at: Location, cause: Cause = Cause.HANDLER, *, subject: str = "", outcome: str = ""
    ) -> Action:
        """What the step at ``at`` is to a reader."""

    def subject(self, operation: op.Operation) -> str:
        """What the step of an operation is about, as its action names it."""

    def collected(self, operation: op.Operation, at: Location) -> bool:
        """Whether an operation inside a block is part of a run of lines, and no stop point."""

    def go(
        self,
        at: Location,
        case: Case,
        then: int,
        action: Action,
        block: Location | None = None,
    ) -> None:
        """Emit the rules of one outcome of the step at ``at`` that leads to place ``then``."""

    def leave_block(
        self,
        at: Location,
        case: Case,
        then: int,
        action: Action,
        locks: frozenset[str] | None = None,
        wider: str = "",
    ) -> None:
        """Emit the rules of a step at ``at`` that ends the block around it without a commit, if
        there is one, and leads to place ``then``.
        """
