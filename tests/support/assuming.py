"""Designs for the assumption search."""

from __future__ import annotations

from onceproof.analysis.assumptions import Assuming, assumptions_for
from onceproof.lang.design import Design
from onceproof.lang.load import load_text
from onceproof.machine.delivery import Delivery
from onceproof.verdict.task import Options

LEAST, EXACTLY = Delivery.AT_LEAST_ONCE, Delivery.EXACTLY_ONCE

CHARGE = """event OrderPlaced(id, order)
queue orders of OrderPlaced at-least-once
effect charge per id via http
  key id, kept 24h
consumer payments on orders
  call charge
  ack
claim no duplicate charge
claim no loss of charge
"""

FIRST = """event InvoiceCreated(id)
queue invoices of InvoiceCreated exactly-once
store processed per id
effect mail per id via http
consumer notifier on invoices
  if id in processed
    ack
    stop
  send mail
  add id to processed
  ack
claim no duplicate mail
"""

LOSSY = """event PaymentReceived(id)
queue payments of PaymentReceived exactly-once
store done per id, unique, replicated
effect credit per id via http
consumer bank on payments
  insert id into done
    on duplicate
      ack
      stop
  call credit
  ack
assume no database failures
assume no lost answers
claim no duplicate credit
"""

ACK_FIRST = """event InvoiceCreated(id)
queue invoices of InvoiceCreated at-least-once
effect mail per id via http
consumer notifier on invoices
  ack or stop
  send mail
assume no lost acks
assume no replay
assume no publisher retries
assume no broker copies
claim no duplicate mail
"""


def assuming(*assumptions: str) -> str:
    """The design with assumptions added."""
    return "".join(f"assume {a}\n" for a in assumptions)


def searched(
    text: str, claim: int = 0, semantics: Delivery = LEAST, *, seconds: float = 60.0, most: int = 3
) -> Assuming:
    """The search on a design that must load."""
    design = loaded(text)
    return assumptions_for(design, design.claims[claim], semantics, Options(seconds=seconds), most)


def loaded(text: str) -> Design:
    """A design that must load."""
    design = load_text(text).design
    assert design is not None
    return design
