"""A story's raw material: what happened, in the design's terms. Made from a machine run, replayed
by ``replay``, told by ``story``.
"""

from __future__ import annotations

from msgspec import Struct

from onceproof.machine.delivery import Delivery
from onceproof.machine.system import Cause


class EventOf(Struct, frozen=True):
    """One event of a trace: its component (which business key it has), its type, its payload as
    (field, value) pairs.
    """

    component: int
    type: str
    payload: tuple[tuple[str, str], ...]


class Step(Struct, frozen=True):
    """One step. ``event`` indexes ``Trace.events``; ``worker`` is an identity from 0 (-1: none; a
    delivery carries the new worker's).

    ``line`` is the design's line (0: none), ``outcome`` as in docs/semantics.md. ``event`` is -1
    where only ``component`` acts.
    """

    cause: Cause
    component: int
    event: int
    worker: int = -1
    process: str = ""
    queue: str = ""
    subject: str = ""
    line: int = 0
    outcome: str = ""


class Trace(Struct, frozen=True):
    """A run of a design under one choice of semantics (for the queues that declare none)."""

    semantics: Delivery
    events: tuple[EventOf, ...]
    steps: tuple[Step, ...]
