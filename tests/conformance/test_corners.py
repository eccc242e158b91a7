"""Designs that once broke an engine, kept as they were found."""

from __future__ import annotations

import pytest
from onceproof.interpreter.oracle import event_sets, explore
from onceproof.lang.load import load_text
from onceproof.lower import lower
from onceproof.verdict.check import check_loaded
from onceproof.verdict.result import Verdict
from onceproof.verdict.task import Options

from support.agreement import the_readings_agree
from support.observe import interpreter_shows, machine_shows
from support.trap import codes

PUBLISHED_IN_A_TRANSACTION = """\
event Paid(id)
queue paid of Paid exactly-once
queue further of Paid exactly-once
store seen per id, unique
consumer c on paid
  atomic
    insert id into seen or continue
    publish to further
  ack
consumer d on further
  ack
claim no duplicate seen
"""


def test_what_the_broker_collects_does_not_stop_a_transaction() -> None:
    """The insert and the commit behind the publishing line are one step in both readings."""
    the_readings_agree(PUBLISHED_IN_A_TRANSACTION)


KEPT_INSIDE_BY_A_SERIALIZABLE_BLOCK = """\
event Placed(id)
queue orders of Placed at-least-once
store book per id
store output per id, inside orders
effect mail per id via http
consumer handler on orders
  atomic serializable
    insert id into output
    if id in output
      send mail
    add id to book
  ack
claim no loss of mail
"""


def test_a_row_inside_the_broker_is_locked_like_any_other() -> None:
    """Outside exactly-once such a store is an ordinary one; the lowering once had no lock for its
    rows.
    """
    the_readings_agree(KEPT_INSIDE_BY_A_SERIALIZABLE_BLOCK)


ADDED_LATE = """\
event Paid(id)
queue paid of Paid at-least-once
store book per id via postgresql(isolation=repeatable-read)
  state: open | sent
consumer c on paid
  add id to book
  atomic
    if book.state is open
      set book.state = sent
    wait
  on failure
    wait
  ack
assume no database failures
assume no replay
claim recoverable
"""


def test_a_late_request_that_adds_a_row_which_is_there_changes_nothing() -> None:
    """The snapshots of others stay good."""
    the_readings_agree(ADDED_LATE)


RELEASED = """\
event Paid(id, order)
queue a of Paid at-least-once
queue b of Paid at-least-once
lock mutex per order{trait}
effect mail per order
effect note per id
consumer x on a
  acquire mutex or stop
  send mail or stop
  ack
consumer y on b, workers 1
  release mutex
  acquire mutex or stop
  send note or stop
  wait
  ack
{assume}claim no duplicate mail
"""


@pytest.mark.parametrize(
    ("trait", "assume"),
    [
        ("", "assume no lost connections\n"),
        (", until released", ""),
        (", expires 30s", "assume work ends within the lock\n"),
    ],
)
def test_a_lock_that_somebody_else_releases(trait: str, assume: str) -> None:
    """A session lock stays. Another is free, and its first holder no longer holds it: its end frees
    nothing. Both readings show the same.
    """
    loaded = load_text(RELEASED.format(trait=trait, assume=assume)).design
    assert loaded is not None
    lowered = lower(loaded, loaded.semantics[0])
    explored = [
        explore(loaded, loaded.semantics[0], events, 2, 60_000) for events in event_sets(loaded, 1)
    ]
    shown = machine_shows(lowered, 2, 60_000)
    assert shown is not None
    living = [
        {s for s in side if not any(f.endswith(" dead") for part in s for f in part)}
        for side in (shown, interpreter_shows(lowered, explored))
    ]
    assert living[0] == living[1]


HEAD = """\
event Placed(id)
queue orders of Placed at-least-once
store book per id
effect booking per id in book
"""


def with_one_event(text: str) -> Verdict:
    """Both readings agree, and what comes of the only claim."""
    the_readings_agree(text)
    result, _ = check_loaded(load_text(text), Options())
    assert not result.failures
    (only,) = result.cells
    return only.verdict


def test_a_worker_may_be_killed_after_the_commit_of_the_named_effect() -> None:
    text = HEAD + (
        "assume crash only after send booking\n"
        "consumer c on orders\n  atomic\n    do booking\n  ack\n"
        "claim no duplicate booking\n"
    )
    text = text.replace("consumer", "assume no replay\nassume no publisher retries\nconsumer")
    text = text.replace("consumer", "assume no broker copies\nassume no lost acks\nconsumer")
    text = text.replace("consumer", "assume handler finishes within the lease\nconsumer")
    assert with_one_event(text) is Verdict.REFUTED


def test_not_before_it() -> None:
    """While the block is open, others do not see the effect: it has not happened."""
    text = HEAD + (
        "effect mail per id via http\nassume crash only after send booking\n"
        "assume no database failures\n"
        "consumer c on orders\n  ack\n  atomic\n    do booking\n    send mail or continue\n"
        "claim no loss of booking\n"
    )
    assert with_one_event(text) is Verdict.HOLDS


def test_after_a_named_effect_that_appears_with_the_ack() -> None:
    text = HEAD.replace("at-least-once", "exactly-once").replace("id\n", "id, inside orders\n", 1)
    text += (
        "effect mail per id via http\nassume crash only after send booking\n"
        "consumer c on orders\n  do booking\n  ack\n  send mail or continue\n"
        "claim no loss of mail\n"
    )
    assert with_one_event(text) is Verdict.REFUTED


def test_after_a_named_effect_that_checks_a_token() -> None:
    text = HEAD.replace(
        "effect booking per id in book\n",
        "lock lease per id in book, expires\neffect booking per id in book\n"
        "  checks token of lease\neffect mail per id via http\n",
    )
    text += (
        "assume crash only after send booking\nconsumer c on orders\n  ack\n"
        "  acquire lease\n  do booking\n  send mail or continue\nclaim no loss of mail\n"
    )
    assert with_one_event(text) is Verdict.REFUTED


CRASHES = (
    HEAD
    + """\
consumer c on orders
  ack
  atomic
    add id to book
    crash here
    do booking
claim no loss of booking
"""
)


def test_a_crash_point_among_collected_lines_loses_all_of_them() -> None:
    assert with_one_event(CRASHES) is Verdict.REFUTED


def test_a_crash_point_before_a_commit_is_not_behind_it() -> None:
    text = CRASHES.replace("  ack\n  atomic", "  atomic").replace("    do booking\n", BOOKED)
    text = text.replace("no loss of", "no duplicate")
    for cause in ("replay", "publisher retries", "broker copies", "lost acks", "database failures"):
        text = text.replace("consumer", f"assume no {cause}\nconsumer")
    text = text.replace("consumer", "assume handler finishes within the lease\nconsumer")
    assert with_one_event(text) is Verdict.UNKNOWN  # T6 knows nothing of the place in the block
    assert not violated_within(text)
    assert violated_within(text.replace(BOOKED, BOOKED.replace("  ack", "  crash here\n  ack")))


BOOKED = "    do booking\n  ack\n"


def violated_within(text: str) -> bool:
    """Whether one event and two workers violate a claim, as the interpreter has it."""
    design = load_text(text).design
    assert design is not None
    (events,) = event_sets(design, 1)
    return bool(explore(design, design.semantics[0], events, 2, 5_000).violations)


def test_a_crash_point_before_a_stop_point_is_a_place() -> None:
    text = CRASHES.replace("    do booking\n", "    wait\n    do booking\n")
    assert with_one_event(text) is Verdict.REFUTED


def test_an_effect_that_a_serializable_block_looks_at_is_locked() -> None:
    text = HEAD + (
        "consumer c on orders\n  atomic serializable\n    if booking did not happen\n"
        "      wait\n      do booking\n  ack\nclaim no duplicate booking\n"
    )
    assert with_one_event(text) is Verdict.HOLDS


def test_an_ack_of_a_message_that_was_settled_at_its_delivery() -> None:
    """The readings once differed; by now the language refuses it."""
    text = HEAD + (
        "consumer c on orders, acks on delivery\n  ack or stop\n  do booking\n  nack\n"
        "claim no loss of booking\n"
    )
    assert codes(text) == {"N165"}


def test_an_at_most_once_queue_that_nobody_reads() -> None:
    text = HEAD.replace("store", "queue further of Placed at-most-once\nstore", 1) + (
        "assume no crash\nassume no database failures\n"
        "consumer c on orders\n  ack\n  publish to further\n  do booking\n"
        "claim no loss of booking\n"
    )
    assert with_one_event(text) is Verdict.HOLDS


LOCKED_ROW = """\
event Placed(id)
queue orders of Placed at-least-once
store book per id{via}, unique
  state: open | paid
effect mail per id via http
consumer c on orders
  atomic
    {line}
      on {outcome}
        ack
        stop
    send mail
  ack
claim no duplicate mail
"""


def test_who_waits_for_a_locked_row() -> None:
    for via in ("", " via postgresql", " via mysql"):
        for line, outcome in (
            ("insert id into book", "duplicate"),
            ("update book.state from open to paid", "conflict"),
            ("delete id from book", "missing"),
        ):
            text = LOCKED_ROW.format(via=via, line=line, outcome=outcome)
            text = text.replace("consumer", "assume no crash\nconsumer")
            if "duplicate" not in outcome:
                text = text.replace("    send", "    set book.state = open\n    send")
            the_readings_agree(text)


def test_a_leak_is_one_of_the_queue_whose_transaction_was_aborted() -> None:
    text = """\
event Placed(id)
queue orders of Placed exactly-once
  aborted messages may appear
queue other of Placed exactly-once
queue further of Placed exactly-once
effect mail per id via http
consumer a on orders
  ack
  publish to further
  wait
consumer b on other
  publish to further
  wait
  ack
consumer c on further
  send mail
  ack
claim no duplicate mail
"""
    the_readings_agree(text)


def test_a_handler_that_takes_no_step_takes_one() -> None:
    for line in ("stop", "fail", "publish to further"):
        text = HEAD.replace("at-least-once", "exactly-once") + (
            f"queue further of Placed exactly-once\nconsumer c on orders\n  {line}\n"
            "consumer e on further\n  do booking\n  ack\nclaim no duplicate booking\n"
        )
        the_readings_agree(text)


def test_a_payload_field_of_another_type_is_unset() -> None:
    text = """\
event Placed(id)
event Paid(id, kind: card | cash)
queue orders of Placed at-least-once
queue payments of Paid at-least-once
store seen per id
effect mail per id via http
consumer c on orders
  add id to seen
  ack
consumer e on payments
  ack
relay r when id in seen and kind is card
  send mail
claim no duplicate mail
"""
    assert with_one_event(text) is Verdict.VACUOUS  # the relay never starts


def test_a_payload_field_of_a_message_about_the_event() -> None:
    text = """\
event Placed(id)
event Shipped(id, kind: card | cash)
queue orders of Placed at-least-once
queue shipped of Shipped at-least-once
effect mail per id via http
consumer c on orders
  publish to shipped
  ack
consumer e on shipped
  if kind is cash
    send mail
  ack
claim no duplicate mail
"""
    assert with_one_event(text) is Verdict.REFUTED


def test_a_delete_of_a_row_that_is_gone_is_no_new_start() -> None:
    text = HEAD.replace("store book", "store seen per id, unique, expires\nstore book") + (
        "assume retries end within the key window\nconsumer c on orders\n"
        "  insert id into seen or continue\n  do booking\n  ack\n  delete id from seen\n"
        "claim no duplicate booking\n"
    )
    the_readings_agree(text)


STILL_ON_ITS_WAY = """\
event Paid(id)
queue q of Paid at-least-once
store seen per id
effect charge per id via http
  key id, kept 24h
consumer c on q
  if id in seen
    ack
    stop
  call charge
    retry 1 times
    on failure
      add id to seen
      ack
      stop
  add id to seen
  ack
assume retries end within the key window
claim no duplicate charge
claim never id in seen and charge did not happen
"""


def test_a_request_on_its_way_holds_the_key_window_open() -> None:
    """The record does not end before it; the lowering once looked at messages and workers only."""
    the_readings_agree(STILL_ON_ITS_WAY)
