"""``--workers N`` counts workers that live: the late request of a dead one does not use them up."""

from __future__ import annotations

from onceproof.lang.load import load_text
from onceproof.machine.system import Cause
from onceproof.verdict.check import check_loaded
from onceproof.verdict.result import ClaimResult, Refutation, Verdict
from onceproof.verdict.task import Options

LATE = """event Pay(id)
queue pays of Pay at-least-once
  late ack refused
store o per id
  state: open | paid | shipped
effect ship per id via http
consumer c on pays
  if o.state is shipped
    ack
    stop
  if o.state is open
    set o.state = paid
  update o.state from paid to shipped
    on conflict
      ack
      stop
  call ship
  ack
claim no duplicate ship
"""
SAFE = LATE.replace("via http\n", "via http\n  key id, kept for ever\n")


def answer(text: str, workers: int) -> ClaimResult:
    """The answer for so many workers at once."""
    loaded = load_text(text)
    assert loaded.design is not None, loaded.diagnostics
    result, _ = check_loaded(loaded, Options(workers=workers))
    assert result.failures == ()
    (cell,) = result.cells
    return cell


def test_one_worker_after_the_other_and_a_late_request() -> None:
    found = answer(LATE, 1)
    assert isinstance(found.outcome, Refutation)
    assert Cause.LATE_EFFECT in {s.cause for s in found.outcome.trace.steps}
    assert found.outcome.narrative is not None
    assert found.outcome.narrative.story.needs.workers == 1


def test_the_answer_is_for_as_many_living_workers_as_were_asked_for() -> None:
    found = answer(SAFE, 1)
    assert (found.verdict, found.scope.workers) == (Verdict.HOLDS, 1)
    assert found.reason == "at most 1 request of a dead worker is under way at once"


def test_without_requests_that_matter_nothing_is_said_of_them() -> None:
    found = answer(SAFE.replace("  late ack refused\n", ""), 2)
    assert (found.verdict, found.scope.workers, found.reason) == (Verdict.HOLDS, 2, "")
