"""What the drill asks of a product. One file per product beside this one; a client library is
imported when a server is used.

An adapter never imitates its product: where the product does not do something, the adapter does not
do it either, and the plan says that it cannot be shown. Two halves: a ``Server`` is the director's
side (make, clear and remove what a run needs, put messages in, look from outside), a session is a
worker's side, opened in the worker's own process.

Words of outcomes are those of docs/semantics.md where the product tells as much. Where it does not,
``sent`` says that a request has no answer in the protocol, and ``nothing`` that the product found
nothing to do.

``sqlite``: stores, a table as a queue, and locks, in files; needs no server.
``postgresql``: stores, a table as a queue, advisory locks, leases.
``rabbitmq``: classic and quorum queues.
``redis``: streams with consumer groups, keys as stores, locks.
``sql``: what the databases that speak SQL share.
"""

from __future__ import annotations

import importlib
import socket
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from msgspec import Struct

from onceproof.base.extras import how_to_get

LOOPBACK = socket.inet_ntoa(socket.INADDR_LOOPBACK.to_bytes(4, "big"))
"""The address of this machine that no other machine reaches."""


class Trouble(Exception):
    """The product says no, in its own words: what was asked for has not happened."""


class Unanswered(Trouble):
    """The connection ended: what was asked for may have happened or not."""


class Unavailable(Exception):
    """The product cannot be used at all: no server, no client library, no permission. The message
    says what to do.
    """


class Address(Struct, frozen=True):
    """Where a server listens. ``host`` is a loopback address unless the user says otherwise."""

    host: str = ""
    port: int = 0
    user: str = ""
    password: str = ""
    database: str = ""


class Settings(Struct, frozen=True):
    """What an adapter is made from, in the director and in every worker.

    ``folder``: a folder of this run; ``namespace``: the prefix of every name on a server;
    ``lease``: seconds; ``address``: for a worker the address of its own proxy; ``tables`` and
    ``channels``: what this product keeps of the design.
    """

    folder: str
    namespace: str
    address: Address
    lease: float
    tables: tuple[Table, ...] = ()
    channels: tuple[Channel, ...] = ()


class Table(Struct, frozen=True):
    """A store as a database keeps it. ``unique``: one row per key is enforced; columns with their
    first values.
    """

    name: str
    unique: bool
    columns: tuple[tuple[str, str], ...]


class Channel(Struct, frozen=True):
    """A queue as a broker keeps it. ``groups``: its consumers; ``at_delivery``: those for which a
    message is settled when it is delivered.

    ``checks_holder``: a late acknowledgement is refused, where the product leaves the choice to its
    user. ``leases``: living workers may lose a message by time. ``returns``: a message comes back
    from a worker. ``drops_copies``: by message id. ``limit``: deliveries after which it is given up
    (0: never) and ``limit_drops``: given up is dropped. ``confirms``: the publisher waits for the
    broker's answer. ``kind``: the model's name, "" for a generic queue.
    """

    name: str
    groups: tuple[str, ...]
    at_delivery: tuple[str, ...] = ()
    checks_holder: bool = False
    leases: bool = True
    returns: bool = True
    drops_copies: bool = False
    limit: int = 0
    limit_drops: bool = False
    confirms: bool = True
    kind: str = ""
    options: tuple[tuple[str, str], ...] = ()


class Message(Struct, frozen=True):
    """A delivery: the event's number, and the receipt its acknowledgement needs. ``again``: the
    broker marks it as redelivered.
    """

    event: int
    receipt: str
    again: bool = False


class Contents(Struct, frozen=True):
    """What a database holds. ``rows``: per store and key, how many rows and the columns of the
    first one. ``ledger``: how often each effect or increment was recorded, per name, key and
    event's number.
    """

    rows: Mapping[tuple[str, str], tuple[int, Mapping[str, str]]]
    ledger: Mapping[tuple[str, str, int], int]


class Server(ABC):
    """The director's side of a product."""

    title: str
    """The product's name in a sentence."""
    network: bool = True
    """Whether workers reach it over a connection that can be cut."""
    cannot: tuple[str, ...] = ()
    """What cannot be shown with this product, one sentence each."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @abstractmethod
    def version(self) -> str:
        """The product with its version, as ``PostgreSQL 15.20``. Raises ``Unavailable``."""

    @abstractmethod
    def remove(self) -> None:
        """Remove everything of this namespace from the server. Does nothing where there is
        nothing.
        """

    @abstractmethod
    def close(self) -> None:
        """Give up the director's own connections."""

    def is_waiting(self, session: str) -> bool | None:
        """Whether the session of this identity waits for another one; None if the product does not
        tell.
        """
        return None

    def terminate(self, session: str) -> bool:
        """End a session by the server's own means; False if it has none."""
        return False

    def jam(self, jammed: bool) -> bool:
        """Make every request to the product fail, or let them through again; False if it has no
        means for that.
        """
        return False


class DatabaseServer(Server):
    """A product that keeps stores."""

    @abstractmethod
    def make(self) -> None:
        """Make the tables, empty."""

    @abstractmethod
    def clear(self) -> None:
        """Empty every table. No session may be open."""

    @abstractmethod
    def contents(self) -> Contents:
        """What is committed."""

    @abstractmethod
    def expire(self, store: str, key: str) -> None:
        """The row's time is over: what a purge job or the product itself would remove."""

    @abstractmethod
    def session(self) -> DatabaseSession:
        """A worker's connection, opened now."""


class DatabaseSession(ABC):
    """A worker's connection to a database. Methods raise ``Trouble`` if the database refuses,
    ``Unanswered`` if it is gone.
    """

    @property
    def identity(self) -> str:
        """The name under which the server knows this session."""
        return ""

    @abstractmethod
    def begin(self, isolation: str) -> None:
        """Open a transaction. ``isolation``: ``""`` (the product's default) or ``serializable``, or
        as the store's option says.
        """

    @abstractmethod
    def commit(self) -> None:
        """Make what was written visible."""

    @abstractmethod
    def rollback(self) -> None:
        """Drop what was written. Never raises."""

    @abstractmethod
    def present(self, store: str, key: str) -> bool:
        """Whether there is a row."""

    @abstractmethod
    def read(self, store: str, column: str, key: str) -> str | None:
        """The value of a column; None without a row."""

    @abstractmethod
    def add(self, store: str, key: str) -> None:
        """Upsert of a row."""

    @abstractmethod
    def set(self, store: str, column: str, key: str, value: str) -> None:
        """Upsert of a column."""

    @abstractmethod
    def insert(self, store: str, key: str) -> bool:
        """Insert a row; False if there is one and the store is unique."""

    @abstractmethod
    def update(self, store: str, column: str, key: str, change: tuple[str, str]) -> bool:
        """Compare and set; False if no row had the old value."""

    @abstractmethod
    def delete(self, store: str, key: str) -> bool:
        """Delete the row; False if there was none."""

    @abstractmethod
    def increment(self, store: str, column: str, key: str, event: int) -> None:
        """Add one, in the row and in the ledger."""

    @abstractmethod
    def record(self, effect: str, key: str, event: int, fence: tuple[str, str, int] | None) -> bool:
        """Perform an effect in this database. ``fence``: the lock, its key and the worker's token;
        False if that is not the newest one.
        """

    @abstractmethod
    def recorded(self, effect: str, key: str) -> int:
        """How often an effect happened."""

    @abstractmethod
    def close(self) -> None:
        """End the session in order."""


class LockServer(Server):
    """A product that keeps locks."""

    @abstractmethod
    def lock_session(self, database: DatabaseSession | None) -> LockSession:
        """A worker's way to locks; ``database``: its session with the same product, if it has
        one.
        """

    def expire_lock(self, lock: str, key: str) -> bool:
        """End a lock that expires as time would do it; False if only waiting does."""
        return False

    @abstractmethod
    def clear_locks(self) -> None:
        """Forget every lock."""


class Term(Struct, frozen=True):
    """How a lock is taken. ``wait``: until it is free; ``seconds``: its time to live, 0 for a lock
    that its holder's session keeps; ``fenced``: somebody checks its tokens.
    """

    wait: bool
    seconds: float
    fenced: bool


class LockSession(Protocol):
    """A worker's way to locks."""

    def acquire(self, lock: str, key: str, term: Term) -> int | None:
        """Take a lock: a token (0: none was asked for), or None if it is held and the worker does
        not wait.
        """

    def release(self, lock: str, key: str, expires: bool) -> None:
        """Free the lock."""

    def renew(self, lock: str, key: str, token: int, seconds: float) -> bool:
        """Make the lock last; False if it is no longer the worker's."""


class QueueServer(Server):
    """A product that keeps queues."""

    lease_cause: str = "lease"
    """How a living worker loses a message here: ``lease`` (time) or ``disconnect``."""

    @abstractmethod
    def make_queues(self) -> None:
        """Make the queues, empty."""

    @abstractmethod
    def clear_queues(self) -> None:
        """Empty every queue. No session may be open."""

    @abstractmethod
    def publish(self, queue: str, event: int, replayed: bool = False) -> None:
        """Put a message in, from outside. ``replayed``: an operator does it, past any window for
        copies.
        """

    @abstractmethod
    def waiting(self, queue: str, group: str) -> int | None:
        """Messages of a group that are not settled while no worker is at work; None if the product
        does not tell.
        """

    @abstractmethod
    def queue_session(self) -> QueueSession:
        """A worker's connection, opened now."""


class QueueSession(ABC):
    """A worker's connection to a broker."""

    @abstractmethod
    def take(self, queue: str, group: str, wanted: int | None, seconds: float) -> Message | None:
        """Receive one message, waiting at most so long. ``wanted``: only this event's; others go
        back.
        """

    @abstractmethod
    def ack(self, queue: str, group: str, message: Message) -> str:
        """Acknowledge: ``done``, ``refused``, ``sent`` or ``nothing``. Raises ``Unanswered``."""

    @abstractmethod
    def nack(self, queue: str, group: str, message: Message) -> None:
        """Give the message back."""

    @abstractmethod
    def renew(self, queue: str, group: str, message: Message) -> str:
        """Extend the lease: ``done`` or ``refused``."""

    @abstractmethod
    def publish(self, queue: str, event: int) -> None:
        """Publish. Raises ``Trouble`` if the broker refuses, ``Unanswered`` if it does not
        answer.
        """

    def ack_with(
        self, queue: str, group: str, message: Message, published: Sequence[tuple[str, int]]
    ) -> str:
        """Acknowledge and publish in one transaction of the broker."""
        raise Trouble("this broker has no transactions")

    @abstractmethod
    def close(self) -> None:
        """End the session in order."""


NAMES = ("sqlite", "postgresql", "rabbitmq", "redis")
"""Every adapter, by the name that a model's ``adapter`` key and the options give."""


def server(name: str, settings: Settings) -> Any:
    """The director's side of a product. Raises KeyError for an unknown name, ``Unavailable``
    without its client library.
    """
    if name not in NAMES:
        raise KeyError(name)
    try:
        module = importlib.import_module(f"{__name__}.{name}")
        return module.SERVER(settings)
    except ImportError as error:
        missing = error.name or "its client"
        raise Unavailable(f"{name}: {missing} is not installed; {how_to_get('drill')}") from error
