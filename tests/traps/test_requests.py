"""Calls, acknowledgements and crashes: what a request does that its sender no longer waits for."""

from __future__ import annotations

from onceproof.machine.system import Cause

from support.trap import CALM, cell, cells, codes, proved, refuted

HEAD = """\
event Paid(id, account)
queue q of Paid at-least-once
"""

CREDIT = """\
store row per id
effect credit per id in row
"""

MAIL = "effect mail per id via http\n"
NO_DUPLICATE = "claim no duplicate mail\n"
BOTH = "claim no duplicate mail\nclaim no loss of mail\n"


def test_a_request_that_outlives_its_crashed_sender() -> None:
    """A session lock is freed when its holder dies, but the write the holder sent may still be on
    its way.
    """
    locked = """
lock mutex per id
consumer c on q
  acquire mutex or stop
  if credit happened
    ack
    stop
  do credit
  ack
  release mutex
claim no duplicate credit
"""
    assert refuted(cell(HEAD + CREDIT + locked), Cause.KILLED, Cause.LATE_EFFECT, workers=2)
    assert proved(cell(HEAD + CREDIT + "assume no crash" + locked), "no-crash")
    checked = locked.replace("per id\n", "per id in row\n", 1).replace(
        "do credit\n", "do credit or stop\n"
    )
    assert proved(cell(HEAD + CREDIT + "  checks token of mutex" + checked))


def test_a_request_that_outlives_its_crashed_sender_without_a_lock() -> None:
    """The lease of the message never runs out while the handler lives: the same story, told by the
    broker.
    """
    text = """
consumer c on q
  if credit happened
    ack
    stop
  do credit
  ack
assume handler finishes within the lease
claim no duplicate credit
"""
    assert refuted(cell(HEAD + CREDIT + text + CALM), Cause.KILLED, Cause.LATE_EFFECT)
    assert proved(
        cell(HEAD + CREDIT + text + CALM + "assume no crash\n"), "no-crash", "within-lease"
    )


def test_a_lost_ack_without_any_crash() -> None:
    """Nobody dies, nothing else is lost, there is one worker: the acknowledgement alone is
    enough.
    """
    quiet = (
        "assume no crash\nassume no lost answers\nassume no refusals\nassume handler finishes"
        " within the lease\n" + CALM
    )
    text = HEAD + MAIL + "consumer c on q, workers 1\n  send mail\n  ack\n" + quiet + NO_DUPLICATE
    assert refuted(cell(text), Cause.ACK_LOST, workers=1, events=1)
    assert proved(cell(text + "assume no lost acks\n"), "no-lost-acks")


def test_an_external_call_rolled_back() -> None:
    """The insert is undone with its transaction. The call is not: it has left the building."""
    text = """
store done per id, unique
consumer c on q
  atomic
    insert id into done
      on duplicate
        ack
        stop
    send mail or fail
  ack
"""
    assert refuted(cell(HEAD + MAIL + text + NO_DUPLICATE), Cause.KILLED, workers=1, events=1)
    assert all(proved(one) for one in cells(HEAD + MAIL + "  key id, kept for ever" + text + BOTH))
    inside = text.replace("send mail or fail", "do mail")
    assert all(
        proved(one)
        for one in cells(HEAD + "store row per id\neffect mail per id in row" + inside + BOTH)
    )


def test_ack_first_under_a_lease() -> None:
    """Acknowledging first is not at-most-once: the lease may run out before the acknowledgement
    arrives.
    """
    head = HEAD + MAIL + CALM + "assume no lost acks\nassume no crash\n"
    assert refuted(cell(head + "consumer c on q\n  ack\n  send mail\n" + NO_DUPLICATE), workers=2)
    checked = head + "consumer c on q\n  ack or stop\n  send mail\n" + NO_DUPLICATE
    assert proved(cell(checked), "no-replay", "no-publisher-retries", "no-broker-copies")
    assert refuted(
        cell(checked.replace("assume no publisher retries\n", "")), Cause.PUBLISHER_RETRY
    )


def test_two_consumer_groups_with_one_effect() -> None:
    """Each group recognises its own repetitions, and knows nothing of the other group's mails."""
    group = """
consumer NAME on q
  atomic
    insert id into DONE
      on duplicate
        ack
        stop
    do credit
  ack
"""
    one, two = group.replace("NAME", "one"), group.replace("NAME", "two")
    claim = "claim no duplicate credit\n"
    apart = (
        "store a per id, unique\nstore b per id, unique\n"
        + one.replace("DONE", "a")
        + two.replace("DONE", "b")
    )
    assert refuted(cell(HEAD + CREDIT + apart + claim), workers=1, events=1)
    together = "store a per id, unique\n" + one.replace("DONE", "a") + two.replace("DONE", "a")
    assert proved(cell(HEAD + CREDIT + together + claim))
    assert proved(
        cell(HEAD + CREDIT + "store a per id, unique\n" + one.replace("DONE", "a") + claim)
    )


def test_cumulative_commit_with_parallel_handling_cannot_be_said() -> None:
    """There are no offsets: every message is settled on its own. The nearest thing is a client that
    commits in the background.
    """
    naive = HEAD + MAIL + "consumer c on q\n  send mail\n  ack WORDS\nclaim no loss of mail\n"
    for words in ("all", "up to id", "cumulative"):
        assert codes(naive.replace("WORDS", words)) == {"S015"}
    assert "S001" in codes(naive.replace("ack WORDS", "commit offset"))
    early = HEAD + MAIL + "consumer c on q, acks on delivery\n  send mail\nclaim no loss of mail\n"
    assert refuted(cell(early), Cause.KILLED)
    late = (
        HEAD
        + MAIL
        + "consumer c on q, acks on return\n  send mail or fail\nclaim no loss of mail\n"
    )
    assert proved(cell(late))
