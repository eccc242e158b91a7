"""The syntax tree: frozen records, one per construct of ``grammar/once.lark``. Knowing this file
is knowing the language.

Every node has a ``span``. Nothing is resolved here: names are text with a place.
"""

from __future__ import annotations

from enum import Enum

from msgspec import Struct

from onceproof.lang.source import Span
from onceproof.machine.delivery import Delivery


class Name(Struct, frozen=True):
    """An identifier where it stands."""

    text: str
    span: Span


# ---------------------------------------------------------------- conditions and values


class InStore(Struct, frozen=True):
    """``id in processed`` / ``id not in processed``."""

    key: Name
    store: Name
    negated: bool
    span: Span


class ColumnIs(Struct, frozen=True):
    """``order.status is paid`` / ``order.status is not paid``."""

    store: Name
    column: Name
    value: Name
    negated: bool
    span: Span


class NameIs(Struct, frozen=True):
    """``kind is card``: a payload field of the event, or a local variable."""

    name: Name
    value: Name
    negated: bool
    span: Span


class Happened(Struct, frozen=True):
    """``charge happened``: ask the provider (the effect must be declared ``can be queried``)."""

    effect: Name
    negated: bool
    span: Span


class Redelivered(Struct, frozen=True):
    """``redelivered`` / ``not redelivered``: whether the message in hand had been returned before
    this delivery (docs/semantics_world.md, "Messages are counted").
    """

    negated: bool
    span: Span


class AllOf(Struct, frozen=True):
    """``a and b``: read from left to right, the rest only if needed."""

    parts: tuple[Condition, ...]
    span: Span


class AnyOf(Struct, frozen=True):
    """``a or b``: read from left to right, the rest only if needed."""

    parts: tuple[Condition, ...]
    span: Span


Condition = InStore | ColumnIs | NameIs | Happened | Redelivered | AllOf | AnyOf


class ReadPresence(Struct, frozen=True):
    """``id in processed`` as a value: yes or no."""

    key: Name
    store: Name
    span: Span


class ReadColumn(Struct, frozen=True):
    """``order.status`` as a value."""

    store: Name
    column: Name
    span: Span


class Constant(Struct, frozen=True):
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


class OnOutcome(Struct, frozen=True):
    """A clause of a step: its outcome and the block that runs then.

    ``outcome.text`` is ``failure``, ``duplicate``, ``conflict``, ``missing``, ``refused`` or ``no
    answer``. On a database step (a write, or a whole ``atomic``) ``failure`` is *failed* and
    *answer lost* (docs/semantics.md, "Failing database steps"); on an external effect it is
    those of *refused* and *no answer* that have no clause of their own ("Providers").
    """

    outcome: Name
    body: tuple[Step, ...]
    span: Span


class If(Struct, frozen=True):
    """``if`` … ``else``; ``else if`` is an ``If`` alone in ``otherwise``."""

    condition: Condition
    body: tuple[Step, ...]
    otherwise: tuple[Step, ...]
    span: Span


class Stop(Struct, frozen=True):
    """The handler returns normally."""

    span: Span


class Fail(Struct, frozen=True):
    """The handler throws: an open atomic block is rolled back, nothing is acknowledged."""

    span: Span


class Ack(Struct, frozen=True):
    """Settle the message. With ``or_else``, look at the broker's answer: if it refuses, stop or
    fail.
    """

    or_else: OnConflict | None
    span: Span


class Nack(Struct, frozen=True):
    """Give the message back: it is available again at once."""

    span: Span


class SeekBack(Struct, frozen=True):
    """``seek back``: on a log, the position of this worker goes back to the record in hand, so that
    it is read again (docs/semantics_world.md, "Logs with positions").
    """

    span: Span


class SetColumn(Struct, frozen=True):
    """``set invoice.status = queued``: a blind write (upsert).

    What all writes share (docs/semantics_world.md, "Clauses of a database step"): ``clauses`` are
    its outcomes, ``retries`` how often it is repeated after a failed step, ``retry_span`` where
    that is said. ``or_else`` of a blind write says what a failed step does.
    """

    store: Name
    column: Name
    value: Name
    span: Span
    or_else: OnConflict | None = None
    clauses: tuple[OnOutcome, ...] = ()
    retries: int = 0
    retry_span: Span | None = None


class Add(Struct, frozen=True):
    """``add id to processed``: upsert of a row; adding twice is adding once. ``or_else``: what a
    failed step does.
    """

    key: Name
    store: Name
    span: Span
    or_else: OnConflict | None = None
    clauses: tuple[OnOutcome, ...] = ()
    retries: int = 0
    retry_span: Span | None = None


class Insert(Struct, frozen=True):
    """``insert id into processed``: unique stores turn the second insert down, others then hold two
    rows. ``or_else`` speaks of a *duplicate*, not of a failed step.
    """

    key: Name
    store: Name
    or_else: OnConflict | None
    clauses: tuple[OnOutcome, ...]
    span: Span
    retries: int = 0
    retry_span: Span | None = None


class UpdateIf(Struct, frozen=True):
    """``update order.status from pending to paid``: compare-and-set. ``or_else`` speaks of a
    *conflict*, not of a failed step.
    """

    store: Name
    column: Name
    old: Name
    new: Name
    or_else: OnConflict | None
    clauses: tuple[OnOutcome, ...]
    span: Span
    retries: int = 0
    retry_span: Span | None = None


class Increment(Struct, frozen=True):
    """``increment balance.total``: each execution adds once more. ``or_else``: what a failed step
    does.
    """

    store: Name
    column: Name
    span: Span
    or_else: OnConflict | None = None
    clauses: tuple[OnOutcome, ...] = ()
    retries: int = 0
    retry_span: Span | None = None


class Delete(Struct, frozen=True):
    """``delete id from processed``. With ``or_else`` or ``on missing`` it is conditional: who finds
    no row is turned down. ``or_else`` speaks of that, not of a failed step.
    """

    key: Name
    store: Name
    or_else: OnConflict | None
    clauses: tuple[OnOutcome, ...]
    span: Span
    retries: int = 0
    retry_span: Span | None = None

    @property
    def conditional(self) -> bool:
        """Whether the handler looks at whether there was a row."""
        return self.or_else is not None or any(c.outcome.text == "missing" for c in self.clauses)


class Let(Struct, frozen=True):
    """``let seen = id in processed``: a local variable, gone when the worker dies."""

    name: Name
    value: Value
    span: Span


class Do(Struct, frozen=True):
    """``send`` / ``call`` / ``do`` an effect, with its outcomes; ``retries`` more attempts after a
    failure.

    Of an external effect: ``or_else`` and ``on failure`` speak of *refused* and *no answer*
    (docs/semantics.md, "Providers"). Of an effect in a store that checks a token: ``or_else``
    speaks of *rejected*. Of any other effect in a store: of a failed step.
    """

    verb: str
    effect: Name
    retries: int
    or_else: OnConflict | None
    clauses: tuple[OnOutcome, ...]
    span: Span
    retry_span: Span | None = None


class Publish(Struct, frozen=True):
    """``publish to shipping``: a message about this event, under the same id. ``new_id``: ``publish
    to shipping with a new id``, a message about another event with the same business keys
    (docs/semantics_world.md, "Messages are counted").
    """

    queue: Name
    span: Span
    new_id: bool = False


class Atomic(Struct, frozen=True):
    """A database transaction: its writes appear together, or not at all; over several databases,
    one commit each (docs/semantics_world.md, "One block over two databases").

    ``clauses`` (only ``on failure``), ``or_else`` and ``retries`` stand below it and run outside
    the block: after *failed*, *answer lost*, a serialization failure or a deadlock victim;
    ``on failure`` and ``or_else`` also after ``fail`` inside or an outcome inside that no clause
    handles ("Clauses of a database step"). ``retries`` come first.
    """

    serializable: bool
    body: tuple[Step, ...]
    span: Span
    or_else: OnConflict | None = None
    clauses: tuple[OnOutcome, ...] = ()
    retries: int = 0
    retry_span: Span | None = None


class Acquire(Struct, frozen=True):
    """``acquire lease or stop``: take a lock or lease; without ``or`` the worker waits for it."""

    lock: Name
    or_else: OnConflict | None
    span: Span


class Release(Struct, frozen=True):
    """``release lease``."""

    lock: Name
    span: Span


class Renew(Struct, frozen=True):
    """``renew or stop``: extend the lease of the message, or of a lock. Refused if it is no longer
    held.
    """

    lock: Name | None
    or_else: OnConflict | None
    span: Span


class Section(Struct, frozen=True):
    """A named part of a handler, for ``claim at most one worker in NAME``."""

    name: Name
    body: tuple[Step, ...]
    span: Span


class CrashHere(Struct, frozen=True):
    """An explicit crash point: where a consumer has any, it is killed only there."""

    span: Span


class Wait(Struct, frozen=True):
    """Time passes; nothing else. ``time``: how much, as written (``5min``, ``up to 5min``), or
    nothing.
    """

    time: str
    span: Span


class Use(Struct, frozen=True):
    """``use NAME``: the steps of a fragment, here."""

    name: Name
    span: Span


class BrokenStep(Struct, frozen=True):
    """A line that was reported; keeps the tree whole so that later lines are checked too."""

    body: tuple[Step, ...]
    span: Span


Write = SetColumn | Add | Insert | UpdateIf | Increment | Delete | Do
"""Steps that may write to a database, and can have clauses."""

Step = (
    If
    | Stop
    | Fail
    | Ack
    | Nack
    | SeekBack
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
    ``value`` what it says. ``field``: of ``keyed by``, the field of the event; ``queue``: of
    ``then dead-letter to d``, where messages that are given up go.
    """

    kind: str
    value: str
    span: Span
    field: Name | None = None
    queue: Name | None = None


class QueueDecl(Struct, frozen=True):
    """A queue. Without ``semantics`` and ``model`` it is checked under all three delivery
    semantics. ``also_fed``: ``also fed from outside``, though steps publish to it
    (docs/semantics_world.md, "Messages are counted"). ``database``: the name behind ``in`` ("A
    queue in one's own database").
    """

    name: Name
    event: Name
    semantics: Delivery | None
    model: ModelRef | None
    options: tuple[QueueOption, ...]
    span: Span
    also_fed: bool = False
    database: Name | None = None


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
    column (docs/semantics.md, "Providers").
    """

    field: Name
    retention: str | None
    span: Span
    column: Name | None = None


class EffectDecl(Struct, frozen=True):
    """A business effect, counted per key. ``store`` set: it is a write inside that store's
    transaction; else it is external. ``keeps_errors``: the provider stores a failed answer under
    the key (docs/semantics.md, "Providers").
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
    acquired it last can (docs/semantics.md, "Kinds of locks").
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
    (None: as the queue's model says, else by hand). ``takes``: how long one run takes at most;
    ``killed``: after how long it is killed (docs/semantics_world.md, "Acknowledgements and
    publishers").

    ``parallel``: ``in parallel``; ``failures``: what becomes of the position where a handler fails,
    ``stop``, ``seek`` or ``pass`` (None: nobody says; both in "Logs with positions").
    """

    name: Name
    queue: Name
    workers: int | None
    ack: str | None
    takes: str | None
    body: tuple[Step, ...]
    span: Span
    killed: str | None = None
    parallel: bool = False
    failures: str | None = None


class RelayDecl(Struct, frozen=True):
    """An actor that starts whenever its condition holds: an outbox relay, a poller, a scheduler, a
    completer. ``cursor``: the store behind ``with a cursor over``; ``notified``: ``only when
    notified`` (docs/semantics_world.md, "Relays that see less").
    """

    name: Name
    condition: Condition
    workers: int | None
    body: tuple[Step, ...]
    span: Span
    cursor: Name | None = None
    notified: bool = False


class FragmentDecl(Struct, frozen=True):
    """Named steps, to be used with ``use``."""

    name: Name
    body: tuple[Step, ...]
    span: Span


class AssumeDecl(Struct, frozen=True):
    """An assumption by its stable name (``no crash``, ``handler finishes within the lease`` …);
    ``effect`` for ``crash only after``, ``count`` for ``an event fails fewer than 5 times``.
    """

    kind: str
    effect: Name | None
    span: Span
    count: int | None = None


class Target(Struct, frozen=True):
    """What a claim speaks about: an effect, a store, or a store's column."""

    name: Name
    column: Name | None
    span: Span


class Expect(Struct, frozen=True):
    """``expect violated under at-least-once``; no semantics: under all of the claim's."""

    verdict: str
    semantics: tuple[Delivery, ...]
    span: Span


class ClaimDecl(Struct, frozen=True):
    """A claim. ``kind`` is the stable name (``no-duplicate`` …); ``targets`` or ``condition`` say
    about what. ``unless``: the condition of ``no loss of E unless C``. ``key``: the field behind
    ``per`` of ``at most one worker in S per K``.
    """

    kind: str
    targets: tuple[Target, ...]
    condition: Condition | None
    semantics: tuple[Delivery, ...]
    expects: tuple[Expect, ...]
    span: Span
    unless: Condition | None = None
    key: Name | None = None


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
