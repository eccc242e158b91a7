"""The cache: nothing stale, nothing damaged, nothing half written is ever an answer."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest
from onceproof.base import store as cache
from onceproof.base.store import Answers, Store


def _store(tmp_path: Path, version: str = "v" * 64) -> Store:
    return Store(str(tmp_path), version)


def test_what_was_put_is_found_under_its_key_and_kind_and_version_only(tmp_path: Path) -> None:
    _store(tmp_path).put("kind", "key", b"data")
    assert _store(tmp_path).get("kind", "key") == b"data"
    assert _store(tmp_path).get("kind", "other") is None
    assert _store(tmp_path).get("other", "key") is None
    assert _store(tmp_path, "w" * 64).get("kind", "key") is None
    assert (
        _store(tmp_path, "v" * 24 + "w" * 40).get("kind", "key") is None
    )  # the same folder, another tool


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "moved"])
def test_a_damaged_entry_is_not_there(damage: str, tmp_path: Path) -> None:
    store = _store(tmp_path)
    store.put("kind", "key", b"x" * 100)
    (entry,) = Path(store.where).iterdir()
    data = bytearray(entry.read_bytes())
    match damage:
        case "cut":
            entry.write_bytes(data[:-1])
        case "flip":
            data[-7] ^= 1
            entry.write_bytes(data)
        case "empty":
            entry.write_bytes(b"")
        case _:
            entry.rename(entry.with_name("kind-other"))
    assert store.get("kind", "other" if damage == "moved" else "key") is None
    store.put("kind", "key", b"again")
    assert store.get("kind", "key") == b"again"


@pytest.mark.parametrize("kind", ["pipe", "folder", "device"])
def test_what_is_no_file_is_not_there(kind: str, tmp_path: Path) -> None:
    """Neither as an entry, nor as a file that an answer was about."""
    store = _store(tmp_path / "cache")
    answers, design = Answers(store, "kind"), tmp_path / "a.once"
    design.write_text("x", encoding="utf-8")
    answers.keep(["question"], [str(design)], b"answer")
    assert answers.known(["question"]) == b"answer"
    for place in (*Path(store.where).iterdir(), design):
        data = place.read_bytes()
        place.unlink()
        match kind:
            case "pipe":
                os.mkfifo(place)
            case "folder":
                place.mkdir()
            case _:
                place.symlink_to("/dev/tty")
        assert answers.known(["question"]) is None
        place.rmdir() if kind == "folder" else place.unlink()
        place.write_bytes(data)
    assert answers.known(["question"]) == b"answer"


def test_writers_and_readers_at_once_see_all_or_nothing(tmp_path: Path) -> None:
    texts = [bytes([65 + n]) * 50_000 for n in range(4)]
    seen: set[bytes | None] = set()

    def write(text: bytes) -> None:
        for _ in range(20):
            _store(tmp_path).put("kind", "key", text)
            seen.add(_store(tmp_path).get("kind", "key"))

    threads = [threading.Thread(target=write, args=(text,)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen <= set(texts)
    assert [p.name for p in Path(_store(tmp_path).where).iterdir()] == ["kind-key"]


def test_old_entries_and_old_versions_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "MOST_ENTRIES", 10)
    monkeypatch.setattr(cache, "MOST_VERSIONS", 3)
    for version in range(8):
        store = _store(tmp_path, f"{version}" * 64)
        for n in range(30):
            store.put("kind", f"{n}", b"")
        assert len(os.listdir(store.where)) <= 11
        assert store.get("kind", "29") == b""
    assert len(os.listdir(tmp_path)) <= 4


def test_a_folder_that_others_may_write_to_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "kept"
    monkeypatch.setenv(cache.NAME, str(place))
    assert cache.store() is not None
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    place.chmod(0o777)
    assert cache.store() is None
    monkeypatch.setenv(cache.NAME, "")
    assert cache.store() is None
    monkeypatch.setenv(cache.NAME, str(tmp_path / "file" / "below"))
    (tmp_path / "file").write_text("")
    assert cache.store() is None


def test_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(cache.NAME)
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    monkeypatch.setattr("sys.platform", "linux")
    assert cache.folder() == "/somewhere/onceproof"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache.folder() is None


def test_parts_are_told_apart() -> None:
    assert cache.digest(["ab", "c"]) != cache.digest(["a", "bc"])
    assert cache.digest(["a"]) == cache.digest([b"a"])


def test_an_answer_is_known_while_its_files_are_as_they_were(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("1")
    two.write_text("2")
    answers = Answers(_store(tmp_path / "kept"), "kind")
    answers.keep(["why"], [str(one), str(two)], b"so")
    assert answers.known(["why"]) == b"so"
    assert answers.known(["why", ""]) is None
    two.write_text("3")
    assert answers.known(["why"]) is None
    answers.keep(["why"], [str(one), str(two)], b"otherwise")
    assert answers.known(["why"]) == b"otherwise"
    two.write_text("2")
    assert answers.known(["why"]) == b"so"
    two.unlink()
    assert answers.known(["why"]) is None


def test_the_fingerprint_is_that_of_the_sources(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = cache.fingerprint.__wrapped__()
    assert before == cache.fingerprint.__wrapped__()
    (tmp_path / "some_package-1.0.dist-info").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))
    assert cache.fingerprint.__wrapped__() != before
