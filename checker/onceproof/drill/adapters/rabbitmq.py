"""RabbitMQ: classic and quorum queues, one queue per group behind a fanout exchange, under a prefix
of the run's own.
"""

from __future__ import annotations

import json
import time
from typing import Any

import pika
import pika.exceptions

from onceproof.drill.adapters import (
    Channel,
    Message,
    QueueServer,
    QueueSession,
    Settings,
    Trouble,
    Unanswered,
    Unavailable,
)

UNUSED = 600_000
"""Milliseconds after which RabbitMQ itself removes a queue that nobody has used: the last resort
for what a clean-up missed.
"""


def _connected(settings: Settings) -> Any:
    a = settings.address
    login = pika.PlainCredentials(a.user or "guest", a.password or "guest")
    return pika.BlockingConnection(
        pika.ConnectionParameters(
            a.host,
            a.port,
            a.database or "/",
            login,
            socket_timeout=5,
            blocked_connection_timeout=10,
            heartbeat=0,
        )
    )


def _exchange(settings: Settings, queue: str) -> str:
    return f"{settings.namespace}.{queue}"


def _name(settings: Settings, queue: str, group: str) -> str:
    return f"{settings.namespace}.{queue}.{group}"


def _body(event: int) -> bytes:
    return json.dumps({"event": event}).encode()


def _properties(event: int) -> Any:
    return pika.BasicProperties(
        delivery_mode=2, message_id=f"event-{event + 1}", content_type="application/json"
    )


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".strip().rstrip(":")


class RabbitmqServer(QueueServer):
    """Exchanges and queues of the run's own."""

    title = "RabbitMQ"
    lease_cause = "disconnect"

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._own: Any = None

    def _connection(self) -> Any:
        if self._own is None or not self._own.is_open:
            try:
                self._own = _connected(self.settings)
            except (pika.exceptions.AMQPError, OSError) as error:
                place = f"{self.settings.address.host}:{self.settings.address.port}"
                raise Unavailable(f"RabbitMQ at {place}: {_words(error)}") from error
        return self._own

    def version(self) -> str:
        properties = self._connection()._impl.server_properties or {}
        version = properties.get("version", b"")
        return f"RabbitMQ {version.decode() if isinstance(version, bytes) else version}"

    def close(self) -> None:
        if self._own is not None and self._own.is_open:
            self._own.close()
        self._own = None

    def make_queues(self) -> None:
        channel = self._connection().channel()
        for queue in self.settings.channels:
            kind = "quorum" if queue.kind == "rabbitmq.quorum" else "classic"
            given: dict[str, Any] = {"x-queue-type": kind, "x-expires": UNUSED}
            if queue.limit and kind == "quorum":
                given["x-delivery-limit"] = queue.limit - 1
            channel.exchange_declare(_exchange(self.settings, queue.name), "fanout", durable=True)
            for group in queue.groups:
                name = _name(self.settings, queue.name, group)
                channel.queue_declare(name, durable=True, arguments=given)
                channel.queue_bind(name, _exchange(self.settings, queue.name))
        channel.close()

    def clear_queues(self) -> None:
        channel = self._connection().channel()
        for queue in self.settings.channels:
            for group in queue.groups:
                channel.queue_delete(
                    _name(self.settings, queue.name, group)
                )  # a purge would leave what is in flight
        channel.close()
        self.make_queues()

    def remove(self) -> None:
        try:
            channel = self._connection().channel()
            for queue in self.settings.channels:
                for group in queue.groups:
                    channel.queue_delete(_name(self.settings, queue.name, group))
                channel.exchange_delete(_exchange(self.settings, queue.name))
        except (pika.exceptions.AMQPError, OSError) as error:
            raise Unavailable(f"RabbitMQ: {_words(error)}") from error
        self.close()

    def publish(self, queue: str, event: int, replayed: bool = False) -> None:
        channel = self._connection().channel()
        channel.confirm_delivery()
        channel.basic_publish(
            _exchange(self.settings, queue), "", _body(event), _properties(event), mandatory=True
        )
        channel.close()

    def waiting(self, queue: str, group: str) -> int | None:
        channel = self._connection().channel()
        ready = channel.queue_declare(
            _name(self.settings, queue, group), passive=True
        ).method.message_count
        channel.close()
        return int(ready)  # what a worker holds is not counted: AMQP tells only what is ready

    def queue_session(self) -> RabbitmqSession:
        return RabbitmqSession(self.settings)


class RabbitmqSession(QueueSession):
    """A worker's connection: one channel for deliveries, one that is in confirm mode for what it
    publishes.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.channels = {c.name: c for c in settings.channels}
        self.connection = _connected(settings)
        self.channel = self.connection.channel()
        self.publishing = self.connection.channel()
        if all(c.confirms for c in settings.channels):
            self.publishing.confirm_delivery()

    def take(self, queue: str, group: str, wanted: int | None, seconds: float) -> Message | None:
        name, auto = _name(self.settings, queue, group), group in self._channel(queue).at_delivery
        end = time.monotonic() + seconds
        others: list[int] = []
        message: Message | None = None
        while message is None:
            method, _, body = self.channel.basic_get(name, auto_ack=auto)
            if method is None:
                if time.monotonic() >= end:
                    break
                time.sleep(0.02)
                continue
            event = int(json.loads(body)["event"])
            if wanted is not None and event != wanted:
                others.append(method.delivery_tag)
                continue
            message = Message(event, str(method.delivery_tag), bool(method.redelivered))
        for tag in others if not auto else ():
            self.channel.basic_nack(tag, requeue=True)
        return message

    def _channel(self, queue: str) -> Channel:
        return self.channels[queue]

    def ack(self, queue: str, group: str, message: Message) -> str:
        if group in self._channel(queue).at_delivery:
            return "done"
        try:
            self.channel.basic_ack(int(message.receipt))
            self.connection.process_data_events(0)
        except (pika.exceptions.AMQPError, OSError) as error:
            raise Unanswered(_words(error)) from error
        return "sent"

    def nack(self, queue: str, group: str, message: Message) -> None:
        if group in self._channel(queue).at_delivery:
            return
        try:
            self.channel.basic_nack(int(message.receipt), requeue=True)
        except (pika.exceptions.AMQPError, OSError) as error:
            raise Unanswered(_words(error)) from error

    def renew(self, queue: str, group: str, message: Message) -> str:
        raise Trouble("RabbitMQ has no request that extends a delivery")

    def publish(self, queue: str, event: int) -> None:
        exchange = _exchange(self.settings, queue)
        try:
            self.publishing.basic_publish(
                exchange,
                "",
                _body(event),
                _properties(event),
                mandatory=self._channel(queue).confirms,
            )
        except (pika.exceptions.NackError, pika.exceptions.UnroutableError) as error:
            raise Trouble(_words(error)) from error
        except (pika.exceptions.AMQPError, OSError) as error:
            raise Unanswered(_words(error)) from error

    def close(self) -> None:
        if self.connection.is_open:
            self.connection.close()


SERVER = RabbitmqServer
__all__ = ["SERVER", "RabbitmqServer"]
