"""What databases that speak SQL have in common: tables for stores, a ledger for effects, a table
that serves as a queue.

The statements are those a careful application would write: ``ON CONFLICT`` for upserts, the
condition in the ``WHERE`` of a conditional update, the ledger row in the transaction of the work.
Nothing here knows a driver.
"""

from __future__ import annotations

import time
import uuid
from abc import abstractmethod
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from onceproof.drill.adapters import (
    Channel,
    Contents,
    DatabaseSession,
    Message,
    QueueSession,
    Table,
    Trouble,
)

Rows = list[tuple[Any, ...]]
Execute = Callable[..., tuple[Rows, int]]
"""Runs one statement with its values; the rows, and how many rows it changed. Placeholders are
``?``.
"""

LEDGER = "ledger"
LEASES = "leases"
QUEUE = "messages"


def quoted(name: str) -> str:
    """An identifier. The language's names hold letters, digits and underscores only."""
    return f'"{name}"'


def store_table(store: str) -> str:
    """The table of a store."""
    return quoted(f"store_{store}")


def schema(tables: Sequence[Table], serial: str) -> list[str]:
    """Statements that make the tables of stores, the ledger and the leases. ``serial``: the type of
    a number given by itself.
    """
    made = []
    for table in tables:
        columns = "".join(
            f", {quoted('value_' + name)} text not null default '{first}', {quoted('sum_' + name)}"
            " integer not null default 0"
            for name, first in table.columns
        )
        key = "k text primary key" if table.unique else f"n {serial}, k text not null"
        made.append(f"create table {store_table(table.name)} ({key}{columns})")
    made.append(
        f"create table {LEDGER} (n {serial}, effect text not null, k text not null, event integer"
        " not null)"
    )
    made.append(
        f"create table {LEASES} (lock text not null, k text not null, token integer not null, until"
        " double precision not null, primary key (lock, k))"
    )
    return made


def contents(execute: Execute, tables: Sequence[Table]) -> Contents:
    """What is committed."""
    rows: dict[tuple[str, str], tuple[int, dict[str, str]]] = {}
    for table in tables:
        columns = "".join(f", {quoted('value_' + name)}" for name, _ in table.columns)
        order = "k" if table.unique else "n"
        for key, *values in execute(
            f"select k{columns} from {store_table(table.name)} order by {order}"
        )[0]:
            count, first = rows.get(
                (table.name, key),
                (0, dict(zip((n for n, _ in table.columns), values, strict=True))),
            )
            rows[table.name, key] = (count + 1, first)
    counted = Counter(
        (e, k, int(n)) for e, k, n in execute(f"select effect, k, event from {LEDGER}")[0]
    )
    return Contents(rows, dict(counted))


class SqlSession(DatabaseSession):
    """A worker's connection to a database that speaks SQL."""

    def __init__(self, tables: Sequence[Table]) -> None:
        self.tables = {t.name: t for t in tables}

    @abstractmethod
    def execute(self, statement: str, *values: object) -> tuple[Rows, int]:
        """Run one statement."""

    def present(self, store: str, key: str) -> bool:
        return bool(self.execute(f"select 1 from {store_table(store)} where k = ?", key)[0])

    def read(self, store: str, column: str, key: str) -> str | None:
        rows, _ = self.execute(
            f"select {quoted('value_' + column)} from {store_table(store)} where k = ?", key
        )
        return str(rows[0][0]) if rows else None

    def add(self, store: str, key: str) -> None:
        if self.tables[store].unique:
            self.execute(
                f"insert into {store_table(store)} (k) values (?) on conflict (k) do nothing", key
            )
        else:
            self.execute(
                f"insert into {store_table(store)} (k) select ? where not exists (select 1 from"
                f" {store_table(store)} where k = ?)",
                key,
                key,
            )

    def set(self, store: str, column: str, key: str, value: str) -> None:
        name = quoted("value_" + column)
        self._upsert(store, key, f"{name}", "?", f"{name} = ?", (value,))

    def _upsert(
        self,
        store: str,
        key: str,
        columns: str,
        first: str,
        change: str,
        values: tuple[object, ...],
    ) -> None:
        table = store_table(store)
        if self.tables[store].unique:
            self.execute(
                f"insert into {table} (k, {columns}) values (?, {first}) on conflict (k) do update"
                f" set {change}",
                key,
                *values,
                *values,
            )
        elif not self.execute(f"update {table} set {change} where k = ?", *values, key)[1]:
            self.execute(f"insert into {table} (k, {columns}) values (?, {first})", key, *values)

    def insert(self, store: str, key: str) -> bool:
        if not self.tables[store].unique:
            return bool(self.execute(f"insert into {store_table(store)} (k) values (?)", key)[1])
        return bool(
            self.execute(
                f"insert into {store_table(store)} (k) values (?) on conflict (k) do nothing", key
            )[1]
        )

    def update(self, store: str, column: str, key: str, change: tuple[str, str]) -> bool:
        name = quoted("value_" + column)
        old, new = change
        return bool(
            self.execute(
                f"update {store_table(store)} set {name} = ? where k = ? and {name} = ?",
                new,
                key,
                old,
            )[1]
        )

    def delete(self, store: str, key: str) -> bool:
        return bool(self.execute(f"delete from {store_table(store)} where k = ?", key)[1])

    def increment(self, store: str, column: str, key: str, event: int) -> None:
        name, table = quoted("sum_" + column), store_table(store)
        if self.tables[store].unique:
            self.execute(
                f"insert into {table} (k, {name}) values (?, 1) on conflict (k) do update set"
                f" {name} = {table}.{name} + 1",
                key,
            )
        elif not self.execute(f"update {table} set {name} = {name} + 1 where k = ?", key)[1]:
            self.execute(f"insert into {table} (k, {name}) values (?, 1)", key)
        self.execute(
            f"insert into {LEDGER} (effect, k, event) values (?, ?, ?)",
            f"{store}.{column}",
            key,
            event,
        )

    def record(self, effect: str, key: str, event: int, fence: tuple[str, str, int] | None) -> bool:
        if fence is None:
            self.execute(
                f"insert into {LEDGER} (effect, k, event) values (?, ?, ?)", effect, key, event
            )
            return True
        lock, lock_key, token = fence
        return bool(
            self.execute(
                f"insert into {LEDGER} (effect, k, event) select ?, ?, ? "
                f"where exists (select 1 from {LEASES} where lock = ? and k = ? and token = ?)",
                effect,
                key,
                event,
                lock,
                lock_key,
                token,
            )[1]
        )

    def recorded(self, effect: str, key: str) -> int:
        return int(
            self.execute(f"select count(*) from {LEDGER} where effect = ? and k = ?", effect, key)[
                0
            ][0][0]
        )

    # -- leases: locks that end by time

    def acquire_lease(self, lock: str, key: str, seconds: float) -> int | None:
        """Take a lease, with a higher token than anybody before; None if it is held."""
        now = time.time()
        rows, _ = self.execute(
            f"insert into {LEASES} (lock, k, token, until) values (?, ?, 1, ?) on conflict (lock,"
            f" k) do update set token = {LEASES}.token + 1, until = excluded.until where"
            f" {LEASES}.until < ? returning token",
            lock,
            key,
            now + seconds,
            now,
        )
        return int(rows[0][0]) if rows else None

    def next_token(self, lock: str, key: str) -> int:
        """A token that is higher than anybody's before, for a lock that a session keeps."""
        rows, _ = self.execute(
            f"insert into {LEASES} (lock, k, token, until) values (?, ?, 1, 0) on conflict (lock,"
            f" k) do update set token = {LEASES}.token + 1 returning token",
            lock,
            key,
        )
        return int(rows[0][0])

    def end_lease(self, lock: str, key: str) -> None:
        """Free a lease, whoever holds it."""
        self.execute(f"update {LEASES} set until = 0 where lock = ? and k = ?", lock, key)

    def renew_lease(self, lock: str, key: str, token: int, seconds: float) -> bool:
        """Make a lease last; False if it is no longer this holder's."""
        now = time.time()
        return bool(
            self.execute(
                f"update {LEASES} set until = ? where lock = ? and k = ? and token = ? and until"
                " >= ?",
                now + seconds,
                lock,
                key,
                token,
                now,
            )[1]
        )


# ---------------------------------------------------------------- a table as a queue


def queue_schema(serial: str) -> list[str]:
    """The table that serves as a queue: one row per message and group."""
    return [
        f"create table {QUEUE} (n {serial}, queue text not null, grp text not null, event integer"
        " not null, status text not null, receipt text not null, holder text not null, until"
        " double precision not null, deliveries integer not null)"
    ]


def put(execute: Execute, channel: Channel, event: int, replayed: bool = False) -> None:
    """Put a message in, for every group; dropped as a copy where the queue does that, unless an
    operator replays it.
    """
    for group in channel.groups:
        values = (channel.name, group, event)
        known = ""
        if channel.drops_copies and not replayed:
            known = (
                f"where not exists (select 1 from {QUEUE} where queue = ? and grp = ? and event"
                " = ?)"
            )
        execute(
            f"insert into {QUEUE} (queue, grp, event, status, receipt, holder, until, deliveries) "
            f"select ?, ?, ?, 'ready', '', '', 0, 0 {known}",
            *values,
            *(values if known else ()),
        )


def unsettled(execute: Execute, queue: str, group: str) -> int:
    """Messages of a group that are not settled, those that were given up included."""
    rows, _ = execute(
        f"select count(*) from {QUEUE} where queue = ? and grp = ? and status <> 'settled'",
        queue,
        group,
    )
    return int(rows[0][0])


class SqlQueueSession(QueueSession):
    """A worker's connection to a table that serves as a queue: messages are leased, and come back
    when the holder is gone.
    """

    def __init__(self, channels: Sequence[Channel]) -> None:
        self.channels = {c.name: c for c in channels}

    @abstractmethod
    def execute(self, statement: str, *values: object) -> tuple[Rows, int]:
        """Run one statement."""

    @abstractmethod
    def transaction(self) -> Any:
        """A context in which statements belong together, and the rows that were looked at are this
        session's.
        """

    @abstractmethod
    def holder(self) -> str:
        """The name under which others can see whether this session still lives."""

    @abstractmethod
    def lives(self, holder: str) -> bool:
        """Whether the session of that name is still there."""

    lock_rows = ""
    """What makes a ``select`` lock its rows."""
    lease = 1.0

    def take(self, queue: str, group: str, wanted: int | None, seconds: float) -> Message | None:
        end = time.monotonic() + seconds
        while True:
            message = self._take(self.channels[queue], group, wanted)
            if message is not None or time.monotonic() >= end:
                return message
            time.sleep(0.02)

    def _take(self, channel: Channel, group: str, wanted: int | None) -> Message | None:
        with self.transaction():
            only = "and event = ? " if wanted is not None else ""
            rows, _ = self.execute(
                f"select n, event, status, holder, until, deliveries from {QUEUE} where queue = ?"
                f" and grp = ? and status in ('ready', 'inflight') {only}order by n"
                f" {self.lock_rows}",
                channel.name,
                group,
                *((wanted,) if wanted is not None else ()),
            )
            for number, event, status, holder, until, deliveries in rows:
                if status == "inflight" and not self._is_back(channel, str(holder), float(until)):
                    continue
                if channel.limit and deliveries >= channel.limit:
                    end = "lost" if channel.limit_drops else "dead"
                    self.execute(f"update {QUEUE} set status = ? where n = ?", end, number)
                    continue
                receipt = uuid.uuid4().hex
                settles = "settled" if group in channel.at_delivery else "inflight"
                self.execute(
                    f"update {QUEUE} set status = ?, receipt = ?, holder = ?, until = ?, deliveries"
                    " = deliveries + 1 where n = ?",
                    settles,
                    receipt,
                    self.holder(),
                    time.time() + self.lease,
                    number,
                )
                return Message(int(event), f"{number}:{receipt}", deliveries > 0)
        return None

    def _is_back(self, channel: Channel, holder: str, until: float) -> bool:
        """Whether a message in flight may be given out again: its lease is over, or its holder is
        gone.
        """
        if not channel.returns:
            return False
        return (channel.leases and until < time.time()) or not self.lives(holder)

    def ack(self, queue: str, group: str, message: Message) -> str:
        if group in self.channels[queue].at_delivery:
            return "done"
        return "done" if self._settle(queue, message) else "refused"

    def _settle(self, queue: str, message: Message) -> bool:
        number, _, receipt = message.receipt.partition(":")
        by_holder = (
            "and receipt = ? and status = 'inflight'" if self.channels[queue].checks_holder else ""
        )
        values = (receipt,) if by_holder else ()
        return bool(
            self.execute(
                f"update {QUEUE} set status = 'settled' where n = ? {by_holder}",
                int(number),
                *values,
            )[1]
        )

    def ack_with(
        self, queue: str, group: str, message: Message, published: Sequence[tuple[str, int]]
    ) -> str:
        with self.transaction():
            if not self._settle(queue, message):
                return "refused"
            for target, event in published:
                put(self.execute, self.channels[target], event)
        return "done"

    def nack(self, queue: str, group: str, message: Message) -> None:
        if group in self.channels[queue].at_delivery:
            return
        number, _, receipt = message.receipt.partition(":")
        self.execute(
            f"update {QUEUE} set status = 'ready', until = 0 where n = ? and receipt = ? and status"
            " = 'inflight'",
            int(number),
            receipt,
        )

    def renew(self, queue: str, group: str, message: Message) -> str:
        number, _, receipt = message.receipt.partition(":")
        changed = self.execute(
            f"update {QUEUE} set until = ? where n = ? and receipt = ? and status = 'inflight'",
            time.time() + self.lease,
            int(number),
            receipt,
        )[1]
        return "done" if changed else "refused"

    def publish(self, queue: str, event: int) -> None:
        if queue not in self.channels:
            raise Trouble(f"no queue {queue}")
        with self.transaction():
            put(self.execute, self.channels[queue], event)
