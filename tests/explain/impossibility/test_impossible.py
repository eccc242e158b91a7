"""T13: an effect without key, query and transaction leaves two situations that nobody can tell
apart.
"""

from __future__ import annotations

import pytest
from onceproof.explain.impossibility import Impossible, impossible
from onceproof.interpreter import replay
from onceproof.interpreter.trace import Trace
from onceproof.lang.design import Claim, Design
from onceproof.lang.load import load_text
from onceproof.lower import lower
from onceproof.machine.delivery import Delivery
from onceproof.verdict.decide import judge_claim
from onceproof.verdict.result import ClaimResult, Verdict
from onceproof.verdict.task import Options

MOST, LEAST, EXACTLY = Delivery
MAIL = """event InvoiceCreated(id, invoice)
queue invoices of InvoiceCreated
store processed per id
store invoice per invoice
effect mail per id via http
consumer notifier on invoices
  if id in processed
    ack
    stop
  set invoice.status = queued
  send mail
  add id to processed
  ack
claim no duplicate mail
claim no loss of mail
"""
ACK_FIRST = MAIL.replace("  send mail\n  add id to processed\n  ack\n", "  ack\n  send mail\n")
DEDUP = MAIL.replace(
    "  send mail\n  add id to processed\n  ack\n",
    "  insert id into processed or stop\n  send mail\n  ack\n",
).replace("processed per id", "processed per id, unique")


def _refuted(text: str, semantics: Delivery, claim: int = 0) -> tuple[Design, Claim, Trace]:
    design = load_text(text).design
    assert design is not None
    cell = judge_claim(
        lower(design, semantics), design.claims[claim], Options(second_opinion=False)
    )
    assert isinstance(cell, ClaimResult)
    assert cell.verdict is Verdict.REFUTED
    assert cell.trace is not None
    return design, design.claims[claim], cell.trace


def _asked(text: str, semantics: Delivery, claim: int = 0) -> Impossible | None:
    design, asked, trace = _refuted(text, semantics, claim)
    return impossible(design, asked, replay(design, trace))


def test_the_two_situations_of_the_first_handler() -> None:
    found = _asked(MAIL, LEAST)
    assert found is not None
    assert (found.effect, found.semantics, found.line) == ("mail", LEAST, 11)
    assert found.witness == "the worker is killed just before line 11 is done, or just after it"
    assert found.same == (
        "invoice has a row for invoice 1",
        "invoice.status is queued",
        "event 1 in invoices is in delivery",
    )
    assert found.before == (*found.same, "mail was not sent")
    assert found.after == (*found.same, "mail was sent once")
    assert (
        found.sentences[-1]
        == "So under at-least-once, no handler has both no duplicate and no loss of mail."
    )
    assert [offer.split(":")[0] for offer in found.offers] == [
        "an idempotency key",
        "a query",
        "being inside the transaction",
    ]


@pytest.mark.parametrize(
    ("text", "semantics", "claim"),
    [(ACK_FIRST, LEAST, 1), (DEDUP, LEAST, 1), (MAIL, EXACTLY, 0)],
)
def test_no_handler_helps(text: str, semantics: Delivery, claim: int) -> None:
    """Whatever the handler does, one of the two claims is refuted, and the reason is the same."""
    found = _asked(text, semantics, claim)
    assert found is not None
    assert found.before[:-1] == found.after[:-1]
    assert found.before[-1] != found.after[-1]


VANISHES = MAIL.replace("invoices of InvoiceCreated", "invoices of InvoiceCreated at-least-once")
VANISHES = VANISHES.replace("store processed", "  messages may expire\nstore processed", 1)
FORGETS = """event Job(id)
queue work of Job at-least-once
store errors per id
effect done per id via http
consumer worker on work
  call done
    on failure
      add id to errors
      ack
      stop
  ack
claim done and errors together
"""


@pytest.mark.parametrize(
    ("text", "semantics", "claim"), [(MAIL, MOST, 1), (VANISHES, LEAST, 1), (FORGETS, LEAST, 0)]
)
def test_a_provider_does_not_help_where_nobody_calls_again(
    text: str, semantics: Delivery, claim: int
) -> None:
    """A message that is gone, one that counts as settled when it is delivered, and a handler that
    does the wrong thing though nothing fails.
    """
    assert _asked(text, semantics, claim) is None


def test_failure_transparency_is_impossible_for_the_same_reason() -> None:
    found = _asked(
        MAIL.replace("claim no duplicate mail", "claim failure-transparent").replace(
            "per invoice\n", "per id\n"
        ),
        LEAST,
    )
    assert found is not None
    assert found.effect == "mail"


def test_a_lost_answer_is_enough() -> None:
    found = _asked(MAIL.replace("claim no dup", "assume no crash\nclaim no dup"), LEAST)
    assert found is not None
    assert found.witness == "the call in line 11 is refused, or is done and its answer is lost"


def test_without_crashes_and_lost_answers_it_is_possible() -> None:
    calm = "assume no crash\nassume no lost answers\nclaim no dup"
    assert _asked(MAIL.replace("claim no dup", calm), LEAST) is None


def test_a_crash_only_after_the_effect_tells_that_it_happened() -> None:
    calm = "assume crash only after send mail\nassume no lost answers\nclaim no dup"
    assert _asked(MAIL.replace("claim no dup", calm), LEAST) is None


@pytest.mark.parametrize("offer", ["  key id, kept 24h", "  can be queried"])
def test_a_provider_that_remembers_leaves_a_trace(offer: str) -> None:
    assert _asked(MAIL.replace("via http", f"via http\n{offer}"), LEAST) is None


def test_a_key_per_attempt_is_none() -> None:
    assert (
        _asked(MAIL.replace("via http", "via http\n  key attempt, kept for ever"), LEAST)
        is not None
    )


def test_an_effect_in_a_transaction_leaves_a_trace() -> None:
    text = MAIL.replace("via http", "in processed").replace("send mail", "do mail")
    assert _asked(text, LEAST) is None


def test_other_claims_are_none_of_its_business() -> None:
    text = MAIL.replace("claim no loss of mail", "claim never invoice.status is queued")
    assert _asked(text, LEAST, 1) is None


UPSTREAM = """event Job(id)
queue first of Job at-least-once
queue jobs of Job at-least-once
effect mail per id via http
consumer f on first
  ack
  publish to jobs
consumer w on jobs
  send mail
  ack
claim no loss of mail
"""


def test_a_loss_by_somebody_who_never_gets_to_the_call_is_not_helped_by_a_provider() -> None:
    assert _asked(UPSTREAM, LEAST) is None
    assert (
        _asked(
            UPSTREAM.replace("  ack\n  publish to jobs\n", "  publish to jobs\n  ack\n").replace(
                "  send mail\n  ack\n", "  ack\n  send mail\n"
            ),
            LEAST,
        )
        is not None
    )
