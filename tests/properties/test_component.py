"""Claims over everything that shares a business key: safe designs of the commonest kinds are not
refuted, and their unsafe neighbours are.
"""

from __future__ import annotations

import pytest
from onceproof.lang.load import load_text
from onceproof.lower import lower
from onceproof.machine.delivery import Delivery
from onceproof.verdict.decide import judge_claim
from onceproof.verdict.result import ClaimResult, Verdict
from onceproof.verdict.task import Options

ROW = """event Placed(id, order)
queue orders of Placed at-least-once
store seen per order, unique
effect booking per order in seen
consumer shop on orders
  insert order into seen
    on duplicate
      ack
      stop
  do booking
  ack
assume no replay
assume handler finishes within the lease
"""
SAGA = """event A(x, order)
event B(y, order)
queue a of A at-least-once
queue b of B at-least-once
store saga per order
  state: active | compensated
effect refund per order in saga
consumer ca on a, acks on return
  add order to saga
  update saga.state from active to compensated or stop
  do refund
consumer cb on b, acks on return
  add order to saga
  update saga.state from active to compensated or stop
  do refund
"""
REST = """event Cancelled(id, order)
event Placed(id, order)
queue cancels of Cancelled at-least-once
queue orders of Placed at-least-once
store ord per order
  state: none | open | cancelled
consumer cancel on cancels
  if ord.state is open
    set ord.state = cancelled
  ack
consumer place on orders
  if ord.state is none
    set ord.state = open
  ack
"""


BETWEEN = "order in seen and booking did not happen"


def verdict(text: str, claim: str) -> Verdict:
    """The verdict of a claim about a design."""
    design = load_text(f"{text}claim {claim}\n", "component.once").design
    assert design is not None
    lowered = lower(design, Delivery.AT_LEAST_ONCE)
    cell = judge_claim(lowered, design.claims[0], Options(second_opinion=False))
    assert isinstance(cell, ClaimResult)
    return cell.verdict


@pytest.mark.parametrize(
    ("text", "claim", "expected"),
    [
        (
            ROW + "assume no crash\nassume no database failures\n",
            "no loss of booking",
            Verdict.HOLDS,
        ),
        (ROW, "no loss of booking", Verdict.REFUTED),
        (
            SAGA + "assume no crash\nassume no database failures\n",
            "no loss of refund",
            Verdict.HOLDS,
        ),
        (SAGA, "no loss of refund", Verdict.REFUTED),
        (
            ROW + "assume no crash\nassume no database failures\n",
            "seen and booking together",
            Verdict.HOLDS,
        ),
        (ROW, "seen and booking together", Verdict.REFUTED),
        (
            ROW + "assume no crash\nassume no database failures\n",
            f"at rest never {BETWEEN}",
            Verdict.HOLDS,
        ),
        (ROW, f"at rest never {BETWEEN}", Verdict.REFUTED),
        (REST, "at rest never ord.state is none", Verdict.REFUTED),  # cancelled before it is placed
    ],
)
def test_what_others_can_still_do_counts(text: str, claim: str, expected: Verdict) -> None:
    assert verdict(text, claim) is expected


LOCKED = """event Pay(id, order)
queue pays of Pay at-least-once
lock mutex per order
effect charge per order via http
consumer bank on pays
  {acquire}
  section critical
    call charge
  {release}
  ack
"""


CONNECTED = "assume no lost connections\n"


@pytest.mark.parametrize(
    ("acquire", "release", "key", "assume", "expected"),
    [
        ("acquire mutex", "release mutex", " per order", CONNECTED, Verdict.HOLDS),
        ("acquire mutex", "release mutex", " per order", "", Verdict.REFUTED),
        ("wait", "wait", " per order", CONNECTED, Verdict.REFUTED),
        ("acquire mutex", "release mutex", "", CONNECTED, Verdict.HOLDS),
    ],
)
def test_at_most_one_worker_per_key(
    acquire: str, release: str, key: str, assume: str, expected: Verdict
) -> None:
    text = LOCKED.format(acquire=acquire, release=release) + assume
    assert verdict(text, f"at most one worker in critical{key}") is expected


def test_one_worker_per_another_key_is_not_decided() -> None:
    """Rows of one key say nothing about two events that share another one only."""
    text = LOCKED.format(acquire="acquire mutex", release="release mutex")
    text = text.replace("Pay(id, order)", "Pay(id, order, customer)")
    assert verdict(text, "at most one worker in critical per customer") is Verdict.UNKNOWN
