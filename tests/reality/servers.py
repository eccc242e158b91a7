"""How to reach each server: loopback, default ports, the accounts that README.md names. Clients are
imported when asked for.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from typing import Any

HOST = ".".join(("127", "0", "0", "1"))
USUAL = {
    "rabbitmq": 5672,
    "nats": 4222,
    "redis": 6379,
    "mosquitto": 1883,
    "postgresql": 5432,
    "mariadb": 3306,
}
PORTS = {
    name: int(os.environ.get(f"REALITY_{name.upper()}_PORT", port)) for name, port in USUAL.items()
}


def listens(name: str) -> None:
    """Raises OSError if nobody listens on the service's port. Asked first: some clients try again
    for a long time.
    """
    if name in PORTS:
        socket.create_connection((HOST, PORTS[name]), timeout=3).close()


def rabbitmq() -> Any:
    """A blocking connection of pika."""
    import pika

    login = pika.PlainCredentials("guest", "guest")
    place = pika.ConnectionParameters(
        HOST, PORTS["rabbitmq"], credentials=login, socket_timeout=3, blocked_connection_timeout=10
    )
    return pika.BlockingConnection(place)


async def nats() -> Any:
    """A connection of nats-py, which does not try twice."""
    import nats as client

    return await client.connect(
        f"nats://{HOST}:{PORTS['nats']}", allow_reconnect=False, connect_timeout=3
    )


def redis() -> Any:
    """A client of redis-py that answers text."""
    import redis as client

    return client.Redis(HOST, PORTS["redis"], decode_responses=True, socket_connect_timeout=3)


def postgresql(autocommit: bool = False, port: int = PORTS["postgresql"]) -> Any:
    """A connection of psycopg."""
    import psycopg

    return psycopg.connect(
        host=HOST,
        port=port,
        dbname="test",
        user="postgres",
        connect_timeout=3,
        autocommit=autocommit,
    )


def mariadb(autocommit: bool = False) -> Any:
    """A connection of PyMySQL."""
    import pymysql

    return pymysql.connect(
        host=HOST,
        port=PORTS["mariadb"],
        user="root",
        password="",
        database="test",
        connect_timeout=3,
        autocommit=autocommit,
    )


def mosquitto() -> Any:
    """A plain socket to the broker; ``mqtt.py`` speaks the protocol."""
    import paho.mqtt.client  # noqa: F401  the holders need it

    return socket.create_connection((HOST, PORTS["mosquitto"]), timeout=3)


def kafka(address: str, group: str, **more: object) -> Any:
    """A consumer of confluent-kafka that commits by hand and starts at the beginning."""
    from confluent_kafka import Consumer

    usual = {
        "group.id": group,
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
        "session.timeout.ms": 6000,
        "log_level": 0,
    }
    return Consumer({"bootstrap.servers": address, **usual, **more})


def _kafka() -> None:
    import confluent_kafka  # noqa: F401  the mock cluster comes with it


def _nats() -> None:
    async def look() -> None:
        connection = await nats()
        await connection.jetstream().account_info()
        await connection.close()

    asyncio.run(look())


PROBES: dict[str, Callable[[], object]] = {
    "kafka": _kafka,
    "rabbitmq": lambda: rabbitmq().close(),
    "nats": _nats,
    "redis": lambda: redis().ping(),
    "mosquitto": lambda: mosquitto().close(),
    "postgresql": lambda: postgresql().close(),
    "mariadb": lambda: mariadb().close(),
}
