"""One block over two databases is as many commits as databases (docs/semantics_world.md): a worker
that is killed between them leaves half of the block. Designs of the dual write, with their right
answers.
"""

from __future__ import annotations

import pytest
from onceproof.lang.load import load_text
from onceproof.lower import worker
from onceproof.machine.system import Cause

from support.agreement import the_readings_agree
from support.trap import cells, proved, refuted

PAY = """\
event Pay(id)
queue pays of Pay at-least-once
store processed per id via {first}
store ledger per id via {second}
effect booking per id in ledger
consumer bank on pays
  atomic
    insert id into processed
      on duplicate
        ack
        stop
    do booking
  ack
claim no duplicate booking
claim no loss of booking
"""

PAIRS = (
    ("dynamodb", "postgresql"),
    ("mysql.unique", "postgresql"),
    ("redis", "postgresql"),
    ("postgresql.unique", "mysql"),
)


def pay(first: str, second: str) -> str:
    """The dual write with these products; their rows do not go back."""
    return "assume no failover\n" + PAY.format(first=first, second=second)


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_a_mark_in_one_database_loses_what_the_other_had_to_write(first: str, second: str) -> None:
    twice, lost = cells(pay(first, second))
    assert refuted(lost, Cause.KILLED, workers=1)
    assert lost.trace is not None
    outcomes = [step.outcome for step in lost.trace.steps]
    assert f"commit of {first.split('.')[0]}" in outcomes
    assert proved(twice)


def test_in_one_database_both_are_proved() -> None:
    assert all(proved(one) for one in cells(pay("postgresql.unique", "postgresql")))


def test_the_other_order_does_it_twice_instead() -> None:
    """The first line that writes a database says when it commits."""
    text = pay("dynamodb", "postgresql").replace("    do booking\n", "")
    text = text.replace("  atomic\n", "  atomic\n    do booking\n").replace(
        "      on duplicate\n        ack\n        stop\n", ""
    )
    text = text.replace("into processed", "into processed or fail")
    twice, lost = cells(text)
    assert refuted(twice, Cause.KILLED)
    assert not refuted(lost)


MINIMAL = """\
event Pay(id)
queue q of Pay at-least-once
store a per id via {first}
store b per id via {second}
consumer c on q
  atomic
    add id to a
    add id to b
  ack
claim never id in a and id not in b
claim never id in b and id not in a
"""


@pytest.mark.parametrize("pair", [("postgresql", "dynamodb"), ("redis", "postgresql")])
def test_others_see_one_half(pair: tuple[str, str]) -> None:
    text = "assume no failover\n" + MINIMAL.format(first=pair[0], second=pair[1])
    one, other = cells(text)
    assert refuted(one)
    assert not refuted(other)


COUNTED = """\
event Pay(id)
queue pays of Pay at-least-once
store seen per id via postgresql.unique
store ledger per id via mysql
consumer bank on pays
  atomic
    insert id into seen
      on duplicate
        ack
        stop
    increment ledger.n
  ack
claim no duplicate ledger.n
claim seen and ledger.n together
"""


def test_an_increment_in_another_database() -> None:
    twice, together = cells(COUNTED)
    assert proved(twice)
    assert refuted(together, Cause.KILLED)


IN_THE_BROKER = """\
event Pay(id)
queue pays of Pay at-least-once
store output per id, inside pays
store ledger per id via postgresql
effect booking per id in ledger
consumer bank on pays
  atomic
    insert id into output
    do booking
  ack
claim no duplicate booking
claim output and booking together
"""


def test_a_store_in_the_broker_is_another_database() -> None:
    """Outside exactly-once it is an ordinary store, and it commits first. Under exactly-once it
    appears with the acknowledgement, after the commit of the block: a death between them repeats
    the booking.
    """
    unique = IN_THE_BROKER.replace("id, inside", "id, unique, inside")
    _, together = cells(unique.replace("into output", "into output or stop"))
    assert refuted(together, Cause.KILLED)
    twice, _ = cells(IN_THE_BROKER.replace("at-least-once", "exactly-once"))
    assert refuted(twice)


@pytest.mark.parametrize(
    "text",
    [
        pay("dynamodb", "postgresql"),
        pay("redis", "postgresql").replace("atomic\n", "atomic\n    if id in ledger\n      wait\n"),
        MINIMAL.format(first="postgresql", second="mysql").replace(
            "  ack", "    crash here\n    add id to a\n  ack"
        ),
        MINIMAL.format(first="postgresql", second="mysql").replace("atomic", "atomic serializable"),
        COUNTED,
        IN_THE_BROKER,
        pay("dynamodb", "postgresql") + "assume crash only after send booking\n",
    ],
)
def test_both_readings_commit_part_by_part(text: str) -> None:
    assert load_text(text).design is not None
    the_readings_agree(text)


def test_a_reading_with_one_commit_for_all_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    text = MINIMAL.format(first="postgresql", second="mysql")
    the_readings_agree(text)
    monkeypatch.setattr(
        worker.Lowering,
        "_changes_of",
        lambda self, name, changes: changes if name.endswith("postgresql") else {},
    )
    with pytest.raises(AssertionError):
        the_readings_agree(text)
