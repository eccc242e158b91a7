"""Queues in one's own database, in the machine: designs of docs/semantics_world.md, "A queue in
one's own database", next to their twins, decided by the machine alone.
"""

from __future__ import annotations

import pytest
from onceproof.lower import modelled

from support.by_machine import holds
from support.harsher import of_brokers


@pytest.fixture(autouse=True)
def everything_modelled(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine is asked, whether or not the other reading does it yet."""
    of_brokers(monkeypatch, "BROKERS", "REDELIVERED", "OWN_DATABASE", reading=modelled)


ENQUEUE = """
event Order(id)
queue orders of Order at-least-once
queue jobs of Order via river{where}
database other via postgresql
store ord per id via postgresql.unique
store spare per id in other
effect booked per id in ord
effect mailed per id via http
  key id, kept for ever
consumer a on orders
  atomic
    publish to jobs
    insert id into ord
      on duplicate
        ack
        stop
    do booked
    set spare.state = one
  ack
consumer b on jobs
  call mailed
claim {claim}
"""

DEQUEUE = """
event Order(id)
database main via postgresql
queue jobs of Order at-least-once, in main
  late ack refused
store ledger per id in main
effect booking per id in ledger
effect asked per id via http
  key id, kept for ever
consumer b on jobs
  atomic
{lines}
{assumed}
claim {claim}
"""
QUIET = "assume no replay\nassume no publisher retries\nassume no broker copies"


@pytest.mark.parametrize(("where", "safe"), [("", True), (", in other", False)])
def test_a_job_arrives_with_the_transaction_that_enqueues_it(where: str, safe: bool) -> None:
    assert holds(ENQUEUE.format(where=where, claim="booked before mailed")) is safe


@pytest.mark.parametrize(
    ("lines", "claim", "safe"),
    [
        ("    do booking\n    ack", "no duplicate booking", False),
        ("    do booking\n    ack or fail", "no duplicate booking", True),
        ("    ack or fail\n    do booking", "no duplicate booking", True),
        ("    ack or fail\n    call asked\n    do booking", "no duplicate booking", False),
        ("    ack\n    do booking", "no loss of booking", True),
        ("    do booking\n  ack", "no duplicate booking", False),
    ],
)
def test_an_acknowledgement_commits_with_the_rows(lines: str, claim: str, safe: bool) -> None:
    assert holds(DEQUEUE.format(lines=lines, assumed=QUIET, claim=claim)) is safe
