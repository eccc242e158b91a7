"""The checked design: every name resolved, every kind known, fragments inlined. Made by
``resolve/``, read by ``lower/``.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from math import prod
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from onceproof.lang.assumptions import ASSUMPTIONS
from onceproof.lang.source import Span
from onceproof.lang.syntax import ast as n
from onceproof.machine.delivery import Delivery
from onceproof.machine.system import Level

UNSET = "unset"
"""The value of a column nobody declared a first value for, and of a local variable before it is
assigned.
"""


class Event(Struct, frozen=True):
    """An event type: its id field, its business keys, and its payload fields with their possible
    values.
    """

    name: str
    id_field: str
    keys: tuple[str, ...]
    payload: tuple[tuple[str, tuple[str, ...]], ...]
    span: Span


Length = tuple[str, str]
"""A named length of time: the name of the option that holds it (as the product or the language
calls it), and the duration.
"""


class ModelUse(Struct, frozen=True):
    """A model of ``models/`` and the options given. ``beside``: the folder of the file that names
    it; ``own``: the file of the model, if it is one that lies beside the design.
    """

    name: str
    title: str
    options: tuple[tuple[str, str], ...]
    beside: str = ""
    own: str = ""

    @property
    def words(self) -> str:
        """``sqs.standard(VisibilityTimeout=30s)``."""
        return self.name + (
            f"({', '.join(f'{k}={x}' for k, x in self.options)})" if self.options else ""
        )


class AckAnswer(Enum):
    """What the protocol answers to an acknowledgement (docs/semantics_world.md, "Acknowledgements
    and publishers").

    NONE: nothing, so the handler cannot know. TRUE: what happened. POLITE: always *done*, also
    where a late acknowledgement settled nothing. NOTHING: there is nothing to acknowledge.
    """

    NONE = "none"
    TRUE = "true"
    POLITE = "polite"
    NOTHING = "nothing"


class Queue(Struct, frozen=True):
    """A queue with the switches of docs/semantics.md, "Brokers", and those of
    docs/semantics_world.md below.

    ``publishing`` is ``once``, ``retries`` or ``new-id`` (None: as its semantics say); ``replays``:
    switched on by the design; ``replay``: whether an operator replays anyway (None: as its
    semantics say). ``late_ack_said``: by a line, not by the model. ``ack``: what its consumers do
    unless they say. ``loses_hold``: why a living
    worker may lose its message (``lease``, ``disconnect``, ``rebalance``, ``shutdown``). ``limit``:
    a number and ``dead-letter``, ``drop`` or ``stays``. ``keeps``: what a publisher sends again is
    another message, even under exactly-once.

    ``is_root``: it is fed from outside; ``also_fed``: though steps publish to it ("Messages are
    counted"). ``limit_to``: the queue in which a message that is given up is dead-lettered (None:
    it lies here). ``log``: it commits positions ("Logs with positions"). ``failures``: what becomes
    of the position where a handler fails unless its consumer says: ``stop``, ``seek`` or ``pass``
    (None: see ``Process.failures``). ``lane``: the field of ``keyed by`` ("Order"); ``ordered``:
    the product can keep messages of one key in order. ``covers``: how many messages are fetched
    together, as factors with their names; the lease of the last runs while the others are handled.
    ``ack_answer``: see there. ``loses_confirmed``: the broker may lose what it has confirmed;
    ``durable_by``: the option that keeps it from that and that the design leaves silent, a
    condition of every *no loss* (empty: none); ``unsynced_acks``: acknowledgements may be forgotten
    in a restart (all in "Acknowledgements and publishers"). ``database``: the database that it
    lives in, a key of ``Design.databases`` ("A queue in one's own database"); None: none.

    ``leaks``: what an aborted transaction of a consumer had published may be seen.
    ``reads_aborted``: consumers of this queue see it, whoever had published it.
    """

    name: str
    event: str
    semantics: Delivery | None
    late_ack: str | None
    limit: tuple[int, str] | None
    publishing: str | None
    replays: bool
    is_root: bool
    span: Span
    model: ModelUse | None = None
    ack: str = "manual"
    loses_hold: tuple[str, ...] = ("lease",)
    lease: Length | None = None
    redelivers: bool = True
    copies: bool = True
    replay: bool | None = None
    dedup: Length | None = None
    dedup_count: Length | None = None
    rewinds: bool = False
    expires: bool = False
    unconfirmed: bool = False
    batches: bool = False
    boundary: tuple[str, ...] = ("publish", "stores")
    leaks: bool = False
    reads_aborted: bool = False
    keeps: bool = False
    also_fed: bool = False
    limit_to: str | None = None
    log: bool = False
    failures: str | None = None
    lane: str | None = None
    ordered: bool = True
    covers: tuple[Length, ...] = ()
    ack_answer: AckAnswer = AckAnswer.TRUE
    loses_confirmed: bool = False
    durable_by: str = ""
    unsynced_acks: bool = False
    database: str | None = None
    late_ack_said: bool = False

    @property
    def fetched(self) -> int | None:
        """How many messages one lease covers; None: any number."""
        counts = [count for _, count in self.covers]
        return prod(map(int, counts)) if all(c.isdecimal() for c in counts) else None


def leaks(source: Queue, target: Queue) -> bool:
    """Whether what a consumer of ``source`` has published to ``target`` in a transaction may be
    seen there although the transaction was aborted.
    """
    return source.leaks or target.reads_aborted


def changed(queue: Queue, **switches: Any) -> Queue:
    """The queue with other switches."""
    return replace(queue, **switches)


class Isolation(Enum):
    """What reads and writes inside a block do (docs/semantics.md, "Isolation")."""

    READ_COMMITTED = "read committed"
    SNAPSHOT = "snapshot"
    OPTIMISTIC = "serializable, optimistic"
    LOCKING = "serializable, locking"
    SINGLE_REQUESTS = "single requests"


class Snapshots(Enum):
    """How a product does snapshots (docs/semantics.md, "Snapshot").

    POSTGRESQL (also Oracle, SQL Server, CockroachDB, generic): taken when the first statement on
    the database starts; a write to a row that changed since fails. MYSQL: taken at the first test
    or ``let``; writes decide on the current row. MYSQL_CHECKED (``innodb_snapshot_isolation=on``):
    as MYSQL, and a write to a changed row fails.
    """

    POSTGRESQL = "postgresql"
    MYSQL = "mysql"
    MYSQL_CHECKED = "mysql-checked"


class Database(Struct, frozen=True):
    """A database: what commits, fails over and has one session together (docs/semantics_world.md,
    "Databases").

    ``name``: as declared; else ``unnamed.postgresql`` (that of a product), ``unnamed.generic``,
    ``unnamed.cache`` or ``broker.q`` (the stores inside the broker of q): no declared name has a
    dot. ``product``: as its models call it; None: generic, a cache or a broker. ``words``: how
    messages call it. ``span``: the first line that makes it.

    ``isolation``: of ``atomic`` and of lines outside ("Isolation"). ``serializable``: of ``atomic
    serializable``; None: it has none (N155). ``snapshots``: see there. ``waits_to_decide``: a
    conditional write on a row that another worker has locked always waits ("Writes under the
    harsher world"). ``same_value_changes``: writing the values that are there changes the row
    ("Isolation"). ``rechecks``: a request that was built over several steps looks at its conditions
    again ("Single requests").

    ``stale_reads``: tests, ``let`` and conditions of relays may see an earlier row ("Stale reads").
    ``fails_over``: the step ``failover`` exists ("Failover that goes back"). ``repeats``: the
    client repeats a request without an answer ("A client that repeats requests"). ``per_region``:
    conditions are looked at in one region ("Unique keys per region"). ``picks_victims``: a cycle
    of waits inside it has a deadlock victim ("Waiting and deadlock").

    ``broker``: the queue whose broker it is.
    """

    name: str
    product: str | None
    words: str
    span: Span
    isolation: Isolation = Isolation.READ_COMMITTED
    serializable: Isolation | None = Isolation.OPTIMISTIC
    snapshots: Snapshots = Snapshots.POSTGRESQL
    waits_to_decide: bool = False
    same_value_changes: bool = True
    rechecks: bool = False
    stale_reads: bool = False
    fails_over: bool = False
    repeats: bool = False
    per_region: bool = False
    picks_victims: bool = True
    broker: str | None = None
    model: ModelUse | None = None

    def level(self, serializable: bool) -> Isolation:
        """The level of a block ``atomic`` or ``atomic serializable`` on it."""
        return self.serializable or self.isolation if serializable else self.isolation


class Store(Struct, frozen=True):
    """A store; ``level`` says whether its rows belong to an event id or to a business key. Column
    values start with the initial one. ``lasts``: how long its rows live, if they expire and
    somebody says. ``database``: where it lives, a key of ``Design.databases``.
    """

    name: str
    key: str
    level: Level
    unique: bool
    loses: tuple[str, ...]
    inside: str | None
    columns: Mapping[str, tuple[str, ...]]
    span: Span
    lasts: Length | None = None
    model: ModelUse | None = None
    database: str = "unnamed.generic"


class Effect(Struct, frozen=True):
    """A business effect, counted at ``level``. External unless ``store`` is set (it then lives in
    the database of that store).

    ``key_level`` is where the provider keeps its idempotency record; None: it keeps none, or under
    a key that differs per attempt. ``key_row``: the store and the column of a key that is kept in a
    row; ``key_field`` and ``key_level`` are then those of the store. ``keeps_errors``: the record
    can be *failed*. ``query_lags``: ``E happened`` may be false although it did. ``accepts``: the
    provider answers before it is done (docs/semantics.md, "Providers").
    """

    name: str
    key: str
    level: Level
    provider: str | None
    store: str | None
    key_level: Level | None
    key_field: str | None
    retention: str | None
    queryable: bool
    token_of: str | None
    span: Span
    model: ModelUse | None = None
    key_row: tuple[str, str] | None = None
    keeps_errors: bool = False
    query_lags: bool = False
    accepts: bool = False


class LockKind(Enum):
    """What frees a lock (docs/semantics.md, "Kinds of locks").

    A *transaction lock* is no kind: it is a session lock that lives in a database, acquired inside
    ``atomic``.
    """

    SESSION = "session lock"
    LEASE = "lease"
    STORED = "stored lock"


class Pooled(Enum):
    """Whether the session of a session lock outlives the handler (docs/semantics.md, "Pooled
    sessions"): ``pooled=false``, ``pooled=true``, ``pooled=transaction``.
    """

    NO = "false"
    YES = "true"
    TRANSACTION = "transaction"


class Lock(Struct, frozen=True):
    """A lock of one ``kind``. ``expires``: it is a lease, which ends after the time ``lasts`` if
    somebody says.

    ``database``: where it lives, a key of ``Design.databases``; None: in a lock service. ``store``:
    the store that it was declared ``in``, if any. ``owner_releases``: ``release`` frees it only for
    the worker that acquired it last. ``pooled``: see there. ``replicated``: a failover of its own
    service frees it while its holder goes on; a lock in a database is also freed by that database's
    ``fails_over`` ("Kinds of locks").
    """

    name: str
    key: str
    level: Level
    store: str | None
    expires: bool
    span: Span
    lasts: Length | None = None
    model: ModelUse | None = None
    kind: LockKind = LockKind.SESSION
    database: str | None = None
    owner_releases: bool = False
    pooled: Pooled = Pooled.NO
    replicated: bool = False


class Process(Struct, frozen=True):
    """A consumer (``queue`` set) or a relay (``condition`` set) with its steps, fragments inlined.

    ``ack``: ``manual``, ``delivery``, ``return``, ``failure``, ``kill``, ``any-time`` or
    ``cumulative`` (by hand, and for every earlier message, too). ``takes``: the known bound of one
    run; ``in_time``: it is smaller than the lease of the queue, for all the messages that the lease
    covers. ``killed``: the worker is killed after that time, also under ``assume no crash``
    (docs/semantics_world.md, "Acknowledgements and publishers").

    On a log: ``parallel``: ``in parallel``; ``failures``: what becomes of the position where the
    handler fails, ``stop``, ``seek`` or ``pass`` (None: ``seek`` under exactly-once, else ``pass``;
    "Logs with positions").

    Of a relay: ``cursor``: the store over which it reads with a cursor; ``notified``: it starts
    once per notification ("Relays that see less").
    """

    name: str
    queue: str | None
    condition: n.Condition | None
    workers: int | None
    ack: str
    body: tuple[n.Step, ...]
    events: tuple[str, ...]
    span: Span
    takes: str | None = None
    in_time: bool = False
    killed: str | None = None
    parallel: bool = False
    failures: str | None = None
    cursor: str | None = None
    notified: bool = False

    @property
    def acks_at_end(self) -> bool:
        """Whether a handler that ends acknowledges by that."""
        return self.ack not in ("manual", "cumulative", "delivery")

    @property
    def acks_by_hand(self) -> bool:
        """Whether only lines of a handler acknowledge."""
        return self.ack in ("manual", "cumulative")

    @property
    def acks_failures(self) -> bool:
        """Whether a handler that fails is acknowledged, too."""
        return self.ack in ("failure", "kill")


class Claim(Struct, frozen=True):
    """A claim with its expectation per semantics. ``text`` is the claim as written. ``unless``: the
    condition of ``no loss of E unless C``; ``key``: the field behind ``per`` of ``at most one
    worker in S per K``, None: per event (docs/semantics_world.md, "Claims over the component").
    """

    kind: str
    text: str
    targets: tuple[n.Target, ...]
    condition: n.Condition | None
    semantics: tuple[Delivery, ...]
    expects: tuple[n.Expect, ...]
    span: Span
    unless: n.Condition | None = None
    key: str | None = None

    @property
    def halves(self) -> tuple[Claim, ...]:
        """The claims of which it is broken if one is: *no duplicate* and *no loss* of
        ``effectively once E``; of any other claim, itself.
        """
        if self.kind != "effectively-once":
            return (self,)
        target = self.targets[0]
        name = target.name.text + (f".{target.column.text}" if target.column else "")
        return (
            replace(self, kind="no-duplicate", text=f"no duplicate {name}"),
            replace(self, kind="no-loss", text=f"no loss of {name}"),
        )

    def expected(self, semantics: Delivery) -> str:
        """``holds`` unless the design expects something else under these semantics."""
        for expect in self.expects:
            if not expect.semantics or semantics in expect.semantics:
                return {"proved": "holds", "violated": "refuted"}.get(
                    expect.verdict, expect.verdict
                )
        return "holds"


class Assumption(Struct, frozen=True):
    """A named assumption and where it stands. ``effect``: for ``crash-only-after``; ``count``: for
    ``fails-fewer``.
    """

    kind: str
    effect: str | None
    span: Span
    count: int | None = None

    @property
    def words(self) -> str:
        """The assumption as a sentence."""
        return ASSUMPTIONS[self.kind].explained(self.effect, self.count)


class Design(Struct, frozen=True):
    """Everything ``lower`` needs. Mappings are in the order of declaration."""

    path: str
    title: str
    digest: str
    events: Mapping[str, Event]
    queues: Mapping[str, Queue]
    stores: Mapping[str, Store]
    effects: Mapping[str, Effect]
    locks: Mapping[str, Lock]
    processes: tuple[Process, ...]
    assumptions: tuple[Assumption, ...]
    claims: tuple[Claim, ...]
    business_keys: tuple[str, ...]
    lines: tuple[str, ...]
    databases: Mapping[str, Database] = {}

    def line_text(self, number: int) -> str:
        """A line of the design's own file, without comment; empty if there is none."""
        if not 0 < number <= len(self.lines):
            return ""
        return self.lines[number - 1].split("#", 1)[0].strip()

    def claim_at(self, text: str, line: int) -> Claim:
        """The claim with this text in this line. Raises StopIteration if there is none."""
        return next(c for c in self.claims if (c.text, c.span.line) == (text, line))

    def assumes(self, kind: str) -> bool:
        """Whether the design makes this assumption."""
        return any(a.kind == kind for a in self.assumptions)

    def database_of(self, name: str) -> Database | None:
        """The database of a store, of an effect in a store, or of a lock; None for an external
        effect and for a lock in a lock service.
        """
        if name in self.effects:
            name = self.effects[name].store or ""
        kept_in = self.stores[name].database if name in self.stores else None
        if name in self.locks:
            kept_in = self.locks[name].database
        return self.databases.get(kept_in) if kept_in else None

    def part_words(self, database: str) -> str:
        """How messages and stories call a database."""
        known = self.databases.get(database)
        return known.words if known and "." in database else database

    def within_lease(self, process: Process) -> bool:
        """Whether no lease of this consumer runs out while its worker lives."""
        return process.in_time or self.assumes("within-lease")

    def keys_of(self, name: str) -> frozenset[str]:
        """The business keys under which something of this name (a store, an effect, a provider's
        record, a lock) is kept.
        """
        keys = {
            table[name].key for table in (self.stores, self.effects, self.locks) if name in table
        }
        if name in self.effects:
            keys.add(self.effects[name].key_field or "")
        return frozenset(keys) & frozenset(self.business_keys)

    @property
    def models(self) -> tuple[str, ...]:
        """What stands behind ``via``: the declarations, their model with its options, and the
        product.
        """
        used = [(x.name, x.model) for x in self.queues.values()]
        used += [(x.name, x.model) for x in self.stores.values()]
        used += [(x.name, x.model) for x in self.locks.values()]
        names: dict[tuple[str, str], list[str]] = {}
        for name, model in used:
            if model is not None:
                names.setdefault((model.words, model.title), []).append(name)
        return tuple(
            f"{', '.join(named)}: {words}, {title}" for (words, title), named in names.items()
        )

    @property
    def semantics(self) -> tuple[Delivery, ...]:
        """The columns of the verdict table: all three, or the one every queue is declared with; one
        for a design without queues, which no guarantee concerns.
        """
        declared = {q.semantics for q in self.queues.values()}
        if not declared:
            return (Delivery.AT_LEAST_ONCE,)
        if None in declared:
            return tuple(Delivery)
        first = next(iter(self.queues.values())).semantics
        assert first is not None
        return (first,)

    def together(self) -> str:
        """The name of the one column of a design whose queues are declared with several guarantees,
        or that has no queue; empty for any other.
        """
        if not self.queues:
            return "relays alone"
        declared = dict.fromkeys(q.semantics for q in self.queues.values())
        if None in declared or len(declared) < 2:
            return ""
        return " and ".join(s.value for s in declared if s is not None)
