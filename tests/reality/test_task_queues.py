"""RQ, Dramatiq and Huey, each with its own workers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from reality import servers
from reality.frameworks import Counter, Worker, environment, until

for library in ("rq", "dramatiq", "huey"):
    pytest.importorskip(library, reason=f"{library} is not installed (group frameworks)")
pytestmark = [pytest.mark.slow, pytest.mark.service("redis", "rabbitmq")]

BOTH = pytest.mark.parametrize("broker", ["redis", "rabbitmq"])
COMMANDS = {
    "dramatiq": ("-m", "dramatiq", "reality.work", "-p", "1", "-t", "1", "--skip-logging"),
    "huey": ("-m", "huey.bin.huey_consumer", "reality.work.app", "-w", "1", "-k", "process", "-q"),
}


class Queue:
    """One queue with its workers; ``send`` is that of the framework."""

    def __init__(self, name: str, framework: str, settings: dict[str, Any]) -> None:
        self.name, self.framework = name, framework
        self.told = environment(name, framework=framework, **settings)
        self.settings = settings
        self.counter = Counter(name)
        self.workers: list[Worker] = []

    def start(self) -> Worker:
        """Another worker."""
        command = COMMANDS.get(self.framework) or (
            "-m",
            "rq.cli",
            "worker",
            "--url",
            f"redis://{servers.HOST}:{servers.PORTS['redis']}/0",
            "--worker-ttl",
            "5",
            self.name,
        )
        self.workers.append(Worker(command, self.told))
        return self.workers[-1]

    def close(self) -> None:
        """Everything ends and is removed."""
        for worker in self.workers:
            worker.kill()
        client = self.counter.client
        for key in client.scan_iter(f"*{self.name}*"):
            client.delete(key)
        if self.settings.get("broker") == "rabbitmq":
            connection = servers.rabbitmq()
            for queue in (self.name, f"{self.name}.DQ", f"{self.name}.XQ"):
                connection.channel().queue_delete(queue)
            connection.close()

    # -- one sender per framework

    def dramatiq(self, what: str, message_id: str | None = None) -> None:
        """One message of Dramatiq."""
        import dramatiq as library

        if self.settings["broker"] == "redis":
            from dramatiq.brokers.redis import RedisBroker

            broker: Any = RedisBroker(
                host=servers.HOST, port=servers.PORTS["redis"], namespace=self.name
            )
        else:
            from dramatiq.brokers.rabbitmq import RabbitmqBroker

            broker = RabbitmqBroker(
                url=f"amqp://guest:guest@{servers.HOST}:{servers.PORTS['rabbitmq']}"
            )
        broker.declare_queue(self.name)
        message: Any = library.Message(self.name, "work", (what,), {}, {})
        broker.enqueue(message.copy(message_id=message_id) if message_id else message)
        broker.close()

    def huey(self, what: str, again: int = 1) -> None:
        """One task of Huey, put into the queue so often."""
        from huey import RedisHuey

        from reality.work import work

        made = RedisHuey(self.name, host=servers.HOST, port=servers.PORTS["redis"])
        task = made.task(retries=self.settings.get("retries", 0))(work).s(what)
        for _ in range(again):
            made.enqueue(task)

    def rq(self, what: str, **more: Any) -> Any:
        """One job of RQ."""
        from redis import Redis
        from rq import Queue as Jobs

        connection = Redis(servers.HOST, servers.PORTS["redis"])
        return Jobs(self.name, connection=connection).enqueue("reality.work.work", what, **more)


Maker = Callable[..., Queue]


@pytest.fixture
def queue(name: str) -> Iterator[Maker]:
    """Makes a queue of a framework."""
    made: list[Queue] = []

    def make(framework: str, **settings: Any) -> Queue:
        made.append(Queue(name, framework, settings))
        return made[-1]

    yield make
    for each in made:
        each.close()


# ---------------------------------------------------------------- Dramatiq


@BOTH
@pytest.mark.confirms("dramatiq/retries-then-dead", "dramatiq.rabbitmq/retries-then-dead")
def test_retries_then_dead(queue: Maker, broker: str) -> None:
    jobs = queue("dramatiq", broker=broker, max_retries=1)
    jobs.dramatiq("raise")
    jobs.start()
    assert jobs.counter.wait(2) == 2
    assert jobs.counter.wait(3, 3) == 2
    if broker == "redis":
        assert until(lambda: jobs.counter.client.zcard(f"{jobs.name}:{jobs.name}.XQ") == 1)
    else:
        connection = servers.rabbitmq()
        dead = connection.channel().queue_declare(f"{jobs.name}.XQ", passive=True)
        assert dead.method.message_count == 1
        connection.close()


@BOTH
@pytest.mark.confirms("dramatiq/no-message-dedup", "dramatiq.rabbitmq/no-message-dedup")
def test_no_message_dedup(queue: Maker, broker: str) -> None:
    jobs = queue("dramatiq", broker=broker)
    for _ in range(2):
        jobs.dramatiq("ok", message_id=f"{jobs.name}-1")
    jobs.start()
    assert jobs.counter.wait(2) == 2


@pytest.mark.confirms("dramatiq/dead-workers-messages")
def test_dead_workers_messages(queue: Maker) -> None:
    jobs = queue("dramatiq", broker="redis", heartbeat_timeout=1000)
    jobs.dramatiq("wait 30")
    first = jobs.start()
    assert jobs.counter.wait(1) == 1
    first.kill()
    jobs.start()
    assert jobs.counter.wait(2) == 2


@pytest.mark.confirms("dramatiq.rabbitmq/given-back")
def test_given_back(queue: Maker) -> None:
    jobs = queue("dramatiq", broker="rabbitmq")
    jobs.dramatiq("wait 30")
    first = jobs.start()
    assert jobs.counter.wait(1) == 1
    first.kill()
    jobs.start()
    assert jobs.counter.wait(2) == 2


# ---------------------------------------------------------------- Huey


@pytest.mark.confirms("huey/popped-before-it-runs")
def test_popped_before_it_runs(queue: Maker) -> None:
    jobs = queue("huey")
    jobs.huey("wait 30")
    first = jobs.start()
    assert jobs.counter.wait(1) == 1
    first.kill()
    jobs.start()
    jobs.huey("ok")
    assert until(lambda: jobs.counter.runs() == ["wait 30", "ok", "done"])


@pytest.mark.confirms("huey/raised-is-over")
def test_raised_is_over(queue: Maker) -> None:
    jobs = queue("huey", retries=1)
    jobs.huey("raise")
    jobs.start()
    assert jobs.counter.wait(2) == 2
    assert jobs.counter.wait(3, 3) == 2


@pytest.mark.confirms("huey/enqueued-twice-is-two")
def test_enqueued_twice_is_two(queue: Maker) -> None:
    jobs = queue("huey")
    jobs.huey("ok", again=2)
    jobs.start()
    assert jobs.counter.wait(2) == 2


# ---------------------------------------------------------------- RQ


@pytest.mark.confirms("rq/raised-is-failed")
def test_raised_is_failed(queue: Maker) -> None:
    from rq import Retry

    jobs = queue("rq")
    once = jobs.rq("raise")
    jobs.start()
    assert until(lambda: once.get_status(refresh=True) == "failed")
    assert jobs.counter.begun() == 1
    again = jobs.rq("raise", retry=Retry(max=1))
    assert until(lambda: again.get_status(refresh=True) == "failed")
    assert jobs.counter.begun() == 3


@pytest.mark.confirms("rq/killed-is-failed")
def test_killed_is_failed(queue: Maker) -> None:
    from rq.registry import StartedJobRegistry

    jobs = queue("rq")
    job = jobs.rq("wait 60", job_timeout=2)
    first = jobs.start()
    assert jobs.counter.wait(1) == 1
    first.kill()
    registry = StartedJobRegistry(jobs.name, connection=job.connection)

    registry.cleanup(timestamp=int(time.time()) + 3600)  # as the next worker does, an hour later
    assert job.get_status(refresh=True) == "failed"
    jobs.start()
    assert jobs.counter.wait(2, 3) == 1


@pytest.mark.confirms("rq/no-dedup")
def test_no_dedup(queue: Maker) -> None:
    jobs = queue("rq")
    for _ in range(2):
        jobs.rq("ok")
    jobs.start()
    assert jobs.counter.wait(2) == 2
