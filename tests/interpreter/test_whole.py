"""Claims over the whole configuration (docs/semantics_world.md, "Claims over the component"): each
on a state that breaks it and on one that nearly does, reached by hand.
"""

from __future__ import annotations

import pytest
from onceproof.interpreter import claims
from onceproof.interpreter.claims import Judge
from onceproof.interpreter.trace import EventOf
from onceproof.interpreter.unaided import Unaided
from onceproof.lang import resolve

from support.walk import CALM, MOST, Walk

pytestmark = pytest.mark.usefixtures("over_the_whole")


@pytest.fixture
def over_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine cannot answer all of these claims yet."""
    monkeypatch.setattr(resolve, "unmodelled", lambda items: [])
    monkeypatch.setattr(claims, "WHOLE", True)


def of(*types: str, keys: tuple[int, ...] = (), **payload: str) -> tuple[EventOf, ...]:
    """Events of these types, of one business key unless ``keys`` says which; a payload field may
    have a value per event, divided by spaces.
    """
    return tuple(
        EventOf(
            keys[i] if keys else 0,
            kind,
            tuple((field, values.split()[i]) for field, values in payload.items()),
        )
        for i, kind in enumerate(types)
    )


def design(text: str, *asked: str) -> str:
    """The text with claims, and with few faults."""
    lines = [f"assume {a}" for a in CALM[1:]] + [f"claim {c}" for c in asked]
    return text + "\n".join(lines) + "\n"


# ---------------------------------------------------------------- no loss

DEDUP = """event E(id, order)
queue q of E
store seen per order, unique
effect mail per order via http
consumer h on q
  insert order into seen
    on duplicate
      ack
      stop
  send mail
  ack
"""


def test_an_effect_that_another_worker_is_about_to_bring_is_not_lost() -> None:
    w = Walk(design(DEDUP, "no loss of mail"), events=of("E", "E"))
    w.go("delivery h", "insert order into seen", "delivery h event 1")
    w.go("insert order into seen -> duplicate #1 event 1", "ack -> done #1 event 1")
    assert w.status(event=1) == "settled"
    assert w.violated() == [], "worker 0 is about to send it"
    w.go("worker-killed send mail")
    assert w.violated() == ["no loss of mail"], "delivered again, event 0 finds its own row"


PLAIN = """event E(id, order)
queue q of E
store seen per order
effect mail per order via http
consumer h on q
  add order to seen
  send mail
  ack
"""


def test_an_event_that_has_not_begun_helps_nobody_and_lacks_nothing() -> None:
    w = Walk(design(PLAIN, "no loss of mail"), MOST, events=of("E", "E"))
    assert w.violated() == []
    w.go("message-vanished h")
    assert w.violated() == ["no loss of mail"], "event 1 would send it, as any event would"
    w.go("delivery h event 1")
    assert w.violated() == [], "now it has begun"
    w.go("worker-killed add order to seen event 1")
    assert w.violated() == ["no loss of mail"]


@pytest.mark.parametrize(("keys", "verdict"), [((0, 0), []), ((0, 1), ["no loss of mail"])])
def test_a_message_of_another_event_of_the_key_brings_it(
    keys: tuple[int, int], verdict: list[str]
) -> None:
    w = Walk(design(PLAIN, "no loss of mail"), events=of("E", "E", keys=keys))
    w.go("delivery h event 1", "add order to seen event 1", "worker-killed send mail event 1")
    w.state = w.state.with_status("h", 0, "lost")
    assert w.violated() == verdict


def test_a_relay_for_another_event_of_the_key_brings_it() -> None:
    text = """event E(id, order)
queue q of E
queue mails of E
store outbox per order
effect mail per order via http
consumer h on q
  add order to outbox
  ack
relay r when order in outbox
  publish to mails
  delete order from outbox
consumer m on mails
  send mail
  ack
"""
    w = Walk(design(text, "no loss of mail"), MOST, events=of("E", "E"))
    w.go("delivery h", "add order to outbox", "ack -> done", "message-vanished h event 1")
    assert w.violated() == [], "the relay has a row for both"
    w.go("start r", "publish to mails -> done", "delete order from outbox")
    assert w.violated() == []
    w.go("message-vanished m")
    assert w.violated() == ["no loss of mail"]


def test_a_request_in_flight_may_bring_it_or_never_arrive() -> None:
    text = DEDUP + "lock mutex per id\n"
    w = Walk(design(text, "no loss of mail"), events=of("E", "E"))
    w.go("delivery h", "insert order into seen", "delivery h event 1")
    w.go("insert order into seen -> duplicate #1 event 1", "ack -> done #1 event 1")
    w.go("worker-killed send mail -> request under way")
    before = w.state
    assert w.violated() == []
    assert w.go("late-effect send mail").violated() == []
    w.state = before
    assert w.go("worker-killed send mail -> request lost").violated() == ["no loss of mail"]


def test_a_request_in_flight_that_never_arrives_may_help() -> None:
    text = """event E(id, order)
queue q of E
store book per order
  state: open | sent
store gate per order
lock mutex per id
consumer h on q
  if book.state is sent
    ack
    stop
  set book.state = sent
  add order to gate
  ack
"""
    w = Walk(design(text, "no loss of gate"), events=of("E", "E"))
    w.go("delivery h", "if book.state is sent -> no", "delivery h event 1")
    w.go("worker-killed set book.state = sent -> request under way")
    w.go("if book.state is sent -> no #1 event 1", "worker-killed set book.state = sent #1 event 1")
    w.state = w.state.with_status("h", 1, "lost")
    before = w.state
    assert w.violated() == []
    assert w.go("late-effect set book.state = sent").violated() == ["no loss of gate"]
    w.state = before
    assert w.go("worker-killed set book.state = sent -> request lost").violated() == []


def test_rows_that_expire_do_so_by_themselves() -> None:
    for trait, verdict in (("", ["no loss of mail"]), (", expires", [])):
        text = DEDUP.replace(", unique", f", unique{trait}")
        w = Walk(design(text, "no loss of mail"), events=of("E"))
        w.go("delivery h", "insert order into seen", "worker-killed send mail")
        assert w.violated() == verdict


def test_an_event_has_begun_once_a_worker_was_on_it_or_its_own_is_not_as_it_was() -> None:
    w = Walk(design(PLAIN, "no loss of mail"), events=of("E", "E", "E"))
    begun = Unaided(w.ctx).begun
    assert begun(w.state) == set()
    w.go("delivery h event 1", "add order to seen event 1")
    assert begun(w.state) == {1}, "the row of its key is not its own"
    w.go("worker-killed send mail event 1", "redelivery h event 1")
    assert begun(w.state) == {1}, "although its message is ready as at the start"
    w.state = w.state.with_status("h", 2, "lost")
    assert begun(w.state) == {1, 2}


def test_an_event_that_is_given_back_again_and_again_has_begun() -> None:
    """Its message is as at the start, but whoever gets it finds the row of another."""
    text = DEDUP.replace("      ack\n", "      nack\n").replace("mail per order", "mail per id")
    w = Walk(design(text, "no loss of mail"), events=of("E", "E"))
    w.go("delivery h", "insert order into seen", "delivery h event 1")
    assert w.violated() == []
    w.go("insert order into seen -> duplicate #1 event 1", "nack #1 event 1")
    assert (w.status(event=1), w.violated()) == ("ready", ["no loss of mail"])


def test_an_event_that_is_given_back_still_helps_another() -> None:
    w = Walk(design(PLAIN, "no loss of mail"), events=of("E", "E"))
    w.go("delivery h event 1", "worker-killed add order to seen event 1", "redelivery h event 1")
    w.state = w.state.with_status("h", 0, "lost")
    assert (w.status(event=1), w.violated()) == ("ready", [])


def test_no_loss_unless() -> None:
    text = """event E(id, order)
queue q of E
store book per order
  state: open | declined
effect mail per order via http
consumer h on q
  send mail
    on failure
      ack
      set book.state = declined
      stop
  ack
"""
    claim = "no loss of mail unless book.state is declined"
    w = Walk(design(text, claim).replace("assume no refusals\n", ""), events=of("E"))
    w.go("delivery h", "effect-refused send mail -> refused", "ack -> done")
    assert w.violated() == [], "the worker is about to decline"
    before = w.state
    assert w.go("worker-killed set book.state = declined").violated() == [claim]
    w.state = before
    assert w.go("set book.state = declined").violated() == []


# ---------------------------------------------------------------- together, recoverable


def test_together_counts_what_another_worker_brings() -> None:
    text = """event E(id, order)
queue q of E
store book per order
effect mail per order via http
effect credit per order in book
consumer h on q
  if credit happened
    send mail
    ack
    stop
  do credit
  ack
"""
    w = Walk(design(text, "credit and mail together"), events=of("E", "E"))
    w.go("delivery h", "if credit happened -> no", "do credit", "delivery h event 1")
    w.go("if credit happened -> yes #1 event 1", "ack -> done")
    assert w.violated() == [], "worker 1 is about to send the mail"
    w.go("send mail -> done #1 event 1")
    assert w.violated() == []
    w = Walk(design(text, "credit and mail together"), events=of("E", "E"))
    w.go("delivery h", "if credit happened -> no", "do credit", "ack -> done")
    assert w.violated() == ["credit and mail together"], "event 1 has not begun"


def test_recoverable_counts_what_another_worker_opens() -> None:
    text = """event A(id, order)
event B(id, order)
queue a of A
queue b of B
store gate per order
consumer x on a
  if order in gate
    ack
    stop
  fail
consumer y on b
  add order to gate
  ack
"""
    w = Walk(design(text, "recoverable"), events=of("A", "B"))
    assert w.violated() == []
    w.go("delivery x", "if order in gate -> no")
    assert w.violated() == ["recoverable"]
    w.go("delivery y event 1")
    assert w.violated() == [], "the gate is about to open"
    w.go("add order to gate event 1", "ack -> done event 1")
    assert w.violated() == []


# ---------------------------------------------------------------- at rest never

JOIN = """event A(id, order)
event B(id, order)
queue a of A
queue b of B
store box per order
  a: no | yes
  b: no | yes
  joined: no | yes
consumer x on a
  {}
consumer y on b
  {}
"""
REST = "at rest never box.a is yes and box.b is yes and box.joined is no"
LOOKS = "if box.{1} is yes\n    set box.joined = yes"
WRITES = "set box.{0} = yes"


def test_at_rest_never_where_both_look_first() -> None:
    def side(*pair: str) -> str:
        return f"{LOOKS.format(*pair)}\n  {WRITES.format(*pair)}\n  ack"

    w = Walk(design(JOIN.format(side("a", "b"), side("b", "a")), REST), events=of("A", "B"))
    w.go("delivery x", "delivery y event 1", "if box.b is yes -> no")
    w.go("if box.a is yes -> no #1 event 1", "set box.a = yes", "ack -> done")
    assert w.violated() == []
    w.go("set box.b = yes #1 event 1")
    assert w.violated() == [REST], "worker 1 will only acknowledge"
    w.go("worker-killed ack #1 event 1")
    assert w.violated() == [], "delivered again, event 1 looks again"


def test_at_rest_never_where_both_write_first() -> None:
    def side(*pair: str) -> str:
        return f"{WRITES.format(*pair)}\n  {LOOKS.format(*pair)}\n  ack"

    w = Walk(design(JOIN.format(side("a", "b"), side("b", "a")), REST), events=of("A", "B"))
    w.go("delivery x", "delivery y event 1", "set box.a = yes", "if box.b is yes -> no")
    w.go("ack -> done", "set box.b = yes #1 event 1")
    assert w.violated() == [], "worker 1 still looks"
    w.go("if box.a is yes -> yes #1 event 1", "set box.joined = yes #1 event 1")
    assert w.violated() == []


# ---------------------------------------------------------------- waiting for good

LOCKS = """event E(id, order, kind: one | other)
queue q of E
effect mail per order via http
lock a per order{0}
lock b per order{0}
consumer h on q
  if kind is one
    acquire a
    acquire b
  else
    acquire b
    acquire a
  send mail
  release a
  release b
  ack
"""
LOST = ["no loss of mail", "no deadlock"]
STUCK = ["no loss of mail", "recoverable", "eventually settled", "no deadlock"]


def _crossed(traits: str) -> Walk:
    w = Walk(design(LOCKS.format(traits), *STUCK), events=of("E", "E", kind="one other"))
    w.go("delivery h", "if kind is one -> yes", "acquire a")
    w.go("delivery h event 1", "if kind is one -> no #1 event 1")
    assert w.violated() == []
    return w.go("acquire b #1 event 1")


def test_workers_that_wait_for_each_other() -> None:
    assert _crossed("").violated() == STUCK


def test_a_lease_ends_what_waits_for_it() -> None:
    assert _crossed(", expires").violated() == []


def test_a_worker_that_goes_on_lets_the_others_go_on() -> None:
    w = Walk(design(LOCKS.format(""), *STUCK), events=of("E", "E", kind="one one"))
    w.go("delivery h", "if kind is one -> yes", "acquire a")
    w.go("delivery h event 1", "if kind is one -> yes #1 event 1")
    assert w.violated() == []


def test_who_waits_for_good() -> None:
    w = _crossed("")
    assert [x.number for x in Judge(w.ctx).deadlocked(w.state)] == [0, 1]
    w.go("worker-killed acquire b")
    assert Judge(w.ctx).deadlocked(w.state) == []
    assert w.violated() == [], "a kill ends it: the other goes on, and the broker delivers again"


def test_a_worker_that_waits_for_itself() -> None:
    text = LOCKS.format("").replace("    acquire b\n  else", "    acquire a\n  else")
    w = Walk(design(text, *STUCK), events=of("E", kind="one"))
    w.go("delivery h", "if kind is one -> yes")
    assert w.violated() == []
    assert w.go("acquire a").violated() == STUCK[1:], "alone it never gets to the mail"


def test_another_message_of_an_event_whose_worker_waits_for_good() -> None:
    """What a worker has published before it waits for good may still bring the effect."""
    text = """event E(id)
queue q of E
queue further of E
store box per id
lock a per id
effect mail per id via http
consumer h on q
  acquire a
  {}
  acquire a
  ack
consumer m on further
  send mail
  ack
relay r when id in box
  publish to further
"""
    for line, taken in (("publish to further", " -> done"), ("add id to box", "")):
        w = Walk(design(text.format(line), *LOST), events=of("E"))
        w.go("delivery h", "acquire a", line + taken)
        assert w.violated() == ["no deadlock"]


def test_a_worker_that_waits_for_good_keeps_no_other_from_the_event() -> None:
    text = """event E(id)
queue q of E
queue further of E
lock a per id
effect mail per id via http
effect note per id via http
consumer h on q
  send note
  publish to further
  acquire a
  acquire a
  ack
consumer m on further
  send mail
  ack
"""
    asked = ("note and mail together", "no deadlock")
    w = Walk(design(text, *asked), MOST, events=of("E"))
    w.go("delivery h", "send note -> done", "publish to further -> done", "acquire a")
    assert w.violated() == ["no deadlock"]
    assert w.go("message-vanished m").violated() == list(asked)


@pytest.mark.parametrize(("trait", "lost"), [(", workers 1", True), ("", False)])
def test_a_worker_that_waits_for_good_takes_the_place_that_others_need(
    trait: str, lost: bool
) -> None:
    text = f"""event E(id, order, kind: good | bad)
queue q of E
queue further of E
lock a per order
effect mail per order via http
consumer h on q
  publish to further
  ack
consumer m on further{trait}
  send mail
  if kind is bad
    acquire a
    acquire a
  ack
"""
    w = Walk(design(text, *LOST), events=of("E", "E", keys=(0, 1), kind="good bad"))
    w.go("delivery h", "publish to further -> done", "ack -> done")
    assert w.violated() == []
    w.go("delivery h event 1", "publish to further -> done event 1")
    assert w.violated() == []
    w.go("delivery m event 1", "send mail -> done #1 event 1", "if kind is bad -> yes #1 event 1")
    w.go("acquire a #1 event 1")
    assert w.violated() == (LOST if lost else ["no deadlock"])


# ---------------------------------------------------------------- sections, effectively once


@pytest.mark.parametrize(
    ("keys", "verdict"), [((0, 0), ["at most one worker in s per order"]), ((0, 1), [])]
)
def test_one_worker_per_business_key(keys: tuple[int, int], verdict: list[str]) -> None:
    text = """event E(id, order)
queue q of E
consumer h on q
  section s
    wait
  ack
"""
    claim = "at most one worker in s"
    asked = (claim, f"{claim} per id", f"{claim} per order")
    w = Walk(design(text, *asked), events=of("E", "E", keys=keys), pool=3)
    w.go("delivery h")
    assert w.violated() == []
    w.go("delivery h event 1")
    assert w.violated() == verdict
    w.go("redelivery h", "delivery h")
    assert w.violated() == [*asked[:2], *(verdict or [asked[2]])]


def test_effectively_once_is_broken_with_either_half() -> None:
    text = """event E(id)
queue q of E at-least-once
effect mail per id via http
consumer h on q
  send mail
  ack
"""
    text = design(text, "effectively once mail")
    w = Walk(text).go("delivery h", "send mail -> done", "worker-killed ack", "redelivery h")
    claim = w.design.claims[0]
    assert w.violated() == []
    w.go("delivery h", "send mail -> done")
    half = Judge(w.ctx).half(claim, w.state)
    assert (w.violated(), half and half.kind) == ([claim.text], "no-duplicate")
    w = Walk(text.replace("at-least-once", "at-most-once"), MOST).go("message-vanished h")
    half = Judge(w.ctx).half(w.design.claims[0], w.state)
    assert (w.violated(), half and half.kind) == ([claim.text], "no-loss")
