"""What each claim forbids, on states reached by hand."""

from __future__ import annotations

import pytest
from onceproof.interpreter import violated
from onceproof.interpreter.trace import EventOf

from support.walk import CALM, EXACTLY, HEAD, MOST, Walk, handler


def walk(body: str, *claims: str, head: str = HEAD, **kw: object) -> Walk:
    return Walk(handler(body, head, claims=claims, assume=CALM), **kw)  # type: ignore[arg-type]


def test_no_duplicate_of_an_effect() -> None:
    w = walk("send mail\nsend mail\nack", "no duplicate mail").go("delivery h", "send mail -> done")
    assert w.violated() == []
    assert w.go("send mail -> done").violated() == ["no duplicate mail"]
    claim = w.design.claims[0]
    assert violated(w.design, claim, w.ctx.choice, w.state)


def test_a_store_is_duplicated_by_a_second_insert_only() -> None:
    head = HEAD.replace(", unique", "")
    w = walk(
        "add id to seen\nadd id to seen\nset book.state = paid\nset book.state = paid\nack",
        "no duplicate seen",
        "no duplicate book",
        head=head,
    )
    w.go(
        "delivery h",
        "add id to seen",
        "add id to seen",
        "set book.state = paid",
        "set book.state = paid",
    )
    assert w.violated() == []
    inserts = "insert id into seen\n" * 2
    w = walk(f"{inserts}ack", "no duplicate seen", head=head)
    w.go("delivery h", "insert id into seen", "insert id into seen")
    assert w.violated() == ["no duplicate seen"]


def test_a_row_that_is_made_again_after_the_first_is_gone_is_no_duplicate() -> None:
    head = HEAD.replace(", unique", "")
    body = "insert id into seen\ndelete id from seen\ninsert id into seen\ninsert id into seen\nack"
    w = walk(body, "no duplicate seen", head=head)
    w.go("delivery h", "insert id into seen", "delete id from seen", "insert id into seen")
    assert w.violated() == []
    assert w.go("insert id into seen").violated() == ["no duplicate seen"]


def test_a_column_is_duplicated_by_a_second_increment_of_one_event() -> None:
    head = HEAD.replace("store book per id", "store book per order")
    events = (EventOf(0, "E", ()), EventOf(0, "E", ()))
    w = walk(
        "increment book.total\nack", "no duplicate book.total", head=head, events=events, pool=3
    )
    w.go(
        "delivery h",
        "increment book.total",
        "delivery h event 1",
        "increment book.total #1 event 1",
    )
    assert w.violated() == []
    w.go("redelivery h", "delivery h")
    assert w.go("increment book.total #2").violated() == ["no duplicate book.total"]


def test_loss_is_when_nothing_that_happens_by_itself_can_make_up_for_it() -> None:
    text = handler(
        "if id in seen\n  ack\n  stop\nadd id to seen\nsend mail\nack", claims=("no loss of mail",)
    )
    w = Walk(text).go("delivery h", "if id in seen -> no", "add id to seen")
    assert w.violated() == [], "a worker is on it"
    w.go("worker-killed send mail")
    assert (w.status(), w.violated()) == ("inflight", ["no loss of mail"]), (
        "delivering it again will not help"
    )
    w = Walk(handler("send mail\nack", claims=("no loss of mail",))).go(
        "delivery h", "worker-killed send mail"
    )
    assert (w.status(), w.violated()) == ("inflight", []), "the broker will deliver it again"
    assert Walk(handler("send mail\nack", claims=("no loss of mail",)), MOST).go(
        "message-vanished h"
    ).violated() == ["no loss of mail"]


@pytest.mark.parametrize(("kind", "verdict"), [("card", ["no loss of mail"]), ("cash", [])])
def test_loss_asks_only_events_whose_payload_leads_to_the_effect(
    kind: str, verdict: list[str]
) -> None:
    text = handler(
        "if kind is card\n  send mail\nack",
        HEAD.replace("order)", "order, kind: card | cash)"),
        claims=("no loss of mail",),
    )
    w = Walk(text, MOST, events=(EventOf(0, "E", (("kind", kind),)),))
    assert w.go("message-vanished h").violated() == verdict


@pytest.mark.parametrize(
    "body",
    ["if id in seen\n  send mail\nack", "if id in seen\n  stop\nelse\n  fail\nsend mail\nack"],
)
def test_loss_asks_nothing_that_cannot_happen_by_itself(body: str) -> None:
    assert (
        Walk(handler(body, claims=("no loss of mail",)), MOST).go("message-vanished h").violated()
        == []
    )


CHAIN = """event A(id)
event B(id)
queue a of A
queue b of B
queue further of A
store box per id
  state: none | pending
effect mail per id via http
consumer x on a
  {}
  ack
consumer y on b
  ack
relay r when box.state is pending, workers 1
  set box.state = none
  publish to further
consumer z on further
  send mail
  ack
claim no loss of mail
"""


@pytest.mark.parametrize(
    ("step", "verdict"), [("set box.state = pending", ["no loss of mail"]), ("add id to box", [])]
)
def test_what_leads_to_an_effect_goes_through_relays_and_queues(
    step: str, verdict: list[str]
) -> None:
    w = Walk(CHAIN.format(step), MOST, events=(EventOf(0, "A", ()), EventOf(0, "B", ())))
    assert w.go("message-vanished y event 1").violated() == []
    assert w.go("message-vanished x").violated() == verdict


def test_together_waits_for_what_will_happen_by_itself() -> None:
    w = walk("send mail\nack\ndo credit", "mail and credit together").go(
        "delivery h", "send mail -> done"
    )
    assert w.violated() == []
    w.go("ack -> done")
    assert w.violated() == []
    assert w.go("do credit").violated() == []
    w = walk(
        "send mail\nack",
        "mail and credit together",
        head=HEAD + "consumer other on q\n  do credit\n  ack\n",
    )
    w.go("delivery h", "send mail -> done", "ack -> done")
    assert w.violated() == [], "the other group's message is still to come"


def test_before() -> None:
    w = walk("send mail\ndo credit\nack", "credit before mail", "mail before credit").go(
        "delivery h", "send mail -> done"
    )
    assert w.violated() == ["credit before mail"]
    assert w.go("do credit").violated() == []


def test_before_across_levels() -> None:
    head = HEAD.replace("effect credit per id in book", "effect credit per order in book")
    events = (EventOf(0, "E", ()), EventOf(0, "E", ()))
    w = walk("send mail\ndo credit\nack", "mail before credit", head=head, events=events)
    assert w.go("delivery h", "send mail -> done", "do credit").violated() == []


def test_never() -> None:
    w = walk(
        "add id to seen\nset book.state = sent\nack",
        "never id in seen and book.state is sent",
        "never credit happened",
    )
    w.go("delivery h", "add id to seen")
    assert w.violated() == []
    assert w.go("set book.state = sent").violated() == ["never id in seen and book.state is sent"]


def test_never_may_speak_of_the_payload() -> None:
    head = HEAD.replace("order)", "order, kind: card | cash)")
    for kind, verdict in (("card", ["never kind is card and id in seen"]), ("cash", [])):
        w = walk(
            "add id to seen\nack",
            "never kind is card and id in seen",
            head=head,
            events=(EventOf(0, "E", (("kind", kind),)),),
        )
        assert w.go("delivery h", "add id to seen").violated() == verdict


def test_one_worker_is_about_workers_of_one_event() -> None:
    events = (EventOf(0, "E", ()), EventOf(0, "E", ()))
    w = walk("section s\n  wait\nack", "at most one worker in s", events=events, pool=3).go(
        "delivery h", "delivery h event 1"
    )
    assert w.violated() == []
    w.go("redelivery h", "delivery h")
    assert w.violated() == ["at most one worker in s"]


def test_a_killed_workers_request_is_in_no_section_but_keeps_its_event_from_rest() -> None:
    assume = ("handler finishes within the lease", "no replay")
    w = Walk(
        handler(
            "section s\n  ack\n  send mail",
            assume=assume,
            claims=("at most one worker in s", "no loss of mail"),
        )
    )
    w.go("delivery h", "ack -> done", "worker-killed send mail -> request under way")
    assert w.violated() == []
    before = w.state
    assert w.go("worker-killed send mail -> request lost").violated() == ["no loss of mail"]
    w.state = before
    assert w.go("late-effect send mail").violated() == []


def test_rest_does_not_mean_that_all_workers_are_busy() -> None:
    head = HEAD + "store other per id\n"
    events = (EventOf(0, "E", ()), EventOf(0, "E", ()))
    text = handler("send mail\nack", head, CALM, ("no loss of mail",), trait=", workers 1")
    w = Walk(text, EXACTLY, events=events, pool=1).go("delivery h")
    assert w.violated() == [], "the second event waits for a free worker"
