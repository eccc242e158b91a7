"""A message is given up after as many failed deliveries as its queue allows, in the story and in
the count; an exhausted retry is one fault.
"""

from __future__ import annotations

import pytest
from onceproof.analysis.cut_sets import frontier
from onceproof.counterexample.delivery_limits import with_failed_deliveries
from onceproof.interpreter.trace import Trace
from onceproof.lang.design import Design
from onceproof.lang.load import load_text
from onceproof.machine.delivery import Delivery
from onceproof.machine.system import Cause
from onceproof.verdict.check import check_loaded
from onceproof.verdict.task import Options

LIMITED = """event Placed(id, order)
queue q of Placed at-least-once
  delivery limit 5 then dead-letter
effect mail per id via http
consumer c on q
  send mail
  ack
claim no loss of mail
"""
ONCE = LIMITED.replace("limit 5", "limit 1")
NO_CRASH = LIMITED + "assume no crash\nassume no lost answers\n"
RETRY = """event Placed(id, order)
queue q of Placed at-least-once
effect mail per id via http
consumer c on q
  send mail
    retry 2 times
    on failure
      ack
      stop
  ack
claim no loss of mail
assume no crash
assume no lost answers
"""


def refuted(text: str) -> tuple[Design, Trace, dict[Cause, int]]:
    """The trace of the first claim's story, and the faults that it needs."""
    loaded = load_text(text)
    assert loaded.design is not None, loaded.diagnostics
    cell = check_loaded(loaded, Options())[0].cells[0]
    assert cell.refutation is not None
    assert cell.refutation.narrative is not None
    needs = cell.refutation.narrative.story.needs
    return loaded.design, cell.refutation.trace, dict(needs.faults)


def deliveries(trace: Trace) -> int:
    """How often the message is delivered before it is given up."""
    causes = [s.cause for s in trace.steps]
    return causes[: causes.index(Cause.DEAD_LETTERED)].count(Cause.DELIVERY)


@pytest.mark.parametrize(
    ("text", "count", "faults"),
    [
        (LIMITED, 5, {Cause.KILLED: 5, Cause.DEAD_LETTERED: 1}),
        (ONCE, 1, {Cause.KILLED: 1, Cause.DEAD_LETTERED: 1}),
        (NO_CRASH, 5, {Cause.REFUSED: 5, Cause.DEAD_LETTERED: 1}),
    ],
    ids=["five", "one", "nobody is killed"],
)
def test_as_many_failed_deliveries_as_the_limit_says(
    text: str, count: int, faults: dict[Cause, int]
) -> None:
    design, trace, needed = refuted(text)
    assert deliveries(trace) == count
    assert needed == faults
    claim = design.claims[0]
    answer = frontier(design, claim, trace.semantics)
    assert answer.fewest == sum(faults.values())
    for found in answer.sets:
        assert deliveries(found.trace) == count
        assert found.size == count + 1


def test_a_failure_that_cannot_be_repeated() -> None:
    """The first delivery stops by itself, which the second would not: the others are killed."""
    text = """event Placed(id, order)
queue q of Placed at-least-once
  delivery limit 5 then dead-letter
store seen per id
effect mail per id via http
consumer c on q
  if id in seen
    send mail
    ack
    stop
  add id to seen
  stop
claim no loss of mail
"""
    _, trace, needed = refuted(text)
    assert deliveries(trace) == 5
    assert needed == {Cause.KILLED: 4, Cause.DEAD_LETTERED: 1}


def test_what_cannot_be_replayed_is_left_as_it_is() -> None:
    design, trace, _ = refuted(LIMITED)
    short = Trace(trace.semantics, trace.events, (*trace.steps[:2], trace.steps[-1]))
    assert deliveries(short) == 1
    assert with_failed_deliveries(design, short, lambda _: False) == short
    assert deliveries(with_failed_deliveries(design, short, lambda _: True)) == 5
    assert with_failed_deliveries(design, trace, lambda _: True) == trace


def test_an_exhausted_retry_is_one_fault() -> None:
    _, trace, needed = refuted(RETRY)
    assert [s.cause for s in trace.steps].count(Cause.REFUSED) == 3
    assert needed == {Cause.REFUSED: 1}
    assert trace.semantics is Delivery.AT_LEAST_ONCE
