"""What runs in a child process: each holder takes a message or a lock, says so on one line, and
then works for ever.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from typing import Any

from reality import servers


def _says(text: str) -> None:
    print(text, flush=True)


def _works() -> None:
    while True:
        time.sleep(60)


def rabbitmq(queue: str, auto_ack: str) -> None:
    """Consumes without acknowledging."""
    channel = servers.rabbitmq().channel()

    def got(_: Any, method: Any, __: Any, body: bytes) -> None:
        _says(body.decode())
        _works()

    channel.basic_consume(queue, got, auto_ack=auto_ack == "auto")
    channel.start_consuming()


def nats_pull(stream: str, durable: str) -> None:
    """Fetches one message of a durable consumer."""

    async def run() -> None:
        connection = await servers.nats()
        subscription = await connection.jetstream().pull_subscribe_bind(durable, stream)
        (message,) = await subscription.fetch(1, timeout=5)
        _says(message.data.decode())
        _works()

    asyncio.run(run())


def nats_core(subject: str, group: str) -> None:
    """Subscribes, says so, and says again when a message comes."""

    async def run() -> None:
        connection = await servers.nats()
        subscription = await connection.subscribe(subject, queue=group)
        await connection.flush()
        _says("subscribed")
        message = await subscription.next_msg(timeout=30)
        _says(message.data.decode())
        _works()

    asyncio.run(run())


def redis_stream(stream: str, group: str, consumer: str, noack: str) -> None:
    """Reads one new entry of a group."""
    ((_, entries),) = servers.redis().xreadgroup(
        group, consumer, {stream: ">"}, count=1, block=5000, noack=noack == "noack"
    )
    _says(entries[0][0])
    _works()


def redis_list(source: str, target: str) -> None:
    """Takes one entry of a list; with a target it is moved there."""
    client = servers.redis()
    _says(
        client.blmove(source, target, 5, "RIGHT", "LEFT")
        if target != "-"
        else client.brpop([source], 5)[1]
    )
    _works()


def mosquitto(identity: str, topic: str, qos: str, clean: str) -> None:
    """Subscribes, says so, and stays inside the callback of the first message."""
    import paho.mqtt.client as mqtt

    client = mqtt.Client(
        mqtt.CallbackAPIVersion.VERSION2, client_id=identity, clean_session=clean == "clean"
    )
    client.on_connect = lambda *_: client.subscribe(topic, int(qos))
    client.on_subscribe = lambda *_: _says("subscribed")

    def got(_: Any, __: Any, message: Any) -> None:
        _says(message.payload.decode())
        _works()

    client.on_message = got
    client.connect(servers.HOST, servers.PORTS["mosquitto"])
    client.loop_forever()


def kafka(address: str, topic: str) -> None:
    """Handles and commits the first record, and works on the second."""
    consumer = servers.kafka(address, f"{topic}_g")
    consumer.subscribe([topic])
    first, second = consumer.consume(2, timeout=15)
    consumer.commit(message=first, asynchronous=False)
    _says(second.value().decode())
    _works()


def postgresql_lock(key: str) -> None:
    """Takes a session-level advisory lock."""
    connection = servers.postgresql(autocommit=True)
    connection.execute("select pg_advisory_lock(%s)", (int(key),))
    _says("locked")
    _works()


def mariadb_lock(key: str) -> None:
    """Takes a named lock."""
    with servers.mariadb().cursor() as cursor:
        cursor.execute("select get_lock(%s, 5)", (key,))
        _says("locked" if cursor.fetchone() == (1,) else "")
        _works()


HOLDERS: dict[str, Callable[..., None]] = {
    f.__name__: f
    for f in (
        rabbitmq,
        nats_pull,
        nats_core,
        redis_stream,
        redis_list,
        mosquitto,
        kafka,
        postgresql_lock,
        mariadb_lock,
    )
}

if __name__ == "__main__":
    HOLDERS[sys.argv[1]](*sys.argv[2:])
