"""What brokers do: who acknowledges, why a living worker loses its message, what comes again, and
what helps against it.
"""

from __future__ import annotations

import pytest
from onceproof.interpreter.oracle import event_sets, explore
from onceproof.lang.load import load_text
from onceproof.lower import lower
from onceproof.machine.system import Cause

from support.observe import interpreter_shows, machine_shows
from support.trap import CALM, cell, proved, refuted

HEAD = """\
event Paid(id)
queue q of Paid at-least-once
{options}effect mail per id via smtp
consumer c on q{traits}
  send mail{rest}
"""
STEADY = CALM + "assume no lost acks\nassume no lost answers\nassume no refusals\n"
DUPLICATE, LOSS = "claim no duplicate mail\n", "claim no loss of mail\n"


def design(options: str = "", traits: str = "", rest: str = "") -> str:
    """The handler that sends a mail, under a broker."""
    lines = "".join(f"  {o}\n" for o in options.split("; ") if o)
    return HEAD.format(options=lines, traits=traits, rest=rest)


def test_a_parent_acknowledges_for_its_dead_child() -> None:
    assert refuted(cell(design(traits=", acks on return or kill") + LOSS), Cause.KILLED)
    assert proved(
        cell(
            design(traits=", acks on return or kill")
            + LOSS
            + "assume no crash\nassume no refusals\nassume no lost answers\n"
        )
    )
    assert proved(cell(design(traits=", acks on return") + LOSS))


def test_a_failure_that_is_acknowledged() -> None:
    assert refuted(cell(design(traits=", acks on return or failure") + LOSS), Cause.REFUSED)
    assert proved(
        cell(design(traits=", acks on return or failure") + LOSS + "assume no refusals\n")
    )


def test_automatic_commits_while_the_record_is_handled() -> None:
    one = cell(design(traits=", acks at any time") + LOSS)
    assert refuted(one, Cause.AUTO_ACKED, Cause.KILLED, workers=1)
    assert proved(cell(design(traits=", acks on return") + LOSS))


@pytest.mark.parametrize(
    ("line", "cause", "assumption"),
    [
        ("consumer may lose its connection", Cause.CONNECTION_LOST, "no-lost-connections"),
        ("partitions may move", Cause.FENCED, "no-rebalance"),
        ("shutdown gives messages back", Cause.REQUEUED, "no-shutdown"),
    ],
)
def test_a_living_worker_loses_its_message(line: str, cause: Cause, assumption: str) -> None:
    text = (
        design(f"{line}; lease 30s", ", takes up to 20s", "\n  ack")
        + STEADY
        + "assume no crash\n"
        + DUPLICATE
    )
    assert refuted(cell(text), cause)
    one = cell(f"{text}assume {assumption.replace('-', ' ')}\n")
    assert proved(one, assumption)
    assert one.conditions == ("handler (20s) < lease (30s)",)


def test_a_dead_workers_message_that_nobody_claims() -> None:
    assert refuted(cell(design("never redelivers", rest="\n  ack") + LOSS), Cause.KILLED)
    assert proved(cell(design(rest="\n  ack") + LOSS))
    text = design("never redelivers", rest=" or stop\n  ack") + LOSS
    assert refuted(cell(text + "assume no crash\n"), Cause.REFUSED)


def test_a_committed_position_goes_back() -> None:
    text = design("commit may go back", ", acks on delivery") + DUPLICATE + CALM
    assert refuted(cell(text), Cause.REWOUND)
    assert proved(cell(text + "assume no rewinds\n"), "no-rewinds")


def test_a_batch_comes_back_because_of_another_record() -> None:
    text = (
        design("batches return together", ", acks on return")
        + DUPLICATE
        + STEADY
        + "assume no crash\n"
    )
    text += "assume handler finishes within the lease\n"
    assert refuted(cell(text), Cause.BATCH_RETURNED)
    assert proved(cell(text + "assume no batch failures\n"), "no-batch-failures")


def test_a_message_expires_or_never_arrives() -> None:
    assert refuted(cell(design("messages may expire", rest="\n  ack") + LOSS), Cause.VANISHED)
    assert proved(
        cell(design("messages may expire", rest="\n  ack") + LOSS + "assume no expired messages\n")
    )
    assert refuted(cell(design("publishes unconfirmed", rest="\n  ack") + LOSS), Cause.VANISHED)


def test_an_unconfirmed_message_is_not_lost_after_its_delivery() -> None:
    """Only on its way in: what was delivered once is there."""
    text = """\
event Paid(id)
queue q of Paid at-least-once
  publishes unconfirmed
store started per id
store ended per id
consumer c on q
  add id to started
  add id to ended
  ack
claim started and ended together
"""
    assert proved(cell(text))
    assert refuted(
        cell(text.replace("publishes unconfirmed", "messages may expire")), Cause.VANISHED
    )


WINDOW = """\
event Paid(id)
queue q of Paid exactly-once
queue further of Paid at-least-once
effect mail per id via smtp
consumer c on q, acks on delivery
  publish to further
  publish to further
consumer d on further, acks on delivery
  send mail
claim no duplicate mail
assume no replay
assume no broker copies
assume no publisher retries
"""


def test_a_window_for_copies_ends() -> None:
    assert refuted(cell(WINDOW))
    short = WINDOW.replace(
        "further of Paid at-least-once\n",
        "further of Paid at-least-once\n  drops copies within 5min\n",
    )
    one = cell(short)
    assert refuted(one)
    assert one.would_hold == ("publisher retries < 5min (further)",)
    held = cell(short + "assume publisher retries end within the dedup window\n")
    assert proved(held, "within-dedup-window")
    assert held.conditions == ("publisher retries < 5min (further)",)


def test_aborted_messages_appear() -> None:
    text = """\
event Paid(id)
queue q of Paid exactly-once
LEAK
queue further of Paid exactly-once
effect mail per id via smtp
consumer c on q
  publish to further
  ack
consumer d on further, acks on delivery
  send mail
claim no duplicate mail
"""
    assert refuted(
        cell(text.replace("LEAK", "  aborted messages may appear")), Cause.ABORTED_APPEARED
    )
    assert proved(cell(text.replace("LEAK\n", "")))


TWO_POLLERS = """\
event Due(id)
queue due of Due at-least-once
store scheduled per id
effect run per id via http
consumer plan on due, acks on delivery
  add id to scheduled
relay poll when id in scheduled
  delete id from scheduledOR
  call run or stop
claim no duplicate run
assume no replay
assume no broker copies
assume no publisher retries
"""


def test_the_removal_decides_who_goes_on() -> None:
    assert refuted(cell(TWO_POLLERS.replace("OR\n", "\n")), workers=2)
    assert proved(cell(TWO_POLLERS.replace("OR\n", " or stop\n")))
    lost = TWO_POLLERS.replace("OR\n", " or stop\n").replace("no duplicate", "no loss of")
    assert refuted(cell(lost), Cause.KILLED)


def test_a_heartbeat_before_the_effect_does_not_help() -> None:
    """It narrows the window and does not close it."""
    text = design("late ack refused; partitions may move", rest="\n  ack").replace(
        "  send mail", "  renew or stop\n  send mail"
    )
    assert refuted(
        cell(
            text
            + STEADY
            + "assume no crash\nassume handler finishes within the lease\n"
            + DUPLICATE
        ),
        Cause.FENCED,
    )


RELEASED = """\
event Paid(id, order)
queue a of Paid at-least-once
queue b of Paid at-least-once
lock mutex per order
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
claim no duplicate mail
"""


def test_a_lock_that_somebody_else_releases() -> None:
    """Its first holder no longer holds it: its end frees nothing. Both readings show the same."""
    loaded = load_text(RELEASED).design
    assert loaded is not None
    lowered = lower(loaded, loaded.semantics[0])
    explored = [
        explore(loaded, loaded.semantics[0], events, 2, 5_000) for events in event_sets(loaded, 1)
    ]
    shown = machine_shows(lowered, 2, 5_000)
    assert shown is not None
    living = [
        {s for s in side if not any(f.endswith(" dead") for part in s for f in part)}
        for side in (shown, interpreter_shows(lowered, explored))
    ]
    assert living[0] == living[1]


SECOND_RECORD = """\
event Paid(id)
queue q of Paid VIA
store totals per id, inside q
effect total per id in totals
consumer c on q
  do total
  ack
assume no replay
claim no duplicate total
"""


def test_a_publishers_second_record_under_exactly_once() -> None:
    """A broker that recognises only some repetitions: what the publisher writes again is another
    record.
    """
    generic = SECOND_RECORD.replace("VIA", "exactly-once")
    assert proved(cell(generic))
    assert refuted(
        cell(generic.replace("exactly-once\n", "exactly-once\n  keeps copies\n")),
        Cause.PUBLISHER_RETRY,
    )
    for model in ("kafka.transactions", "kafka.streams(processing.guarantee=exactly_once_v2)"):
        faultless = (
            "assume no crash\nassume handler finishes within the lease\nassume no lost"
            " connections\nassume no rebalance\n"
        )
        text = (
            design(rest="\n  ack").replace("at-least-once", f"via {model}") + DUPLICATE + faultless
        )
        text += (
            "assume no replay\nassume no rewinds\nassume no lost acks\nassume no lost"
            " answers\nassume no refusals\n"
        )
        assert refuted(cell(text), Cause.PUBLISHER_RETRY)
        assert proved(cell(text + "publisher of q publishes once\n"))
