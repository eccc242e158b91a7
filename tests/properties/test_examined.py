"""What a claim was examined for: per which key, for which events."""

from __future__ import annotations

import pytest
from onceproof.lang.load import load_text
from onceproof.lower import lower
from onceproof.machine.delivery import Delivery
from onceproof.properties.examined import examined

DESIGN = """\
event Placed(id, order, kind: card | cash)
{cancelled}
queue orders of Placed at-least-once
effect charge per id via http
  key id, kept for ever
consumer shop on orders
  {test}
    section pay
      call charge
  ack
claim {claim}
"""
CANCELLED = """event Cancelled(id, order)
queue cancels of Cancelled at-least-once
consumer cancel on cancels
  ack
"""


@pytest.mark.parametrize(
    ("claim", "test", "cancelled", "expected"),
    [
        (
            "no loss of charge",
            "if kind is card",
            "",
            "examined for Placed with kind card; Placed with kind cash does not lead to it alone",
        ),
        (
            "no loss of charge",
            "section whole",
            CANCELLED,
            "examined for Placed; Cancelled does not lead to it alone",
        ),
        (
            "effectively once charge",
            "if kind is card",
            CANCELLED,
            "examined for Placed with kind card; Cancelled and Placed with kind cash do not lead to"
            " it alone",
        ),
        ("no loss of charge", "section whole", "", ""),
        ("no loss of charge unless kind is cash", "if kind is card", "", ""),
        (
            "no loss of charge unless kind is cash",
            "if kind is card",
            CANCELLED,
            "examined for Placed; Cancelled does not lead to either alone",
        ),
        ("no duplicate charge", "if kind is card", CANCELLED, ""),
        ("at most one worker in pay", "if kind is card", "", "examined per id"),
        (
            "charge and charge together",
            "section whole",
            CANCELLED,
            "examined for Placed; Cancelled does not lead to either alone",
        ),
        ("recoverable", "section whole", CANCELLED, "examined for Cancelled and Placed"),
        ("recoverable", "section whole", "", ""),
    ],
)
def test_what_a_verdict_was_examined_for(
    claim: str, test: str, cancelled: str, expected: str
) -> None:
    text = DESIGN.format(claim=claim, test=test, cancelled=cancelled)
    design = load_text(text, "types.once").design
    assert design is not None
    lowered = lower(design, Delivery.AT_LEAST_ONCE)
    assert examined(lowered, design.claims[0]) == expected
