"""Queues in the database of the rows, stepped by hand (docs/semantics_world.md, "A queue in one's
own database").
"""

from __future__ import annotations

import pytest
from onceproof.interpreter import replay
from onceproof.machine.system import Cause

from support.harsher import of_brokers
from support.walk import Walk, reached

HEAD = """event E(id)
database main via postgresql
queue q of E at-least-once, in main
queue out of E at-least-once, in main
store seen per id in main, unique
store far per id
effect book per id in seen
"""
READER = "consumer r on out\n  ack\n"


@pytest.fixture(autouse=True)
def _queues(monkeypatch: pytest.MonkeyPatch) -> None:
    of_brokers(monkeypatch, "OWN_DATABASE")


def text(body: str, lines: str = "", claim: str = "never id in far") -> str:
    handler = ["consumer h on q", *(f"  {line}" for line in body.splitlines())]
    return "\n".join([HEAD + lines, *handler, READER, f"claim {claim}", ""])


def walk(body: str, lines: str = "", events: int = 1) -> Walk:
    return Walk(text(body, lines), pool=3)


BLOCK = "atomic\n  insert id into seen or stop\n  publish to out\n  ack"


def test_the_message_and_the_ack_come_with_the_commit() -> None:
    w = walk(BLOCK).go("delivery h")
    first = "insert id into seen or stop"
    assert w.lines(failures=True) == [
        f"database-answer-lost {first} -> answer lost",
        f"database-failed {first} -> failed",
        f"{first} -> commit",
    ]
    w.go(f"{first} -> commit")
    assert (w.status(), w.status("r"), w.state.workers) == ("settled", "ready", ())
    assert replay(w.design, w.trace).states[-1] == w.state


def test_a_block_that_is_rolled_back_does_neither() -> None:
    w = walk(BLOCK).go("delivery h", "database-failed insert id into seen or stop -> failed")
    assert (w.status(), w.status("r"), w.rows()) == ("inflight", "absent", [])


def test_nobody_sees_the_message_before_the_commit() -> None:
    w = walk("atomic\n  add id to seen\n  publish to out\n  wait\n  ack").go("delivery h")
    w.go("add id to seen")
    assert (w.status("r"), w.options(Cause.DELIVERY)) == ("absent", [])
    w.go("wait")
    assert w.lines() == ["ack -> commit"]
    assert w.go("ack -> commit").status("r") == "ready"


@pytest.mark.parametrize(("how", "status"), [("refused", "ready"), ("settles", "settled")])
def test_a_late_ack_in_a_commit(how: str, status: str) -> None:
    head = f"queue q of E at-least-once, in main\n  late ack {how}\n  delivery limit 9 then drop"
    body = "atomic\n  add id to seen\n  wait\n  ack"
    w = Walk(text(body).replace("queue q of E at-least-once, in main", head), pool=3)
    w.go("delivery h", "add id to seen", "lease-expired h", "wait", "ack -> commit")
    assert (w.status(), w.rows()) == (status.replace("ready", "returned"), ["seen"])


def test_an_ack_that_is_asked_decides_in_the_run() -> None:
    body = "atomic\n  add id to seen\n  wait\n  ack or fail\n  do book"
    w = walk(body).go("delivery h", "add id to seen", "lease-expired h", "wait")
    assert w.lines() == ["ack or fail"]
    w.go("ack or fail")
    assert (w.status(), w.rows(), w.state.workers) == ("ready", [], ())


def test_outside_of_a_block_they_are_steps_that_fail() -> None:
    w = walk("publish to out\nack\nadd id to far").go("delivery h")
    assert set(w.lines(failures=True)) == {
        "answer-lost publish to out -> answer lost",
        "database-answer-lost publish to out -> answer lost",
        "database-failed publish to out -> failed",
        "effect-refused publish to out -> refused",
        "publish to out -> done",
    }
    w.go("publish to out -> done")
    assert w.status("r") == "ready"
    assert "database-failed ack -> failed" in w.lines(failures=True)
    assert w.go("database-failed ack -> failed").state.workers == ()


def test_messages_alone_make_a_part_of_a_block() -> None:
    w = walk("atomic\n  publish to out\n  ack\nadd id to far").go("delivery h")
    assert w.lines() == ["publish to out -> commit"]
    w.go("publish to out -> commit")
    assert (w.status(), w.status("r")) == ("settled", "ready")


def test_an_acknowledgement_outside_fails_its_handler() -> None:
    w = walk("do book\nack\nadd id to far").go("delivery h", "do book")
    w.go("database-answer-lost ack -> answer lost")
    assert (w.status(), w.state.workers) == ("settled", ())


def test_the_commit_of_a_dead_worker_publishes_and_acknowledges_late() -> None:
    head = "queue q of E at-least-once, in main\n  late ack settles\n  delivery limit 9 then drop"
    w = Walk(text(BLOCK).replace("queue q of E at-least-once, in main", head), pool=3)
    w.go("delivery h", "worker-killed insert id into seen or stop -> request under way")
    assert w.status() == "returned"
    w.go(next(x for x in w.options(Cause.LATE_EFFECT)))
    assert (w.status(), w.status("r")) == ("settled", "ready")


def test_two_parts_post_each_with_their_own() -> None:
    w = walk("atomic\n  add id to far\n  add id to seen\n  publish to out\n  ack").go("delivery h")
    w.go("add id to far -> commit of the unnamed database")
    assert (w.rows(), w.status("r"), w.status()) == (["far"], "absent", "inflight")
    w.go("atomic -> commit of main")
    assert (w.status(), w.status("r")) == ("settled", "ready")


MAIL = HEAD + "effect mail per id via http\n  key id, kept for ever\n"
ENQUEUES = {
    "inside": "  atomic\n    insert id into seen or stop\n    publish to out\n    ack\n",
    "outside": "  atomic\n    insert id into seen or stop\n  publish to out\n  ack\n",
}


@pytest.mark.parametrize("where", ENQUEUES)
def test_a_transactional_enqueue_loses_nothing(where: str) -> None:
    body = ENQUEUES[where]
    design = f"{MAIL}consumer h on q\n{body}consumer r on out\n  send mail\n  ack\n"
    design += "assume no replay\nassume no publisher retries\nclaim no loss of mail\n"
    assert bool(reached(design)) is (where == "outside")
