"""The checked design: every name resolved, every kind known, fragments inlined. Made by
``resolve.py``, read by ``lower/``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from onceproof.lang.assumptions import ASSUMPTIONS
from onceproof.lang.source import Span
from onceproof.lang.syntax import ast as n
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


class Queue(Struct, frozen=True):
    """A queue with the switches of docs/semantics.md, "Brokers".

    ``publishing`` is ``once``, ``retries`` or ``new-id`` (None: as its semantics say); ``replays``:
    switched on by the design; ``replay``: whether an operator replays anyway (None: as its
    semantics say). ``ack``: what its consumers do unless they say. ``loses_hold``: why a living
    worker may lose its message (``lease``, ``disconnect``, ``rebalance``, ``shutdown``). ``limit``:
    a number and ``dead-letter``, ``drop`` or ``stays``. ``keeps``: what a publisher sends again is
    another message, even under exactly-once.
    """

    name: str
    event: str
    semantics: n.Semantics | None
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
    rewinds: bool = False
    expires: bool = False
    unconfirmed: bool = False
    batches: bool = False
    boundary: tuple[str, ...] = ("publish", "stores")
    leaks: bool = False
    keeps: bool = False


def changed(queue: Queue, **switches: Any) -> Queue:
    """The queue with other switches."""
    return replace(queue, **switches)


class Store(Struct, frozen=True):
    """A store; ``level`` says whether its rows belong to an event id or to a business key. Column
    values start with the initial one. ``lasts``: how long its rows live, if they expire and
    somebody says.
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


class Effect(Struct, frozen=True):
    """A business effect, counted at ``level``. External unless ``store`` is set.

    ``key_level`` is where the provider keeps its idempotency record; None: it keeps none, or under
    a key that differs per attempt.
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


class Lock(Struct, frozen=True):
    """A session lock (freed when its holder dies) or, if ``expires``, a lease (freed by release or
    time only), after the time ``lasts`` if somebody says.
    """

    name: str
    key: str
    level: Level
    store: str | None
    expires: bool
    span: Span
    lasts: Length | None = None
    model: ModelUse | None = None


class Process(Struct, frozen=True):
    """A consumer (``queue`` set) or a relay (``condition`` set) with its steps, fragments inlined.

    ``ack``: ``manual``, ``delivery``, ``return``, ``failure``, ``kill`` or ``any-time``. ``takes``:
    the known bound of one run; ``in_time``: it is smaller than the lease of the queue.
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

    @property
    def acks_at_end(self) -> bool:
        """Whether a handler that ends acknowledges by that."""
        return self.ack not in ("manual", "delivery")

    @property
    def acks_failures(self) -> bool:
        """Whether a handler that fails is acknowledged, too."""
        return self.ack in ("failure", "kill")


class Claim(Struct, frozen=True):
    """A claim with its expectation per semantics. ``text`` is the claim as written."""

    kind: str
    text: str
    targets: tuple[n.Target, ...]
    condition: n.Condition | None
    semantics: tuple[n.Semantics, ...]
    expects: tuple[n.Expect, ...]
    span: Span

    def expected(self, semantics: n.Semantics) -> str:
        """``holds`` unless the design expects something else under these semantics."""
        for expect in self.expects:
            if not expect.semantics or semantics in expect.semantics:
                return {"proved": "holds", "violated": "refuted"}.get(
                    expect.verdict, expect.verdict
                )
        return "holds"


class Assumption(Struct, frozen=True):
    """A named assumption and where it stands. ``effect``: for ``crash-only-after``."""

    kind: str
    effect: str | None
    span: Span

    @property
    def words(self) -> str:
        """The assumption as a sentence."""
        return ASSUMPTIONS[self.kind].explained(self.effect)


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
        """What stands behind ``via``: the declaration, its model with its options, and the
        product.
        """
        used = [(x.name, x.model) for x in self.queues.values()]
        used += [
            *((x.name, x.model) for x in self.stores.values()),
            *((x.name, x.model) for x in self.locks.values()),
        ]
        return tuple(
            f"{name}: {model.words}, {model.title}" for name, model in used if model is not None
        )

    @property
    def semantics(self) -> tuple[n.Semantics, ...]:
        """The columns of the verdict table: all three, or the one every queue is declared with."""
        declared = {q.semantics for q in self.queues.values()}
        if None in declared or not declared:
            return tuple(n.Semantics)
        first = next(iter(self.queues.values())).semantics
        assert first is not None
        return (first,)
