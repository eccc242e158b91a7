"""Each side condition that a design can break: a design that does, and the same design
rewritten.
"""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from onceproof.lang.load import load, load_text
from onceproof.lower import lower
from onceproof.machine.delivery import Delivery
from onceproof.machine.system import Cause, Test, Update
from onceproof.properties import question
from onceproof.verdict.side_conditions import BY_CONSTRUCTION, CONDITIONS, fragment

from support.conditions import (
    CHARGE,
    CONFIRM,
    ELSEWHERE,
    LEASE,
    MAIL,
    REFUND,
    TWICE,
    conditions,
    findings,
)
from support.repo import ROOT

LEAST, EXACTLY = Delivery.AT_LEAST_ONCE, Delivery.EXACTLY_ONCE


def test_every_condition_is_looked_up_or_explained() -> None:
    looked_up = {"T1", "T2", "T3", "T4", "T5", "T6", "T9", "T11", "T16"}
    assert len(CONDITIONS) == len(looked_up)
    assert looked_up | set(BY_CONSTRUCTION) == {f"T{i}" for i in range(1, 18)} - {
        "T15"
    }  # the theory has no T15


def test_a_finding_says_where_what_at_what_cost_and_what_instead() -> None:
    (found,) = findings(REFUND)
    assert (found.condition, found.line, found.path) == ("T1", 5, "design.once")
    assert "`pay` is kept per order, `done` per customer" in found.text
    assert "share their customer and order" in found.cost
    assert found.remedy.startswith("keep `pay` per customer")
    assert not found.only_exactness


# ---------------------------------------------------------------- T1


def test_t1_rows_under_two_business_keys() -> None:
    assert conditions(REFUND) == ["T1"]
    assert (
        conditions(
            REFUND.replace("done per customer", "done per order").replace(
                "insert customer", "insert order"
            )
        )
        == []
    )


def test_t1_two_keys_are_fine_if_one_does_not_matter() -> None:
    text = REFUND.replace(
        "    insert customer into done\n      on duplicate\n        ack\n        stop\n",
        "    add customer to done\n",
    )
    assert conditions(text) == []


def test_t1_two_types_with_one_id() -> None:
    (found,) = findings(CONFIRM)
    assert (found.condition, found.line) == ("T1", 6)
    text = CONFIRM.replace("OrderPlaced(order)", "OrderPlaced(id, order)").replace(
        "Confirmed(order)", "Confirmed(no, order)"
    )
    assert conditions(text) == []


def test_t1_a_published_message_is_about_the_same_event() -> None:
    text = CONFIRM.replace(
        "  do ship\n  ack\nconsumer b", "  publish to confirmed\n  ack\nconsumer b"
    )
    assert conditions(text) == []


def test_t1_retries_under_a_new_id() -> None:
    text = MAIL.replace(
        "at-least-once\n", "at-least-once\npublisher of orders retries with a new id\n"
    )
    (found,) = findings(text)
    assert (found.condition, found.line) == ("T1", 4)
    assert conditions(text.replace("mail per id", "mail per order")) == []
    assert conditions(text, claim=1) == [], "no loss is about each event"
    assert conditions(text.replace("no duplicate mail", "failure-transparent")) == ["T1"]


# ---------------------------------------------------------------- T2, T9


def test_t2_and_t9_a_failover_takes_counters_and_tokens_back() -> None:
    """The machine does that; no row goes away behind its back."""
    text = LEASE.replace("store payment per id", "store payment per id, replicated")
    assert conditions(text) == []


@pytest.mark.parametrize("trait", ["cache", "expires"])
def test_t2_and_t9_rows_that_go_away(trait: str) -> None:
    text = LEASE.replace("store payment per id", f"store payment per id, {trait}")
    assert conditions(LEASE) == []
    assert conditions(text) == ["T2", "T9"]
    assert {f.line for f in findings(text)} == {3}
    assert conditions(text.replace("claim", "assume no failover\nclaim")) == (
        ["T2", "T9"] if trait == "expires" else []
    )


def test_t2_and_t9_rows_that_are_deleted() -> None:
    text = LEASE.replace("    ack\n    stop", "    delete id from payment\n    ack\n    stop")
    assert conditions(text) == ["T2", "T9"]
    assert {f.line for f in findings(text)} == {10}


def test_t2_a_lost_row_matters_only_where_its_effect_does() -> None:
    text = LEASE.replace(
        "claim", "effect note per id in other\nstore other per id, cache\nclaim"
    ).replace("  ack\n  release", "  do note\n  ack\n  release")
    assert conditions(text) == []


def test_t2_no_rule_counts_down_or_tells_one_from_two() -> None:
    design = load_text(MAIL).design
    assert design is not None
    lowered, claim = lower(design, LEAST), design.claims[0]
    machine, prop = question(lowered, claim)
    index = next(
        i
        for i, r in enumerate(machine.rules)
        if r.action.cause is Cause.HANDLER and r.action.subject == "mail"
    )
    for broken in (
        replace(
            machine.rules[index],
            guard=(*machine.rules[index].guard, Test("mail", frozenset({"1"}))),
        ),
        replace(
            machine.rules[index],
            updates=(Update("mail", "mail", (("0", "0"), ("1", "0"), ("2", "1"))),),
        ),
    ):
        rules = (*machine.rules[:index], broken, *machine.rules[index + 1 :])
        found = fragment(design, lowered, claim, replace(machine, rules=rules), prop)
        assert [(f.condition, f.line) for f in found] == [("T2", 5)]


def test_t9_a_lock_under_another_key() -> None:
    text = LEASE.replace("store payment per id", "store payment per account")
    assert conditions(text) == ["T9"]
    assert conditions(text.replace("lock lease per id", "lock lease per account")) == []


# ---------------------------------------------------------------- T3, T4, T5


def test_t3_a_limit_on_workers() -> None:
    text = MAIL.replace("on orders", "on orders, workers 2")
    (found,) = findings(text)
    assert (found.condition, found.line, found.only_exactness) == ("T3", 4, True)
    assert conditions(MAIL) == []


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (("claim no dup", "assume no crash\nclaim no dup"), 7),
        (("claim no dup", "assume crash only after send mail\nclaim no dup"), 7),
        (("at-least-once", "at-least-once\n  late ack refused"), 5),
    ],
)
def test_t4_workers_that_cannot_go_silently(change: tuple[str, str], line: int) -> None:
    found = findings(MAIL.replace(*change), claim=1)
    assert [(f.condition, f.line, f.only_exactness) for f in found] == [("T4", line, True)]
    assert conditions(MAIL.replace(*change), claim=0) == [], (
        "that claim does not ask whether anybody is at work"
    )
    assert conditions(MAIL, claim=1) == []


def test_t4_a_session_lock_and_rows_kept_locked() -> None:
    text = MAIL.replace("  send mail", "  acquire only\n  send mail").replace(
        "consumer", "lock only per id\nconsumer"
    )
    assert [(f.condition, f.line) for f in findings(text, claim=1)] == [("T4", 4)]
    assert conditions(text.replace("lock only per id", "lock only per id, expires"), claim=1) == []
    block = "  atomic\n    insert order into done\n    send mail\n    set done.x = y"
    text = MAIL.replace("  send mail", block).replace(
        "consumer", "store done per order, unique\nconsumer"
    )
    assert [(f.condition, f.line) for f in findings(text, claim=1)] == [("T4", 4)]
    assert (
        conditions(text.replace("    send mail\n    set done.x = y", "  send mail"), claim=1) == []
    )


def test_t4_a_record_that_expires_when_nobody_is_at_work() -> None:
    text = MAIL.replace("smtp", "http\n  key id, kept 24h").replace(
        "claim no dup", "assume retries end within the key window\nclaim no dup"
    )
    assert conditions(text) == []
    assert conditions(text.replace("assume retries", "assume no crash\nassume retries")) == ["T4"]


def test_t5_crash_points() -> None:
    text = MAIL.replace("  send mail", "  send mail\n  crash here")
    assert conditions(text) == [], "a silent crash more or less changes nothing (T5)"
    assert conditions(text, claim=1) == ["T4", "T5"]
    assert conditions(text.replace("at-least-once", "at-least-once\n  late ack refused")) == ["T5"]
    assert conditions(MAIL, claim=1) == []


# ---------------------------------------------------------------- T6


def test_t6_requests_of_the_dead_are_examined_where_a_death_frees_something() -> None:
    text = CHARGE.replace("  if charge", "  acquire only\n  if charge").replace(
        "consumer", "lock only per id\nconsumer"
    )
    text = text.replace("assume no crash\n", "").replace(
        "assume handler finishes within the lease\n", ""
    )
    assert conditions(text) == []
    design = load_text(text).design
    assert design is not None
    lowered, claim = lower(design, LEAST), design.claims[0]
    machine, prop = question(lowered, claim)
    naive = replace(
        machine, rules=tuple(r for r in machine.rules if r.action.cause is not Cause.LATE_EFFECT)
    )
    found = [f for f in fragment(design, lowered, claim, naive, prop) if "killed here" in f.text]
    assert [(f.condition, f.line) for f in found] == [("T6", 9)], (
        "and a lowering that forgets them is noticed"
    )


def test_t6_requests_whose_handler_gave_up_are_examined() -> None:
    assert conditions(CHARGE) == []
    design = load_text(CHARGE).design
    assert design is not None
    lowered, claim = lower(design, LEAST), design.claims[0]
    machine, prop = question(lowered, claim)
    naive = replace(
        machine, rules=tuple(r for r in machine.rules if r.action.cause is not Cause.LATE_EFFECT)
    )
    assert [(f.condition, f.line) for f in fragment(design, lowered, claim, naive, prop)] == [
        ("T6", 7)
    ], "and a lowering that forgets them is noticed"


# ---------------------------------------------------------------- T11, T16


def test_t11_two_messages_of_our_own_that_are_remembered_as_one() -> None:
    assert [(f.condition, f.line) for f in findings(TWICE)] == [("T11", 11)]
    assert conditions(TWICE.replace("  delivery limit 5 then dead-letter\n", "")) == []
    assert conditions(TWICE.replace("  publish to out\n", "", 1)) == []
    assert conditions(TWICE.replace("assume no publisher retries\n", "")) == []
    limited = TWICE.replace("  publish to out\n", "", 1).replace(
        "delivery\n", "delivery, workers 1\n"
    )
    assert conditions(limited) == ["T3", "T11"], "nobody else could have the first one"


def test_t16_a_cache_in_a_transaction() -> None:
    text = REFUND.replace("customer, unique", "order, unique, cache").replace(
        "insert customer", "insert order"
    )
    assert "T16" in conditions(text)
    assert "T16" not in conditions(text.replace(", cache", ""))


def test_t16_publishing_into_another_brokers_queue() -> None:
    text = ELSEWHERE
    (found,) = findings(text, EXACTLY)
    assert (found.condition, found.line) == ("T16", 7)
    assert (
        conditions(
            text.replace("at-most-once", "exactly-once").replace("  do a\n", "  do a\n  ack\n"),
            EXACTLY,
        )
        == []
    )


# ---------------------------------------------------------------- all examples


@pytest.mark.slow
def test_examples_that_are_proved_break_nothing_that_matters() -> None:
    for path in sorted((ROOT / "examples" / "theory").glob("*.once")):
        design = load(path).design
        assert design is not None
        for semantics in design.semantics:
            lowered = lower(design, semantics)
            for claim in design.claims:
                machine, prop = question(lowered, claim)
                found = fragment(design, lowered, claim, machine, prop)
                assert all(f.only_exactness for f in found), (path.name, claim.text, found)
                assert all(0 < f.line <= len(design.lines) for f in found)
