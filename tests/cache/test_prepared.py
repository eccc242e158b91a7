"""A design that was read and lowered before is not read and lowered again, and is the same as if it
were.
"""

from __future__ import annotations

import os
import pickle
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from msgspec.structs import replace
from onceproof.base import store as cache
from onceproof.base.store import Answers, Store
from onceproof.lang.load import load
from onceproof.lower import lower
from onceproof.verdict import decide
from onceproof.verdict.cache import written
from onceproof.verdict.check import Means, check
from onceproof.verdict.prepared import Prepared, PreparedDesigns
from onceproof.verdict.result import DesignResult, Verdict
from onceproof.verdict.task import Options

from tests.traps.trap import SAFE, UNSAFE
from tests.whole_repo.repo import ROOT

MORE = "claim no loss of mail\n"
DUPLICATE, LOSS = Options(claims=("no duplicate",)), Options(claims=("no loss",))
KEEP = Means(kept=True)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A design that imports another file; the cache is empty."""
    monkeypatch.setenv(cache.NAME, str(tmp_path / "kept"))
    parts, rest = SAFE.split("consumer")
    (tmp_path / "parts.once").write_text(parts, encoding="utf-8")
    path = tmp_path / "design.once"
    path.write_text('import "parts.once"\nconsumer' + rest + MORE, encoding="utf-8")
    return path


def designs() -> PreparedDesigns:
    store = cache.store()
    assert store is not None
    return PreparedDesigns(store)


def keep(where: PreparedDesigns, path: Path, prepared: Prepared) -> None:
    where.keep(path, prepared.loaded, prepared.lowerings)


def made(path: Path) -> Prepared:
    loaded = load(path)
    assert loaded.design is not None
    return Prepared(loaded, {s: lower(loaded.design, s) for s in loaded.design.semantics})


def verdicts(path: Path, options: Options, means: Means = KEEP) -> list[Verdict]:
    return [c.verdict for d in check(path, options, means=means).designs for c in d.cells]


def entries(path: Path) -> list[Path]:
    return sorted((path.parent / "kept").glob("*/lowered-*"))


@pytest.mark.parametrize(
    "name", ["article/invoice_email", "patterns/outbox", "theory/saga", "theory/lease"]
)
def test_what_is_kept_is_what_was_made(name: str, path: Path) -> None:
    example = ROOT / "examples" / f"{name}.once"
    keep(designs(), example, made(example))
    found = designs().known(example)
    assert found == made(example)
    assert found is not None
    assert found.lowerings


def test_another_question_needs_no_reading_and_no_lowering(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh = [verdicts(path, options, Means()) for options in (DUPLICATE, LOSS)]
    assert verdicts(path, DUPLICATE) == fresh[0]

    def never(*_: object) -> None:
        raise AssertionError("made again")

    monkeypatch.setattr(sys.modules["onceproof.verdict.check"], "load", never)
    monkeypatch.setattr(decide, "lower", never)
    assert verdicts(path, replace(LOSS, lengths=False)) == fresh[1]


@pytest.mark.parametrize("changed", ["parts.once", "design.once"])
def test_what_is_stale_is_not_there(path: Path, changed: str) -> None:
    """The safe design becomes the unsafe one; nothing of the old answer is left."""
    assert verdicts(path, DUPLICATE) == [Verdict.HOLDS]
    assert designs().known(path) == made(path)
    file = path.parent / changed
    before = file.read_text(encoding="utf-8")
    if changed == "parts.once":
        file.write_text(before.replace("  key id, kept for ever\n", ""), encoding="utf-8")
    else:
        file.write_text(UNSAFE + MORE, encoding="utf-8")
    assert designs().known(path) is None
    assert verdicts(path, replace(DUPLICATE, events=1, workers=1)) == [Verdict.REFUTED]
    file.write_text(before, encoding="utf-8")
    assert verdicts(path, replace(DUPLICATE, events=1)) == [Verdict.HOLDS]


def test_another_version_of_the_tool_keeps_its_own(path: Path) -> None:
    base = str(path.parent / "kept")
    one, other = (PreparedDesigns(Store(base, letter * 64)) for letter in "ab")
    keep(one, path, made(path))
    assert one.known(path) == made(path)
    assert other.known(path) is None


def test_a_file_that_changed_while_it_was_read_is_not_kept(path: Path) -> None:
    prepared = made(path)
    path.write_text(UNSAFE, encoding="utf-8")
    keep(designs(), path, prepared)
    assert designs().known(path) is None
    assert entries(path) == []


def test_a_design_with_mistakes_is_not_kept(path: Path) -> None:
    path.write_text(UNSAFE.replace("send mail", "send mial"), encoding="utf-8")
    check(path, Options(), means=KEEP)
    assert entries(path) == []


@pytest.mark.parametrize(
    "damage",
    [lambda data: data[:-3], lambda data: data[:200] + b"?" + data[201:], lambda data: b""],
)
def test_what_is_damaged_is_not_there(path: Path, damage) -> None:  # type: ignore[no-untyped-def]
    assert verdicts(path, DUPLICATE) == [Verdict.HOLDS]
    assert entries(path)
    for entry in entries(path):
        entry.write_bytes(damage(entry.read_bytes()))
    assert designs().known(path) is None
    assert verdicts(path, LOSS) == [Verdict.HOLDS]


def test_what_is_kept_is_data(path: Path) -> None:
    """Anything but a record of the kind counts as not there, though its checksum is right; nothing
    of it is run.
    """
    store = cache.store()
    assert store is not None
    question = (str(path), os.getcwd())
    strange = [
        pickle.dumps(os.getcwd),
        pickle.dumps(Path),
        written(DesignResult(str(path), "", "", (), (), ())),
        b"",
        b"x",
    ]
    for data in strange:
        Answers(store, "lowered").keep(question, [str(path)], data)
        assert designs().known(path) is None
    Answers(store, "lowered").keep(question, [str(path)], written(made(path)))
    assert designs().known(path) == made(path)


def test_many_at_once(path: Path) -> None:
    """Readers find nothing or all of it, whoever writes at the same time."""
    wanted, half = made(path), made(path)
    half.lowerings.clear()

    def work(number: int) -> Prepared | None:
        if number % 3:
            return designs().known(path)
        keep(designs(), path, (wanted, half)[number % 2])
        return None

    with ThreadPoolExecutor(8) as pool:
        found = [one for one in pool.map(work, range(120)) if one is not None]
    assert found
    assert all(one in (wanted, half) for one in found)
    assert not list((path.parent / "kept").glob("*/.*"))


def test_without_the_cache_everything_is_made(path: Path) -> None:
    """An answer planted under the right key is seen with the cache, and not without."""
    other = path.parent / "other.once"
    other.write_text(UNSAFE + MORE, encoding="utf-8")
    store = cache.store()
    assert store is not None
    Answers(store, "lowered").keep((str(path), os.getcwd()), [str(path)], written(made(other)))
    before = entries(path)
    assert verdicts(path, DUPLICATE, Means()) == [Verdict.HOLDS]
    assert entries(path) == before
    assert verdicts(path, DUPLICATE) == [Verdict.REFUTED]
