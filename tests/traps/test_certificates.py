"""Traps of the engines: machines that cannot begin, certificates of something else, and reductions
that forget a crash.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from msgspec.structs import replace
from onceproof.engines.coverability import Budget, Safe, prove
from onceproof.engines.search import Bounds, explore
from onceproof.engines.search import Budget as Searched
from onceproof.engines.smt import certificate
from onceproof.engines.smt.certify import Outcome, certify
from onceproof.engines.smt.solver import Z3, Effort, installed
from onceproof.lang.load import load
from onceproof.machine.invariant import Invariant
from onceproof.machine.system import Cause, Machine, Property
from onceproof.verdict import certificates
from onceproof.verdict.check import check
from onceproof.verdict.result import Verdict
from onceproof.verdict.task import Options
from onceproof.verdict.verification import verify

from support.machines import no_dup, reference
from support.trap import CALM, SAFE, UNSAFE, cell, file_of, problem, proved, refuted

# ---------------------------------------------------------------- vacuity


def test_contradictory_assumptions() -> None:
    """Assumptions take faults away, never the work: with all of them the effect still happens.
    Conditions can contradict.
    """
    every = CALM + "".join(
        f"assume {words}\n"
        for words in (
            "no crash",
            "no lost answers",
            "no lost acks",
            "no refusals",
            "no failover",
            "handler finishes within the lease",
            "retries end within the key window",
        )
    )
    assert proved(cell(UNSAFE + every), "no-crash", "within-lease")
    never = UNSAFE.replace("id, order", "id, order, kind: new | old")
    never = never.replace("  send mail\n", "  if kind is new and kind is old\n    send mail\n")
    assert cell(never).verdict is Verdict.VACUOUS


def test_contradictory_assumptions_about_rows() -> None:
    """Two locks that wait for each other, and a state that nothing leads to: no effect, and no
    proof.
    """
    stuck = UNSAFE.replace("  send mail\n", "  acquire mutex\n  acquire mutex\n  send mail\n")
    assert cell(stuck + "lock mutex per id\n").verdict is Verdict.VACUOUS
    guard = "  update row.state from paid to sent or stop\n"
    unreached = (
        UNSAFE.replace("  send mail\n", guard + "  send mail\n")
        + "store row per id\n  state: open | paid | sent\n"
    )
    one = cell(unreached)
    assert (one.verdict, one.as_expected) == (Verdict.VACUOUS, False)


def test_a_start_without_a_model() -> None:
    """A machine that cannot begin would satisfy every claim: it is refused."""
    machine = reference(True)
    first, *others = machine.variables
    with pytest.raises(ValueError, match="initial"):
        certify(
            replace(machine, variables=(replace(first, initial=()), *others)),
            no_dup(),
            _invariant(machine, no_dup()),
            [Z3()],
        )


def _invariant(machine: Machine, prop: Property) -> Invariant:
    found = prove(machine, prop, Budget(elements=5000))
    assert isinstance(found, Safe)
    return found.invariant


# ---------------------------------------------------------------- certificates


def test_a_certificate_checked_against_another_protocol(tmp_path: Path) -> None:
    """Refused by its hash; with a forged hash, by its text; the invariant itself, by the solver."""
    path, folder = file_of(tmp_path, SAFE), tmp_path / "proofs"
    (result,) = check(path, Options(second_opinion=False)).designs
    loaded, solvers = load(path), installed(Effort())
    assert loaded.design is not None
    (written,) = certificates.write(loaded.design, result, folder, solvers)
    assert [c.accepted for c in verify(loaded, folder, solvers)] == [True]

    other = load(file_of(tmp_path, UNSAFE))
    assert other.design is not None
    (refused, _) = verify(other, folder, solvers)
    assert not refused.accepted
    assert "another design" in refused.reason
    index = written / certificate.INDEX
    index.write_text(
        json.dumps({**json.loads(index.read_text(encoding="utf-8")), "design": other.sha256}),
        encoding="utf-8",
    )
    for file in written.glob("*.smt2"):
        file.write_text(
            file.read_text(encoding="utf-8").replace(loaded.sha256, other.sha256), encoding="utf-8"
        )
    (forged,) = verify(other, folder, solvers)
    assert not forged.accepted
    safe, unsafe = problem(SAFE), problem(UNSAFE)
    assert certify(*unsafe, _invariant(*safe), [Z3()]).outcome is Outcome.FAILED


# ---------------------------------------------------------------- symmetry


CRASHES = {
    "after": "  wait\n  send mail\n  crash here\n  ack\n",
    "before": "  wait\n  crash here\n  send mail\n  ack\n",
    "long before": "  crash here\n  wait\n  send mail\n  ack\n",
}

HELD = (
    CALM + "assume no lost acks\nassume no lost answers\nassume handler finishes within the lease\n"
)


@pytest.mark.parametrize("place", CRASHES)
def test_symmetry_or_partial_order_reduction_across_a_crash_point(place: str) -> None:
    """Where a worker dies makes all the difference; and the search up to symmetry sees what the
    search with identities sees.
    """
    text = UNSAFE.replace("  send mail\n  ack\n", CRASHES[place]) + HELD
    machine, _ = problem(text)
    bounds, budget = Bounds(2), Searched(100_000, None)
    reduced, plain = (
        explore(machine, bounds, budget),
        explore(machine, bounds, budget, symmetry=False),
    )
    assert reduced.complete
    assert plain.complete
    assert (reduced.full_states, reduced.full_transitions) == (
        plain.full_states,
        plain.full_transitions,
    )
    assert reduced.states < plain.full_states
    one = cell(text)
    match place:
        case "after":
            assert refuted(one, Cause.KILLED, workers=1)
        case "before":
            assert refuted(one, Cause.KILLED, Cause.LATE_EFFECT)
        case _:
            assert proved(one)
