"""The harness of the sample application: the part of the tests that is written by hand.

``HANDLER=handler`` (the default) tests the broken handler, ``HANDLER=handler_repaired`` the
repaired one; ``BACKEND=embedded`` is SQLite, ``BACKEND=real`` is PostgreSQL and RabbitMQ.
"""

from __future__ import annotations

import os
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


class Sample:
    """Where the steps of the design are in this application."""

    steps: Mapping[str, str]
    worker = "app.worker:main"
    environment: Mapping[str, str]

    def __init__(self, backend: str, environment: Mapping[str, str]) -> None:
        self.steps = {
            "if id in processed": f"app.{backend}:Database.has_processed",
            "set invoice.status = queued": f"app.{backend}:Database.set_status",
            "send ready_email": f"app.{backend}:Mailer.send_ready_email",
            "add id to processed": f"app.{backend}:Database.add_processed",
            "ack": f"app.{backend}:Queue.ack",
        }
        self.environment = {
            "HANDLER": os.environ.get("HANDLER", "handler"),
            "BACKEND": backend,
            **environment,
        }
        os.environ.update(environment)


class Embedded(Sample):
    """On SQLite."""

    def __init__(self, folder: Path) -> None:
        super().__init__("embedded", {"EMBEDDED_FOLDER": str(folder)})
        from app.embedded import Backend

        self.backend = Backend()

    def publish(self, event: Mapping[str, str]) -> None:
        self.backend.queue.publish(dict(event))

    def redelivered(self, event: Mapping[str, str]) -> None:
        self.backend.queue.give_back()

    def count(self, effect: str, event: Mapping[str, str]) -> int:
        assert effect == "ready_email"
        return self.backend.mailer.sent(dict(event))


class Real(Sample):
    """On PostgreSQL and RabbitMQ. Each test has a schema and a queue of its own."""

    def __init__(self, name: str) -> None:
        super().__init__("real", {"REAL_NAME": name})
        from app import real

        self.name = name
        self.server = real._postgres()
        self.server.execute(f"create schema {name}")
        self.server.execute(real.TABLES)
        self.backend = real.Backend()

    def publish(self, event: Mapping[str, str]) -> None:
        self.backend.queue.publish(dict(event))

    def redelivered(self, event: Mapping[str, str]) -> None:
        """RabbitMQ requeues what the dead connection held. If the event was acknowledged before,
        there is nothing to wait for.
        """
        deadline = time.monotonic() + 10
        while self.backend.queue.ready() == 0 and time.monotonic() < deadline:
            time.sleep(0.05)

    def count(self, effect: str, event: Mapping[str, str]) -> int:
        assert effect == "ready_email"
        return self.backend.mailer.sent(dict(event))

    def close(self) -> None:
        """Remove what the test made."""
        self.backend.queue.channel.queue_delete(self.name)
        self.backend.queue.connection.close()
        self.server.execute(f"drop schema {self.name} cascade")


@pytest.fixture
def harness(tmp_path: Path) -> Iterator[Sample]:
    """The application under test."""
    if os.environ.get("BACKEND", "embedded") == "embedded":
        yield Embedded(tmp_path)
        return
    real = Real(f"onceproof_{uuid.uuid4().hex[:12]}")
    yield real
    real.close()
