"""Requests to providers: stored errors, requests that are lost or still on their way, keys kept in
a row, queries that lag (docs/semantics.md, "Providers").
"""

from __future__ import annotations

import pytest
from onceproof.machine.system import Cause

from support.walk import CALM, Walk, handler, reached

HEAD = """event E(id, order)
queue q of E
store row per id
  key: unset | set
store book per order
  status: open | declined
effect mail per id via http
"""
RUDE = tuple(a for a in CALM if a not in ("no lost answers", "no refusals"))


def walk(body: str, effect: str = "", assume: tuple[str, ...] = RUDE, head: str = HEAD) -> Walk:
    return Walk(handler(body, head + effect, assume, ("never book.status is declined",))).go(
        "delivery h"
    )


ERRORS = "  key id, kept for ever\n  keeps errors\n"


def test_a_stored_error_stays() -> None:
    w = walk("call mail\n  on refused\n    call mail\n      on failure\n        wait\nack", ERRORS)
    assert w.lines() == [
        "answer-lost call mail -> answer lost",
        "answer-lost call mail -> refused, stored, answer lost",
        "answer-lost call mail -> request lost",
        "effect-refused call mail -> refused",
        "effect-refused call mail -> refused, stored",
        "call mail -> done",
    ]
    again = w.go("effect-refused call mail -> refused, stored").lines()
    assert again == [
        "answer-lost call mail -> refused again, answer lost",
        "answer-lost call mail -> request lost",
        "call mail -> refused again",
    ]
    assert w.go("call mail -> refused again").lines() == ["wait"]


def test_without_errors_or_without_a_key_nothing_is_stored() -> None:
    for trait in ("", "  key id, kept for ever\n"):
        w = walk("call mail\nack", trait)
        assert not any("stored" in x for x in w.lines())


def test_the_clauses_tell_refusals_and_silence_apart() -> None:
    body = "call mail\n  on refused\n    wait 1min\n  on no answer\n    wait 2min\nack"
    for outcome, then in (
        ("effect-refused call mail -> refused", "wait 1min"),
        ("answer-lost call mail -> request lost", "wait 2min"),
        ("answer-lost call mail -> answer lost", "wait 2min"),
    ):
        w = walk(body).go(outcome)
        assert w.lines() == [then]
    body = "call mail\n  on refused\n    wait 1min\n  on failure\n    wait 2min\nack"
    assert walk(body).go("effect-refused call mail -> refused").lines() == ["wait 1min"]
    assert walk(body).go("answer-lost call mail -> request lost").lines() == ["wait 2min"]


def test_a_request_that_is_still_on_its_way_arrives_later_or_never() -> None:
    w = walk("call mail\n  on no answer\n    wait\nack", "  can be queried\n")
    w.go("answer-lost call mail -> still on its way", "wait", "ack -> done")
    assert w.count("mail") == 0
    assert w.state.at_work(0)
    assert w.options(Cause.LATE_EFFECT) == ["late-effect mail -> done", "late-effect mail -> never"]
    assert w.go("late-effect mail -> done").count("mail") == 1
    assert not w.state.at_work(0)
    assert not any("on its way" in x for x in walk("call mail\nack").lines()), "nobody looks"


def test_two_requests_on_their_way() -> None:
    body = "call mail\n  retry 1 times\n  on no answer\n    wait\nack"
    for key, count in (("", 2), ("  key id, kept for ever\n", 1)):
        w = walk(body, f"{key}  can be queried\n")
        w.go(*["answer-lost call mail -> still on its way"] * 2, *["late-effect mail -> done"] * 2)
        assert w.count("mail") == count


def test_a_key_that_is_kept_in_a_row() -> None:
    trait = "  key row.key, kept for ever\n"
    body = "call mail\nset row.key = set\ncall mail\ncall mail\nset row.key = set\ncall mail\nack"
    w = walk(body, trait, CALM).go("call mail -> done", "set row.key = set", "call mail -> done")
    assert w.count("mail") == 2, "without the row each call has a key of its own"
    w = walk(body.split("\n", 1)[1], trait, CALM)
    w.go("set row.key = set", "call mail -> done", "call mail -> done")
    assert w.count("mail") == 1
    assert w.go("set row.key = set", "call mail -> done").count("mail") == 2


def test_a_query_may_be_refused() -> None:
    body = "if mail happened\n  wait\nack"
    w = walk(body, "  can be queried\n")
    refused = "effect-refused if mail happened -> refused"
    assert w.lines() == [refused, "if mail happened -> no"]
    w.go(refused)
    assert w.state.workers == ()


def test_a_query_that_lags() -> None:
    head = HEAD.replace("via http", "via stripe")
    body = "call mail\nif mail happened\n  wait\nack"
    w = walk(body, "  can be queried\n", CALM, head).go("call mail -> done")
    assert w.lines() == ["if mail happened -> no", "if mail happened -> yes"]
    head = HEAD.replace("via http", "via stripe(query=retrieve)")
    w = walk(body, "  can be queried\n", CALM, head).go("call mail -> done")
    assert w.lines() == ["if mail happened -> yes"]


def test_a_query_is_a_step_of_its_own_in_every_block() -> None:
    body = "atomic serializable\n  if mail happened\n    stop\n  add id to row\nack"
    w = walk(body, "  can be queried\n", CALM)
    assert w.lines() == ["if mail happened -> no"]


DECLINED = """call mail
  on refused
    add order to book
    set book.status = declined
    ack
    stop
ack"""


@pytest.mark.parametrize(
    ("claim", "found"),
    [("no loss of mail", True), ("no loss of mail unless book.status is declined", False)],
)
def test_a_refusal_that_is_written_down_is_no_loss(claim: str, found: bool) -> None:
    calm = tuple(a for a in CALM if a != "no refusals")
    assert reached(handler(DECLINED, HEAD, calm, (claim,))) == ({claim} if found else set())


def test_a_stored_error_ends_with_time() -> None:
    body = "call mail\n  on failure\n    nack\n    stop\nack"
    calm = tuple(a for a in CALM if a != "no refusals")
    for kept, assume, found in (
        ("for ever", (), True),
        ("24h", (), False),
        ("24h", ("retries end within the key window",), True),
    ):
        effect = f"  key id, kept {kept}\n  keeps errors\n"
        text = handler(body, HEAD + effect, (*calm, *assume), ("no loss of mail",))
        assert reached(text, pool=1) == ({"no loss of mail"} if found else set())
