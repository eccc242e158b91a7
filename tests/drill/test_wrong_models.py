"""A deliberately wrong model is caught by random runs, and the right one is not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace
from onceproof.lang.design import Design, changed

from support.drill import runs, stage, written

pytestmark = pytest.mark.slow

HANDLER = """
event Pay(id, account)
queue pays of Pay via {queue}
store seen per id via {store}
store ledger per id
effect booking per id in ledger
consumer bank on pays
  insert id into seen or stop
  do booking
  ack
claim no duplicate booking
"""

NEVER_PARTED = """
event Pay(id)
queue pays of Pay via {queue}
effect mail per id via smtp
consumer mailer on pays
  send mail
  ack
claim no duplicate mail
  expect violated
"""


def _queue(**switches: object) -> Callable[[Design], Design]:
    def change(design: Design) -> Design:
        return replace(
            design, queues={name: changed(q, **switches) for name, q in design.queues.items()}
        )

    return change


def _stores(**traits: object) -> Callable[[Design], Design]:
    def change(design: Design) -> Design:
        return replace(
            design,
            stores={
                name: replace(s, **traits) if s.unique else s for name, s in design.stores.items()
            },
        )  # type: ignore[arg-type]

    return change


CASES = [
    pytest.param(
        NEVER_PARTED.format(queue="rabbitmq.classic"),
        "rabbitmq",
        "sqlite",
        _queue(loses_hold=()),
        id="RabbitMQ: a living worker keeps its message",
        marks=pytest.mark.service("rabbitmq"),
    ),
    pytest.param(
        HANDLER.format(queue="rabbitmq.classic", store="postgresql.unique"),
        "rabbitmq",
        "postgresql",
        _stores(unique=False),
        id="PostgreSQL: a unique constraint lets a second row in",
        marks=[pytest.mark.service("rabbitmq"), pytest.mark.service("postgresql")],
    ),
    pytest.param(
        NEVER_PARTED.format(queue="redis.streams(min-idle-time=30s)"),
        "redis",
        "sqlite",
        _queue(redelivers=False, loses_hold=()),
        id="Redis: nothing is claimed",
        marks=pytest.mark.service("redis"),
    ),
]


@pytest.mark.parametrize(("text", "queue", "database", "change"), CASES)
def test_a_wrong_switch_is_caught_within_200_runs(
    text: str,
    queue: str,
    database: str,
    change: Callable[[Design], Design],
    home: Path,
    tmp_path: Path,
) -> None:
    of = written(tmp_path, text)
    with stage(of, queue=queue, database=database) as on:
        found = runs(of, on, 200, change)
    assert found.oddity is not None, f"{found.runs} runs found nothing wrong"
    assert "does not allow" in "\n".join(found.oddity.lines)


@pytest.mark.parametrize(("text", "queue", "database", "change"), CASES)
def test_the_right_model_allows_what_happens(
    text: str,
    queue: str,
    database: str,
    change: Callable[[Design], Design],
    home: Path,
    tmp_path: Path,
) -> None:
    of = written(tmp_path, text)
    with stage(of, queue=queue, database=database) as on:
        found = runs(of, on, 25)
    assert found.oddity is None, found.oddity
    assert found.faults, "nothing went wrong in any run"
