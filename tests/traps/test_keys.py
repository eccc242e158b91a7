"""Ids, business keys and idempotency keys: what counts as the same."""

from __future__ import annotations

from onceproof.machine.system import Cause

from support.trap import cell, cells, codes, open_question, proved, refuted

KEYED = """\
event Paid(id, account)
queue q of Paid at-least-once
effect charge per id via http
  key id, kept for ever
consumer c on q
  call charge
  ack
claim no duplicate charge
"""

ORDERS = """\
event Placed(message, order)
queue q of Placed at-least-once
publisher of q retries with a new id
store seen per KEY, unique
store ledger per order
effect booking per order in ledger
consumer c on q
  atomic
    insert KEY into seen
      on duplicate
        ack
        stop
    do booking
  ack
claim no duplicate booking
"""


def test_a_key_that_contains_the_attempt_number() -> None:
    assert refuted(cell(KEYED.replace("key id", "key attempt")), workers=1)
    assert proved(cell(KEYED))


def test_key_expiry() -> None:
    """The provider forgets the key, and the next retry is a new request."""
    day = KEYED.replace("kept for ever", "kept 24h")
    assert refuted(cell(day), Cause.KEY_EXPIRED)
    window = "assume retries end within the key window\n"
    assert refuted(cell(day + window), Cause.KEY_EXPIRED, Cause.REPLAY)
    assert proved(cell(day + window + "assume no replay\n"), "no-replay", "within-key-window")


def test_key_expiry_that_the_design_denies() -> None:
    """What is known of a provider cannot be overruled, and what is not known must be said."""
    assert codes(KEYED.replace("via http", "via stripe")) == {"N135"}
    assert codes(KEYED.replace("via http", "via smtp")) == {"N131"}
    assert codes(KEYED.replace(", kept for ever", "")) == {"N134"}


def test_key_expiry_of_a_row() -> None:
    rows = ORDERS.replace("publisher of q retries with a new id\n", "").replace("KEY", "order")
    expiring = rows.replace("per order, unique", "per order, unique, expires")
    assert refuted(cell(expiring), Cause.KEY_EXPIRED)
    assert proved(cell(rows))


def test_a_new_id_on_retry() -> None:
    """The dedup record never sees the same id twice."""
    assert refuted(cell(ORDERS.replace("KEY", "message")), events=2)
    assert proved(cell(ORDERS.replace("KEY", "order")))


def test_a_new_id_on_retry_that_the_claim_does_not_see() -> None:
    """Counted per message there is no duplicate, because every attempt is another message: that is
    not what was meant.
    """
    per_message = ORDERS.replace("KEY", "message").replace("per order", "per message")
    assert open_question(cell(per_message), "retries with a new message")
    assert codes(per_message.replace("(message, order)", "(message)")) == {"N119"}


def test_dead_letter_redrive_under_a_new_id() -> None:
    """A redrive is a replay if it keeps the id. If it does not, the dedup record of the first id is
    of no use.
    """
    limited = ORDERS.replace(
        "at-least-once\n", "at-least-once\n  delivery limit 5 then dead-letter\n"
    )
    assert refuted(cell(limited.replace("KEY", "message")), events=2)
    assert proved(cell(limited.replace("KEY", "order")))
    same = limited.replace("publisher of q retries with a new id", "operator replays q").replace(
        "KEY", "message"
    )
    assert proved(cell(same.replace("per order", "per message")))
    assert codes(same.replace("operator replays q", "operator replays q with a new id")) == {"S015"}


def test_dead_letter_redrive_by_a_queue_of_its_own() -> None:
    """The redriven message as an event of its own type, which shares the order only."""
    redriven = """
event Redriven(redrive, order)
queue again of Redriven at-least-once
store redone per redrive, unique
consumer d on again
  atomic
    insert redrive into redone
      on duplicate
        ack
        stop
    do booking
  ack
"""
    once = ORDERS.replace("publisher of q retries with a new id\n", "")
    assert refuted(cell(once.replace("KEY", "message") + redriven), events=2)
    shared = redriven.replace("store redone per redrive, unique\n", "").replace(
        "insert redrive into redone", "insert order into seen"
    )
    assert proved(cell(once.replace("KEY", "order") + shared))


REFUND = """\
event Refund(message, order, kind: full | part)
queue q of Refund at-least-once
store fulls per KEY, unique
store parts per KEY, unique
store ledger per KEY
effect payout per KEY in ledger
consumer c on q
  if kind is full
    atomic
      insert KEY into fulls or stop
      do payout
  else
    atomic
      insert KEY into parts or stop
      do payout
  ack
claim no duplicate payout
"""


def test_a_retry_with_another_payload() -> None:
    """A retry that changes its mind is another event with the same business key: a dedup record per
    kind does not see it.
    """
    assert refuted(cell(REFUND.replace("KEY", "order")), events=2)
    assert proved(
        cell(
            REFUND.replace("into parts", "into fulls")
            .replace("store parts per KEY, unique\n", "")
            .replace("KEY", "order")
        )
    )


def test_a_retry_with_another_payload_under_the_same_id_cannot_be_said() -> None:
    """The payload of an id is fixed, so the naive design is proved; a payload that changes is said
    as a choice in each delivery.
    """
    assert proved(cell(REFUND.replace("KEY", "message")))
    choice = REFUND.replace(", kind: full | part", "").replace(
        "  if kind is full\n",
        "  let kind = full\n  call payload\n    on failure\n      let kind = part\n  if kind is"
        " full\n",
    )
    choice = choice.replace(
        "store fulls",
        "effect payload per message via http   # either answer stands for one of the"
        " payloads\nstore fulls",
    )
    assert refuted(cell(choice.replace("KEY", "message")), workers=1, events=1)
    one_record = choice.replace("into parts", "into fulls").replace(
        "store parts per KEY, unique\n", ""
    )
    assert proved(cell(one_record.replace("KEY", "message")))


MOVED = """\
event Moved(id, source, target)
queue q of Moved at-least-once
store seen per KEY, unique
store ledger per target
effect payout per target in ledger
consumer c on q
  atomic
    insert KEY into seen
      on duplicate
        ack
        stop
    do payout
  ack
claim no duplicate payout
"""


def test_two_business_keys_in_one_handler() -> None:
    """Recognised per source, paid out per target: two events with one target and two sources are
    never looked at together.
    """
    assert open_question(cell(MOVED.replace("KEY", "source")), "T1")
    assert refuted(cell(MOVED.replace("KEY", "id")), events=2)
    assert proved(cell(MOVED.replace("KEY", "target")))


def test_two_business_keys_in_one_handler_and_in_a_provider_or_a_lock() -> None:
    head = "event Moved(id, source, target)\nqueue q of Moved at-least-once\n"
    keyed = (
        "effect payout per target via http\n  key KEY, kept for ever\nconsumer c on q\n  call"
        " payout\n  ack\n"
    )
    keyed += "claim no duplicate payout\n"
    assert open_question(cell(head + keyed.replace("KEY", "source")), "T1")
    assert proved(cell(head + keyed.replace("KEY", "target")))
    locked = """
lock mutex per KEY
store ledger per target
effect payout per target in ledger
consumer c on q
  acquire mutex
  if payout happened
    ack
    stop
  do payout
  ack
  release mutex
assume no crash
claim no duplicate payout
"""
    assert open_question(cell(head + locked.replace("KEY", "source")), "T1")
    assert proved(cell(head + locked.replace("KEY", "target")), "no-crash")


def test_two_business_keys_in_one_handler_that_do_not_meet() -> None:
    """Rows of two keys are no problem for claims that need only one of them each."""
    text = """\
event Moved(id, source, target)
queue q of Moved at-least-once
store seen per id, unique
store debit per source
store credit per target
consumer c on q
  atomic
    insert id into seen
      on duplicate
        ack
        stop
    increment debit.sum
    increment credit.sum
  ack
claim no duplicate debit.sum
claim no duplicate credit.sum
"""
    assert all(proved(one) for one in cells(text))


TYPES = """\
event Placed(order)
event Cancelled(order)
queue placed of Placed at-least-once
queue cancelled of Cancelled at-least-once
store shipped per order
store refunded per order
consumer x on placed
  add order to shipped
  ack
consumer y on cancelled
  add order to refunded
  ack
claim never order in shipped and order in refunded
"""


def _own_ids(text: str) -> str:
    return text.replace("Placed(order)", "Placed(p, order)").replace(
        "Cancelled(order)", "Cancelled(c, order)"
    )


def test_one_id_for_two_types_of_events() -> None:
    """A business key that is declared as an id: the tool would take the events of two types for
    strangers.
    """
    shared = TYPES.replace("add order to refunded", "add order to shipped").replace(
        "store refunded per order\n", ""
    )
    shared = shared.replace(
        "claim never order in shipped and order in refunded", "claim no duplicate shipped"
    ).replace("add order to", "insert order into")
    own = shared.replace(
        "store shipped per order",
        "store shipped per order\nstore a per order, unique\nstore b per order, unique",
    )
    own = own.replace(
        "  insert order into shipped",
        "  atomic\n    insert order into DONE or stop\n    insert order into shipped",
    )
    own = own.replace("DONE", "a", 1).replace("DONE", "b")
    assert open_question(cell(own), "T1")
    assert refuted(cell(_own_ids(own)), events=2)


def test_one_id_for_two_types_of_events_that_meet_in_the_claim() -> None:
    assert refuted(cell(_own_ids(TYPES)), events=2)
    assert not proved(cell(TYPES))
