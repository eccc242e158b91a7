"""Checks a design given as text, and says in one word what came of each claim."""

from __future__ import annotations

from checker.check import check_loaded
from checker.design import Design
from checker.load import load_text
from checker.machine import Cause
from checker.options import Options
from checker.result import Assurance, Cell, Verdict

ANY = Options(second_opinion=False)

CALM = """\
assume no replay
assume no publisher retries
assume no broker copies
"""
"""Nobody makes copies of messages."""


def loaded(text: str) -> Design:
    """The design, which must have no errors."""
    found = load_text(text)
    assert found.design is not None, [(d.code, d.headline) for d in found.diagnostics]
    return found.design


def codes(text: str) -> set[str]:
    """The codes of what is wrong with a text that is no design."""
    found = load_text(text)
    assert found.design is None
    return {d.code for d in found.diagnostics}


def cells(text: str, options: Options = ANY) -> list[Cell]:
    """Every cell; the engines must not contradict each other."""
    found = load_text(text)
    assert found.design is not None, [(d.code, d.headline) for d in found.diagnostics]
    result, interrupted = check_loaded(found, options)
    assert not interrupted
    assert result.failures == ()
    return list(result.cells)


def cell(text: str, options: Options = ANY) -> Cell:
    """The only cell of a design."""
    (one,) = cells(text, options)
    return one


def proved(one: Cell) -> bool:
    """For any number of everything, with a checked certificate."""
    counted = (one.scope.workers, one.scope.events, one.scope.keys, one.scope.deliveries, one.scope.crashes)
    unbounded = counted == (None,) * 5
    assert (one.assurance is Assurance.CERTIFICATE) is (one.verdict is Verdict.HOLDS and unbounded), one
    return one.assurance is Assurance.CERTIFICATE and "z3" in one.checked_by


def refuted(one: Cell, *causes: Cause, workers: int | None = None, events: int | None = None) -> bool:
    """By a replayed story in which each of the causes occurs; it needs so many workers and events."""
    if one.verdict is not Verdict.REFUTED:
        return False
    assert one.assurance is Assurance.REPLAYED
    assert one.trace is not None
    assert "interpreter" in one.checked_by
    happened = {step.cause for step in one.trace.steps}
    assert set(causes) <= happened, happened
    assert workers in (None, one.scope.workers), one.scope
    assert events in (None, one.scope.events), one.scope
    return True
