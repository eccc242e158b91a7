"""A worker that gives up has tried as often as `retry N times` says, in the story, too; that is one
fault.
"""

from __future__ import annotations

import pytest
from onceproof.lang.load import load_text
from onceproof.machine.system import Cause
from onceproof.verdict.check import check_loaded
from onceproof.verdict.result import Verdict
from onceproof.verdict.task import Options

HEAD = """event Pay(id)
queue q of Pay at-least-once
store seen per id{via}
effect mail per id via smtp
consumer c on q
"""
CALM = """assume no crash
assume no lost answers
assume no refusals
claim no loss of mail
"""
LINE = """  add id to seen
    on failure
      ack
      stop
    retry {times} times
  send mail
  ack
"""
BLOCK = """  atomic
    if id in seen
      wait
    add id to seen
  on failure
    ack
    stop
  retry {times} times
  send mail
  ack
"""


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize(
    ("body", "via"),
    [(LINE, ""), (BLOCK, ""), (BLOCK, " via postgresql(isolation=repeatable-read)")],
    ids=["line", "block", "snapshot"],
)
def test_every_attempt_fails_before_a_worker_gives_up(body: str, via: str, times: int) -> None:
    loaded = load_text(HEAD.format(via=via) + body.format(times=times) + CALM)
    cell = check_loaded(loaded, Options())[0].cells[0]
    assert cell.verdict is Verdict.REFUTED, cell.reason
    assert cell.refutation is not None
    failed = [s for s in cell.refutation.trace.steps if s.cause is Cause.DATABASE_FAILED]
    assert len(failed) == times + 1
    assert cell.refutation.narrative is not None
    assert dict(cell.refutation.narrative.story.needs.faults) == {Cause.DATABASE_FAILED: 1}
