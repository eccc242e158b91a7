"""Tasks for Celery, Dramatiq, Huey and RQ, as the environment asks (``frameworks.py``).

Imported by the workers of those frameworks, and by the tests as the sender's side.
"""

from __future__ import annotations

import json
import os
import signal
import time
from typing import Any

from reality import servers

NAME = os.environ.get("REALITY_NAME", "")
SETTINGS: dict[str, Any] = json.loads(os.environ.get("REALITY_SETTINGS", "{}"))


def work(what: str) -> None:
    """Say that it runs, then do what is asked: ``ok``, ``raise``, ``die`` or ``wait 5``."""
    client = servers.redis()
    client.rpush(f"{NAME}:runs", what)
    match what.split():
        case ["raise"]:
            raise ValueError(what)
        case ["die"]:
            os.kill(os.getpid(), signal.SIGKILL)
        case ["wait", seconds]:
            time.sleep(float(seconds))
        case _:
            pass
    client.rpush(f"{NAME}:runs", "done")


def celery() -> Any:
    """The Celery application."""
    from celery import Celery

    made = Celery("reality", broker=SETTINGS["broker"])
    made.conf.update(task_default_queue=NAME, broker_connection_retry_on_startup=True)
    made.conf.update(SETTINGS.get("conf", {}))
    made.task(work, name="work", **SETTINGS.get("task", {}))
    retries = {"autoretry_for": (Exception,), "retry_kwargs": {"countdown": 0, "max_retries": 1}}
    made.task(work, name="retried", **retries, **SETTINGS.get("task", {}))
    return made


def dramatiq() -> Any:
    """The actor of Dramatiq, on the broker that is asked for."""
    import dramatiq as library

    if SETTINGS["broker"] == "redis":
        from dramatiq.brokers.redis import RedisBroker

        broker: Any = RedisBroker(
            host=servers.HOST,
            port=servers.PORTS["redis"],
            namespace=NAME,
            heartbeat_timeout=SETTINGS.get("heartbeat_timeout", 60_000),
            maintenance_chance=1_000_000,
        )
    else:
        from dramatiq.brokers.rabbitmq import RabbitmqBroker

        host = f"amqp://guest:guest@{servers.HOST}:{servers.PORTS['rabbitmq']}"
        broker = RabbitmqBroker(url=host)
    library.set_broker(broker)
    retries = {
        "max_retries": SETTINGS.get("max_retries", 1),
        "min_backoff": 100,
        "max_backoff": 200,
    }
    return library.actor(queue_name=NAME, actor_name="work", **retries)(work)


def huey() -> Any:
    """Huey with its task, on Redis."""
    from huey import RedisHuey

    made = RedisHuey(NAME, host=servers.HOST, port=servers.PORTS["redis"])
    made.work = made.task(retries=SETTINGS.get("retries", 0))(work)
    return made


match SETTINGS.get("framework"):
    case "celery":
        app = celery()
    case "dramatiq":
        actor = dramatiq()
    case "huey":
        app = huey()
