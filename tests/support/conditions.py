"""Small designs, most with one condition broken, and the findings on them."""

from __future__ import annotations

from onceproof.lang.load import load_text
from onceproof.lower import lower
from onceproof.machine.delivery import Delivery
from onceproof.properties import question
from onceproof.verdict.side_conditions import Finding, fragment

from support.repo import ROOT


def _body(path: str) -> str:
    """A design of ``tests/designs`` without its header, so that lines count from its first one."""
    lines = (ROOT / "tests/designs" / path).read_text(encoding="utf-8").splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("#"))


REFUND = _body("unknown/rows_under_two_business_keys.once")
LEASE = _body("proved/effect_that_checks_the_token_of_its_lock.once")
CONFIRM = _body("refuted/one_order_in_two_events.once")
CHARGE = _body("refuted/asking_the_provider_after_a_failed_call.once")
TWICE = _body("unknown/two_messages_in_a_queue_with_a_limit.once")

ELSEWHERE = """event Order(id)
queue orders of Order exactly-once
queue mails of Order at-most-once
store seen per id
effect a per id in seen
consumer c on orders
  publish to mails
  ack
consumer d on mails
  do a
claim no duplicate a
"""

MAIL = """event Order(id, order)
queue orders of Order at-least-once
effect mail per id via smtp
consumer c on orders
  send mail
  ack
claim no duplicate mail
claim no loss of mail
"""


def findings(
    text: str, semantics: Delivery = Delivery.AT_LEAST_ONCE, claim: int = 0
) -> tuple[Finding, ...]:
    """What is found for one claim of a design that must load."""
    loaded = load_text(text)
    assert loaded.design is not None, loaded.diagnostics
    lowered = lower(loaded.design, semantics)
    asked = loaded.design.claims[claim]
    machine, prop = question(lowered, asked)
    return fragment(loaded.design, lowered, asked, machine, prop)


def conditions(
    text: str, semantics: Delivery = Delivery.AT_LEAST_ONCE, claim: int = 0
) -> list[str]:
    """Their conditions, each once."""
    return list(dict.fromkeys(f.condition for f in findings(text, semantics, claim)))
