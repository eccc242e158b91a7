"""Checks a design given as text, and says what came of its claims."""

from __future__ import annotations

from pathlib import Path

from onceproof.lang.assumptions import ASSUMPTIONS
from onceproof.lang.load import load_text
from onceproof.lower import lower
from onceproof.machine.system import Cause, Machine, Property
from onceproof.properties import question
from onceproof.verdict.check import check_loaded
from onceproof.verdict.result import Assurance, ClaimResult, Verdict
from onceproof.verdict.task import Options

ANY = Options(second_opinion=False)

CALM = """\
assume no replay
assume no publisher retries
assume no broker copies
"""
"""Nobody makes copies of messages."""


_HEAD = """\
event Placed(id, order)
queue orders of Placed at-least-once
effect mail per id via http
"""

UNSAFE = _HEAD + "consumer c on orders\n  send mail\n  ack\nclaim no duplicate mail\n"
SAFE = UNSAFE.replace("via http\n", "via http\n  key id, kept for ever\n")
"""The smallest design that is refuted, and the smallest that is proved."""


def file_of(folder: Path, text: str) -> Path:
    """The text as a file."""
    path = folder / "design.once"
    path.write_text(text, encoding="utf-8")
    return path


def codes(text: str) -> set[str]:
    """The codes of what is wrong with a text that is no design."""
    found = load_text(text)
    assert found.design is None
    return {d.code for d in found.diagnostics}


def cells(text: str, options: Options = ANY) -> tuple[ClaimResult, ...]:
    """Every cell; the design has no errors and the engines do not contradict each other."""
    found = load_text(text)
    assert found.design is not None, [(d.code, d.headline) for d in found.diagnostics]
    result, interrupted = check_loaded(found, options)
    assert not interrupted
    assert result.failures == ()
    return result.cells


def cell(text: str, options: Options = ANY) -> ClaimResult:
    """The only cell of a design."""
    (one,) = cells(text, options)
    return one


def unbounded(one: ClaimResult) -> bool:
    """The scope has no number in it."""
    scope = one.scope
    return (scope.workers, scope.events, scope.keys, scope.deliveries, scope.crashes) == (None,) * 5


def proved(one: ClaimResult, *assumptions: str) -> bool:
    """For any number of everything, with a checked certificate; the assumptions (of these kinds)
    are told.
    """
    if one.verdict is not Verdict.HOLDS or not unbounded(one):
        return False
    assert one.assurance is Assurance.CERTIFICATE
    assert one.invariant is not None
    assert "z3" in one.checked_by
    assert {ASSUMPTIONS[kind].sentence for kind in assumptions} <= set(one.assumptions), (
        one.assumptions
    )
    return True


def refuted(
    one: ClaimResult, *causes: Cause, workers: int | None = None, events: int | None = None
) -> bool:
    """By a replayed story in which each of the causes occurs, with so many workers at once and so
    many events.
    """
    if one.verdict is not Verdict.REFUTED:
        return False
    assert one.assurance is Assurance.REPLAYED
    assert "interpreter" in one.checked_by
    assert one.trace is not None
    assert set(causes) <= {step.cause for step in one.trace.steps}
    assert workers in (None, one.scope.workers), one.scope
    assert events in (None, one.scope.events), one.scope
    return True


def open_question(one: ClaimResult, word: str) -> bool:
    """Unknown, and the reason given has the word in it; nothing of a proof is left."""
    if one.verdict is not Verdict.UNKNOWN:
        return False
    assert one.assurance is Assurance.NONE
    assert one.invariant is None
    assert word in one.reason, one.reason
    return True


def problem(text: str) -> tuple[Machine, Property]:
    """What the engines are asked about the first claim of a design, under its first semantics."""
    design = load_text(text).design
    assert design is not None
    lowered = lower(design, design.semantics[0])
    machine, prop = question(lowered, design.claims[0])
    return machine, prop
