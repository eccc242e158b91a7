"""A busy machine changes no answer: budgets count steps, and a stop by time says so."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from onceproof.report.formats.json import to_json
from onceproof.verdict import ladder
from onceproof.verdict.check import check
from onceproof.verdict.result import Assurance, Scope, Verdict
from onceproof.verdict.task import Options

from support.repo import ROOT

BOOKING = Path(__file__).parent / "designs" / "booking_outbox.once"
CHARGE = BOOKING.with_name("charge_outbox.once")
REDRIVE = BOOKING.with_name("fifo_redrive.once")
FEW = [
    *sorted((ROOT / "examples" / "article").glob("r*.once")),
    ROOT / "examples" / "patterns" / "outbox.once",
]


def _answers(paths: list[Path], options: Options) -> str:
    document = json.loads(to_json(check([str(p) for p in paths], options)))
    for cell in document["results"]:
        cell["timing"] = None
    return json.dumps(document, sort_keys=True)


def _slow_down(monkeypatch: pytest.MonkeyPatch, factor: int) -> None:
    """Let the clock run faster than the work."""
    real = time.monotonic
    start = real()
    monkeypatch.setattr(time, "monotonic", lambda: start + factor * (real() - start))


def test_a_machine_that_is_thirty_times_slower(monkeypatch: pytest.MonkeyPatch) -> None:
    options = Options(seconds=100_000.0, explain=True)
    wanted = _answers(FEW, options)
    _slow_down(monkeypatch, 30)
    assert _answers(FEW, options) == wanted


@pytest.mark.slow
def test_a_proof_that_needs_no_windows_says_so_however_slow_the_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It took more than five seconds to see that the windows are not needed, and was printed as if
    they were.
    """
    _slow_down(monkeypatch, 100)
    result = check(str(CHARGE), Options(seconds=100_000.0))
    (cell,) = result.designs[0].cells
    assert (cell.verdict, cell.scope, cell.conditions, cell.reason) == (
        Verdict.HOLDS,
        Scope(),
        (),
        "",
    )


def test_a_stop_by_time_says_so() -> None:
    result = check(str(BOOKING), Options(claims=("charge before letter",), seconds=0.01))
    (cell,) = result.designs[0].cells
    assert cell.verdict is Verdict.UNKNOWN
    assert "more than 10 ms" in cell.reason


@pytest.mark.parametrize(("most", "workers"), [(20, None), (1_500, 1)])
def test_the_largest_bound_that_a_solver_can_confirm_is_confirmed(
    most: int, workers: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """967 states of one worker, 17,360 of two: the search goes on until it has too many, what is
    confirmed is what fits.
    """
    monkeypatch.setattr(ladder, "FOR_SOLVERS", most)
    result = check(str(REDRIVE), Options(claims=("no loss",), lengths=False))
    (cell,) = result.designs[0].cells
    assert cell.scope.workers == workers if workers else cell.verdict is Verdict.UNKNOWN
    if workers:
        assert (cell.verdict, cell.assurance) == (Verdict.HOLDS, Assurance.EXHAUSTIVE)
        assert cell.checked_by == ("search", "z3")


@pytest.mark.slow
def test_two_workers_are_confirmed_where_that_is_all_a_solver_can_do() -> None:
    (cell,) = check(str(REDRIVE), Options(claims=("no loss",), lengths=False)).designs[0].cells
    assert (cell.verdict, cell.assurance, cell.scope.workers) == (
        Verdict.HOLDS,
        Assurance.EXHAUSTIVE,
        2,
    )
