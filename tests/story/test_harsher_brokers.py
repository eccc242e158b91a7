"""The words for logs, brokers and relays as they are: runs made by hand, told step by step."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from onceproof.interpreter import Context, Replay, choices
from onceproof.story.environment import Teller
from onceproof.story.names import Names

from support.harsher import of_brokers
from support.walk import EXACTLY, LEAST, Walk

SWITCHES = ("BROKERS", "TORN", "REDELIVERED", "OWN_DATABASE", "RELAYS", "FED")


@pytest.fixture(autouse=True)
def _brokers(monkeypatch: pytest.MonkeyPatch) -> None:
    of_brokers(monkeypatch, *SWITCHES)


LOG = "event E(id)\nqueue q of E\n  commits positions\neffect mail per id via http\n"
QUEUE = "event E(id)\nqueue q of E\n  delivery limit 9 then drop\neffect mail per id via http\n"
RELAY = (
    "event E(id)\nqueue q of E at-least-once\nqueue out of E at-least-once\n"
    "store outbox per id, unique\nrelay r when id in outbox{how}\n  publish to out\n"
    "consumer c on out\n  ack\n"
)
OWN = (
    "event E(id)\ndatabase main via postgresql\nqueue q of E at-least-once, in main\n"
    "queue out of E at-least-once, in main\nstore seen per id in main, unique\n"
    "consumer c on out\n  ack\n"
)
BOXES = (
    "event E(id)\nqueue q of E\n  aborted messages may appear\nqueue out of E\n"
    "effect mail per id via http\nconsumer c on out\n  ack\n"
)
REFUSED = "effect-refused send mail -> refused"
MADE = "insert id into outbox or stop"


def told(
    head: str,
    body: str,
    steps: list[str],
    semantics: object = LEAST,
    trait: str = "",
    **switches: object,
) -> str:
    """The last of these steps, as a story tells it."""
    lines = [f"consumer h on q{trait}", *(f"  {line}" for line in body.splitlines())]
    text = "\n".join([head.rstrip(), *lines, "claim recoverable", ""])
    w = Walk(text, semantics, pool=4)  # type: ignore[arg-type]
    if switches:
        queue = replace(w.design.queues["q"], **switches)
        w.design = replace(w.design, queues={**w.design.queues, "q": queue})
        w.ctx = Context.of(w.design, w.ctx.choice)
    states = [w.state]
    for label in ("delivery h", *steps):
        states.append(w.go(label).state)
    teller = Teller(w.ctx, Names(w.design, {}))
    run = Replay(w.trace, tuple(w.steps), tuple(states))
    all_told = [teller.tell(s, run.states[i], run.states[i + 1]) for i, s in enumerate(run.steps)]
    return f"{all_told[-1].who} {all_told[-1].text}"


@pytest.mark.parametrize(
    ("body", "steps", "said"),
    [
        (
            "send mail\nack",
            [REFUSED],
            "worker 1 tries to send `mail`; the provider refuses, and nothing happens; the handler"
            " fails; event 1 is passed over, and not committed",
        ),
        (
            "send mail\nack",
            [REFUSED, "later-commit h"],
            "consumer commits the position of a later record, which covers event 1: nobody reads it"
            " again",
        ),
        (
            "send mail\nack",
            [REFUSED, "restarted h"],
            "consumer starts again at the committed position: event 1 is to be delivered again",
        ),
        (
            "send mail\nack",
            [REFUSED, "consumer-fenced h"],
            "broker moves the partition of event 1: its new owner starts at the committed position",
        ),
        (
            "seek back\nsend mail\nack",
            ["seek back"],
            "worker 1 goes back to event 1, to read it again",
        ),
        (
            "seek back\nsend mail\nack",
            ["seek back", "delivery h"],
            "broker delivers event 1 again, to worker 2: worker 1 went back to it",
        ),
    ],
)
def test_a_log_is_told(body: str, steps: list[str], said: str) -> None:
    assert told(LOG, body, steps) == said


def test_a_record_that_was_passed_over_expires() -> None:
    said = told(LOG, "send mail\nack", [REFUSED, "message-vanished h"], expires=True)
    assert said == "broker deletes event 1 from `q`, where it was passed over: its time is over"


@pytest.mark.parametrize(
    ("steps", "switch", "said"),
    [
        (
            ["worker-killed send mail", "broker-lost h"],
            "loses_confirmed",
            "broker crashes and loses event 1 in `q`, which it had confirmed",
        ),
        (
            ["send mail -> done", "ack -> done", "broker-restarted h"],
            "unsynced_acks",
            "broker restarts and has forgotten the acknowledgement of event 1 in `q`, which was not"
            " on disk yet",
        ),
    ],
)
def test_a_broker_is_told(steps: list[str], switch: str, said: str) -> None:
    assert told(QUEUE, "send mail\nack", steps, **{switch: True}) == said


def test_a_question_to_the_message_is_told() -> None:
    body, killed = "if redelivered\n  stop\nsend mail\nack", "worker-killed if redelivered"
    said = told(QUEUE, body, [killed, "delivery h", "if redelivered -> yes"])
    assert said == "worker 2 looks whether event 1 came again: it came again; the handler stops"


def test_a_transaction_in_part_is_told() -> None:
    lines = "consumer h on q\n  publish to out\n  ack\nclaim recoverable\n"
    w = Walk(BOXES + lines, EXACTLY, pool=4).go("delivery h")
    step, after = next(c for c in choices(w.ctx, w.state) if c[0].outcome == "torn")
    teller = Teller(w.ctx, Names(w.design, {}))
    teller.tell(w.steps[0], w.state._replace(workers=()), w.state)
    assert teller.tell(step, w.state, after).text == (
        "acknowledges event 1; its transaction appears in part: of its message to `out` not all is"
        " there; the handler is done"
    )


@pytest.mark.parametrize(
    ("how", "steps", "said"),
    [
        (
            ", with a cursor over outbox",
            [f"{MADE} -> draws its number"],
            "worker 1 (h) draws the number of its row in `outbox`, which is not there yet",
        ),
        (
            ", with a cursor over outbox",
            [f"{MADE} -> draws its number", "overtaken"],
            "cursor `r` reads a row with a later number, and will never look for the one that"
            " worker 1 has not committed yet",
        ),
        (
            ", only when notified",
            [MADE, "message-vanished"],
            "notification to `r` about event 1 finds nobody that listens, and is lost",
        ),
    ],
)
def test_a_relay_is_told(how: str, steps: list[str], said: str) -> None:
    assert told(RELAY.format(how=how), f"{MADE}\nack", steps) == said


def test_a_commit_with_messages_is_told() -> None:
    body = "atomic\n  insert id into seen or stop\n  publish to out\n  ack"
    said = told(OWN, body, ["insert id into seen or stop -> commit"])
    assert said == (
        "worker 1 (h) in one transaction: inserts a row for event 1 into `seen`; publishes event 1"
        " to `out` with it; acknowledges event 1 with it; commits; the handler is done"
    )
