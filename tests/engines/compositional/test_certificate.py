"""Proofs in parts of designs: the verdict is that of the proof in one piece, and the certificate
stands on its own.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest
from onceproof.engines.compositional import certificate
from onceproof.engines.smt.solver import Z3, Effort
from onceproof.lang.load import Loaded, load, load_text
from onceproof.verdict import certificates, decide
from onceproof.verdict.check import check_loaded
from onceproof.verdict.result import DesignResult, Verdict
from onceproof.verdict.task import Options
from onceproof.verdict.verification import verify

from support.repo import ROOT
from support.sample import sampled

CHAIN = """event Paid(id, order)
queue first of Paid at-least-once
queue second of Paid at-least-once
store done per id
store sent per id
effect charge per id via http
  key id, kept for ever
effect mail per id via http
  key id, kept for ever
consumer one on first
  if id in done
    ack
    stop
  call charge
  publish to second
  add id to done
  ack
consumer two on second
  call mail
  ack
claim no duplicate charge
claim no duplicate mail
claim no loss of mail
"""
"""Two handlers; what the second does rests on the first."""

Z = (Z3(Effort(20)),)


def checked(loaded: Loaded) -> DesignResult:
    assert loaded.design is not None
    return check_loaded(loaded, Options(seconds=30.0))[0]


@cache
def chain_in_parts() -> tuple[Loaded, DesignResult]:
    """The chain and its proofs, for tests in which every machine counts as large."""
    loaded = load_text(CHAIN)
    return loaded, checked(loaded)


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every machine counts as large."""
    monkeypatch.setattr(decide, "WHOLE", 0)
    monkeypatch.setattr(decide, "SMALL", 0)


@pytest.mark.usefixtures("always")
def test_a_certificate_in_parts(tmp_path: Path) -> None:
    loaded, result = chain_in_parts()
    assert loaded.design is not None
    assert [c.verdict for c in result.cells] == [Verdict.HOLDS] * 3
    assert all(c.lemmas and c.invariant is None for c in result.cells)
    assert max(len(c.lemmas) for c in result.cells) > 1
    folders = certificates.write(loaded.design, result, tmp_path, Z)
    verifications = verify(loaded, tmp_path, Z)
    assert [c.folder for c in verifications] == sorted(folders)
    assert all(c.result is not None and c.result.checked_by == ("z3",) for c in verifications), [
        c.reason for c in verifications
    ]
    for cell, folder in zip(result.cells, folders, strict=True):
        texts = certificates.texts_of(loaded.design, result.sha256, cell)
        assert texts == {
            str(p.relative_to(folder)): p.read_text(encoding="utf-8")
            for p in folder.rglob("*.smt2")
        }


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize(
    "change",
    [
        "less is excluded",
        "another view",
        "a part is missing",
        "no parts",
        "an obligation is missing",
    ],
)
def test_a_certificate_that_was_changed(change: str, tmp_path: Path) -> None:
    loaded, result = chain_in_parts()
    assert loaded.design is not None
    folder = certificates.write(loaded.design, result, tmp_path, Z)[-1]
    index = json.loads((folder / certificate.INDEX).read_text(encoding="utf-8"))
    match change:
        case "less is excluded":
            index["parts"][0]["excludes"] = index["parts"][0]["excludes"][1:]
        case "another view":
            index["parts"][0]["names"] = index["parts"][0]["names"][1:]
        case "a part is missing":
            index["parts"] = index["parts"][1:]
        case "no parts":
            index["parts"] = []
        case _:
            next(iter(sorted(folder.glob("*.smt2")))).unlink()
    (folder / certificate.INDEX).write_text(json.dumps(index), encoding="utf-8")
    accepted = {c.folder: c.accepted for c in verify(loaded, tmp_path, Z)}
    assert [f for f in accepted if not accepted[f]] == [folder]


DESIGNS = sorted((ROOT / "examples" / "theory").glob("*.once"))


@pytest.mark.parametrize("path", sampled(DESIGNS, 2), ids=lambda p: p.stem)
def test_the_same_verdicts(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = load(path)
    if loaded.design is None:
        pytest.skip("a library")
    plain = checked(loaded)
    monkeypatch.setattr(decide, "WHOLE", 0)
    monkeypatch.setattr(decide, "SMALL", 0)
    parted = checked(loaded)
    assert not parted.failures
    assert [(c.claim, c.verdict, c.trace) for c in parted.cells] == [
        (c.claim, c.verdict, c.trace) for c in plain.cells
    ]
