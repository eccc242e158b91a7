"""``onceproof watch``: a check at once, and again for what is saved."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import watchfiles
from onceproof.cli.main import main

from support.process import design
from support.repo import ROOT

CLAIM = "claim no loss of mail\n"
Change = set[tuple[watchfiles.Change, str]]


def saved(*paths: Path) -> Change:
    return {(watchfiles.Change.modified, str(p)) for p in paths}


def watching(monkeypatch: pytest.MonkeyPatch, steps: Iterator[Change]) -> None:
    """Let the library report these changes, then Ctrl-C."""

    def watch(*_: object, **__: object) -> Iterator[Change]:
        yield set()
        yield from steps
        raise KeyboardInterrupt

    monkeypatch.setattr(watchfiles, "watch", watch)


def test_only_what_a_change_touches_is_checked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    one = design(tmp_path, CLAIM)
    shared, two = tmp_path / "shared.once", tmp_path / "two.once"
    one.rename(shared)
    two.write_text('import "shared.once"\n' + CLAIM, encoding="utf-8")
    three = tmp_path / "three.once"
    three.write_text(shared.read_text(encoding="utf-8"), encoding="utf-8")
    seen: list[str] = []

    def steps() -> Iterator[Change]:
        seen.append(capsys.readouterr().out)
        yield saved(shared)
        seen.append(capsys.readouterr().out)
        three.write_text("event Paid(id\n", encoding="utf-8")
        yield saved(three)
        seen.append(capsys.readouterr().out)
        three.unlink()
        yield saved(three)
        yield set()
        seen.append(capsys.readouterr().out)

    watching(monkeypatch, steps())
    monkeypatch.chdir(tmp_path)
    assert main(["watch", "."]) == 0
    tables = [
        {name for name in ("shared", "two", "three") if f"{name}.once" in out} for out in seen
    ]
    assert tables == [{"shared", "two", "three"}, {"shared", "two"}, {"three"}, set()]
    assert "2 errors" in seen[2]


def test_a_path_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    watching(monkeypatch, iter(()))
    assert main(["watch", str(tmp_path / "nowhere.once")]) == 2


def test_without_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "watchfiles", None)
    assert main(["watch", str(tmp_path)]) == 2
    assert "pip install '.[watch]'" in capsys.readouterr().err


def test_a_real_save_and_ctrl_c(tmp_path: Path) -> None:
    path = design(tmp_path, CLAIM)
    command = [sys.executable, "-u", "-m", "onceproof", "watch", str(path)]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=dict(os.environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    guard = threading.Timer(60, process.kill)  # a reader that waits for ever tells nothing
    guard.start()
    assert process.stdout is not None
    assert _summary(process.stdout) == "1 claim × 1 semantic: 1 proved"
    path.write_text(
        path.read_text(encoding="utf-8") + "claim no duplicate mail\n", encoding="utf-8"
    )
    assert _summary(process.stdout) == "2 claims × 1 semantic: 1 proved, 1 refuted"
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    guard.cancel()
    assert (process.returncode, errors) == (0, "")


def _summary(stream: Iterator[str]) -> str:
    return next(line.strip() for line in stream if " semantic: " in line)
