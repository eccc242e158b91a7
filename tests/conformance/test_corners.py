"""Designs that once broke an engine, kept as they were found."""

from __future__ import annotations

from onceproof.interpreter.oracle import event_sets, explore
from onceproof.lang.load import load_text
from onceproof.lower import lower
from onceproof.verdict.check import check_loaded
from onceproof.verdict.result import Verdict
from onceproof.verdict.task import Options

from tests.conformance.observe import interpreter_shows, machine_shows

ACQUIRED_LAST = """\
event Paid(id)
queue paid of Paid at-least-once
store book per id
lock lease per id in book, expires
effect credit per id in book
  checks token of lease
effect mail per id via smtp
consumer c on paid
  send mail
  ack
  acquire lease
claim no loss of mail
"""


def test_a_lock_that_is_acquired_as_the_last_step() -> None:
    loaded = load_text(ACQUIRED_LAST)
    assert loaded.design is not None
    result, _ = check_loaded(loaded, Options())
    assert not result.failures
    assert [c.verdict for c in result.cells] == [Verdict.HOLDS]


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


def the_readings_agree(text: str) -> None:
    """Both reach the same, the dead aside, with one event and two workers."""
    design = load_text(text).design
    assert design is not None
    lowered = lower(design, design.semantics[0])
    shown = machine_shows(lowered, 2, 5_000)
    explored = [
        explore(design, design.semantics[0], events, 2, 5_000) for events in event_sets(design, 1)
    ]
    assert shown is not None
    machine, interpreter = (
        {s for s in side if "dead" not in str(s)}
        for side in (shown, interpreter_shows(lowered, explored))
    )
    assert machine == interpreter


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


def test_a_row_that_the_broker_collects_in_a_serializable_block_proves_nothing() -> None:
    text = (
        KEPT_INSIDE_BY_A_SERIALIZABLE_BLOCK.replace("at-least-once", "exactly-once")
        + "claim no loss of output\n"
    )
    result, _ = check_loaded(load_text(text), Options())
    assert not result.failures
    assert [c.verdict for c in result.cells] == [Verdict.UNKNOWN] * 2
    assert all("T16" in c.reason for c in result.cells)


def test_nor_does_one_behind_a_queue_of_another_guarantee() -> None:
    """It is the handler's own queue that collects, whatever the design as a whole is checked
    under.
    """
    text = KEPT_INSIDE_BY_A_SERIALIZABLE_BLOCK.replace("on orders", "on further").replace(
        "inside orders", "inside further"
    )
    text = text.replace("store book", "queue further of Placed exactly-once\nstore book")
    text = text.replace(
        "consumer handler",
        "consumer first on orders\n  publish to further\n  ack\nconsumer handler",
    )
    result, _ = check_loaded(load_text(text + "claim no loss of output\n"), Options())
    assert not result.failures
    assert [c.verdict for c in result.cells] == [Verdict.UNKNOWN] * 2
    assert all("T16" in c.reason for c in result.cells)
