"""Small designs, each with one condition broken, and the findings on them."""

from __future__ import annotations

from onceproof.lang.load import load_text
from onceproof.lower import lower
from onceproof.machine.delivery import Delivery
from onceproof.properties import question
from onceproof.verdict.side_conditions import Finding, fragment

REFUND = """event Refund(id, order, customer)
queue refunds of Refund at-least-once
store done per customer, unique
store book per order
effect pay per order in book
consumer c on refunds
  atomic
    insert customer into done
      on duplicate
        ack
        stop
    do pay
  ack
claim no duplicate pay
"""

LEASE = """event Pay(id, account)
queue payments of Pay at-least-once
store payment per id
lock lease per id in payment, expires
effect credit per id in payment
  checks token of lease
consumer bank on payments
  acquire lease or stop
  if credit happened
    ack
    stop
  do credit or stop
  ack
  release lease
claim no duplicate credit
"""

CONFIRM = """event OrderPlaced(order)
event OrderConfirmed(order)
queue placed of OrderPlaced at-least-once
queue confirmed of OrderConfirmed at-least-once
store shop per order
effect ship per order in shop
consumer a on placed
  do ship
  ack
consumer b on confirmed
  do ship
  ack
claim no duplicate ship
"""

CHARGE = """event Order(id)
queue orders of Order at-least-once
effect charge per id via http
  can be queried
consumer c on orders
  if charge did not happen
    call charge or fail
  ack
assume no crash
assume handler finishes within the lease
assume no publisher retries
assume no broker copies
assume no replay
claim no duplicate charge
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

CANCEL = """event Order(id)
queue orders of Order at-least-once
queue timers of Order at-least-once
store row per id
  state: open | cancelled
  paid: no | yes
effect charge per id via http
  can be queried
consumer a on orders
  call charge or fail
  atomic serializable
    if row.state is not cancelled
      set row.paid = yes
  ack
consumer b on timers
  atomic serializable
    if charge did not happen
      set row.state = cancelled
  ack
claim never row.state is cancelled and row.paid is yes
"""

TWICE = """event Order(id)
queue orders of Order at-least-once
queue mails of Order at-least-once
store order per id
store book per id
effect mail per id in book
consumer shop on orders, workers 1
  publish to mails
  publish to mails
  set order.state = ready
  ack
consumer post on mails, workers 1
  if order.state is not ready
    nack
    stop
  do mail
  ack
assume no publisher retries
assume no broker copies
assume no replay
assume no crash
assume no lost acks
assume no lost answers
assume no refusals
claim no duplicate mail
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
