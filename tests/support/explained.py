"""Designs whose proofs are explained in the tests, with everything that is needed to ask for the
explanation.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from onceproof.engines.coverability import Budget, Safe, prove
from onceproof.explain.proof import Why, explain_proof
from onceproof.lang.design import Claim
from onceproof.lang.load import load_text
from onceproof.lower import Lowered, lower
from onceproof.machine.invariant import Invariant
from onceproof.machine.system import Machine, Property
from onceproof.properties import question
from onceproof.properties.possibility import TooWide

DEDUP = """event Paid(id, account)
queue payments of Paid at-least-once
store processed per id, unique
store account per account
effect receipt per id via smtp

consumer bank on payments
  atomic
    insert id into processed
      on duplicate
        ack
        stop
    increment account.balance
  send receipt
  ack

claim no duplicate account.balance
claim no loss of account.balance
claim no duplicate receipt
claim account.balance before receipt
"""

KEY = """event Invoice(id, invoice)
queue invoices of Invoice at-least-once
store processed per id
store invoice per invoice
effect email per id via http
  key id, kept for ever

consumer notifier on invoices
  if id in processed
    ack
    stop
  set invoice.status = queued
  send email
  add id to processed
  ack

claim no duplicate email
claim no loss of email
"""

ACK_FIRST = """event Invoice(id, invoice)
queue invoices of Invoice at-least-once
effect email per id via smtp

consumer notifier on invoices
  ack or stop
  send email

assume no lost acks
assume no replay
assume no publisher retries
assume no broker copies
claim no duplicate email
"""

LEASE = """event Paid(id, account)
queue payments of Paid at-least-once
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
claim no loss of credit
"""

OUTBOX = """event Placed(id, order)
queue orders of Placed at-least-once
queue bookings of Placed at-least-once
store order per order
store outbox per id, unique
store booked per id, unique
store ledger per order

consumer shop on orders
  atomic
    insert id into outbox
      on duplicate
        ack
        stop
    set order.status = placed
  ack

relay forward when id in outbox and outbox.state is not sent
  publish to bookings
  set outbox.state = sent

consumer book on bookings
  atomic
    insert id into booked
      on duplicate
        ack
        stop
    increment ledger.entries
  ack

claim no duplicate ledger.entries
claim no loss of ledger.entries
claim order and ledger.entries together
"""

VERSION = """event Paid(id, payment)
queue payments of Paid at-least-once
store payment per payment
  status: open | booked
effect credit per payment in payment

consumer bank on payments
  atomic
    add payment to payment
    update payment.status from open to booked
      on conflict
        ack
        stop
    do credit
  ack

claim no duplicate credit
claim no loss of credit
claim never payment.status is open and credit happened
"""

ONCE = """event Placed(id, order)
queue orders of Placed at-most-once
store seen per id
effect confirmation per id via smtp

consumer confirm on orders
  if id in seen
    stop
  section sending
    send confirmation
  add id to seen

claim no duplicate confirmation
claim at most one worker in sending
"""

INSIDE = """event Usage(id, account)
queue usage of Usage exactly-once
store account per account, inside usage
effect bill per id via smtp

consumer billing on usage
  increment account.units
  send bill
  ack

claim no duplicate account.units
claim no loss of account.units
claim no loss of bill
"""

ALL_SEMANTICS = """event Paid(id, order)
queue payments of Paid
store order per order
store page per order, cache
effect shipment per id via http

consumer fulfil on payments
  set order.status = paid
  call shipment
  set page.status = paid
  ack

claim no loss of order
claim no duplicate shipment
claim no loss of shipment
claim never page.status is paid and order.status is not paid
"""

LOCKED = """event Placed(id, order)
queue orders of Placed at-least-once
store processed per id, unique
store stock per order
effect charge per id via stripe

consumer fulfil on orders
  atomic
    insert id into processed
      on duplicate
        ack
        stop
    increment stock.taken
    call charge
  ack

claim no duplicate stock.taken
claim no loss of stock.taken
"""

SHARED_LEASE = """event Job(id, account, kind: card | cash)
queue jobs of Job
store balance per account
lock lease per account in balance, expires
effect credit per id in balance
  checks token of lease

consumer w on jobs
  acquire lease or fail
  if credit happened
    release lease
    ack
    stop
  if kind is card
    do credit or fail
  release lease
  ack

claim no duplicate credit
claim no loss of credit
"""

UNREAL = """event E(id)
queue q of E at-least-once
store book per id
  state: open | paid
effect mail per id via smtp

consumer h on q
  if book.state is paid
    send mail
  ack

claim no duplicate mail
"""

WINDOW = """event Placed(id, order)
queue orders of Placed at-least-once
effect charge per id via http
  key id, kept 24h

consumer payments on orders
  call charge
  ack

assume retries end within the key window
assume no replay
claim no duplicate charge
claim no loss of charge
"""

DESIGNS = {
    "dedup": DEDUP,
    "key": KEY,
    "ack_first": ACK_FIRST,
    "lease": LEASE,
    "outbox": OUTBOX,
    "version": VERSION,
    "once": ONCE,
    "inside": INSIDE,
    "all_semantics": ALL_SEMANTICS,
    "locked": LOCKED,
    "shared_lease": SHARED_LEASE,
    "unreal": UNREAL,
    "window": WINDOW,
}


@dataclass(frozen=True, slots=True)
class Proved:
    """A claim that holds, with its invariant."""

    lowered: Lowered
    claim: Claim
    machine: Machine
    prop: Property
    invariant: Invariant

    def why(self, seconds: float = 60.0) -> Why:
        """The explanation."""
        return explain_proof(
            self.lowered, self.machine, self.prop, self.invariant, self.claim, seconds
        )


def proofs(text: str, budget: Budget) -> Iterator[Proved]:
    """Every claim of a design that the coverability engine proves, under all its semantics."""
    design = load_text(text).design
    assert design is not None
    for semantics in design.semantics:
        lowered = lower(design, semantics)
        for claim in design.claims:
            try:
                machine, prop = question(lowered, claim)
            except TooWide:
                continue
            answer = prove(machine, prop, budget)
            if isinstance(answer, Safe):
                yield Proved(lowered, claim, machine, prop, answer.invariant)


@cache
def explained(name: str) -> tuple[tuple[Proved, Why], ...]:
    """The proofs of a design with their explanations."""
    return tuple(
        (proved, proved.why()) for proved in proofs(DESIGNS[name], Budget(elements=50_000))
    )
