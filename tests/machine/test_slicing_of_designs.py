"""A handler further down is left out if the claim does not see it, and stays if it does: pairs of
designs that differ in a line.
"""

from __future__ import annotations

import pytest
from onceproof.lang.load import load_text
from onceproof.lower import lower
from onceproof.machine.slicing import place_variable
from onceproof.properties import question
from onceproof.verdict.check import check_loaded
from onceproof.verdict.result import ClaimResult, Verdict
from onceproof.verdict.task import Options

DESIGN = """event Paid(id, order)
queue first of Paid at-least-once
queue second of Paid at-least-once
store done per id, unique
store sent per id
lock turn per id, expires
effect charge per id via http
effect mail per id via http
  key id, kept for ever
consumer one on first{workers}
{one}
consumer two on second{limited}
{two}
claim no duplicate charge
"""

GUARDED = """  acquire turn or stop
  insert id into done or stop
  call charge
  publish to second
  release turn
  ack"""
"""At most once, as long as nobody takes `done` back."""

SAFE = "  call mail\n  ack"

PAIRS = {
    "writes a row that is read above": (SAFE, "  delete id from done\n  ack", True),
    "shares a lock": (SAFE, "  acquire turn or stop\n  call mail\n  release turn\n  ack", True),
    "makes the same effect": (SAFE, "  call charge\n  ack", True),
    "reads a row that is written above": (SAFE, "  if id in done\n    call mail\n  ack", False),
    "has rows of its own": (SAFE, "  add id to sent\n  call mail\n  ack", False),
}
"""What the second handler does; whether it must stay."""


def text(two: str, *, workers: str = "", limited: str = "") -> str:
    return DESIGN.format(one=GUARDED, two=two, workers=workers, limited=limited)


def kept(source: str) -> set[str]:
    """The handlers in the slice for the first claim."""
    loaded = load_text(source)
    assert loaded.design is not None, [d.headline for d in loaded.diagnostics]
    lowered = lower(loaded.design, loaded.design.semantics[0])
    place = place_variable(question(lowered, loaded.design.claims[0])[0])
    assert place is not None
    return {lowered.points[where].process for where in place.domain}


def verdict(source: str) -> ClaimResult:
    loaded = load_text(source)
    result, _ = check_loaded(loaded, Options(seconds=30.0))
    assert not result.failures
    return result.cells[0]


@pytest.mark.parametrize("pair", PAIRS)
def test_pairs(pair: str) -> None:
    without, with_it, matters = PAIRS[pair]
    assert kept(text(without)) == {"one"}
    assert kept(text(with_it)) == ({"one", "two"} if matters else {"one"})


def test_a_limit_of_a_handler_that_is_left_out_is_left_out() -> None:
    source = text(SAFE, workers=", workers 2", limited=", workers 1")
    loaded = load_text(source)
    assert loaded.design is not None
    lowered = lower(loaded.design, loaded.design.semantics[0])
    small = question(lowered, loaded.design.claims[0])[0]
    assert (len(lowered.machine.limits), [limit.count for limit in small.limits]) == (2, [2])


def test_what_is_taken_back_below_shows_above() -> None:
    """The verdict changes with the handler that must stay."""
    assert verdict(text(SAFE)).verdict is Verdict.HOLDS
    assert verdict(text("  delete id from done\n  ack")).verdict is Verdict.REFUTED
