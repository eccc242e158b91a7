"""The syntax tree of handlers: conditions, values and steps, one record per construct of
``grammar/once.lark``.

Every node has a ``span``. Nothing is resolved here: names are text with a place. Declarations are
in ``nodes.py``.
"""

from __future__ import annotations

from enum import Enum

from onceproof.base.records import dataclass
from onceproof.lang.source import Span


@dataclass(frozen=True, slots=True)
class Name:
    """An identifier where it stands."""

    text: str
    span: Span


# ---------------------------------------------------------------- conditions and values


@dataclass(frozen=True, slots=True)
class InStore:
    """``id in processed`` / ``id not in processed``."""

    key: Name
    store: Name
    negated: bool
    span: Span


@dataclass(frozen=True, slots=True)
class ColumnIs:
    """``order.status is paid`` / ``order.status is not paid``."""

    store: Name
    column: Name
    value: Name
    negated: bool
    span: Span


@dataclass(frozen=True, slots=True)
class NameIs:
    """``kind is card``: a payload field of the event, or a local variable."""

    name: Name
    value: Name
    negated: bool
    span: Span


@dataclass(frozen=True, slots=True)
class Happened:
    """``charge happened``: ask the provider (the effect must be declared ``can be queried``)."""

    effect: Name
    negated: bool
    span: Span


@dataclass(frozen=True, slots=True)
class AllOf:
    """``a and b``: read from left to right, the rest only if needed."""

    parts: tuple[Condition, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class AnyOf:
    """``a or b``: read from left to right, the rest only if needed."""

    parts: tuple[Condition, ...]
    span: Span


Condition = InStore | ColumnIs | NameIs | Happened | AllOf | AnyOf


@dataclass(frozen=True, slots=True)
class ReadPresence:
    """``id in processed`` as a value: yes or no."""

    key: Name
    store: Name
    span: Span


@dataclass(frozen=True, slots=True)
class ReadColumn:
    """``order.status`` as a value."""

    store: Name
    column: Name
    span: Span


@dataclass(frozen=True, slots=True)
class Constant:
    """A plain word as a value."""

    name: Name
    span: Span


Value = ReadPresence | ReadColumn | Constant

# ---------------------------------------------------------------- steps


class OnConflict(Enum):
    """What ``or stop`` / ``or fail`` / ``or continue`` after a step that can be turned down
    does.
    """

    STOP = "stop"
    FAIL = "fail"
    CONTINUE = "continue"


@dataclass(frozen=True, slots=True)
class OnOutcome:
    """``on failure`` / ``on duplicate`` / ``on conflict`` / ``on missing`` with its block."""

    outcome: Name
    body: tuple[Step, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class If:
    """``if`` … ``else``; ``else if`` is an ``If`` alone in ``otherwise``."""

    condition: Condition
    body: tuple[Step, ...]
    otherwise: tuple[Step, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Stop:
    """The handler returns normally."""

    span: Span


@dataclass(frozen=True, slots=True)
class Fail:
    """The handler throws: an open atomic block is rolled back, nothing is acknowledged."""

    span: Span


@dataclass(frozen=True, slots=True)
class Ack:
    """Settle the message. With ``or_else``, look at the broker's answer: if it refuses, stop or
    fail.
    """

    or_else: OnConflict | None
    span: Span


@dataclass(frozen=True, slots=True)
class Nack:
    """Give the message back: it is available again at once."""

    span: Span


@dataclass(frozen=True, slots=True)
class SetColumn:
    """``set invoice.status = queued``: a blind write (upsert)."""

    store: Name
    column: Name
    value: Name
    span: Span


@dataclass(frozen=True, slots=True)
class Add:
    """``add id to processed``: upsert of a row; never fails, adding twice is adding once."""

    key: Name
    store: Name
    span: Span


@dataclass(frozen=True, slots=True)
class Insert:
    """``insert id into processed``: unique stores turn the second insert down, others then hold two
    rows.
    """

    key: Name
    store: Name
    or_else: OnConflict | None
    clauses: tuple[OnOutcome, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class UpdateIf:
    """``update order.status from pending to paid``: compare-and-set."""

    store: Name
    column: Name
    old: Name
    new: Name
    or_else: OnConflict | None
    clauses: tuple[OnOutcome, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Increment:
    """``increment balance.total``: each execution adds once more."""

    store: Name
    column: Name
    span: Span


@dataclass(frozen=True, slots=True)
class Delete:
    """``delete id from processed``. With ``or_else`` or a clause it is conditional: who finds no
    row is turned down.
    """

    key: Name
    store: Name
    or_else: OnConflict | None
    clauses: tuple[OnOutcome, ...]
    span: Span

    @property
    def conditional(self) -> bool:
        """Whether the handler looks at whether there was a row."""
        return self.or_else is not None or bool(self.clauses)


@dataclass(frozen=True, slots=True)
class Let:
    """``let seen = id in processed``: a local variable, gone when the worker dies."""

    name: Name
    value: Value
    span: Span


@dataclass(frozen=True, slots=True)
class Do:
    """``send`` / ``call`` / ``do`` an effect, with its three outcomes; ``retries`` more attempts
    after a failure.
    """

    verb: str
    effect: Name
    retries: int
    or_else: OnConflict | None
    clauses: tuple[OnOutcome, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Publish:
    """``publish to shipping``: a message about this event, under the same id."""

    queue: Name
    span: Span


@dataclass(frozen=True, slots=True)
class Atomic:
    """A database transaction: its writes appear together, or not at all."""

    serializable: bool
    body: tuple[Step, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Acquire:
    """``acquire lease or stop``: take a lock or lease; without ``or`` the worker waits for it."""

    lock: Name
    or_else: OnConflict | None
    span: Span


@dataclass(frozen=True, slots=True)
class Release:
    """``release lease``."""

    lock: Name
    span: Span


@dataclass(frozen=True, slots=True)
class Renew:
    """``renew or stop``: extend the lease of the message, or of a lock. Refused if it is no longer
    held.
    """

    lock: Name | None
    or_else: OnConflict | None
    span: Span


@dataclass(frozen=True, slots=True)
class Section:
    """A named part of a handler, for ``claim at most one worker in NAME``."""

    name: Name
    body: tuple[Step, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class CrashHere:
    """An explicit crash point: where a consumer has any, it is killed only there."""

    span: Span


@dataclass(frozen=True, slots=True)
class Wait:
    """Time passes; nothing else. ``time``: how much, as written (``5min``, ``up to 5min``), or
    nothing.
    """

    time: str
    span: Span


@dataclass(frozen=True, slots=True)
class Use:
    """``use NAME``: the steps of a fragment, here."""

    name: Name
    span: Span


@dataclass(frozen=True, slots=True)
class BrokenStep:
    """A line that was reported; keeps the tree whole so that later lines are checked too."""

    body: tuple[Step, ...]
    span: Span


Step = (
    If
    | Stop
    | Fail
    | Ack
    | Nack
    | SetColumn
    | Add
    | Insert
    | UpdateIf
    | Increment
    | Delete
    | Let
    | Do
    | Publish
    | Atomic
    | Acquire
    | Release
    | Renew
    | Section
    | CrashHere
    | Wait
    | Use
    | BrokenStep
)
