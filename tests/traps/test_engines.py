"""Traps of the engines: what must never be taken for a proof."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations_with_replacement
from pathlib import Path

import pytest
from onceproof.engines.coverability import Safe
from onceproof.engines.search import Bounds
from onceproof.engines.search import Budget as Searched
from onceproof.engines.search.states import configurations
from onceproof.engines.smt.bmc import Finding, refute
from onceproof.engines.smt.certify import Outcome, certify
from onceproof.engines.smt.solver import Z3, Effort, Reply, Solver, Status
from onceproof.lang.load import load, load_text
from onceproof.machine.invariant import Invariant, Row, Shape
from onceproof.machine.system import Machine
from onceproof.report.formats import write
from onceproof.report.terminal import Paint
from onceproof.verdict import decide, prove, vacuity
from onceproof.verdict.check import check, check_loaded
from onceproof.verdict.exit_codes import Exit, of_result
from onceproof.verdict.result import Assurance, Result, Verdict
from onceproof.verdict.task import Options

from support.repo import ROOT
from support.trap import SAFE, UNSAFE, cell, file_of, problem, refuted, unbounded

THREE = (ROOT / "examples/theory/three_workers.once").read_text(encoding="utf-8")

CROWDED = """\
event Paid(id, account)
queue q of Paid at-least-once
store seen per id, unique
store account per account
  used: none | some | most
effect overdraft per account in account
consumer c on q
  atomic
    insert id into seen
      on duplicate
        ack
        stop
    add account to account
    update account.used from none to some
      on conflict
        update account.used from some to most
          on conflict
            do overdraft
  ack
claim never overdraft happened
"""
"""Needs three events that share an account."""


# ---------------------------------------------------------------- bounds


@pytest.mark.parametrize("workers", [1, 2])
def test_bounds_of_workers(workers: int) -> None:
    """The bug needs three: a bounded look says "holds", with its numbers, and does not look like a
    proof.
    """
    one = cell(THREE, Options(workers=workers, second_opinion=False))
    assert (one.verdict, one.assurance) == (Verdict.HOLDS, Assurance.EXHAUSTIVE)
    assert (one.scope.workers, one.scope.events) == (workers, 1)
    assert one.invariant is None
    assert refuted(cell(THREE), workers=3)
    assert refuted(cell(THREE, Options(workers=3, second_opinion=False)), workers=3)


def test_bounds_are_printed(tmp_path: Path) -> None:
    path = file_of(tmp_path, SAFE)
    bounded = write("text", check(path, Options(workers=1)), 1, Paint())
    assert "up to 1 worker" in bounded
    assert "any number of events" not in bounded
    assert "any number of events" in write("text", check(path, Options()), 1, Paint())


def test_one_generic_event_although_the_key_is_shared() -> None:
    """No number of events per key is enough for all designs: this one needs three, and two say
    "fine".
    """
    for events in (1, 2):
        one = cell(CROWDED, Options(workers=1, events=events, second_opinion=False))
        assert (one.verdict, one.assurance, one.scope.events) == (
            Verdict.HOLDS,
            Assurance.EXHAUSTIVE,
            events,
        )
        assert not unbounded(one)
    assert refuted(cell(CROWDED, Options(workers=1, events=3, second_opinion=False)), events=3)
    found = cell(CROWDED)
    assert refuted(found)
    assert found.scope.events is not None
    assert found.scope.events >= 3


# ---------------------------------------------------------------- induction


def _within(machine: Machine, workers: int) -> Invariant:
    """What is true with so few workers: the rows there are, and the pairs of workers that are never
    seen together.
    """
    found = configurations(machine, Bounds(workers), Searched(20_000, None))
    assert isinstance(found, list)
    shapes = [shape for state in found for shape in state]
    triples = {(s.component, e, w) for s in shapes for e, crew in s.events for w in crew}
    together: set[tuple[Row, Row, tuple[Row, ...]]] = set()
    for s in shapes:
        together |= {(s.component, e, crew) for e, crew in s.events if len(crew) == 2}
    return Invariant(
        frozenset(s.component for s in shapes),
        frozenset((s.component, e) for s in shapes for e, _ in s.events),
        frozenset(triples),
        tuple(
            Shape(c, ((e, crew),)) for c, e, crew in _pairs(triples) if (c, e, crew) not in together
        ),
    )


def _pairs(triples: set[tuple[Row, Row, Row]]) -> Iterator[tuple[Row, Row, tuple[Row, ...]]]:
    for component, event in sorted({(c, e) for c, e, _ in triples}):
        crew = sorted(w for c, e, w in triples if (c, e) == (component, event))
        yield from ((component, event, pair) for pair in combinations_with_replacement(crew, 2))


def test_k_induction_without_its_base_case() -> None:
    """An invariant that nothing satisfies is kept by every step and excludes everything bad: only
    the start tells.
    """
    machine, prop = problem(UNSAFE)
    nothing = Invariant(frozenset(), frozenset(), frozenset(), ())
    proof = certify(machine, prop, nothing, [Z3()])
    assert proof.outcome is Outcome.FAILED
    assert [failure.obligation for failure in proof.failures] == ["initial"]


def test_k_induction_with_too_few_slots() -> None:
    """Everything that is true of one or two workers, in a design whose bug needs three."""
    machine, prop = problem(THREE)
    for workers in (1, 2):
        proof = certify(machine, prop, _within(machine, workers), [Z3()])
        assert proof.outcome is Outcome.FAILED
        assert all(failure.obligation.startswith("rule") for failure in proof.failures)


def test_no_counterexample_of_some_length_is_no_proof() -> None:
    machine, prop = problem(UNSAFE)
    bounds = Bounds(1, 1)
    assert refute(machine, prop, bounds, 2, Z3()).finding is Finding.NOT_WITHIN
    assert refute(machine, prop, bounds, 12, Z3()).finding is Finding.REACHED


def test_an_invariant_made_up_by_an_engine_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """If the unbounded engine lies, the solver says so, and there is no verdict at all."""
    lie = Safe(Invariant(frozenset(), frozenset(), frozenset(), ()), 0, 0, False)
    monkeypatch.setattr(decide.coverability, "prove", lambda *_: lie)
    monkeypatch.setattr(decide.coverability, "prove_by_rows", lambda *_: lie)
    for text in (SAFE, UNSAFE):
        result, _ = check_loaded(load_text(text), Options(second_opinion=False))
        assert result.cells == ()
        assert len(result.failures) == 1
        assert of_result(Result((result,))) is Exit.INTERNAL


# ---------------------------------------------------------------- unknown


class _Silent:
    """A solver that is installed and always gives up."""

    name = "silent"
    steps_for_many = 1

    def available(self) -> bool:
        return True

    def session(self) -> _Silent:
        return self

    def load(self, text: str) -> None:
        pass

    add = load

    def check(self, text: str = "", names: object = (), steps: int = 0) -> Reply:
        return Reply(Status.UNKNOWN, reason="silent")


@pytest.mark.parametrize("solver", [Z3(Effort(steps=1)), _Silent()], ids=["limited", "silent"])
def test_unknown_taken_as_proof(
    solver: Solver, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(prove, "solvers_of", lambda _: (solver,))
    result = check(file_of(tmp_path, SAFE), Options(second_opinion=False))
    (one,) = result.designs[0].cells
    assert (one.verdict, one.assurance, one.invariant, one.checked_by) == (
        Verdict.UNKNOWN,
        Assurance.NONE,
        None,
        (),
    )
    assert "could not be checked" in one.reason
    assert of_result(result) is Exit.INCONCLUSIVE


@pytest.mark.parametrize(
    "options",
    [
        Options(seconds=1e-9),
        Options(workers=2, seconds=1e-9),
        Options(workers=2, states=3),
    ],
    ids=["time", "time, bounded", "states"],
)
def test_a_limited_run_taken_as_proof(
    options: Options, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("onceproof.engines.search.meter.LOOKS_AT_MEMORY", 1)
    result = check(file_of(tmp_path, SAFE), options)
    (one,) = result.designs[0].cells
    assert (one.verdict, one.assurance, one.invariant, one.checked_by) == (
        Verdict.UNKNOWN,
        Assurance.NONE,
        None,
        (),
    )
    assert one.reason.startswith(("more than 0 ms", "the search stopped: more than"))
    assert of_result(result) is Exit.INCONCLUSIVE


def test_a_run_that_may_hold_nothing_taken_as_proof(tmp_path: Path) -> None:
    """It ends while the design is read."""
    result = check(file_of(tmp_path, SAFE), Options(workers=2, megabytes=1))
    assert result.designs[0].cells == ()
    assert [d.code for d in result.designs[0].diagnostics] == ["S022"]
    assert of_result(result) is Exit.USAGE


@pytest.mark.parametrize("late", [1, 2, 3, 4])
def test_time_that_runs_out_between_two_stages(
    late: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock jumps at the n-th look of the judge: a proof is printed only if everything was done
    before.
    """
    looks = 0

    def clock() -> float:
        nonlocal looks
        looks += 1
        return 0.0 if looks <= late else 1e6

    monkeypatch.setattr("onceproof.verdict.task.time.monotonic", clock)
    (one,) = check(file_of(tmp_path, SAFE), Options()).designs[0].cells
    assert (one.verdict, one.assurance) == (Verdict.UNKNOWN, Assurance.NONE)
    assert "more than" in one.reason


@pytest.mark.parametrize("stage", ["certify", "simplest"])
def test_a_killed_run_taken_as_proof(
    stage: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(prove if stage == "certify" else vacuity, stage, stop)
    result, interrupted = check_loaded(load(file_of(tmp_path, SAFE)), Options())
    assert interrupted
    assert result.cells == ()
    assert of_result(Result((result,), interrupted=True)) is Exit.INTERRUPTED
