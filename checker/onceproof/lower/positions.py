"""Logs: what becomes of a record, where a commit covers what is below it and a restart goes back to
the committed position (docs/semantics_world.md, "Logs with positions").

One record is looked at (theory T10): where its group stands to it is its status. ``ready``: before
it; ``inflight``: at it; ``passed``: behind it, not committed; ``settled``: committed.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from onceproof.lang import design as d
from onceproof.lang.syntax import ast as n
from onceproof.lang.syntax.visit import walk
from onceproof.lower import modelled
from onceproof.machine.delivery import Delivery
from onceproof.machine.system import Cause

PASSED = "passed"
"""The status of a record that its handler has left without a commit."""


def commits(process: d.Process) -> bool:
    """Whether handlers of other records commit: some line does, the end, or a timer."""
    return process.acks_at_end or any(isinstance(s, n.Ack) for s in walk(process.body))


class Position(Struct, frozen=True):
    """Where the group of one consumer stands to a record."""

    design: d.Design
    process: d.Process
    queue: d.Queue
    semantics: Delivery

    @property
    def on_failure(self) -> str:
        """What becomes of it where the handler fails: ``pass``, ``seek`` or ``stop``."""
        usual = "seek" if self.semantics is Delivery.EXACTLY_ONCE else "pass"
        return self.process.failures or self.queue.failures or usual

    @property
    def late_answers(self) -> list[str]:
        """What may become of the commit of a worker that has lost its record: ``done`` where it
        stays in its group, ``refused`` where it has left it.
        """
        if self.semantics is not Delivery.AT_LEAST_ONCE:
            return ["refused"]
        if self.queue.late_ack == "settles":
            return ["done"]
        either = self.process.parallel and not self.queue.late_ack_said
        return ["done", "refused"] if either else ["refused"]

    @property
    def settles_by_itself(self) -> bool:
        """Whether a record that a worker is on may be committed by somebody else: by the commit of
        a later record that is handled meanwhile, or by a timer.
        """
        return self.process.ack == "any-time" or (self.process.parallel and commits(self.process))

    def moves(self, losses: Iterable[Cause]) -> list[tuple[Cause, str]]:
        """What happens, without a worker, to a record that was passed over, beside what happens in
        every queue, and its new status. ``losses``: why partitions move.
        """
        changes = [(cause, "ready") for cause in losses]
        if commits(self.process):
            changes.append((Cause.LATER_COMMIT, "settled"))
        killed = modelled.BROKERS and self.process.killed is not None
        if not self.design.assumes("no-crash") or self.on_failure == "stop" or killed:
            changes.append((Cause.RESTARTED, "ready"))
        return changes
