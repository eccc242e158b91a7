"""Workers that wait for good: claim no deadlock, and the claims that a deadlock breaks."""

from __future__ import annotations

import pytest
from onceproof.lang.load import load_text
from onceproof.verdict.check import check_loaded
from onceproof.verdict.result import ClaimResult, Refutation, Verdict
from onceproof.verdict.task import Options

HEAD = """event Pay(id, order)
queue q1 of Pay at-least-once
queue q2 of Pay at-least-once
lock a per id
lock b per id
store ledger per id
effect booking per id in ledger
"""
CROSSED = (
    HEAD
    + """consumer x on q1
  acquire a
  acquire b
  do booking
  ack
  release b
  release a
consumer y on q2
  acquire b
  acquire a
  ack
  release a
  release b
claim no deadlock
claim no loss of booking
claim recoverable
"""
)
"""Two handlers take two locks in opposite order."""
SAFE = CROSSED.replace("  acquire b\n  acquire a\n", "  acquire a\n  acquire b\n")
LEASE = CROSSED.replace("lock a per id", "lock a per id, expires 30s")
ONE_DATABASE = (
    CROSSED.replace("lock a per id", "lock a per id in main")
    .replace("lock b per id", "lock b per id in main")
    .replace("lock a", "database main via postgresql\nlock a", 1)
)
OWN = """event Pay(id)
queue q of Pay at-least-once
lock a per id
consumer x on q
  acquire a
  acquire a
  ack
claim no deadlock
claim recoverable
"""
STORED = OWN.replace("  acquire a\n  acquire a\n", "  acquire a\n").replace(
    "lock a per id", "lock a per id, until released"
)


def cells(text: str) -> tuple[ClaimResult, ...]:
    """The answers to all claims."""
    loaded = load_text(text)
    assert loaded.design is not None, loaded.diagnostics
    result, _ = check_loaded(loaded, Options(lengths=False))
    assert result.failures == ()
    return result.cells


def answers(text: str) -> set[Verdict]:
    """The verdicts of all claims."""
    return {cell.verdict for cell in cells(text)}


def headline(cell: ClaimResult) -> str:
    """The first sentence of the story."""
    assert isinstance(cell.outcome, Refutation)
    assert cell.outcome.narrative is not None
    return cell.outcome.narrative.story.headline


@pytest.mark.parametrize("text", [CROSSED, OWN, STORED], ids=["crossed", "own", "stored"])
def test_who_waits_for_good_breaks_what_should_still_come(text: str) -> None:
    assert answers(text) == {Verdict.REFUTED}


@pytest.mark.parametrize("text", [SAFE, LEASE, ONE_DATABASE], ids=["safe", "lease", "database"])
def test_what_ends_by_itself_or_never_comes_is_none(text: str) -> None:
    assert Verdict.REFUTED not in answers(text)


def test_a_deadlock_keeps_a_message_from_being_settled_some_day() -> None:
    assert answers(CROSSED + "claim eventually settled\n") == {Verdict.REFUTED}


def test_locks_in_one_order_are_proved_to_be_safe() -> None:
    assert answers(SAFE) == {Verdict.HOLDS}


def test_the_story_says_who_waits_for_whom() -> None:
    first, lost, *_ = map(headline, cells(CROSSED))
    assert (
        first
        == "worker 1 waits for `b`, which worker 2 has; worker 2 waits for `a`, which worker 1 has"
    )
    assert lost == f"event 1 gets no further ({first}), and booking was never done"
    assert headline(cells(OWN)[0]) == "worker 1 waits for `a`, which it holds itself"
    assert headline(cells(STORED)[0]).endswith("waits for `a`, which nobody frees")
