"""BullMQ, pg-boss and Graphile Worker, each with its own workers in Node."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from reality import servers
from reality.frameworks import MODULES, NODE, Counter, Worker, environment, until
from support.repo import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.service("redis", "postgresql")]
if shutil.which("node") is None or not (MODULES / "bullmq").exists():
    pytest.skip(
        "task queues of Node are not installed (tests/reality/node)", allow_module_level=True
    )

SCRIPT = str(NODE / "work.js")


class Queue:
    """One queue of a framework."""

    def __init__(self, name: str, framework: str, settings: dict[str, Any]) -> None:
        self.name, self.framework = name, framework
        places = {"host": servers.HOST, **servers.PORTS}
        self.told = environment(name, **places, **settings)
        self.counter = Counter(name)
        self.workers: list[Worker] = []

    def ask(self, command: str, *arguments: Any) -> Any:
        """Run a sender to its end; what it prints."""
        line = ["node", SCRIPT, self.framework, command, json.dumps(arguments)]
        done = subprocess.run(
            line, cwd=ROOT, env=self.told, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else None

    def send(self, what: str, **options: Any) -> Any:
        """One job."""
        return self.ask("send", what, options)

    def start(self) -> Worker:
        """Another worker."""
        self.workers.append(Worker(("node", SCRIPT, self.framework, "worker"), self.told))
        return self.workers[-1]

    def rows(self, query: str) -> list[Any]:
        """What a query of the queue's schema finds."""
        with servers.postgresql() as connection:
            return list(connection.execute(query.format(schema=f'"{self.name}"')).fetchall())

    def close(self) -> None:
        """Everything ends and is removed."""
        for worker in self.workers:
            worker.kill()
        for key in self.counter.client.scan_iter(f"*{self.name}*"):
            self.counter.client.delete(key)
        if self.framework != "bullmq":
            with servers.postgresql() as connection:
                connection.execute(f'drop schema if exists "{self.name}" cascade')
                connection.commit()


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


# ---------------------------------------------------------------- BullMQ

QUICK = {"lockDuration": 1000, "stalledInterval": 500}


@pytest.mark.confirms("bullmq/throws-once")
def test_throws_once(queue: Maker) -> None:
    jobs = queue("bullmq")
    jobs.send("raise")
    jobs.start()
    assert jobs.counter.wait(1) == 1
    assert until(lambda: jobs.ask("counts")["failed"] == 1)
    jobs.send("raise", attempts=2)
    assert jobs.counter.wait(3) == 3
    assert until(lambda: jobs.ask("counts")["failed"] == 2)
    assert jobs.counter.begun() == 3


@pytest.mark.confirms("bullmq/stalled-jobs")
def test_stalled_jobs(queue: Maker) -> None:
    """A job whose worker was killed runs again; killed once more, it has failed."""
    jobs = queue("bullmq", worker=QUICK)
    jobs.send("wait 60")
    for runs in (1, 2):
        worker = jobs.start()
        assert jobs.counter.wait(runs) == runs
        worker.kill()
    jobs.start()
    assert until(lambda: jobs.ask("counts")["failed"] == 1)
    assert jobs.counter.begun() == 2


@pytest.mark.confirms("bullmq/blocked-event-loop")
def test_blocked_event_loop(queue: Maker) -> None:
    jobs = queue("bullmq", worker=QUICK)
    jobs.send("block 12")
    jobs.start()
    assert jobs.counter.wait(1) == 1
    jobs.start()
    assert jobs.counter.wait(2, 11) == 2
    assert "done" not in jobs.counter.runs()


@pytest.mark.confirms("bullmq/job-id")
def test_job_id(queue: Maker) -> None:
    jobs = queue("bullmq")
    jobs.send("ok", jobId="event-1")
    jobs.start()
    assert until(lambda: jobs.ask("counts")["completed"] == 1)
    jobs.send("ok", jobId="event-1")
    assert jobs.counter.wait(2, 2) == 1
    jobs.send("ok", jobId="event-2", removeOnComplete=True)
    assert jobs.counter.wait(2) == 2
    assert until(lambda: jobs.ask("counts")["active"] == 0)
    jobs.send("ok", jobId="event-2", removeOnComplete=True)
    assert jobs.counter.wait(3) == 3


@pytest.mark.confirms("bullmq/deduplication-ends")
def test_deduplication_ends(queue: Maker) -> None:
    jobs = queue("bullmq")
    for _ in range(2):
        jobs.send("ok", deduplication={"id": "event-1", "ttl": 3000})
    jobs.start()
    assert jobs.counter.wait(2, 1) == 1
    assert until(lambda: not jobs.counter.client.exists(f"bull:{jobs.name}:de:event-1"))
    jobs.send("ok", deduplication={"id": "event-1", "ttl": 3000})
    assert jobs.counter.wait(2) == 2


# ---------------------------------------------------------------- pg-boss

STATE = "select state from {schema}.job where name = 'work' order by created_on"


@pytest.mark.confirms("pgboss/retries-end")
def test_retries_end(queue: Maker) -> None:
    jobs = queue("pgboss", queue={"retryLimit": 1})
    jobs.send("raise")
    jobs.start()
    assert jobs.counter.wait(2) == 2
    assert until(lambda: jobs.rows(STATE) == [("failed",)])
    assert jobs.counter.begun() == 2


@pytest.mark.confirms("pgboss/expiry")
def test_expiry(queue: Maker) -> None:
    """A job that is active for too long is tried again while its handler goes on."""
    jobs = queue("pgboss", boss={"maintenanceIntervalSeconds": 1, "monitorStateIntervalSeconds": 1})
    jobs.send("wait 40", expireInSeconds=1, retryLimit=3)
    jobs.start()
    assert jobs.counter.wait(2, 30) >= 2
    assert "done" not in jobs.counter.runs()


# ---------------------------------------------------------------- Graphile Worker

ATTEMPTS = "select attempts, max_attempts, locked_by from {schema}._private_jobs"


@pytest.mark.confirms("graphile_worker/attempts-end")
def test_attempts_end(queue: Maker) -> None:
    jobs = queue("graphile")
    jobs.send("raise", maxAttempts=1)
    jobs.start()
    assert jobs.counter.wait(1) == 1
    assert until(lambda: [row[:2] for row in jobs.rows(ATTEMPTS)] == [(1, 1)])
    assert jobs.counter.wait(2, 3) == 1


@pytest.mark.confirms("graphile_worker/locked-by-the-dead")
def test_locked_by_the_dead(queue: Maker) -> None:
    """Nobody gets the job of a killed worker for four hours, and then somebody does."""
    soon = {"minResetLockedInterval": 1000, "maxResetLockedInterval": 1000}
    jobs = queue("graphile", worker={"preset": {"worker": soon}})
    jobs.send("wait 60")
    first = jobs.start()
    assert jobs.counter.wait(1) == 1
    first.kill()
    jobs.start()
    assert jobs.counter.wait(2, 4) == 1
    with servers.postgresql() as connection:
        past = (
            f"update \"{jobs.name}\"._private_jobs set locked_at = now() - interval '4 hours 1 min'"
        )
        connection.execute(past)
        connection.commit()
    assert jobs.counter.wait(2) == 2


@pytest.mark.confirms("graphile_worker/no-dedup")
def test_no_dedup(queue: Maker) -> None:
    jobs = queue("graphile")
    for _ in range(2):
        jobs.send("ok")
    jobs.start()
    assert jobs.counter.wait(2) == 2
