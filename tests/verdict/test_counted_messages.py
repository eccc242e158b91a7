"""Messages that our own handlers publish are counted (theory T11): the one in hand and one that
waits are two, also where workers are few.
"""

from __future__ import annotations

import pytest
from onceproof.lang.load import load_text
from onceproof.verdict.check import check_loaded
from onceproof.verdict.result import ClaimResult, Verdict
from onceproof.verdict.task import Options

RETRY = """event Job(id)
queue first of Job at-least-once
queue jobs of Job at-least-once
  late ack refused
effect work per id via http
consumer f on first
  publish to jobs
  ack
consumer w on jobs
  call work
    on failure
      publish to jobs
      ack
      stop
  ack
claim no loss of work
"""

TWO = """event Job(id)
queue first of Job at-least-once
queue jobs of Job at-least-once
store stage per id
  at: begun | over
effect work per id via http
consumer f on first, acks on delivery, workers 1
  publish to jobs
  publish to jobs
  set stage.at = over
consumer w on jobs, acks on delivery, workers 1
  if stage.at is not over
    stop
  call work
assume no publisher retries
assume no broker copies
assume no replay
assume no crash
assume no refusals
assume no lost answers
assume no database failures
claim no duplicate work
"""


def answer(text: str, **options: int) -> ClaimResult:
    """The answer to the only claim."""
    loaded = load_text(text)
    assert loaded.design is not None, loaded.diagnostics
    result, _ = check_loaded(loaded, Options(**options))
    assert result.failures == ()
    (cell,) = result.cells
    return cell


@pytest.mark.parametrize(
    ("late", "verdict"),
    [
        ("  late ack refused\n", Verdict.HOLDS),
        ("", Verdict.HOLDS),
        ("  late ack settles\n", Verdict.UNKNOWN),
    ],
)
def test_a_handler_may_publish_to_its_own_queue_and_acknowledge(
    late: str, verdict: Verdict
) -> None:
    found = answer(RETRY.replace("  late ack refused\n", late))
    assert found.verdict is verdict
    assert ("late-ack" in found.reason) == (verdict is Verdict.UNKNOWN)


def test_a_handler_that_acknowledges_first_loses_it() -> None:
    first = RETRY.replace("publish to jobs\n      ack", "ack\n      publish to jobs")
    assert answer(first).verdict is Verdict.REFUTED


@pytest.mark.parametrize("workers", [None, 1, 2])
def test_two_messages_wait_for_one_worker(workers: int | None) -> None:
    text = TWO if workers is None else TWO.replace(", workers 1", "")
    given = {} if workers is None else {"workers": workers}
    assert answer(text, **given).verdict is Verdict.REFUTED
    once = text.replace("  publish to jobs\n", "", 1)
    assert answer(once, **given).verdict is Verdict.HOLDS


def test_what_is_wider_than_the_truth_settles_nothing() -> None:
    """A handler that always publishes again: a late acknowledgement, of which the machine says that
    it may settle another message, is no way out.
    """
    always = RETRY[: RETRY.index("  call work")].replace("refused", "settles")
    always += "  publish to jobs\n  ack\nclaim recoverable\n"
    found = answer(always.replace("effect work per id via http\n", ""))
    assert found.verdict is Verdict.REFUTED
