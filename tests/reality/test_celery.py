"""Celery's own workers on Redis and on RabbitMQ: what the settings of the models do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from reality import servers
from reality.frameworks import Counter, Worker, environment, until

pytest.importorskip("celery", reason="Celery is not installed (group frameworks)")
pytestmark = [pytest.mark.slow, pytest.mark.service("redis", "rabbitmq")]

URLS = {
    "redis": f"redis://{servers.HOST}:{servers.PORTS['redis']}/0",
    "rabbitmq": f"amqp://guest:guest@{servers.HOST}:{servers.PORTS['rabbitmq']}//",
}
SOON = {"visibility_timeout": 1, "unacked_restore_interval": 1, "unacked_restore_throttle": 1}
"""A task is looked for at once when its time is over, and not only every 100 seconds."""
LATE = {"task_acks_late": True, "task_reject_on_worker_lost": True}
ALL_THREE = {**LATE, "task_acks_on_failure_or_timeout": False}
BOTH = pytest.mark.parametrize("broker", ["redis", "rabbitmq"])


class Celery:
    """One queue, its sender and its workers."""

    def __init__(self, name: str, broker: str, conf: dict[str, Any]) -> None:
        options = {"global_keyprefix": f"{name}:"} if broker == "redis" else {}
        options |= conf.pop("options", {})
        known = {**conf, "broker_transport_options": options}
        self.name, self.broker = name, broker
        self.told = environment(name, framework="celery", broker=URLS[broker], conf=known)
        self.counter = Counter(name)
        self.workers: list[Worker] = []
        import celery

        self.app = celery.Celery("sender", broker=URLS[broker])
        self.app.conf.update(known, task_default_queue=name)

    def send(self, what: str, task: str = "work", **more: Any) -> None:
        """One task."""
        self.app.send_task(task, args=[what], queue=self.name, **more)

    def start(self, processes: int = 1) -> Worker:
        """Another worker."""
        quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "critical")
        command = ("-m", "celery", "-A", "reality.work", "worker", "-Q", self.name)
        size = ("-c", str(processes))
        self.workers.append(Worker((*command, *size, *quiet), self.told))
        return self.workers[-1]

    def left(self) -> int:
        """How many messages are in the queue or unacknowledged."""
        if self.broker == "redis":
            client = self.counter.client
            unacked = client.hlen(f"{self.name}:unacked")
            return int(client.llen(f"{self.name}:{self.name}")) + int(unacked)
        connection = servers.rabbitmq()
        declared = connection.channel().queue_declare(self.name, passive=True)
        connection.close()
        return int(declared.method.message_count)

    def close(self) -> None:
        """Everything ends and is removed."""
        for worker in self.workers:
            worker.kill()
        client = self.counter.client
        for key in client.scan_iter(f"*{self.name}*"):
            client.delete(key)
        if self.broker == "rabbitmq":
            connection = servers.rabbitmq()
            connection.channel().queue_delete(self.name)
            connection.close()


Maker = Callable[..., Celery]


@pytest.fixture
def celery(name: str) -> Iterator[Maker]:
    """Makes a queue with settings."""
    made: list[Celery] = []

    def make(broker: str, **conf: Any) -> Celery:
        made.append(Celery(name, broker, conf))
        return made[-1]

    yield make
    for each in made:
        each.close()


@BOTH
@pytest.mark.confirms("celery/early-ack", "celery.rabbitmq/early-ack")
def test_early_ack(celery: Maker, broker: str) -> None:
    queue = celery(broker)
    queue.send("wait 30")
    worker = queue.start()
    assert queue.counter.wait(1) == 1
    worker.kill()
    queue.start()
    queue.send("ok")
    assert until(lambda: "ok" in queue.counter.runs())
    assert until(lambda: queue.counter.runs() == ["wait 30", "ok", "done"])


@BOTH
@pytest.mark.confirms("celery/child-killed", "celery.rabbitmq/child-killed")
def test_child_killed(celery: Maker, broker: str) -> None:
    queue = celery(broker, task_acks_late=True)
    queue.send("die")
    queue.start()
    assert queue.counter.wait(1) == 1
    queue.send("ok")
    assert until(lambda: "ok" in queue.counter.runs())
    queue.workers[0].stop()
    assert until(lambda: queue.left() == 0)
    assert queue.counter.begun() == 2


@BOTH
@pytest.mark.confirms("celery/reject-loops", "celery.rabbitmq/reject-loops")
def test_reject_loops(celery: Maker, broker: str) -> None:
    queue = celery(broker, **LATE)
    queue.send("die")
    queue.start()
    assert queue.counter.wait(4, 40) >= 4


@BOTH
@pytest.mark.confirms("celery/ack-on-failure", "celery.rabbitmq/ack-on-failure")
def test_ack_on_failure(celery: Maker, broker: str) -> None:
    """The three settings, and a task that raises: one run, and nothing is left."""
    queue = celery(broker, **ALL_THREE)
    queue.send("raise")
    queue.start()
    assert queue.counter.wait(1) == 1
    queue.send("ok")
    assert until(lambda: "done" in queue.counter.runs())
    assert queue.counter.runs() == ["raise", "ok", "done"]
    assert until(lambda: queue.left() == 0)


@BOTH
@pytest.mark.confirms("celery/retries-end", "celery.rabbitmq/retries-end")
def test_retries_end(celery: Maker, broker: str) -> None:
    queue = celery(broker, **LATE)
    queue.send("raise", task="retried")
    queue.start()
    assert queue.counter.wait(2) == 2
    assert queue.counter.wait(3, 3) == 2
    assert until(lambda: queue.left() == 0)


@BOTH
@pytest.mark.confirms("celery/no-dedup", "celery.rabbitmq/no-dedup")
def test_no_dedup(celery: Maker, broker: str) -> None:
    queue = celery(broker)
    for _ in range(2):
        queue.send("ok", task_id=f"{queue.name}-1")
    queue.start()
    assert queue.counter.wait(2) == 2


@BOTH
@pytest.mark.confirms("celery/time-limit-acks", "celery.rabbitmq/time-limit-acks")
def test_time_limit_acks(celery: Maker, broker: str) -> None:
    queue = celery(broker, **LATE, task_time_limit=1)
    queue.send("wait 30")
    queue.start()
    assert queue.counter.wait(1) == 1
    assert queue.counter.wait(2, 5) == 1
    assert until(lambda: queue.left() == 0)


@BOTH
@pytest.mark.confirms("celery/time-limit-puts-back", "celery.rabbitmq/time-limit-puts-back")
def test_time_limit_puts_back(celery: Maker, broker: str) -> None:
    queue = celery(broker, **ALL_THREE, task_time_limit=1)
    queue.send("wait 30")
    queue.start()
    assert queue.counter.wait(3, 30) >= 3


@pytest.mark.confirms("celery/connection-lost-two-workers")
def test_connection_lost_two_workers(celery: Maker) -> None:
    queue = celery("redis", task_acks_late=True, options={"visibility_timeout": 3600})
    queue.send("wait 15")
    first = queue.start(2)
    assert queue.counter.wait(1) == 1
    for port in first.ports():
        try:
            queue.counter.client.client_kill(f"{servers.HOST}:{port}")
        except Exception:  # not one of Redis's
            continue
    assert queue.counter.wait(2, 14) == 2
    assert "done" not in queue.counter.runs()


@pytest.mark.confirms("celery/visibility-timeout")
def test_visibility_timeout(celery: Maker) -> None:
    queue = celery("redis", task_acks_late=True, options=SOON)
    queue.send("wait 40")
    queue.start(2)
    assert queue.counter.wait(1) == 1
    assert queue.counter.wait(2, 39) == 2
    assert "done" not in queue.counter.runs()
