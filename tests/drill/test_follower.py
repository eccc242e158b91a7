"""The interpreter follows observations that are given here by hand."""

from __future__ import annotations

from onceproof.drill.follower import Follower
from onceproof.interpreter.trace import EventOf
from onceproof.machine.delivery import Delivery
from onceproof.machine.system import Cause

from support.drill import ARTICLE, loaded

EVENT = (EventOf(0, "InvoiceCreated", ()),)


def follower(semantics: Delivery = Delivery.AT_LEAST_ONCE) -> Follower:
    """A follower of the article's handler: lines 11 `if`, 12 `ack`, 14 `set`, 15 `send`, 16 `add`,
    17 `ack`.
    """
    design = loaded(ARTICLE / "invoice_email.once").design
    assert design is not None
    return Follower(design, semantics, EVENT)


def step(of: Follower, real: int, outcome: str, place: tuple[int, int] | str) -> None:
    """A worker's request, sent and come back."""
    of.calls(real)
    of.returns(real, outcome, place)


def test_a_run_to_the_end_is_allowed() -> None:
    of = follower()
    of.began(1, "notifier", 0, (11, 0))
    for outcome, place in (
        ("no", (14, 0)),
        ("", (15, 0)),
        ("done", (16, 0)),
        ("", (17, 0)),
        ("sent", "ended"),
    ):
        step(of, 1, outcome, place)
        assert not of.is_lost


def test_a_wrong_answer_is_not_allowed() -> None:
    of = follower()
    of.began(1, "notifier", 0, (11, 0))
    step(of, 1, "yes", (12, 0))
    assert of.is_lost
    assert of.possible == ("no, and the worker stands before line 14",)


def test_a_redelivery_is_guessed_after_a_death_and_not_under_at_most_once() -> None:
    for semantics, allowed in (
        (Delivery.AT_LEAST_ONCE, True),
        (Delivery.EXACTLY_ONCE, True),
        (Delivery.AT_MOST_ONCE, False),
    ):
        of = follower(semantics)
        of.began(1, "notifier", 0, (11, 0))
        of.killed(1, on_the_way=False)
        of.began(2, "notifier", 0, (11, 0))
        assert of.is_lost is not allowed, semantics


def test_two_requests_at_once_happen_in_either_order() -> None:
    for first, second in (("no", "no"), ("no", "yes")):
        of = follower()
        of.began(1, "notifier", 0, (11, 0))
        for outcome, place in (("no", (14, 0)), ("", (15, 0)), ("done", (16, 0))):
            step(of, 1, outcome, place)
        of.began(2, "notifier", 0, (11, 0))
        of.calls(1)  # `add id to processed`
        of.calls(2)  # `if id in processed`
        of.returns(2, second, (12, 0) if second == "yes" else (14, 0))
        of.returns(1, "", (17, 0))
        assert not of.is_lost, (first, second)


def test_faults_that_were_not_injected_have_not_happened() -> None:
    of = follower()
    of.began(1, "notifier", 0, (11, 0))
    for outcome, place in (
        ("no", (14, 0)),
        ("", (15, 0)),
        ("done", (16, 0)),
        ("", (17, 0)),
        ("done", "ended"),
    ):
        step(of, 1, outcome, place)
    of.close()
    assert of.offers(Cause.REPLAY)
    assert not of.offers(Cause.DELIVERY), "nobody has published it again"
    of.copied.add(("invoices", 0))
    of.close()
    assert of.offers(Cause.DELIVERY)
