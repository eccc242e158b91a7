"""The same on PostgreSQL (psycopg) and RabbitMQ (pika), a broker that requeues what a lost
connection held.
"""

from __future__ import annotations

import json
import os

import pika
import psycopg

from app.ports import Event

TABLES = """
create table if not exists processed(id text primary key);
create table if not exists invoice(id text primary key, status text);
create table if not exists provider_sent(event text, key text unique);
"""


def _postgres() -> psycopg.Connection:
    schema = os.environ["REAL_NAME"]
    address = os.environ.get("POSTGRES", "host=localhost user=postgres dbname=test")
    return psycopg.connect(address, autocommit=True, options=f"-c search_path={schema}")


class Database:
    """The application's own tables."""

    def __init__(self) -> None:
        self.server = _postgres()

    def has_processed(self, event_id: str) -> bool:
        return (
            self.server.execute("select 1 from processed where id = %s", (event_id,)).fetchone()
            is not None
        )

    def set_status(self, invoice: str, status: str) -> None:
        self.server.execute(
            "insert into invoice values (%s, %s) on conflict(id) do update set status ="
            " excluded.status",
            (invoice, status),
        )

    def add_processed(self, event_id: str) -> None:
        self.server.execute("insert into processed values (%s) on conflict do nothing", (event_id,))


class Mailer:
    """The provider, which happens to keep its mailbox in PostgreSQL, over a connection of its
    own.
    """

    def __init__(self) -> None:
        self.server = _postgres()

    def send_ready_email(self, event: Event, key: str | None = None) -> None:
        self.server.execute(
            "insert into provider_sent values (%s, %s) on conflict(key) do nothing",
            (event["id"], key),
        )

    def sent(self, event: Event) -> int:
        """How many mails went out for the event."""
        row = self.server.execute(
            "select count(*) from provider_sent where event = %s", (event["id"],)
        ).fetchone()
        assert row is not None
        return int(row[0])


class Queue:
    """A durable RabbitMQ queue with manual acknowledgement."""

    def __init__(self) -> None:
        self.name = os.environ["REAL_NAME"]
        self.connection = pika.BlockingConnection(
            pika.URLParameters(os.environ.get("AMQP", "amqp://guest:guest@localhost/"))
        )
        self.channel = self.connection.channel()
        self.channel.queue_declare(self.name, durable=True)
        self.current = 0

    def publish(self, event: Event) -> None:
        """Put a message in, and wait for the confirm."""
        self.channel.confirm_delivery()
        self.channel.basic_publish(
            "", self.name, json.dumps(event), pika.BasicProperties(delivery_mode=2), mandatory=True
        )

    def take(self) -> Event | None:
        method, _, body = self.channel.basic_get(self.name)
        if method is None:
            return None
        self.current = method.delivery_tag
        event: Event = json.loads(body)
        return event

    def ack(self) -> None:
        self.channel.basic_ack(self.current)

    def ready(self) -> int:
        """How many messages the broker would deliver now."""
        return int(self.channel.queue_declare(self.name, passive=True).method.message_count)


class Backend:
    """All three."""

    def __init__(self) -> None:
        self.database, self.mailer, self.queue = Database(), Mailer(), Queue()
