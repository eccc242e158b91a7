"""Queues in one's own database, in the machine: designs of docs/semantics_world.md, "A queue in
one's own database", next to their twins, decided by the machine alone.
"""

from __future__ import annotations

import pytest
from onceproof.engines.coverability import Budget, Coverable, Safe, prove
from onceproof.lang import resolve as package
from onceproof.lang.load import load_text
from onceproof.lower import lower, modelled
from onceproof.machine.slicing import sliced
from onceproof.properties import asked


@pytest.fixture(autouse=True)
def everything_modelled(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine is asked, whether or not the other reading does it yet."""
    monkeypatch.setattr(package, "unmodelled", lambda items: [])
    for part in ("LOGS", "ORDER", "BROKERS", "REDELIVERED", "OWN_DATABASE"):
        monkeypatch.setattr(modelled, part, True)


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


def holds(text: str) -> bool:
    """Whether the only claim of a design holds for any number of events and workers."""
    loaded = load_text(text)
    assert loaded.design is not None, [d.headline for d in loaded.diagnostics]
    lowered = lower(loaded.design, loaded.design.semantics[0])
    machine, prop = asked(lowered, loaded.design.claims[0])
    answer = prove(sliced(machine, prop), prop, Budget(seconds=60))
    assert isinstance(answer, Safe | Coverable)
    return isinstance(answer, Safe)


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
