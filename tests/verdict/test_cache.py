"""A kept answer says to the byte what a fresh one says, and is given only where a fresh one would
say it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec import msgpack
from msgspec.structs import replace
from onceproof.base import store
from onceproof.base.store import Store
from onceproof.engines.compositional.abstraction import Lemma, View
from onceproof.machine.invariant import Invariant, Shape
from onceproof.machine.system import EventPattern, Pattern, Property
from onceproof.verdict.cache import ResultCache, decode, encode, lasting
from onceproof.verdict.check import Means, check
from onceproof.verdict.result import (
    Assurance,
    DesignResult,
    Proof,
    Undecided,
    Vacuous,
    Verdict,
)
from onceproof.verdict.task import Options

from support.own_store import run
from support.repo import ROOT, SOURCES
from support.trap import SAFE, UNSAFE


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "designs"
    place.mkdir()
    parts, claim = SAFE.split("consumer")
    (place / "parts.once").write_text(parts, encoding="utf-8")
    (place / "safe.once").write_text('import "parts.once"\nconsumer' + claim, encoding="utf-8")
    (place / "unsafe.once").write_text(UNSAFE, encoding="utf-8")
    return place


def test_what_is_kept_is_printed_again_until_something_changes(folder: Path) -> None:
    fresh = run(folder, "check", ".", "--no-cache")
    assert fresh[0] == 1
    first = run(folder, "check", ".")
    assert first == fresh
    # The second answer needs no parser, no engine, not even click: it still comes if they cannot be
    # imported.
    stub = folder.parent / "stub"
    (stub / "click").mkdir(parents=True)
    (stub / "click" / "__init__.py").write_text("raise RuntimeError('imported')")
    again = run(folder, "check", ".", PYTHONPATH=f"{stub}{os.pathsep}{SOURCES}")
    assert again == fresh
    assert (
        b"imported"
        in run(folder, "check", ".", "--no-cache", PYTHONPATH=f"{stub}{os.pathsep}{SOURCES}")[2]
    )
    # An import changes: nothing of the old answer is left.
    parts = folder / "parts.once"
    text = parts.read_text()
    parts.write_text(text.replace("  key id, kept for ever\n", ""))
    changed = run(folder, "check", ".")
    assert changed == run(folder, "check", ".", "--no-cache") != fresh
    parts.write_text(text)
    assert run(folder, "check", ".") == fresh
    # So does the set of designs.
    (folder / "more.once").write_text(UNSAFE, encoding="utf-8")
    assert run(folder, "check", ".") == run(folder, "check", ".", "--no-cache") != fresh
    assert run(folder, "check", "unsafe.once", "-q")[1] != run(folder, "check", "unsafe.once")[1]


def test_a_new_project_between_a_design_and_what_it_imports(folder: Path) -> None:
    """What was imported is outside the project now."""
    inner = folder / "inner"
    inner.mkdir()
    (folder / ".onceproof").mkdir()
    text = (folder / "safe.once").read_text(encoding="utf-8")
    (inner / "safe.once").write_text(text.replace('"parts', '"../parts'), encoding="utf-8")
    for words in (("inner",), ("inner/safe.once",), ("inner/safe.once", "-q")):
        assert run(folder, "check", *words)[0] == 0
        (inner / ".git").mkdir()
        code, text_again, _ = run(folder, "check", *words)
        assert (code, b"outside the folder of the project" in text_again) == (2, True)
        (inner / ".git").rmdir()
        assert run(folder, "check", *words)[0] == 0


def test_mistakes_and_certificates_are_never_answered_from_the_cache(folder: Path) -> None:
    for _ in range(2):
        assert run(folder, "check", "nowhere.once")[0] == 2
        code, _, _ = run(folder, "check", "safe.once", "--certificate", "proofs")
        assert code == 0
        assert list((folder / "proofs").rglob("certificate.json"))
        for path in sorted((folder / "proofs").rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()


def test_a_damaged_cache_is_no_mistake(folder: Path) -> None:
    fresh = run(folder, "check", ".")
    kept = folder.parent / "kept"
    for path in kept.rglob("*-*"):
        if path.is_file():
            path.write_bytes(path.read_bytes()[:-3])
    assert run(folder, "check", ".") == fresh
    for path in sorted(kept.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    kept.rmdir()
    kept.write_text("no folder")
    assert run(folder, "check", ".") == fresh


def test_results_of_designs_are_kept_one_by_one(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(store.NAME, str(tmp_path / "results"))
    monkeypatch.chdir(folder)
    fresh = check(".", Options())
    assert check(".", Options(), means=Means(use_cache=True)) != ()
    asked: list[object] = []
    monkeypatch.setattr(
        sys.modules["onceproof.verdict.check"],
        "judge",
        lambda design, *_: asked.append(design.path) or iter(()),
    )
    again = check(".", Options(), means=Means(use_cache=True))
    assert asked == []
    assert (
        [d.path for d in again.designs]
        == [d.path for d in fresh.designs]
        == ["safe.once", "unsafe.once"]
    )
    for one, two in zip(again.designs, fresh.designs, strict=True):
        assert [(c.verdict, c.trace, c.invariant, c.checked_by) for c in one.cells] == [
            (c.verdict, c.trace, c.invariant, c.checked_by) for c in two.cells
        ]
    check(
        ".", Options(explain=True), means=Means(use_cache=True)
    )  # other options are another question
    assert len(asked) == 2
    assert (
        check("parts.once", Options(), means=Means(use_cache=True)).designs[0].diagnostics
    )  # a library only within a folder


def test_answers_that_leaned_on_a_clock_are_not_kept(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    (result,) = check("safe.once", Options()).designs
    assert lasting(result, Options())
    assert not lasting(result, Options(seconds=2 * result.cells[0].seconds))
    (short,) = check("safe.once", Options(seconds=1e-9)).designs
    assert short.cells[0].verdict is Verdict.UNKNOWN
    assert not lasting(short, Options(seconds=1e-9))
    (small,) = check("unsafe.once", Options(states=1, workers=1)).designs
    assert small.cells[0].verdict is Verdict.UNKNOWN
    assert lasting(small, Options(states=1, workers=1))
    assert not lasting(small, Options(states=1, workers=1, megabytes=100))


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> tuple[DesignResult, ...]:
    """A proof, a refutation and a file with mistakes, with their reasons."""
    folder = tmp_path_factory.mktemp("designs")
    (folder / "safe.once").write_text(SAFE, encoding="utf-8")
    (folder / "unsafe.once").write_text(UNSAFE, encoding="utf-8")
    (folder / "mistake.once").write_text(UNSAFE.replace("consumer", "comsumer"), encoding="utf-8")
    example = (ROOT / "examples/article/invoice_email.once").read_text(encoding="utf-8")
    (folder / "invoice_email.once").write_text(example, encoding="utf-8")
    return check(str(folder), Options(explain=True)).designs


def test_a_result_comes_back_as_it_was(results: tuple[DesignResult, ...]) -> None:
    cells = [cell for result in results for cell in result.cells]
    assert any(cell.trace for cell in cells)
    assert any(cell.invariant for cell in cells)
    assert any(cell.why for cell in cells)
    assert any(cell.blame for cell in cells)
    assert any(result.diagnostics for result in results)
    lemma = Lemma(
        View(frozenset({"a"}), "pc", (("x:1", "y"),)),
        Property("claim", (Pattern((), (EventPattern((), ((),), absent=()),)),)),
        Invariant(frozenset({("a",)}), frozenset(), frozenset(), (Shape(("a",), ()),)),
    )
    in_parts = Proof(Assurance.CERTIFICATE, lemmas=(lemma,))
    outcomes = (in_parts, Vacuous(in_parts, "nothing happens"), Undecided("too large"))
    rare = replace(results[0], cells=tuple(replace(cells[0], outcome=o) for o in outcomes))
    for result in (*results, rare):
        data = encode(result)
        assert data is not None
        assert decode(data) == result
        assert encode(result) == data


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(lambda data: b"", id="empty"),
        pytest.param(lambda data: data[:-1], id="cut"),
        pytest.param(lambda data: data + data, id="twice"),
        pytest.param(lambda data: b"\x80\x05" + data, id="pickled"),
        pytest.param(lambda data: data.replace(b"refuted", b"upheld!"), id="no such verdict"),
        pytest.param(lambda data: data.replace(b"sha256", b"sha512"), id="another record"),
        pytest.param(lambda data: msgpack.encode([1, "x", None]), id="no record"),
        pytest.param(
            lambda data: msgpack.encode(msgpack.decode(data) | {"cells": "none"}), id="a wrong type"
        ),
    ],
)
def test_bytes_that_are_no_result_count_as_not_there(
    data: Callable[[bytes], bytes], results: tuple[DesignResult, ...], tmp_path: Path
) -> None:
    result = next(r for r in results if any(c.verdict is Verdict.REFUTED for c in r.cells))
    written = encode(result)
    assert written is not None
    assert decode(written) == result
    foreign = data(written)
    assert foreign != written
    assert decode(foreign) is None
    # Nor when the checksum of the entry is right: whoever wrote it, it is no result.
    path = next(iter(result.sources))
    options = Options()
    kept = ResultCache(Store(str(tmp_path / "kept"), "v" * 64), options)
    answers = store.Answers(Store(str(tmp_path / "kept"), "v" * 64), "design")
    question = kept._question(Path(path))
    answers.keep(question, [path], written)
    assert kept.known(Path(path)) == result
    answers.keep(question, [path], foreign)
    assert kept.known(Path(path)) is None


def test_a_path_that_is_no_text_is_not_kept(results: tuple[DesignResult, ...]) -> None:
    assert encode(replace(results[0], path="caf\udce9.once")) is None
