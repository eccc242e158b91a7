"""Deliveries, acknowledgements, copies and faults, under each delivery semantic and each way of
tracking a message.
"""

from __future__ import annotations

import pytest
from onceproof.interpreter import choices
from onceproof.interpreter.trace import EventOf
from onceproof.machine.delivery import Delivery
from onceproof.machine.system import Cause

from support.walk import CALM, EXACTLY, HEAD, LEAST, MOST, Walk, handler, states

COPIES = (Cause.PUBLISHER_RETRY, Cause.BROKER_COPY, Cause.REPLAY)
ALL_COPIES = ["broker-copy h", "operator-replay h", "publisher-retry h"]


def options(
    limit: str = "",
    body: str = "wait\nack",
    trait: str = "",
    assume: tuple[str, ...] = (),
    more: str = "",
) -> str:
    """One consumer on a queue with options."""
    return handler(
        body, HEAD.replace("queue q of E\n", f"queue q of E\n{limit}") + more, assume, trait=trait
    )


def test_at_most_once_settles_at_delivery() -> None:
    w = Walk(options(), MOST)
    assert w.options() == ["delivery h", "message-vanished h"]
    w.go("delivery h")
    assert (w.status(), w.options()) == ("settled", ["wait", "worker-killed wait"])
    assert w.go("wait", "ack -> done").options() == []
    assert Walk(options(), MOST).go("message-vanished h").status() == "lost"


def test_loose_tracking_remembers_only_the_status() -> None:
    w = Walk(options()).go("delivery h", "redelivery h", "delivery h", "wait", "ack -> done")
    assert (w.status(), w.options(*COPIES)) == ("settled", ALL_COPIES)
    w.go("publisher-retry h", "wait #1", "ack -> done #1")
    assert w.status() == "settled", "a late ack settles whatever the status is"
    w = Walk(options()).go("delivery h", "worker-killed wait")
    assert (w.status(), w.options()) == ("inflight", ["redelivery h"])


def test_loose_nack() -> None:
    w = Walk(options(body="nack")).go("delivery h", "nack")
    assert (w.status(), w.state.workers) == ("ready", ())
    assert (
        Walk(options(body="ack\nnack\nwait")).go("delivery h", "ack -> done", "nack").status()
        == "settled"
    )


def test_an_ack_lost_in_transit() -> None:
    w = Walk(options(body="ack\nwait")).go("delivery h", "ack-lost ack -> lost")
    assert (w.status(), w.lines()) == ("inflight", ["wait"])


@pytest.mark.parametrize(
    ("body", "limit", "assume"),
    [
        ("ack or stop\nwait", "", ()),
        ("ack\nwait", "  late ack refused\n", ()),
        ("ack\nwait", "", ("handler finishes within the lease",)),
        ("ack\nwait", "  delivery limit 3\n", ()),
    ],
)
def test_what_makes_the_broker_track_holders(
    body: str, limit: str, assume: tuple[str, ...]
) -> None:
    w = Walk(options(limit, body, assume=assume)).go("delivery h")
    assert w.worker.holds
    assert w.options(Cause.REDELIVERY) == []
    assert not Walk(options(body="ack\nwait")).go("delivery h").worker.holds


def test_a_lost_lease_and_a_refused_ack() -> None:
    w = Walk(options("  late ack refused\n")).go("delivery h", "lease-expired h")
    assert (w.status(), w.worker.holds) == ("ready", False)
    w.go("delivery h", "wait")
    assert "ack -> refused" in w.lines()
    w.go("ack -> refused", "wait #1", "ack -> done #1")
    assert w.status() == "settled"


def test_late_ack_settles() -> None:
    w = Walk(options("  late ack settles\n", assume=("no replay",), body="wait\nack or stop\nwait"))
    w.go("delivery h", "lease-expired h", "wait", "ack or stop -> done")
    assert (w.status(), w.lines()) == ("settled", ["wait"])
    w = Walk(options("  late ack settles\n"), EXACTLY).go("delivery h", "lease-expired h", "wait")
    assert "ack -> refused" in w.lines(), "exactly-once fences a stale worker"


def test_a_checked_ack() -> None:
    w = Walk(options(body="ack or stop\nwait")).go("delivery h")
    assert w.lines() == [
        "ack-lost ack or stop -> lost",
        "answer-lost ack or stop -> answer lost",
        "ack or stop -> done",
    ]
    w.go("answer-lost ack or stop -> answer lost")
    assert (w.status(), w.state.workers) == ("settled", ())
    w = Walk(options(body="ack or fail\nwait")).go("delivery h", "ack-lost ack or fail -> lost")
    assert (w.status(), w.state.workers) == ("ready", ())


def test_held_messages_come_back_when_the_worker_is_gone() -> None:
    for body, last in (
        ("wait", "wait"),
        ("send mail", "effect-refused send mail -> refused"),
        ("wait\nack", "worker-killed wait"),
        ("nack", "nack"),
    ):
        w = Walk(options("  late ack refused\n", body)).go("delivery h", last)
        assert (w.status(), w.state.workers) == ("ready", ())


def test_ack_while_holding_leaves_a_copy_alone() -> None:
    w = Walk(options("  late ack refused\n")).go(
        "delivery h", "broker-copy h", "wait", "ack -> done"
    )
    assert w.status() == "ready"


def test_a_delivery_limit() -> None:
    w = Walk(options("  delivery limit 3 then dead-letter\n")).go(
        "delivery h", "worker-killed wait"
    )
    assert (w.status(), w.options()) == ("returned", ["dead-lettered h", "delivery h"])
    w.go("dead-lettered h")
    assert (w.status(), w.options()) == ("dead", ["operator-replay h"])
    dropped = Walk(options("  delivery limit 3 then drop\n")).go(
        "delivery h", "worker-killed wait", "dead-lettered h"
    )
    assert (dropped.status(), dropped.options()) == ("lost", [])


def test_exactly_once_has_no_copies() -> None:
    w = Walk(options(), EXACTLY).go("delivery h", "wait", "ack -> done")
    assert (w.status(), w.options()) == ("settled", [])
    assert Walk(options(more="operator replays q\n"), EXACTLY).go("delivery h").options(
        *COPIES
    ) == ["operator-replay h"]


def test_exactly_once_drops_a_second_publication() -> None:
    text = (
        "event E(id)\nqueue q of E\nqueue p of E\nconsumer h on q, acks on return\n  publish to"
        " p\nconsumer a on p\n  ack\n"
    )
    text += "store s per id\nrelay r when id not in s\n  publish to p\nclaim never id in s\n"
    for semantics, status in ((EXACTLY, "settled"), (LEAST, "ready")):
        w = Walk(text, semantics).go(
            "start r",
            "publish to p -> done",
            "delivery a",
            "ack -> done",
            "start r",
            "publish to p -> done",
        )
        assert w.status("a") == status


def test_acks_on_delivery_and_on_return() -> None:
    w = Walk(options(body="wait", trait=", acks on delivery")).go("delivery h")
    assert w.status() == "settled"
    w = Walk(options(body="if id in seen\n  stop\nwait", trait=", acks on return")).go(
        "delivery h", "if id in seen -> no", "wait"
    )
    head = "consumer h on q, acks on return"
    assert (w.status(), w.lines()) == ("inflight", [f"ack-lost {head} -> lost", f"{head} -> done"])
    w.go(f"{head} -> done")
    assert (w.status(), w.state.workers) == ("settled", ())
    w = Walk(options(body="send mail", trait=", acks on return")).go(
        "delivery h", "effect-refused send mail -> refused"
    )
    assert (w.status(), w.state.workers) == ("inflight", ())


def test_messages_enter_only_root_queues_of_their_type() -> None:
    text = "event A(id)\nevent B(id)\nqueue a of A\nqueue b of B\nqueue c of A\nstore s per id\n"
    text += "consumer x on a\n  publish to c\n  ack\nconsumer y on b\n  ack\n"
    text += "consumer z on c\n  add id to s\n  ack\nclaim never id in s\n"
    w = Walk(text, events=(EventOf(0, "A", ()), EventOf(0, "B", ())))
    assert w.options(Cause.DELIVERY) == ["delivery x", "delivery y event 1"]
    with pytest.raises(ValueError, match="no event type 'C'"):
        Walk(text, events=(EventOf(0, "C", ()),))


# ---------------------------------------------------------------- rows, records and locks


@pytest.mark.parametrize(("trait", "cause"), [("cache", "row-lost"), ("expires", "key-expired")])
def test_rows_that_disappear(trait: str, cause: str) -> None:
    head = HEAD.replace("store book per id", f"store book per order, {trait}")
    w = Walk(handler("set book.state = paid\nack", head)).go("delivery h", "set book.state = paid")
    assert w.rows() == ["book"]
    w.go(f"{cause} book")
    assert (w.steps[-1].component, w.steps[-1].event) == (0, -1)
    assert (w.rows(), w.column("book.state", level="component")) == ([], "")
    safe = Walk(handler("set book.state = paid\nack", head, ("no failover",))).go(
        "delivery h", "set book.state = paid"
    )
    assert safe.options(Cause.ROW_LOST, Cause.FAILOVER) == []


def test_rows_per_business_key_are_shared() -> None:
    head = HEAD.replace("store seen per id", "store seen per order")
    events = (EventOf(0, "E", ()), EventOf(0, "E", ()), EventOf(1, "E", ()))
    w = Walk(handler("insert order into seen or stop\nsend mail\nack", head), events=events, pool=3)
    w.go("delivery h", "delivery h event 1", "delivery h event 2", "insert order into seen or stop")
    assert "insert order into seen or stop -> duplicate #1 event 1" in w.lines()
    assert "insert order into seen or stop #2 event 2" in w.lines()


def test_a_key_window_that_ends_after_everything() -> None:
    head = HEAD.replace("via http\n", "via http\n  key id kept 24h\n")
    w = Walk(handler("send mail\nack", head, ("retries end within the key window",))).go(
        "delivery h", "send mail -> done"
    )
    assert w.options(Cause.KEY_EXPIRED) == []
    w.go("ack -> done", "key-expired mail")
    assert (w.state.closed, w.options()) == ((("mail", "event", 0),), ["operator-replay h"])
    w.go("operator-replay h", "delivery h", "send mail -> done", "ack -> done")
    assert (w.state.closed, w.count("mail")) == ((), 2)
    assert w.options(*COPIES) == ALL_COPIES, "a new record is a new start"


# ---------------------------------------------------------------- assumptions

SWITCHES = {
    "no crash": {Cause.KILLED, Cause.LATE_EFFECT},
    "no replay": {Cause.REPLAY},
    "no publisher retries": {Cause.PUBLISHER_RETRY},
    "no broker copies": {Cause.BROKER_COPY},
    "no lost answers": {Cause.ANSWER_LOST},
    "no lost acks": {Cause.ACK_LOST},
    "no refusals": {Cause.REFUSED},
    "no failover": {Cause.FAILOVER},
}


def _causes(text: str, semantics: Delivery = LEAST) -> set[Cause]:
    """Every cause that occurs in a reachable state."""
    w = Walk(text, semantics)
    found: set[Cause] = set()
    for state in states(text, semantics, pool=1):
        w.state = state
        found |= {s.cause for s, _ in choices(w.ctx, w.state, w.pool)}
    return found


@pytest.mark.parametrize("assumption", SWITCHES)
def test_an_assumption_removes_its_faults_and_no_others(assumption: str) -> None:
    body = "add id to seen\nsend mail\n  on failure\n    wait\nack or stop"
    text = HEAD.replace("unique", "replicated")
    assert (
        _causes(handler(body, text)) - _causes(handler(body, text, (assumption,)))
        == SWITCHES[assumption]
    )


def test_within_the_lease_no_lease_runs_out() -> None:
    body = "send mail\nack or stop"
    assert _causes(handler(body)) - _causes(
        handler(body, assume=("handler finishes within the lease",))
    ) == {Cause.LEASE_EXPIRED}


@pytest.mark.parametrize(
    ("mode", "copies"),
    [("publishes once", False), ("retries", True), ("retries with a new id", False)],
)
def test_how_the_publisher_publishes(mode: str, copies: bool) -> None:
    w = Walk(options(more=f"publisher of q {mode}\n")).go("delivery h", "wait", "ack -> done")
    assert (w.options(Cause.PUBLISHER_RETRY) == ["publisher-retry h"]) is copies
    w = Walk(options(more=f"publisher of q {mode}\n"), EXACTLY).go(
        "delivery h", "wait", "ack -> done"
    )
    assert w.options() == []


def test_calm_leaves_only_deliveries_and_leases() -> None:
    assert _causes(handler("send mail\nack", assume=CALM)) == {
        Cause.HANDLER,
        Cause.DELIVERY,
        Cause.REDELIVERY,
    }
