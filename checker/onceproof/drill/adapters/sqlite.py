"""SQLite: stores, a table as a queue, and locks of the operating system, in files of the run's own
folder. Needs no server.

Sessions are tied to processes by ``flock``: whoever is killed loses its messages and locks at once,
by the kernel's hand.
"""

from __future__ import annotations

import fcntl
import sqlite3
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from onceproof.drill.adapters import (
    Contents,
    DatabaseServer,
    DatabaseSession,
    LockServer,
    QueueServer,
    Settings,
    Term,
    Trouble,
)
from onceproof.drill.adapters.sql import (
    LEASES,
    LEDGER,
    QUEUE,
    Rows,
    SqlQueueSession,
    SqlSession,
    contents,
    put,
    queue_schema,
    schema,
    store_table,
    unsettled,
)

SERIAL = "integer primary key autoincrement"
PATIENCE = 30.0
"""Seconds that a statement waits for another writer."""
QUEUE_PATIENCE = 0.2
"""The same for the queue, whose transactions are short."""


def _connected(path: Path, patience: float) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, timeout=patience, isolation_level=None, check_same_thread=False
    )
    connection.execute("pragma journal_mode = wal")
    connection.execute(
        "pragma synchronous = off"
    )  # a killed process loses nothing by it; power loss is not drilled
    return connection


def _run(
    connection: sqlite3.Connection, statement: str, values: tuple[object, ...]
) -> tuple[Rows, int]:
    try:
        cursor = connection.execute(statement, values)
        rows = cursor.fetchall()
    except sqlite3.Error as error:
        raise Trouble(f"{type(error).__name__}: {error}") from error
    return rows, cursor.rowcount


class SqliteServer(DatabaseServer, QueueServer, LockServer):
    """The files of a run."""

    title = "SQLite"
    network = False
    cannot = (
        (
            "SQLite has one writer: from its first write on a transaction keeps every other writer"
            " waiting, so nothing that happens between two writing transactions shows, no lock of a"
            " single row, and no deadlock"
        ),
        (
            "SQLite is called, not asked: an answer cannot be lost on the way, and no connection"
            " can be cut"
        ),
    )

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.folder = Path(settings.folder) / "sqlite"
        self._stores: sqlite3.Connection | None = None
        self._queues: sqlite3.Connection | None = None
        self._jam: sqlite3.Connection | None = None

    def version(self) -> str:
        return f"SQLite {sqlite3.sqlite_version}"

    def remove(self) -> None:
        """The run's folder goes as a whole."""

    def close(self) -> None:
        for connection in (self._stores, self._queues, self._jam):
            if connection is not None:
                connection.close()
        self._stores = self._queues = self._jam = None

    def _open(self, name: str, statements: list[str]) -> sqlite3.Connection:
        for folder in (self.folder, self.folder / "holders", self.folder / "locks"):
            folder.mkdir(parents=True, exist_ok=True)
        connection = _connected(self.folder / f"{name}.db", PATIENCE)
        for statement in statements:
            connection.execute(statement)
        return connection

    # -- stores

    def make(self) -> None:
        self._stores = self._open("stores", schema(self.settings.tables, SERIAL))

    def clear(self) -> None:
        assert self._stores is not None
        for table in (*(store_table(t.name) for t in self.settings.tables), LEDGER, LEASES):
            self._stores.execute(f"delete from {table}")

    def _ask(self, statement: str, *values: object) -> tuple[Rows, int]:
        assert self._stores is not None
        return _run(self._stores, statement, values)

    def contents(self) -> Contents:
        return contents(self._ask, self.settings.tables)

    def expire(self, store: str, key: str) -> None:
        self._ask(f"delete from {store_table(store)} where k = ?", key)

    def session(self) -> DatabaseSession:
        return SqliteSession(self.settings, _connected(self.folder / "stores.db", PATIENCE))

    # -- queues

    def make_queues(self) -> None:
        self._queues = self._open("queues", queue_schema(SERIAL))

    def clear_queues(self) -> None:
        assert self._queues is not None
        self.jam(False)
        self._queues.execute(f"delete from {QUEUE}")

    def _ask_queue(self, statement: str, *values: object) -> tuple[Rows, int]:
        assert self._queues is not None
        return _run(self._queues, statement, values)

    def publish(self, queue: str, event: int, replayed: bool = False) -> None:
        put(
            self._ask_queue,
            next(c for c in self.settings.channels if c.name == queue),
            event,
            replayed,
        )

    def waiting(self, queue: str, group: str) -> int | None:
        return unsettled(self._ask_queue, queue, group)

    def queue_session(self) -> SqliteQueueSession:
        return SqliteQueueSession(
            self.settings, _connected(self.folder / "queues.db", QUEUE_PATIENCE)
        )

    def jam(self, jammed: bool) -> bool:
        """Hold the queue's write lock: whoever writes meanwhile is told that the database is
        locked.
        """
        if self._jam is not None:
            self._jam.execute("rollback")
            self._jam.close()
            self._jam = None
        if jammed:
            self._jam = _connected(self.folder / "queues.db", PATIENCE)
            self._jam.execute("begin immediate")
        return True

    # -- locks

    def lock_session(self, database: DatabaseSession | None) -> SqliteLocks:
        return SqliteLocks(self.folder / "locks", database)

    def expire_lock(self, lock: str, key: str) -> bool:
        return False

    def clear_locks(self) -> None:
        if self._stores is not None:
            self._stores.execute(f"delete from {LEASES}")


class SqliteSession(SqlSession):
    """A worker's connection to the stores.

    A block takes the write lock with its first write (``begin immediate``), as applications do that
    would otherwise be told that the database is locked; what it reads before is current. A
    serializable block is a transaction from its first line on.
    """

    def __init__(self, settings: Settings, connection: sqlite3.Connection) -> None:
        super().__init__(settings.tables)
        self.connection = connection
        self.begins = False

    def execute(self, statement: str, *values: object) -> tuple[Rows, int]:
        if self.begins and not statement.startswith("select"):
            self.begins = False
            _run(self.connection, "begin immediate", ())
        return _run(self.connection, statement, values)

    def begin(self, isolation: str) -> None:
        if isolation == "serializable":
            self.execute("begin")
        else:
            self.begins = True

    def commit(self) -> None:
        self.begins = False
        if self.connection.in_transaction:
            self.execute("commit")

    def rollback(self) -> None:
        self.begins = False
        if self.connection.in_transaction:
            self.connection.execute("rollback")

    def close(self) -> None:
        self.connection.close()


def _flock(file: IO[bytes], wait: bool) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    return True


class SqliteQueueSession(SqlQueueSession):
    """A worker's connection to the queue. A file that it keeps locked says that it lives."""

    def __init__(self, settings: Settings, connection: sqlite3.Connection) -> None:
        super().__init__(settings.channels)
        self.lease = settings.lease
        self.connection = connection
        self.name = uuid.uuid4().hex
        self.folder = Path(settings.folder) / "sqlite" / "holders"
        self.file = (self.folder / self.name).open("wb")
        _flock(self.file, wait=False)

    def execute(self, statement: str, *values: object) -> tuple[Rows, int]:
        return _run(self.connection, statement, values)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self.execute("begin immediate")
        try:
            yield
        except BaseException:
            self.connection.execute("rollback")
            raise
        self.execute("commit")

    def holder(self) -> str:
        return self.name

    def lives(self, holder: str) -> bool:
        try:
            with (self.folder / holder).open("rb") as file:
                return not _flock(file, wait=False)
        except FileNotFoundError:
            return False

    def close(self) -> None:
        self.connection.close()
        self.file.close()


class SqliteLocks:
    """Session locks are locks of the operating system on files; leases are rows."""

    def __init__(self, folder: Path, database: Any) -> None:
        self.folder = folder
        self.database = database
        self.files: dict[tuple[str, str], IO[bytes]] = {}

    def acquire(self, lock: str, key: str, term: Term) -> int | None:
        while term.seconds:
            token: int | None = self.database.acquire_lease(lock, key, term.seconds)
            if token is not None or not term.wait:
                return token
            time.sleep(0.05)
        file = (self.folder / f"{lock}-{key}").open("wb")
        if not _flock(file, term.wait):
            file.close()
            return None
        self.files[lock, key] = file
        return int(self.database.next_token(lock, key)) if term.fenced else 0

    def release(self, lock: str, key: str, expires: bool) -> None:
        if expires:
            self.database.end_lease(lock, key)
        elif (lock, key) in self.files:
            self.files.pop((lock, key)).close()

    def renew(self, lock: str, key: str, token: int, seconds: float) -> bool:
        renewed: bool = self.database.renew_lease(lock, key, token, seconds)
        return renewed


SERVER = SqliteServer
__all__ = ["SERVER", "SqliteServer"]
