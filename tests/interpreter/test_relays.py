"""Relays that see less than the rows, and queues that are fed twice, stepped by hand
(docs/semantics_world.md, "Relays that see less" and "Messages are counted").
"""

from __future__ import annotations

import pytest
from onceproof.interpreter import replay
from onceproof.machine.system import Cause

from support.harsher import of_brokers
from support.walk import CALM, Walk, reached


@pytest.fixture(autouse=True)
def _relays(monkeypatch: pytest.MonkeyPatch) -> None:
    of_brokers(monkeypatch, "RELAYS", "FED")


def text(body: str, relay: str, claim: str = "never id in sent", more: str = "") -> str:
    lines = ["event E(id)", "queue q of E at-least-once", "queue out of E at-least-once"]
    lines += ["store outbox per id, unique", "store sent per id", *more.splitlines()]
    lines += ["consumer h on q", *(f"  {line}" for line in body.splitlines())]
    lines += [f"relay r when id in outbox{relay}", "  publish to out"]
    lines += ["consumer c on out", "  set sent.state = x" if "state" in claim else "  ack"]
    return "\n".join([*lines, f"claim {claim}", ""])


CURSOR, HEARS = ", with a cursor over outbox", ", only when notified"
ADD = "insert id into outbox or stop\nack"
MADE = "insert id into outbox or stop"


def test_a_number_is_drawn_before_the_row_is_there() -> None:
    w = Walk(text(ADD, CURSOR)).go("delivery h")
    assert w.lines(failures=True) == [f"{MADE} -> draws its number"]
    w.go(f"{MADE} -> draws its number", MADE)
    assert (w.rows(), w.options(Cause.START)) == (["outbox"], ["start r"])
    assert replay(w.design, w.trace).states[-1] == w.state


def test_a_row_that_was_overtaken_is_never_read() -> None:
    w = Walk(text(ADD, CURSOR)).go("delivery h", f"{MADE} -> draws its number")
    w.go("overtaken", MADE)
    assert (w.rows(), w.options(Cause.START)) == (["outbox"], [])
    assert w.state.overtaken == (("r", "event", 0),)


def test_what_was_read_is_not_read_again_and_a_failure_leaves_it() -> None:
    w = Walk(text(ADD, CURSOR)).go("delivery h", f"{MADE} -> draws its number", MADE, "start r")
    w.go("publish to out -> done #1")
    line = f"relay r when id in outbox{CURSOR}"
    assert w.options(Cause.KILLED)[-1] == f"worker-killed {line} #1"
    w.go(f"{line} #1")
    assert w.options(Cause.START) == []
    failed = Walk(text(ADD, CURSOR)).go(
        "delivery h", f"{MADE} -> draws its number", MADE, "start r"
    )
    failed.go("effect-refused publish to out -> refused #1")
    assert failed.options(Cause.START) == ["start r"]


def test_a_row_that_is_made_again_has_a_new_number() -> None:
    body = f"{MADE}\ndelete id from outbox\n{MADE}"
    w = Walk(text(body, CURSOR)).go("delivery h", f"{MADE} -> draws its number", "overtaken")
    w.go(MADE, "delete id from outbox")
    assert w.state.overtaken == ()
    w.go(f"{MADE} -> draws its number", MADE)
    assert w.options(Cause.START) == ["start r"]


def test_in_a_block_the_number_comes_before_the_run() -> None:
    body = "atomic\n  add id to sent\n  add id to outbox\n  wait\nack"
    w = Walk(text(body, CURSOR)).go("delivery h")
    assert w.lines() == ["add id to sent -> draws its number"]
    w.go("add id to sent -> draws its number", "add id to sent")
    assert w.options(Cause.OVERTAKEN) == ["overtaken"]
    w.go("overtaken", "wait", "atomic -> commit")
    assert (w.rows(), w.options(Cause.START)) == (["outbox", "sent"], [])


def test_a_dead_workers_row_can_be_overtaken() -> None:
    more = "lock m per id"
    w = Walk(text(f"acquire m\n{ADD}", CURSOR, more=more)).go("delivery h", "acquire m")
    w.go(f"{MADE} -> draws its number", f"worker-killed {MADE} -> request under way")
    w.go("overtaken", "late-effect insert id into outbox or stop")
    assert (w.rows(), w.options(Cause.START)) == (["outbox"], [])


def test_a_notification_starts_the_relay_once() -> None:
    w = Walk(text(ADD, HEARS)).go("delivery h", MADE)
    assert w.options(Cause.START) == ["start r"]
    w.go("start r")
    assert w.options(Cause.START) == []


def test_a_notification_that_nobody_hears_is_lost() -> None:
    w = Walk(text(ADD, HEARS)).go("delivery h", MADE, "message-vanished")
    assert w.options(Cause.START) == []
    assumed = Walk(text(ADD, HEARS, more="assume no lost connections")).go("delivery h", MADE)
    assert assumed.options(Cause.VANISHED) == []


CLAIM = "no loss of mail"


@pytest.mark.parametrize(("relay", "broken"), [("", False), (CURSOR, True), (HEARS, True)])
def test_a_relay_that_sees_less_loses_messages(relay: str, broken: bool) -> None:
    more = "effect mail per id via http\n  key id, kept for ever\n"
    more += "\n".join(f"assume {a}" for a in CALM)
    design = text("insert id into outbox or continue\nack", relay, CLAIM, more)
    design = design.replace("consumer c on out\n", "consumer c on out\n  send mail\n")
    assert (CLAIM in reached(design)) is broken


DEAD = """event E(id)
queue q of E at-least-once
  delivery limit 3 then dead-letter to d
queue d of E at-least-once
effect mail per id via http
store seen per id
consumer h on q
  send mail
  ack
consumer later on d
  add id to seen
  ack
claim never id in seen
"""


def test_a_dead_letter_is_a_message_of_its_queue() -> None:
    w = Walk(DEAD).go("delivery h", "worker-killed send mail")
    assert (w.status("h"), w.status("later")) == ("returned", "absent")
    w.go("dead-lettered h")
    assert (w.status("h"), w.status("later")) == ("dead", "ready")


def test_a_queue_that_is_also_fed_from_outside_begins_with_a_message() -> None:
    head = "event E(id)\nqueue q of E at-least-once, also fed from outside\n"
    body = "store seen per id\nconsumer h on q\n  add id to seen\n  publish to q\n  ack\n"
    calm = "".join(f"assume {a}\n" for a in CALM)
    w = Walk(f"{head}{body}{calm}claim never id in seen\n").go("delivery h", "add id to seen")
    assert w.go("publish to q -> done").status() == "ready"
    assert w.go("ack -> done").status() == "ready"
