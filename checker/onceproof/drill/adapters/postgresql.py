"""PostgreSQL: stores, a table as a queue (``FOR UPDATE SKIP LOCKED``), advisory locks, leases, in a
database of the run's own.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from onceproof.drill.adapters import (
    LOOPBACK,
    Contents,
    DatabaseServer,
    DatabaseSession,
    LockServer,
    QueueServer,
    Settings,
    Term,
    Trouble,
    Unanswered,
    Unavailable,
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
    quoted,
    schema,
    store_table,
    unsettled,
)

SERIAL = "bigserial primary key"
ISOLATION = {
    "": "read committed",
    "serializable": "serializable",
    "repeatable-read": "repeatable read",
    "snapshot": "repeatable read",
    "read-committed": "read committed",
}
"""What the language and the model's option call a level, and what PostgreSQL calls it."""


def _connected(settings: Settings, database: str, name: str) -> psycopg.Connection[Any]:
    a = settings.address
    encrypted = "disable" if a.host in (LOOPBACK, "localhost", "::1") else "prefer"
    return psycopg.connect(
        host=a.host,
        port=a.port,
        user=a.user,
        password=a.password or None,
        dbname=database,
        connect_timeout=5,
        autocommit=True,
        application_name=name,
        gssencmode="disable",
        sslmode=encrypted,
    )


def _run(
    connection: psycopg.Connection[Any], statement: str, values: tuple[object, ...]
) -> tuple[Rows, int]:
    try:
        cursor = connection.execute(statement.replace("?", "%s"), values, prepare=False)
        rows = cursor.fetchall() if cursor.description else []
    except psycopg.Error as error:
        message = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        state = error.sqlstate or ""
        if connection.broken or connection.closed or state in ("57P01", "57P02"):
            raise Unanswered(f"{state} {message}".strip()) from error
        raise Trouble(f"{state} {message}".strip()) from error
    return rows, cursor.rowcount


class PostgresqlServer(DatabaseServer, QueueServer, LockServer):
    """A database of the run's own."""

    title = "PostgreSQL"

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.database = settings.namespace
        self._own: psycopg.Connection[Any] | None = None

    def _maintenance(self) -> psycopg.Connection[Any]:
        try:
            return _connected(
                self.settings, self.settings.address.database or "postgres", "onceproof drill"
            )
        except psycopg.OperationalError as error:
            why = str(error).strip().splitlines()[0]
            raise Unavailable(
                f"PostgreSQL at {self.settings.address.host}:{self.settings.address.port}: {why}"
            ) from error

    def version(self) -> str:
        with self._maintenance() as connection:
            number = connection.execute("show server_version").fetchone()
        return f"PostgreSQL {str(number[0]).split()[0]}" if number else "PostgreSQL"

    def _connection(self) -> psycopg.Connection[Any]:
        if self._own is None:
            with self._maintenance() as connection:
                known = connection.execute(
                    "select 1 from pg_database where datname = %s", (self.database,)
                ).fetchone()
                if known is None:
                    connection.execute(f"create database {quoted(self.database)}")
            self._own = _connected(self.settings, self.database, "onceproof drill director")
        return self._own

    def remove(self) -> None:
        self.close()
        with self._maintenance() as connection:
            connection.execute(f"drop database if exists {quoted(self.database)} with (force)")

    def close(self) -> None:
        if self._own is not None:
            self._own.close()
            self._own = None

    def _ask(self, statement: str, *values: object) -> tuple[Rows, int]:
        return _run(self._connection(), statement, values)

    def is_waiting(self, session: str) -> bool | None:
        rows, _ = self._ask(
            "select cardinality(pg_blocking_pids(?::int)) > 0", int(session.partition(":")[0])
        )
        return bool(rows[0][0])

    def terminate(self, session: str) -> bool:
        return bool(
            self._ask("select pg_terminate_backend(?::int)", int(session.partition(":")[0]))[0][0][
                0
            ]
        )

    # -- stores

    def make(self) -> None:
        for statement in schema(self.settings.tables, SERIAL):
            self._ask(statement)

    def clear(self) -> None:
        names = [*(store_table(t.name) for t in self.settings.tables), LEDGER, LEASES]
        self._ask(f"truncate {', '.join(names)}")

    def contents(self) -> Contents:
        return contents(self._ask, self.settings.tables)

    def expire(self, store: str, key: str) -> None:
        self._ask(f"delete from {store_table(store)} where k = ?", key)

    def session(self) -> PostgresqlSession:
        return PostgresqlSession(self.settings)

    # -- queues

    def make_queues(self) -> None:
        for statement in queue_schema(SERIAL):
            self._ask(statement)

    def clear_queues(self) -> None:
        self._ask(f"truncate {QUEUE}")

    def publish(self, queue: str, event: int, replayed: bool = False) -> None:
        put(self._ask, next(c for c in self.settings.channels if c.name == queue), event, replayed)

    def waiting(self, queue: str, group: str) -> int | None:
        return unsettled(self._ask, queue, group)

    def queue_session(self) -> PostgresqlQueueSession:
        return PostgresqlQueueSession(self.settings)

    # -- locks

    def lock_session(self, database: DatabaseSession | None) -> PostgresqlLocks:
        assert isinstance(database, PostgresqlSession)
        return PostgresqlLocks(database)

    def clear_locks(self) -> None:
        """Leases are cleared with the tables, advisory locks end with their sessions."""


class PostgresqlSession(SqlSession):
    """A worker's connection to the stores, the ledger and the locks."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings.tables)
        self.connection = _connected(settings, settings.namespace, "onceproof drill worker")
        self._pid = self.connection.info.backend_pid

    @property
    def identity(self) -> str:
        return str(self._pid)

    def execute(self, statement: str, *values: object) -> tuple[Rows, int]:
        return _run(self.connection, statement, values)

    def increment(self, store: str, column: str, key: str, event: int) -> None:
        """One request for the row and the ledger: what is on the way arrives as a whole."""
        name, table = quoted("sum_" + column), store_table(store)
        if self.tables[store].unique:
            row = (
                f"with one as (insert into {table} (k, {name}) values (?, 1) "
                f"on conflict (k) do update set {name} = {table}.{name} + 1)"
            )
            keys = [key]
        else:
            row = (
                f"with old as (update {table} set {name} = {name} + 1 where k = ? returning 1), new"
                f" as (insert into {table} (k, {name}) select ?, 1 where not exists (select 1 from"
                " old))"
            )
            keys = [key, key]
        ledger = f"insert into {LEDGER} (effect, k, event) values (?, ?, ?)"
        self.execute(f"{row} {ledger}", *keys, f"{store}.{column}", key, event)

    def begin(self, isolation: str) -> None:
        self.execute(f"begin isolation level {ISOLATION[isolation]}")

    def commit(self) -> None:
        self.execute("commit")

    def rollback(self) -> None:
        if not self.connection.closed and not self.connection.broken:
            self.execute("rollback")

    def close(self) -> None:
        self.connection.close()


class PostgresqlQueueSession(SqlQueueSession):
    """A worker's connection to the queue. Its backend's id and start time say that it lives."""

    lock_rows = "for update skip locked"

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings.channels)
        self.lease = settings.lease
        self.connection = _connected(settings, settings.namespace, "onceproof drill queue")
        rows, _ = self.execute(
            "select pid || ':' || backend_start from pg_stat_activity where pid = pg_backend_pid()"
        )
        self.name = str(rows[0][0])

    @property
    def identity(self) -> str:
        """The name under which the server knows this session."""
        return self.name

    def execute(self, statement: str, *values: object) -> tuple[Rows, int]:
        return _run(self.connection, statement, values)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self.execute("begin")
        try:
            yield
        except BaseException:
            if not self.connection.closed and not self.connection.broken:
                self.execute("rollback")
            raise
        self.execute("commit")

    def holder(self) -> str:
        return self.name

    def lives(self, holder: str) -> bool:
        rows, _ = self.execute(
            "select 1 from pg_stat_activity where pid || ':' || backend_start = ?", holder
        )
        return bool(rows)

    def close(self) -> None:
        self.connection.close()


class PostgresqlLocks:
    """Session locks are advisory locks of the worker's own session; leases are rows."""

    def __init__(self, session: PostgresqlSession) -> None:
        self.session = session

    def acquire(self, lock: str, key: str, term: Term) -> int | None:
        while term.seconds:
            token = self.session.acquire_lease(lock, key, term.seconds)
            if token is not None or not term.wait:
                return token
            time.sleep(0.05)
        name = f"{lock}/{key}"
        if term.wait:
            self.session.execute("select pg_advisory_lock(hashtextextended(?, 0))", name)
        elif not self.session.execute("select pg_try_advisory_lock(hashtextextended(?, 0))", name)[
            0
        ][0][0]:
            return None
        return self.session.next_token(lock, key) if term.fenced else 0

    def release(self, lock: str, key: str, expires: bool) -> None:
        if expires:
            self.session.end_lease(lock, key)
        else:
            self.session.execute(
                "select pg_advisory_unlock(hashtextextended(?, 0))", f"{lock}/{key}"
            )

    def renew(self, lock: str, key: str, token: int, seconds: float) -> bool:
        return self.session.renew_lease(lock, key, token, seconds)


SERVER = PostgresqlServer
__all__ = ["SERVER", "PostgresqlServer"]
