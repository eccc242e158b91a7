"""What ``verify`` accepts, ``check`` would print: forged, shadowed, deleted and damaged
certificates are not accepted.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from onceproof.engines.smt import certificate
from onceproof.lang.load import Loaded, load
from onceproof.report.words import ground
from onceproof.verdict import certificates
from onceproof.verdict.check import check_loaded
from onceproof.verdict.result import DesignResult, Verdict
from onceproof.verdict.task import Options
from onceproof.verdict.verification import MOST_BYTES, Standing, Verification, verify

from support.command_line import run
from support.conditions import CONFIRM, ELSEWHERE, LEASE, MAIL, REFUND
from support.forge import SOLVERS, design, forged
from support.repo import ROOT
from support.trap import SAFE, UNSAFE

DEAD = SAFE.replace(
    "  send mail\n", "  if order.state is paid\n    send mail\n    ack\n    stop\n  send mail\n"
).replace("effect mail", "store order per id\n  state: open | paid\neffect mail")
NEVER = SAFE.replace("id, order", "id, order, kind: new | old").replace(
    "  send mail\n", "  if kind is new and kind is old\n    send mail\n"
)
NEW_ID = MAIL.replace(
    "at-least-once\n", "at-least-once\npublisher of orders retries with a new id\n"
).replace("via smtp", "via http\n  key id, kept for ever")
UNDECIDED = {
    "T1, two business keys": REFUND,
    "T1, two types with one id": (
        CONFIRM.replace("in shop", "via http\n  key order, kept for ever").replace(
            "do ship", "send ship"
        )
    ),
    "T1, a new id for each retry": NEW_ID,
    "T9, a row that may be lost": LEASE.replace(
        "store payment per id", "store payment per id, cache"
    ),
    "T16, a message for another broker in a transaction": ELSEWHERE,
    "vacuous: the effect never happens": NEVER,
    "vacuous: a line that is never reached": DEAD,
}


RESULTS: dict[tuple[str, ...], DesignResult] = {}


def answered(loaded: Loaded) -> DesignResult:
    """What ``check`` finds; each design is checked once."""
    texts = tuple(source.text for source in loaded.sources.values())
    if texts not in RESULTS:
        RESULTS[texts] = check_loaded(loaded, Options())[0]
    return RESULTS[texts]


def checked(loaded: Loaded) -> dict[tuple[str, str], Verdict]:
    """What ``check`` prints about each claim."""
    result = answered(loaded)
    return {(c.claim, c.semantics.value): c.verdict for c in result.cells}


def verified(loaded: Loaded, folder: Path) -> list[Verification]:
    """What ``verify`` says."""
    assert loaded.design is not None
    return verify(loaded, folder, SOLVERS)


def sound(loaded: Loaded, folder: Path) -> int:
    """How many certificates are accepted: no more than ``check`` decides, and for the same
    verdict.
    """
    verdicts = checked(loaded)
    accepted = [c for c in verified(loaded, folder) if c.accepted]
    assert all(
        c.result is not None and verdicts[c.claim, c.semantics] is c.result.verdict
        for c in accepted
    )
    return len(accepted)


@pytest.mark.parametrize("name", UNDECIDED)
def test_a_proof_that_check_does_not_believe(name: str, tmp_path: Path) -> None:
    loaded = design(UNDECIDED[name])
    verdicts = checked(loaded)
    assert loaded.design is not None
    made = 0
    for number, claim in enumerate(loaded.design.claims):
        for semantics in claim.semantics or loaded.design.semantics:
            if verdicts[claim.text, semantics.value] in (Verdict.UNKNOWN, Verdict.VACUOUS):
                made += forged(tmp_path, loaded, number, semantics) is not None
    assert made, "there is something to be forged"
    assert sound(loaded, tmp_path) == 0
    for one in verified(loaded, tmp_path):
        if one.folder is not None:
            assert one.standing is Standing.REFUSED
            assert one.reason.startswith("solvers accept it, and the claim is")


# ---------------------------------------------------------------- whole folders


def written(folder: Path, text: str) -> tuple[Loaded, list[Path]]:
    """A design, and the certificates that ``check`` writes for it."""
    loaded = design(text)
    assert loaded.design is not None
    return loaded, certificates.write(loaded.design, answered(loaded), folder, SOLVERS)


TWO = SAFE + "claim no loss of mail\n"


def standings(loaded: Loaded, folder: Path) -> list[str]:
    """In order."""
    return [c.standing.value for c in verified(loaded, folder)]


def test_a_claim_without_a_certificate_is_missing(tmp_path: Path) -> None:
    loaded, folders = written(tmp_path, UNSAFE + "claim no loss of mail\n")
    assert standings(loaded, tmp_path) == ["accepted", "accepted"]
    refutation = next(f for f in folders if (f / certificates.TRACE).exists())
    shutil.rmtree(refutation)
    assert standings(loaded, tmp_path) == ["accepted", "missing"]


def test_a_claim_that_is_not_expected_to_be_decided_needs_none(tmp_path: Path) -> None:
    loaded, _ = written(
        tmp_path, NEW_ID.replace("duplicate mail", "duplicate mail\n  expect unknown")
    )
    assert sorted(standings(loaded, tmp_path)) == ["accepted", "none"]


def test_a_refutation_hidden_behind_a_proof(tmp_path: Path) -> None:
    """A second index in the same folder, or one in the folder above."""
    loaded, folders = written(tmp_path, UNSAFE + "claim no loss of mail\n")
    refutation, proof = sorted(folders, key=lambda f: not (f / certificates.TRACE).exists())
    shutil.copy(proof / certificate.INDEX, refutation)
    assert sorted(standings(loaded, tmp_path)) == ["accepted", "foreign", "missing"]
    (refutation / certificate.INDEX).unlink()
    shutil.copy(proof / certificate.INDEX, refutation.parent)
    assert sorted(standings(loaded, tmp_path)) == ["accepted", "accepted", "refused"]
    (refutation.parent / certificate.INDEX).unlink()
    (refutation.parent / "parts.json").write_text("{}", encoding="utf-8")
    assert "missing" in standings(loaded, tmp_path)


def test_what_is_proved_and_what_is_refuted_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a.once"
    path.write_text(
        UNSAFE + "  expect violated\nclaim no loss of mail\nassume no lost acks\n", encoding="utf-8"
    )
    assert run("check", path, "--certificate", tmp_path / "proofs").returncode == 0
    done = run("verify", tmp_path / "proofs", path)
    assert done.returncode == 0
    one, two, total = done.stdout.splitlines()
    assert (
        one
        == "accepted: REFUTED (expected): no duplicate mail under at-least-once: REFUTED: replayed"
        " counterexample; confirmed by the interpreter"
    )
    assert two.startswith(
        "accepted: proved: no loss of mail under at-least-once: proved for any number of events,"
        " keys, workers"
    )
    assert total == "2 of 2 certificates accepted"


@pytest.mark.parametrize(
    "example",
    [
        "article/effectively_once",
        "incidents/p01_eta_longer_than_timeout_after",
        "patterns/idempotency_key",
        "patterns/idempotency_key_broken",
    ],
)
def test_as_much_is_said_as_by_a_check(example: str, tmp_path: Path) -> None:
    """The ground of each verdict: for how many, under which assumptions and lengths of time, and
    resting on which facts.
    """
    loaded = load(ROOT / f"examples/{example}.once")
    assert loaded.design is not None
    result = answered(loaded)
    certificates.write(loaded.design, result, tmp_path, SOLVERS)
    verified_results = [v.result for v in verified(loaded, tmp_path)]
    grounds = {(r.claim, r.semantics): ground(r) for r in verified_results if r is not None}
    assert grounds == {
        (c.claim, c.semantics): ground(c)
        for c in result.cells
        if c.trace is not None or c.is_unbounded_proof
    }


def test_a_refutation_that_the_design_does_not_expect_is_as_bad_as_in_a_check(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.once"
    path.write_text(UNSAFE, encoding="utf-8")
    assert run("check", path, "--certificate", tmp_path / "proofs").returncode == 1
    assert run("verify", tmp_path / "proofs", path).returncode == 1


def test_assumptions_are_part_of_what_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a.once"
    path.write_text(CRASHLESS, encoding="utf-8")
    assert run("check", path, "--certificate", tmp_path / "proofs").returncode == 0
    assert "assuming that no worker is killed" in run("verify", tmp_path / "proofs", path).stdout


CRASHLESS = """event Placed(id)
queue orders of Placed at-least-once
effect mail per id via http
consumer c on orders
  send mail
  ack
claim no loss of mail
assume no crash
"""

# ---------------------------------------------------------------- damage


def everything(folder: Path) -> list[Path]:
    """All files below a folder."""
    return sorted(p for p in folder.rglob("*") if p.is_file())


NASTY = "x\x1b[2J\n::error::\r<script>"


def with_index(change: Callable[[dict[str, object]], object]) -> Callable[[Path], None]:
    """Change an index."""

    def changed(folder: Path) -> None:
        for path in (*folder.rglob("certificate.json"), *folder.rglob("trace.json")):
            data = json.loads(path.read_text(encoding="utf-8"))
            change(data)
            path.write_text(json.dumps(data), encoding="utf-8")

    return changed


def replace_files(make: Callable[[Path], object]) -> Callable[[Path], None]:
    """Put something else in the place of every file with obligations."""

    def changed(folder: Path) -> None:
        for path in folder.rglob("*.smt2"):
            path.unlink()
            make(path)
        for path in folder.rglob("trace.json"):
            path.unlink()
            make(path)

    return changed


DAMAGE: dict[str, Callable[[Path], None]] = {
    "another claim": with_index(lambda x: x.update(claim=NASTY)),
    "another semantics": with_index(lambda x: x.update(semantics=NASTY)),
    "another design": with_index(lambda x: x.update(design=NASTY)),
    "a claim that is no text": with_index(lambda x: x.update(claim=[1])),
    "no steps and no files": with_index(lambda x: x.update(steps=[], files=[])),
    "steps that are none": with_index(lambda x: x.update(steps=[{"cause": NASTY}], files=None)),
    "steps of another shape": with_index(lambda x: x.update(steps={"a": 1}, invariant=[])),
    "events of no type": with_index(
        lambda x: x.update(events=[{"component": 0, "type": NASTY, "payload": {}}], invariant={})
    ),
    "events with other fields": with_index(
        lambda x: x.update(
            events=[{"component": 0, "type": "Placed", "payload": {"kind": "gold"}}],
            invariant={
                "components": [[]],
                "events": [],
                "workers": [],
                "excluded": [[[], [[[], [["a"]] * 30]]]],
            },
        )
    ),
    "a component that is no number": with_index(
        lambda x: x.update(
            events=[{"component": [], "type": "Placed", "payload": {}}], expected="sat"
        )
    ),
    "more steps than a story has": with_index(
        lambda x: x.update(steps=[{}] * 20_000, schema="other")
    ),
    "pipes": replace_files(lambda p: os.mkfifo(p)),
    "devices": replace_files(lambda p: p.symlink_to("/dev/zero")),
    "folders": replace_files(lambda p: p.mkdir()),
    "links to nowhere": replace_files(lambda p: p.symlink_to("nowhere")),
    "empty files": replace_files(lambda p: p.write_text("")),
    "no text": replace_files(lambda p: p.write_bytes(b"\xff\xfe")),
    "nested too deeply": replace_files(lambda p: p.write_text("[" * 200_000)),
    "large numbers": replace_files(lambda p: p.write_text("9" * 5_000)),
    "too large": replace_files(lambda p: p.write_bytes(b" " * (MOST_BYTES + 2))),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_what_is_damaged_is_refused_and_cleaned(name: str, tmp_path: Path) -> None:
    path = tmp_path / "a.once"
    path.write_text(UNSAFE + "  expect violated\nclaim no loss of mail\n", encoding="utf-8")
    assert run("check", path, "--certificate", tmp_path / "proofs").returncode == 0
    DAMAGE[name](tmp_path / "proofs")
    done = run("verify", tmp_path / "proofs", path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "accepted:" not in done.stdout
    assert all(c.isprintable() or c == "\n" for c in done.stdout + done.stderr)
    assert all(line.startswith(("REFUSED", "MISSING", "0 of")) for line in done.stdout.splitlines())


@pytest.mark.slow
def test_every_byte_matters(tmp_path: Path) -> None:
    """A letter taken away anywhere: refused, or another way to write the same."""
    loaded, _ = written(tmp_path, TWO)
    for path in everything(tmp_path):
        if path.name == "README.md":
            continue
        good = path.read_bytes()
        for at in range(0, len(good), max(1, len(good) // 3)):
            path.write_bytes(good[:at] + good[at + 1 :])
            assert sound(loaded, tmp_path) <= 2
            if path.suffix == ".smt2":
                assert standings(loaded, tmp_path).count("accepted") == 1
        path.write_bytes(good)
    assert standings(loaded, tmp_path) == ["accepted", "accepted"]
