"""The syntax tree: frozen records, one per construct of ``grammar/once.lark``. Knowing this file
and ``steps.py`` is knowing the language.

Every node has a ``span``. Nothing is resolved here: names are text with a place.
"""

from __future__ import annotations

from enum import Enum

from msgspec import Struct

from onceproof.lang.source import Span
from onceproof.lang.syntax.ast_steps import (
    Ack,
    Acquire,
    Add,
    AllOf,
    AnyOf,
    Atomic,
    BrokenStep,
    ColumnIs,
    Condition,
    Constant,
    CrashHere,
    Delete,
    Do,
    Fail,
    Happened,
    If,
    Increment,
    Insert,
    InStore,
    Let,
    Nack,
    Name,
    NameIs,
    OnConflict,
    OnOutcome,
    Publish,
    ReadColumn,
    ReadPresence,
    Release,
    Renew,
    Section,
    SetColumn,
    Step,
    Stop,
    UpdateIf,
    Use,
    Value,
    Wait,
)

__all__ = [
    "FOR_EVER",
    "Ack",
    "Acquire",
    "Add",
    "AllOf",
    "AnyOf",
    "Argument",
    "AssumeDecl",
    "Atomic",
    "BrokenItem",
    "BrokenStep",
    "ClaimDecl",
    "ColumnDecl",
    "ColumnIs",
    "Condition",
    "Constant",
    "ConsumerDecl",
    "CrashHere",
    "DatabaseDecl",
    "Delete",
    "Do",
    "EffectDecl",
    "EventDecl",
    "Expect",
    "Fail",
    "Field",
    "FragmentDecl",
    "Happened",
    "If",
    "Import",
    "InStore",
    "Increment",
    "Insert",
    "Item",
    "KeyDecl",
    "Let",
    "LockDecl",
    "ModelRef",
    "Nack",
    "Name",
    "NameIs",
    "OnConflict",
    "OnOutcome",
    "Publish",
    "PublisherDecl",
    "QueueDecl",
    "QueueOption",
    "ReadColumn",
    "ReadPresence",
    "RelayDecl",
    "Release",
    "Renew",
    "ReplaysDecl",
    "Section",
    "Semantics",
    "SetColumn",
    "Step",
    "Stop",
    "StoreDecl",
    "Target",
    "Tree",
    "UpdateIf",
    "Use",
    "Value",
    "Wait",
]


class Semantics(Enum):
    """What a generic queue promises (docs/semantics.md, "Deliveries", says what each means)."""

    AT_MOST_ONCE = "at-most-once"
    AT_LEAST_ONCE = "at-least-once"
    EXACTLY_ONCE = "exactly-once"


# ---------------------------------------------------------------- declarations


class Import(Struct, frozen=True):
    """``import "path.once"``: every declaration of that file."""

    path: str
    span: Span


class Field(Struct, frozen=True):
    """A field of an event. ``values`` is empty for an identity (an id, a business key), else the
    payload values branches may test.
    """

    name: Name
    values: tuple[Name, ...]


class EventDecl(Struct, frozen=True):
    """``event InvoiceCreated(id, invoice, customer)``: the first field is the stable id of the
    event.
    """

    name: Name
    fields: tuple[Field, ...]
    span: Span


class Argument(Struct, frozen=True):
    """``VisibilityTimeout=30s``."""

    name: Name
    value: Name


class ModelRef(Struct, frozen=True):
    """``sqs.standard(VisibilityTimeout=30s)``."""

    name: str
    arguments: tuple[Argument, ...]
    span: Span


class QueueOption(Struct, frozen=True):
    """A line below a queue: ``kind`` is its stable name (``late-ack``, ``limit``, ``lease`` …),
    ``value`` what it says.
    """

    kind: str
    value: str
    span: Span


class QueueDecl(Struct, frozen=True):
    """A queue. Without ``semantics`` and ``model`` it is checked under all three delivery
    semantics.
    """

    name: Name
    event: Name
    semantics: Semantics | None
    model: ModelRef | None
    options: tuple[QueueOption, ...]
    span: Span


class PublisherDecl(Struct, frozen=True):
    """How the messages of a queue come into it: ``once``, ``retries`` or ``new-id``."""

    queue: Name
    mode: str
    span: Span


class ReplaysDecl(Struct, frozen=True):
    """``operator replays invoices``: replay is possible whatever the semantics say."""

    queue: Name
    span: Span


class ColumnDecl(Struct, frozen=True):
    """A column and its values; the first one is the value of a new row."""

    name: Name
    values: tuple[Name, ...]


class DatabaseDecl(Struct, frozen=True):
    """``database main via postgresql, replicated`` (docs/semantics_world.md, "Databases").

    ``isolation``: ``read-committed``, ``snapshot`` or ``serializable`` where the line says it;
    ``replicated``: it fails over as a whole.
    """

    name: Name
    model: ModelRef | None
    isolation: Name | None
    replicated: bool
    span: Span


class StoreDecl(Struct, frozen=True):
    """A store: rows keyed by a field of the event. ``expires``: how long rows live (empty: nobody
    says), None: for ever. ``database``: the name behind ``in`` (docs/semantics_world.md,
    "Databases").
    """

    name: Name
    key: Name
    model: ModelRef | None
    unique: bool
    cache: bool
    replicated: bool
    expires: str | None
    inside: Name | None
    columns: tuple[ColumnDecl, ...]
    span: Span
    database: Name | None = None


FOR_EVER = "for ever"


class KeyDecl(Struct, frozen=True):
    """``key id, kept for ever``, ``key id, kept 24h``, or ``key id`` alone (``retention is None``:
    as the provider's model says).

    ``key captures.request``, a key that is kept in a row: ``field`` is the store and ``column`` its
    column (docs/semantics_world.md, "Providers").
    """

    field: Name
    retention: str | None
    span: Span
    column: Name | None = None


class EffectDecl(Struct, frozen=True):
    """A business effect, counted per key. ``store`` set: it is a write inside that store's
    transaction; else it is external. ``keeps_errors``: the provider stores a failed answer under
    the key (docs/semantics_world.md, "Providers").
    """

    name: Name
    key: Name
    model: ModelRef | None
    store: Name | None
    idempotency: KeyDecl | None
    queryable: bool
    token_of: Name | None
    span: Span
    keeps_errors: bool = False


class LockDecl(Struct, frozen=True):
    """A lock; ``expires`` makes it a lease that may run out while its holder lives, after that time
    (empty: nobody says). ``store``: the name behind ``in``, a store or a database.

    ``until_released``: nothing but ``release`` frees it; ``owner_releases``: only the worker that
    acquired it last can (docs/semantics_world.md, "Kinds of locks").
    """

    name: Name
    key: Name
    model: ModelRef | None
    store: Name | None
    expires: str | None
    span: Span
    until_released: bool = False
    owner_releases: bool = False


class ConsumerDecl(Struct, frozen=True):
    """A consumer: its handler runs once per delivery. ``ack``: when its messages are acknowledged
    (None: as the queue's model says, else by hand). ``takes``: how long one run takes at most.
    """

    name: Name
    queue: Name
    workers: int | None
    ack: str | None
    takes: str | None
    body: tuple[Step, ...]
    span: Span


class RelayDecl(Struct, frozen=True):
    """An actor that starts whenever its condition holds: an outbox relay, a poller, a scheduler, a
    completer.
    """

    name: Name
    condition: Condition
    workers: int | None
    body: tuple[Step, ...]
    span: Span


class FragmentDecl(Struct, frozen=True):
    """Named steps, to be used with ``use``."""

    name: Name
    body: tuple[Step, ...]
    span: Span


class AssumeDecl(Struct, frozen=True):
    """An assumption by its stable name (``no crash``, ``handler finishes within the lease`` …);
    ``effect`` for ``crash only after``.
    """

    kind: str
    effect: Name | None
    span: Span


class Target(Struct, frozen=True):
    """What a claim speaks about: an effect, a store, or a store's column."""

    name: Name
    column: Name | None
    span: Span


class Expect(Struct, frozen=True):
    """``expect violated under at-least-once``; no semantics: under all of the claim's."""

    verdict: str
    semantics: tuple[Semantics, ...]
    span: Span


class ClaimDecl(Struct, frozen=True):
    """A claim. ``kind`` is the stable name (``no-duplicate`` …); ``targets`` or ``condition`` say
    about what. ``unless``: the condition of ``no loss of E unless C``.
    """

    kind: str
    targets: tuple[Target, ...]
    condition: Condition | None
    semantics: tuple[Semantics, ...]
    expects: tuple[Expect, ...]
    span: Span
    unless: Condition | None = None


class BrokenItem(Struct, frozen=True):
    """A top-level line that was reported."""

    body: tuple[Step, ...]
    span: Span


Item = (
    Import
    | EventDecl
    | QueueDecl
    | PublisherDecl
    | ReplaysDecl
    | DatabaseDecl
    | StoreDecl
    | EffectDecl
    | LockDecl
    | ConsumerDecl
    | RelayDecl
    | FragmentDecl
    | AssumeDecl
    | ClaimDecl
    | BrokenItem
)


class Tree(Struct, frozen=True):
    """A parsed file. ``doc`` maps the line of a declaration to the ``##`` text above it; ``title``
    is the ``##`` text at the top.
    """

    path: str
    items: tuple[Item, ...]
    doc: tuple[tuple[int, str], ...]
    title: str
