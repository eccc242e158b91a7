"""Designs that once broke an engine, kept as they were found."""

from __future__ import annotations

from checker.check import check_loaded
from checker.load import load_text
from checker.options import Options
from checker.result import Verdict

ACQUIRED_LAST = """\
event Paid(id)
queue paid of Paid at-least-once
store book per id
lock lease per id in book, expires
effect credit per id in book
  checks token of lease
effect mail per id via smtp
consumer c on paid
  send mail
  ack
  acquire lease
claim no loss of mail
"""


def test_a_lock_that_is_acquired_as_the_last_step() -> None:
    loaded = load_text(ACQUIRED_LAST)
    assert loaded.design is not None
    result, _ = check_loaded(loaded, Options())
    assert not result.failures
    assert [c.verdict for c in result.cells] == [Verdict.HOLDS]
