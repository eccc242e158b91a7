"""Both solvers read the same text and only ``sat`` and ``unsat`` are answers."""

from __future__ import annotations

import subprocess
import sys

import pytest
from onceproof.engines.smt.solver import Z3, Cvc5, Effort, Solver, SolverError, Status, installed

from support.pigeons import pigeons

BEGIN = "(set-logic QF_BV)\n(declare-fun |a b.c'| () (_ BitVec 4))\n(declare-fun p () Bool)"


@pytest.fixture(params=[Z3, Cvc5], ids=["z3", "cvc5"])
def kind(request: pytest.FixtureRequest) -> type[Z3] | type[Cvc5]:
    if not request.param().available():
        pytest.skip("not installed")
    made: type[Z3] | type[Cvc5] = request.param
    return made


def test_values_are_read_by_name(kind: type[Z3] | type[Cvc5]) -> None:
    session = kind().session()
    session.load(BEGIN)
    reply = session.check("(assert (= |a b.c'| #b0101))(assert p)", ["p", "a b.c'"])
    assert (reply.status, reply.values) == (Status.SAT, {"p": 1, "a b.c'": 5})


def test_a_check_leaves_nothing_behind(kind: type[Z3] | type[Cvc5]) -> None:
    session = kind().session()
    session.load(BEGIN)
    assert (
        session.check("(define-fun q () Bool p)(assert (not q))(assert p)").status is Status.UNSAT
    )
    assert session.check("(define-fun q () Bool (not p))(assert q)").status is Status.SAT
    session.add("(assert p)")
    assert session.check("(assert (not p))").status is Status.UNSAT
    session.load(BEGIN)
    assert session.check("(assert (not p))").status is Status.SAT


def test_an_error_is_not_an_answer(kind: type[Z3] | type[Cvc5]) -> None:
    session = kind().session()
    session.load(BEGIN)
    for text in ("(assert unknown)", "(assert |a b.c'|)", "(check-sat)", '(echo "unsat")'):
        with pytest.raises(SolverError):
            session.check(text)
    with pytest.raises(SolverError):
        session.check("", ["nobody"])


@pytest.mark.parametrize(
    "effort", [Effort(steps=50), Effort(seconds=0.001)], ids=["steps", "seconds"]
)
def test_giving_up_is_unknown_and_does_not_outlast_the_session(
    kind: type[Z3] | type[Cvc5], effort: Effort
) -> None:
    session = kind(effort).session()
    session.load(pigeons(9))
    assert session.check().status is Status.UNKNOWN
    assert session.check("", ["p0_0"]).status is Status.UNKNOWN
    free = kind().session()
    free.load(pigeons(6))
    assert free.check().status is Status.UNSAT


def test_sessions_do_not_share_limits(kind: type[Z3] | type[Cvc5]) -> None:
    limited, free = kind(Effort(steps=50)).session(), kind().session()
    limited.load(pigeons(8))
    free.load(pigeons(6))
    assert limited.check().status is Status.UNKNOWN
    assert free.check().status is Status.UNSAT
    assert limited.check().status is Status.UNKNOWN


def test_installed_solvers_are_listed_z3_first() -> None:
    solvers: tuple[Solver, ...] = installed(Effort())
    assert [solver.name for solver in solvers] == (["z3", "cvc5"] if Cvc5().available() else ["z3"])


def test_importing_the_package_does_not_load_a_solver() -> None:
    code = (
        "import sys, onceproof.engines.smt.certify, onceproof.engines.smt.certificate; print({'z3',"
        " 'cvc5'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
