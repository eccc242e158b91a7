"""A certificate is accepted for the claim and the design it was made for, letter by letter, and for
nothing else.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from msgspec.structs import replace
from onceproof.engines.smt import certificate
from onceproof.engines.smt.certificate import Subject, verify, write
from onceproof.engines.smt.certify import certify
from onceproof.engines.smt.solver import Z3, Cvc5, Effort, installed
from onceproof.machine.system import Machine, Property

from support.invariants import invariant_of, locked
from support.machines import no_dup, no_loss, reference, versions

SUBJECT = Subject("sha256:0123", "each mail once", "at least once")


def written(directory: Path, machine: Machine, prop: Property) -> tuple[str, ...]:
    invariant = invariant_of(machine, prop)
    proof = certify(machine, prop, invariant, installed(Effort()))
    return write(directory, SUBJECT, machine, invariant, proof)


def test_a_certificate_is_written_and_accepted(tmp_path: Path) -> None:
    machine, prop = locked(1)
    files = written(tmp_path / "made", machine, prop)
    assert sorted(path.name for path in (tmp_path / "made").iterdir()) == sorted(files)
    assert len(files) == 1 + len(machine.rules) + 1 + 2
    verification = verify(tmp_path / "made", SUBJECT, machine, prop, installed(Effort()))
    assert verification.accepted, verification.reason
    assert verification.proof is not None
    assert verification.proof.solvers == tuple(solver.name for solver in installed(Effort()))


def test_every_file_stands_alone_and_says_what_it_is(tmp_path: Path) -> None:
    machine, prop = locked(1)
    for name in written(tmp_path, machine, prop):
        if not name.endswith(".smt2"):
            continue
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert (
            "; design: sha256:0123\n; claim: each mail once\n; semantics: at least once\n;"
            " obligation: " in text
        )
        assert text.count("(set-logic QF_BV)") == text.count("(check-sat)") == 1
        for solver in installed(Effort()):
            session = solver.session()
            session.load(text.replace("(check-sat)", ""))
            assert session.check().status.value == "unsat"
    rule = next(path for path in tmp_path.glob("*-rule-1.smt2")).read_text(encoding="utf-8")
    assert "; obligation: rule 1 (worker): handler, handler, queue, line 2\n" in rule
    assert "sat" in (tmp_path / "README.md").read_text(encoding="utf-8")


def test_two_certificates_of_one_proof_are_the_same_and_an_old_one_is_replaced(
    tmp_path: Path,
) -> None:
    written(tmp_path / "one", *versions(True))
    written(tmp_path / "two", *locked(1))
    written(tmp_path / "two", *versions(True))
    contents = [
        {p.name: p.read_bytes() for p in (tmp_path / name).iterdir()} for name in ("one", "two")
    ]
    assert contents[0] == contents[1]


def test_it_is_refused_for_another_design_claim_or_hash(tmp_path: Path) -> None:
    machine, prop = reference(True), no_dup()
    written(tmp_path, machine, prop)
    for subject in (
        replace(SUBJECT, design="sha256:4567"),
        replace(SUBJECT, claim="?"),
        replace(SUBJECT, semantics="?"),
    ):
        assert not verify(tmp_path, subject, machine, prop, [Z3()]).accepted
    assert not verify(tmp_path, SUBJECT, reference(False), prop, [Z3()]).accepted
    assert not verify(tmp_path, SUBJECT, versions(True)[0], prop, [Z3()]).accepted
    assert not verify(
        tmp_path, SUBJECT, replace(machine, rules=machine.rules[1:]), prop, [Z3()]
    ).accepted
    assert not verify(
        tmp_path, SUBJECT, replace(machine, rules=machine.rules[::-1]), prop, [Z3()]
    ).accepted
    assert not verify(tmp_path, SUBJECT, machine, no_loss(), [Z3()]).accepted
    assert verify(tmp_path, SUBJECT, machine, prop, [Z3()]).accepted


def test_a_changed_file_is_refused(tmp_path: Path) -> None:
    machine, prop = locked(1)
    for name in written(tmp_path, machine, prop):
        if name == "README.md":
            continue
        path = tmp_path / name
        good = path.read_bytes()
        for wrong in (
            good + b"\n",
            good.replace(b"(assert", b";assert", 1) + b" ",
            b"",
            b"(check-sat)\n",
            good[:-40],
        ):
            path.write_bytes(wrong)
            assert not verify(tmp_path, SUBJECT, machine, prop, [Z3()]).accepted or json_same(
                good, wrong
            )
        path.unlink()
        assert not verify(tmp_path, SUBJECT, machine, prop, [Z3()]).accepted
        path.write_bytes(good)
    assert verify(tmp_path, SUBJECT, machine, prop, [Z3()]).accepted
    (tmp_path / "more.smt2").write_text("(check-sat)\n")
    assert not verify(tmp_path, SUBJECT, machine, prop, [Z3()]).accepted


def json_same(one: bytes, other: bytes) -> bool:
    """White space at the end of the index does not matter."""
    try:
        return bool(json.loads(one) == json.loads(other))
    except ValueError:
        return False


@pytest.mark.parametrize(
    "change",
    [
        {"schema": "other/1"},
        {"expected": "sat"},
        {"files": []},
        {"files": ["../000-initial.smt2"]},
        {"files": None},
        {"invariant": None},
        {"invariant": {"components": [], "events": [], "workers": [], "excluded": []}},
        {"invariant": {"components": ["ab"], "events": [], "workers": [], "excluded": []}},
        {"invariant": {"components": [[]], "events": [[[]]], "workers": [], "excluded": []}},
        {
            "invariant": {
                "components": [[]],
                "events": [],
                "workers": [],
                "excluded": [[[], [[["x"], []]]]],
            }
        },
        {"design": 7},
    ],
)
def test_a_changed_index_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    machine, prop = locked(1)
    written(tmp_path, machine, prop)
    path = tmp_path / certificate.INDEX
    path.write_text(
        json.dumps(json.loads(path.read_text(encoding="utf-8")) | change), encoding="utf-8"
    )
    verification = verify(tmp_path, SUBJECT, machine, prop, [Z3()])
    assert not verification.accepted
    assert verification.reason


def test_it_is_not_accepted_if_a_solver_gives_up_or_is_missing(tmp_path: Path) -> None:
    machine, prop = locked(1)
    written(tmp_path, machine, prop)
    assert not verify(tmp_path, SUBJECT, machine, prop, [Z3(Effort(steps=1))]).accepted
    assert not verify(tmp_path, SUBJECT, machine, prop, []).accepted
    if Cvc5().available():
        assert verify(tmp_path, SUBJECT, machine, prop, [Cvc5()]).accepted


def test_only_a_proof_is_written_and_only_where_nothing_else_is(tmp_path: Path) -> None:
    machine, prop = reference(False), no_loss()
    invariant = invariant_of(machine, prop)
    failed = certify(machine, no_dup(), invariant, [Z3()])
    with pytest.raises(ValueError, match="only a proof"):
        write(tmp_path / "new", SUBJECT, machine, invariant, failed)
    assert not (tmp_path / "new").exists()
    (tmp_path / "notes.smt2").write_text("mine")
    with pytest.raises(ValueError, match="in use"):
        written(tmp_path, machine, prop)
    assert (tmp_path / "notes.smt2").read_text() == "mine"


def test_names_from_outside_cannot_become_commands(tmp_path: Path) -> None:
    machine, prop = locked(1)
    nasty = Subject(
        "x\n(assert false)", "claim\u2028(assert false)\r(assert false)", "\x0b(assert false)"
    )
    invariant = invariant_of(machine, prop)
    proof = certify(machine, prop, invariant, [Z3()])
    for name in write(tmp_path, nasty, machine, invariant, proof):
        if name.endswith(".smt2"):
            text = (tmp_path / name).read_text(encoding="utf-8")
            assert all(
                line.startswith(";") for line in text.splitlines() if "(assert false)" in line
            )
    assert verify(tmp_path, nasty, machine, prop, [Z3()]).accepted
