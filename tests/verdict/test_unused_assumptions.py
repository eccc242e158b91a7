"""An answer names the assumptions it rests on, and no other."""

from __future__ import annotations

from onceproof.lang.load import load_text
from onceproof.lower import lower
from onceproof.machine.delivery import Delivery
from onceproof.verdict.vacuity import unused_assumptions

from support.trap import cells

DESIGN = """\
event Paid(id)
queue q of Paid at-least-once
{option}effect mail per id via smtp
consumer c on q
  send mail
  ack
claim no loss of mail
{assumptions}"""


def found(assumptions: str, option: str = "") -> tuple[str, ...]:
    (cell,) = cells(DESIGN.format(assumptions=assumptions, option=option))
    return cell.assumptions


def test_what_takes_nothing_away_is_not_named() -> None:
    assert found("assume no failover\nassume no rebalance\n") == ()
    assert found("assume no crash\nassume no failover\n") == ("no worker is killed",)


def test_what_takes_something_away_is_named() -> None:
    assert found("assume no rebalance\n", "  partitions may move\n  late ack refused\n") == (
        "no partition moves away from a living worker",
    )


def test_two_that_take_the_same_away_are_both_named() -> None:
    """Beside the other, each of the two is idle; without both, workers are killed."""
    loaded = load_text(DESIGN.format(assumptions="assume no crash\nassume no crash\n", option=""))
    assert loaded.design is not None
    assert unused_assumptions(lower(loaded.design, Delivery.AT_LEAST_ONCE)) == frozenset()
