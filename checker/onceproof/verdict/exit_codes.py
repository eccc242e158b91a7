"""Exit codes: one place, one meaning each (docs/exit-codes.md)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from enum import IntEnum

from onceproof.lang.diagnostics import Severity
from onceproof.verdict.result import ClaimResult, Result, Verdict


class Exit(IntEnum):
    """What the process says to its caller."""

    HOLDS = 0  # every claim met its expectation
    VIOLATED = 1  # a counterexample nobody expected, or an expected one that is gone
    USAGE = 2  # bad options, a missing file, a design with errors
    INCONCLUSIVE = 3  # unknown: a bound, a time-out, a solver that gave up; or not --fail-on's
    VACUOUS = 4  # a claim holds because what it speaks about never happens
    OUTPUT = 74  # the answer could not be written: a full disk, a pipe that nobody reads
    INTERNAL = 70  # engines disagree, a replay failed, an exception: a bug of ours
    INTERRUPTED = 130  # Ctrl-C


PRIORITY = (
    Exit.INTERNAL,
    Exit.INTERRUPTED,
    Exit.OUTPUT,
    Exit.USAGE,
    Exit.VIOLATED,
    Exit.INCONCLUSIVE,
    Exit.VACUOUS,
    Exit.HOLDS,
)
"""Which code wins when several apply, first to last."""


def worst(codes: Iterable[Exit]) -> Exit:
    """The code that wins."""
    return min(codes, key=PRIORITY.index, default=Exit.HOLDS)


def of_cell(cell: ClaimResult) -> Exit:
    """The code of one verdict."""
    if cell.as_expected:
        return Exit.HOLDS
    if cell.verdict is Verdict.UNKNOWN:
        return Exit.INCONCLUSIVE
    if cell.verdict is Verdict.VACUOUS:
        return Exit.VACUOUS
    return Exit.VIOLATED


def not_accepted(cell: ClaimResult, fail_on: Collection[str]) -> bool:
    """Whether the caller does not accept this proof."""
    return any(name in fail_on for name in cell.limits)


def of_result(result: Result) -> Exit:
    """The code of a whole run."""
    codes = [Exit.INTERRUPTED] if result.interrupted else []
    for design in result.designs:
        codes += [Exit.INTERNAL] * bool(design.failures)
        codes += [Exit.USAGE for d in design.diagnostics if d.severity is Severity.ERROR]
        codes += [of_cell(c) for c in design.cells]
        codes += [Exit.INCONCLUSIVE for c in design.cells if not_accepted(c, result.fail_on)]
    return worst(codes)
