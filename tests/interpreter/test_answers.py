"""Acknowledgements and publishers, stepped by hand (docs/semantics_world.md, "Acknowledgements and
publishers"), and handlers that ask whether their message came again.
"""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from onceproof.interpreter import Context, choices
from onceproof.lang.design import AckAnswer, Queue
from onceproof.machine.system import Cause

from support.harsher import of_brokers
from support.walk import EXACTLY, LEAST, MOST, Walk


@pytest.fixture(autouse=True)
def _brokers(monkeypatch: pytest.MonkeyPatch) -> None:
    of_brokers(monkeypatch, "BROKERS", "TORN", "REDELIVERED")


def walk(
    body: str,
    lines: str = "",
    semantics: object = LEAST,
    trait: str = "",
    more: str = "",
    **switches: object,
) -> Walk:
    """``switches``: of the queue, as a model would set them."""
    head = ["event E(id)", "queue q of E", *(f"  {line}" for line in lines.splitlines())]
    head += ["store seen per id", "effect mail per id via http", *more.splitlines()]
    head += [f"consumer h on q{trait}", *(f"  {line}" for line in body.splitlines())]
    w = Walk("\n".join([*head, "claim never id in seen", ""]), semantics)  # type: ignore[arg-type]
    if switches:
        queue: Queue = replace(w.design.queues["q"], **switches)
        w.design = replace(w.design, queues={**w.design.queues, "q": queue})
        w.ctx = Context.of(w.design, w.ctx.choice)
    return w


def test_a_polite_broker_never_refuses() -> None:
    body, way = (
        "send mail\nack or stop\nwait",
        ("delivery h", "lease-expired h", "send mail -> done"),
    )
    w = walk(body, "late ack refused").go(*way)
    assert "ack or stop -> refused" in w.lines()
    polite = walk(body, "late ack refused", ack_answer=AckAnswer.POLITE).go(*way)
    assert "ack or stop -> refused" not in polite.lines()
    assert polite.go("ack or stop -> done").status() == "ready"
    assert polite.lines() == ["wait"]


def test_a_publisher_retries_under_at_most_once() -> None:
    w = walk("send mail", semantics=MOST).go("delivery h")
    assert w.options(Cause.PUBLISHER_RETRY) == []
    w = walk("send mail", semantics=MOST, more="publisher of q retries").go("delivery h")
    assert w.go("publisher-retry h").status() == "ready"


OUT = "queue a of E\nqueue b of E\nconsumer x on a\n  ack\nconsumer y on b\n  ack"
BOTH = "publish to a\npublish to b\nack"


def torn(w: Walk) -> set[tuple[str, str]]:
    return {
        (after.status("x", 0), after.status("y", 0))
        for step, after in choices(w.ctx, w.state)
        if step.outcome == "torn"
    }


def test_a_transaction_may_appear_in_part() -> None:
    w = walk(BOTH, "aborted messages may appear", EXACTLY, more=OUT).go("delivery h")
    parts = {("absent", "absent"), ("absent", "ready"), ("ready", "absent")}
    assert torn(w) == parts
    assert torn(walk(BOTH, "", EXACTLY, more=OUT).go("delivery h")) == set()
    assert torn(walk(BOTH, "", LEAST, more=OUT, leaks=True).go("delivery h")) == set()


def test_a_broker_loses_what_it_has_confirmed() -> None:
    w = walk("send mail\nack", loses_confirmed=True)
    assert w.go("broker-lost h").status() == "lost"
    assumed = walk("send mail\nack", loses_confirmed=True, more="assume the broker loses nothing")
    assert assumed.options(Cause.BROKER_LOST) == []
    assert walk("send mail\nack").options(Cause.BROKER_LOST) == []
    taken = walk("send mail\nack", loses_confirmed=True).go("delivery h")
    assert taken.options(Cause.BROKER_LOST) == []


def test_a_broker_forgets_acknowledgements() -> None:
    way = ("delivery h", "send mail -> done", "ack -> done")
    w = walk("send mail\nack", unsynced_acks=True).go(*way)
    assert w.go("broker-restarted h").status() == "ready"
    assert walk("send mail\nack").go(*way).options(Cause.BROKER_RESTARTED) == []
    at_once = walk("send mail", trait=", acks on delivery", unsynced_acks=True).go("delivery h")
    assert at_once.go("broker-restarted h").status() == "ready"
    assumed = walk("send mail\nack", unsynced_acks=True, more="assume the broker loses nothing")
    assert assumed.go(*way).options(Cause.BROKER_RESTARTED) == []


def test_an_event_that_fails_a_few_times_is_not_given_up() -> None:
    limit, way = "delivery limit 5 then dead-letter", ("delivery h", "worker-killed send mail")
    w = walk("send mail\nack", limit).go(*way)
    assert w.options(Cause.DEAD_LETTERED) == ["dead-lettered h"]
    w = walk("send mail\nack", limit, more="assume an event fails fewer than 5 times").go(*way)
    assert w.options(Cause.DEAD_LETTERED) == []


def test_a_handler_is_killed_at_its_time_limit() -> None:
    calm, killed = "assume no crash", ", killed after 10s"
    w = walk("send mail\nack", trait=killed, more=calm).go("delivery h")
    assert w.options(Cause.KILLED) == ["worker-killed send mail"]
    assert walk("send mail\nack", more=calm).go("delivery h").options(Cause.KILLED) == []
    log = walk("stop", "commits positions", trait=killed, more=calm).go("delivery h")
    log.go(f"consumer h on q{killed}")
    assert log.options(Cause.RESTARTED) == ["restarted h"]


ASKS = "if redelivered\n  stop\nsend mail\nack"


def test_a_message_that_came_back_is_redelivered() -> None:
    w = walk(ASKS).go("delivery h", "if redelivered -> no", "worker-killed send mail")
    assert w.status() == "returned"
    assert w.options(Cause.DEAD_LETTERED) == []
    assert w.go("delivery h").lines() == ["if redelivered -> yes"]


def test_a_copy_is_a_new_message() -> None:
    w = walk(ASKS).go("delivery h", "publisher-retry h", "delivery h")
    assert "if redelivered -> no #1" in w.lines()
    w = walk(ASKS).go("delivery h", "lease-expired h", "delivery h")
    assert "if redelivered -> yes #1" in w.lines()
