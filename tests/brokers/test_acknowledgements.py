"""What brokers answer, lose and forget, in the machine: designs of docs/semantics_world.md,
"Acknowledgements and publishers", next to their twins, decided by the machine alone.
"""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from onceproof import lower as lowering
from onceproof.lang import design as d
from onceproof.lower import modelled, queues
from onceproof.machine.delivery import Delivery

from support import by_machine
from support.harsher import of_brokers


@pytest.fixture(autouse=True)
def everything_modelled(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine is asked, whether or not the other reading does it yet."""
    of_brokers(monkeypatch, "BROKERS", "REDELIVERED", reading=modelled)


QUIET = (
    "no crash",
    "no refusals",
    "no lost answers",
    "no lost acks",
    "no lost connections",
    "no publisher retries",
    "no broker copies",
    "no replay",
    "handler finishes within the lease",
)
"""Assumptions under which a message is handled once."""


def holds(
    lines: tuple[str, ...],
    claim: str,
    *,
    queue: str = "at-least-once",
    below: tuple[str, ...] = (),
    traits: str = "",
    assumed: tuple[str, ...] = (),
) -> bool:
    """Whether the claim holds for any number of events and workers."""
    text = "\n".join(
        (
            "event Pay(id)",
            f"queue pays of Pay {queue}",
            *below,
            "store done per id",
            "effect charge per id via http",
            "  key id, kept for ever",
            "effect mail per id via smtp",
            f"consumer bank on pays{traits}",
            *(f"  {x}" for x in lines),
            *(f"assume {x}" for x in assumed),
            f"claim {claim}",
            "",
        )
    )
    return by_machine.holds(text)


@pytest.mark.parametrize(
    ("publisher", "assumed", "safe"),
    [
        ((), (), True),
        (("publisher of pays retries",), (), False),
        (("publisher of pays retries",), ("no publisher retries",), True),
        (("publisher of pays publishes once",), (), True),
    ],
)
def test_a_publisher_that_retries_under_at_most_once(
    publisher: tuple[str, ...], assumed: tuple[str, ...], safe: bool
) -> None:
    lines = ("send mail",)
    found = holds(
        lines,
        "no duplicate mail",
        queue="at-most-once",
        below=publisher,
        traits=", acks on delivery",
        assumed=assumed,
    )
    assert found is safe


@pytest.mark.parametrize(("assumed", "safe"), [((), False), (("the broker loses nothing",), True)])
@pytest.mark.parametrize(
    ("switch", "lines", "claim", "others"),
    [
        ("unsynced_acks", ("ack", "send mail"), "no duplicate mail", QUIET),
        ("loses_confirmed", ("call charge", "ack"), "no loss of charge", ()),
    ],
)
def test_a_broker_that_forgets(
    switch: str,
    lines: tuple[str, ...],
    claim: str,
    others: tuple[str, ...],
    assumed: tuple[str, ...],
    safe: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    groups = queues.groups

    def forgetful(design: d.Design, semantics: Delivery) -> dict[str, queues.Group]:
        found = groups(design, semantics)
        return {k: replace(g, queue=d.changed(g.queue, **{switch: True})) for k, g in found.items()}

    monkeypatch.setattr(lowering, "groups", forgetful)
    assert holds(lines, claim, assumed=(*others, *assumed)) is safe


@pytest.mark.parametrize(
    ("assumed", "safe"), [((), False), (("an event fails fewer than 3 times",), True)]
)
def test_no_event_comes_to_the_limit(assumed: tuple[str, ...], safe: bool) -> None:
    below = ("  delivery limit 3 then drop",)
    lines = ("call charge", "ack")
    assert holds(lines, "no loss of charge", below=below, assumed=assumed) is safe


@pytest.mark.parametrize(("traits", "safe"), [("", True), (", killed after 10s", False)])
def test_a_handler_that_is_killed_for_being_slow(traits: str, safe: bool) -> None:
    lines = ("send mail", "ack")
    assert holds(lines, "no duplicate mail", traits=traits, assumed=QUIET) is safe


@pytest.mark.parametrize(
    ("queue", "safe"), [("via sqs.standard", False), ("via servicebus.peeklock", True)]
)
def test_a_polite_answer_says_nothing(queue: str, safe: bool) -> None:
    assumed = ("no replay", "no publisher retries", "no broker copies", "no expired messages")
    lines = ("ack or stop", "send mail or stop")
    assert holds(lines, "no duplicate mail", queue=queue, assumed=assumed) is safe


@pytest.mark.parametrize(
    ("assumed", "safe"), [(QUIET, True), (tuple(x for x in QUIET if x != "no crash"), False)]
)
def test_a_handler_that_asks_whether_its_message_came_again(
    assumed: tuple[str, ...], safe: bool
) -> None:
    lines = ("if redelivered", "  ack", "  stop", "call charge", "ack")
    assert holds(lines, "no loss of charge", assumed=assumed) is safe


@pytest.mark.parametrize(
    ("dropped", "safe"),
    [("no crash", True), ("no lost acks", True), ("no publisher retries", False)],
)
def test_a_copy_is_a_new_message(dropped: str, safe: bool) -> None:
    assumed = tuple(x for x in QUIET if x != dropped)
    lines = ("if redelivered", "  ack", "  stop", "send mail", "ack")
    assert holds(lines, "no duplicate mail", assumed=assumed) is safe
