"""The syntax tree: frozen records, one per construct of ``grammar/once.lark``. Knowing this file is knowing the language.

Every node has a ``span``. Nothing is resolved here: names are text with a place.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from checker.source import Span


class Semantics(Enum):
    """What a generic queue promises (see ``models/broker/generic.toml`` for what each means in the machine)."""

    AT_MOST_ONCE = "at-most-once"
    AT_LEAST_ONCE = "at-least-once"
    EXACTLY_ONCE = "exactly-once"


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
    """What ``or stop`` / ``or fail`` after a step that can be turned down does."""

    STOP = "stop"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class OnOutcome:
    """``on failure`` / ``on duplicate`` / ``on conflict`` with its block."""

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
    """Settle the message. With ``or_else``, look at the broker's answer: if it refuses, stop or fail."""

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
    """``insert id into processed``: unique stores turn the second insert down, others then hold two rows."""

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
    """``delete id from processed``."""

    key: Name
    store: Name
    span: Span


@dataclass(frozen=True, slots=True)
class Let:
    """``let seen = id in processed``: a local variable, gone when the worker dies."""

    name: Name
    value: Value
    span: Span


@dataclass(frozen=True, slots=True)
class Do:
    """``send`` / ``call`` / ``do`` an effect, with its three outcomes; ``retries`` more attempts after a failure."""

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
    """Time passes; nothing else."""

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
    If | Stop | Fail | Ack | Nack | SetColumn | Add | Insert | UpdateIf | Increment | Delete | Let | Do | Publish
    | Atomic | Acquire | Release | Section | CrashHere | Wait | Use | BrokenStep
)  # fmt: skip

# ---------------------------------------------------------------- declarations


@dataclass(frozen=True, slots=True)
class Import:
    """``import "path.once"``: every declaration of that file."""

    path: str
    span: Span


@dataclass(frozen=True, slots=True)
class Field:
    """A field of an event. ``values`` is empty for an identity (an id, a business key), else the payload values branches may test."""

    name: Name
    values: tuple[Name, ...]


@dataclass(frozen=True, slots=True)
class EventDecl:
    """``event InvoiceCreated(id, invoice, customer)``: the first field is the stable id of the event."""

    name: Name
    fields: tuple[Field, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class ModelRef:
    """``sqs.standard(visibility_timeout=30s)``."""

    name: str
    arguments: tuple[tuple[str, str], ...]
    span: Span


@dataclass(frozen=True, slots=True)
class QueueDecl:
    """A queue. Without ``semantics`` it is checked under all three delivery semantics."""

    name: Name
    event: Name
    semantics: Semantics | None
    late_ack: str | None
    delivery_limit: tuple[int, str] | None
    span: Span


@dataclass(frozen=True, slots=True)
class PublisherDecl:
    """How the messages of a queue come into it: ``once``, ``retries`` or ``new-id``."""

    queue: Name
    mode: str
    span: Span


@dataclass(frozen=True, slots=True)
class ReplaysDecl:
    """``operator replays invoices``: replay is possible whatever the semantics say."""

    queue: Name
    span: Span


@dataclass(frozen=True, slots=True)
class ColumnDecl:
    """A column and its values; the first one is the value of a new row."""

    name: Name
    values: tuple[Name, ...]


@dataclass(frozen=True, slots=True)
class StoreDecl:
    """A store: rows keyed by a field of the event."""

    name: Name
    key: Name
    unique: bool
    cache: bool
    replicated: bool
    expires: bool
    inside: Name | None
    columns: tuple[ColumnDecl, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class KeyDecl:
    """``key id kept for ever`` (``retention is None``) or ``key id kept 24h``."""

    field: Name
    retention: str | None
    span: Span


@dataclass(frozen=True, slots=True)
class EffectDecl:
    """A business effect, counted per key. ``store`` set: it is a write inside that store's transaction; else it is external."""

    name: Name
    key: Name
    model: ModelRef | None
    store: Name | None
    idempotency: KeyDecl | None
    queryable: bool
    token_of: Name | None
    span: Span


@dataclass(frozen=True, slots=True)
class LockDecl:
    """A lock; ``expires`` makes it a lease that may run out while its holder lives."""

    name: Name
    key: Name
    expires: bool
    span: Span


@dataclass(frozen=True, slots=True)
class ConsumerDecl:
    """A consumer: its handler runs once per delivery. ``ack``: ``manual``, ``delivery`` or ``return``."""

    name: Name
    queue: Name
    workers: int | None
    ack: str
    body: tuple[Step, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class RelayDecl:
    """An actor that starts whenever its condition holds: an outbox relay, a poller, a scheduler, a completer."""

    name: Name
    condition: Condition
    workers: int | None
    body: tuple[Step, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class FragmentDecl:
    """Named steps, to be used with ``use``."""

    name: Name
    body: tuple[Step, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class AssumeDecl:
    """An assumption by its stable name (``no crash``, ``handler finishes within the lease`` …); ``effect`` for ``crash only after``."""

    kind: str
    effect: Name | None
    span: Span


@dataclass(frozen=True, slots=True)
class Target:
    """What a claim speaks about: an effect, a store, or a store's column."""

    name: Name
    column: Name | None
    span: Span


@dataclass(frozen=True, slots=True)
class Expect:
    """``expect violated under at-least-once``; no semantics: under all of the claim's."""

    verdict: str
    semantics: tuple[Semantics, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class ClaimDecl:
    """A claim. ``kind`` is the stable name (``no-duplicate`` …); ``targets`` or ``condition`` say about what."""

    kind: str
    targets: tuple[Target, ...]
    condition: Condition | None
    semantics: tuple[Semantics, ...]
    expects: tuple[Expect, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class BrokenItem:
    """A top-level line that was reported."""

    body: tuple[Step, ...]
    span: Span


Item = (
    Import | EventDecl | QueueDecl | PublisherDecl | ReplaysDecl | StoreDecl | EffectDecl | LockDecl
    | ConsumerDecl | RelayDecl | FragmentDecl | AssumeDecl | ClaimDecl | BrokenItem
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tree:
    """A parsed file. ``doc`` maps the line of a declaration to the ``##`` text above it; ``title`` is the ``##`` text at the top."""

    path: str
    items: tuple[Item, ...]
    doc: tuple[tuple[int, str], ...]
    title: str
