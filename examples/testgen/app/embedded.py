"""Everything in SQLite files: the tables, the mail provider's own file, and a queue that notices
dead workers.
"""

from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path

from app.ports import Event


def _open(name: str, schema: str) -> sqlite3.Connection:
    connection = sqlite3.connect(Path(os.environ["EMBEDDED_FOLDER"]) / name, isolation_level=None)
    connection.executescript(schema)
    return connection


class Database:
    """The application's own tables."""

    def __init__(self) -> None:
        tables = "create table if not exists processed(id text primary key);"
        self.file = _open(
            "app.db",
            tables + "create table if not exists invoice(id text primary key, status text);",
        )

    def has_processed(self, event_id: str) -> bool:
        return (
            self.file.execute("select 1 from processed where id = ?", (event_id,)).fetchone()
            is not None
        )

    def set_status(self, invoice: str, status: str) -> None:
        self.file.execute(
            "insert into invoice values (?, ?) on conflict(id) do update set status ="
            " excluded.status",
            (invoice, status),
        )

    def add_processed(self, event_id: str) -> None:
        self.file.execute("insert into processed values (?) on conflict do nothing", (event_id,))


class Mailer:
    """The provider: it remembers keys, and what it has sent."""

    def __init__(self) -> None:
        self.file = _open(
            "provider.db", "create table if not exists sent(event text, key text unique);"
        )

    def send_ready_email(self, event: Event, key: str | None = None) -> None:
        self.file.execute(
            "insert into sent values (?, ?) on conflict(key) do nothing", (event["id"], key)
        )

    def sent(self, event: Event) -> int:
        """How many mails went out for the event."""
        (count,) = self.file.execute(
            "select count(*) from sent where event = ?", (event["id"],)
        ).fetchone()
        return int(count)


class Queue:
    """A message is ready, in delivery to a process, or gone (settled)."""

    def __init__(self) -> None:
        self.file = _open(
            "queue.db",
            "create table if not exists message(number integer primary key, body text, taken_by"
            " integer);",
        )
        self.current: int | None = None

    def publish(self, event: Event) -> None:
        """Put a message in."""
        self.file.execute("insert into message(body) values (?)", (json.dumps(event),))

    def take(self) -> Event | None:
        row = self.file.execute(
            "select number, body from message where taken_by is null order by number"
        ).fetchone()
        if row is None:
            return None
        self.file.execute("update message set taken_by = ? where number = ?", (os.getpid(), row[0]))
        self.current = row[0]
        event: Event = json.loads(row[1])
        return event

    def ack(self) -> None:
        self.file.execute("delete from message where number = ?", (self.current,))

    def give_back(self) -> int:
        """Messages whose worker is dead are ready again; returns how many are ready now."""
        for number, owner in self.file.execute(
            "select number, taken_by from message where taken_by is not null"
        ).fetchall():
            if not Path(f"/proc/{owner}").exists():
                self.file.execute("update message set taken_by = null where number = ?", (number,))
        (count,) = self.file.execute(
            "select count(*) from message where taken_by is null"
        ).fetchone()
        return int(count)


class Backend:
    """All three."""

    def __init__(self) -> None:
        self.database, self.mailer, self.queue = Database(), Mailer(), Queue()
