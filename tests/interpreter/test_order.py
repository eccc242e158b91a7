"""Events of one key in one worker's hands at a time, stepped by hand (docs/semantics_world.md,
"Order").
"""

from __future__ import annotations

import pytest
from onceproof.interpreter import replay
from onceproof.interpreter.trace import EventOf
from onceproof.lang.load import load_text
from onceproof.machine.system import Cause

from support.walk import CALM, MOST, Walk, reached

TWO = (EventOf(0, "Bill", ()), EventOf(0, "Bill", ()))
APART = (EventOf(0, "Bill", ()), EventOf(1, "Bill", ()))
ORDERED = "  keyed by order"
LOG = "  commits positions\n  keyed by order"


def text(
    body: str = "call bill\nack",
    lines: str = ORDERED,
    trait: str = "",
    assume: tuple[str, ...] = (),
    claim: str = "no duplicate bill",
) -> str:
    head = ["event Bill(id, order)", "queue q of Bill", lines, "store book per order"]
    head += ["  state: open | billed", "effect bill per order via http"]
    head += [f"assume {a}" for a in assume]
    head += [f"consumer h on q{trait}", *(f"  {line}" for line in body.splitlines())]
    return "\n".join([*head, f"claim {claim}", "claim never book.state is billed", ""])


def walk(lines: str = ORDERED, body: str = "call bill\nack", trait: str = "") -> Walk:
    return Walk(text(body, lines, trait), events=TWO, pool=4)


def test_the_other_event_of_the_key_waits() -> None:
    w = walk().go("delivery h")
    assert w.options(Cause.DELIVERY) == []
    free = walk("").go("delivery h")
    assert free.options(Cause.DELIVERY) == ["delivery h event 1"]
    apart = Walk(text(), events=APART, pool=4).go("delivery h")
    assert apart.options(Cause.DELIVERY) == ["delivery h event 1"]


@pytest.mark.parametrize("way", ["ack -> done", "worker-killed ack", "lease-expired h"])
def test_the_lane_of_a_queue_is_free_when_nobody_holds(way: str) -> None:
    w = walk(body="call bill\nack\nwait").go("delivery h", "call bill -> done", way)
    first = "delivery h event 1" if way.startswith("ack") else "delivery h"
    assert w.options(Cause.DELIVERY) == [first]
    assert replay(w.design, w.trace).states[-1] == w.state


def test_on_a_log_a_commit_does_not_let_the_next_record_in() -> None:
    w = walk(LOG, "call bill\nack\nwait").go("delivery h", "call bill -> done", "ack -> done")
    assert w.options(Cause.DELIVERY) == []
    assert "consumer-fenced h" in w.options(Cause.FENCED)
    assert w.go("wait").options(Cause.DELIVERY) == ["delivery h event 1"]


def test_a_fence_opens_the_lane_of_a_log() -> None:
    w = walk(LOG, "call bill\nack\nwait").go("delivery h", "call bill -> done", "ack -> done")
    w.go("consumer-fenced h")
    assert (w.status(), w.options(Cause.DELIVERY)) == ("settled", ["delivery h event 1"])


def test_seeking_back_keeps_the_lane_until_the_end() -> None:
    w = walk(LOG, "seek back\ncall bill").go("delivery h", "seek back")
    assert w.options(Cause.DELIVERY) == []
    assert w.go("call bill -> done").options(Cause.DELIVERY) == ["delivery h"]


def test_what_came_back_goes_first_and_copies_do_not() -> None:
    w = walk().go("delivery h", "worker-killed call bill")
    assert w.options(Cause.DELIVERY) == ["delivery h"]
    w.go("delivery h", "call bill -> done", "ack -> done", "publisher-retry h")
    assert w.options(Cause.DELIVERY) == ["delivery h", "delivery h event 1"]


def test_a_record_that_was_passed_over_goes_first_after_a_restart() -> None:
    w = walk(LOG).go("delivery h", "effect-refused call bill -> refused")
    assert w.options(Cause.DELIVERY) == ["delivery h event 1"]
    assert w.go("restarted h").options(Cause.DELIVERY) == ["delivery h"]


def test_no_lane_in_parallel_or_where_nobody_holds() -> None:
    for w in (walk(LOG, trait=", in parallel"), walk(trait=", acks on delivery", body="call bill")):
        assert w.go("delivery h").options(Cause.DELIVERY) == ["delivery h event 1"]
    log = Walk(text("call bill", LOG), MOST, TWO, 4).go("delivery h")
    assert (log.status(), log.options(Cause.DELIVERY)) == ("settled", [])
    queue = Walk(text("call bill"), MOST, TWO, 4).go("delivery h")
    assert queue.options(Cause.DELIVERY) == ["delivery h event 1"]


CHECKED = "if book.state is billed\n  ack\n  stop\ncall bill\nset book.state = billed\nack"
FEW = (*CALM, "handler finishes within the lease", "no rebalance", "no rewinds")


@pytest.mark.parametrize("lines", [ORDERED, LOG])
def test_check_then_act_is_safe_while_nobody_moves(lines: str) -> None:
    held = reached(text(CHECKED, lines, assume=FEW), pool=3, events=2)
    assert "no duplicate bill" not in held
    moved = reached(text(CHECKED, lines, assume=FEW[:-3]), pool=3, events=2)
    assert "no duplicate bill" in moved
    loose = reached(text(CHECKED, lines.replace(ORDERED, ""), assume=FEW), pool=3, events=2)
    assert "no duplicate bill" in loose


def test_the_key_must_be_one_of_the_event() -> None:
    assert load_text(text(lines="  keyed by other")).design is None
