"""``onceproof fmt``: what is written, what is said, and the exit code."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from onceproof.cli.main import main
from onceproof.lang import format as formatting

from support.command_line import run

BAD = "event  Paid(id)\n"
GOOD = "event Paid(id)\n"
BROKEN = "event Paid(id\n"


def made(folder: Path, text: str, name: str = "design.once") -> Path:
    path = folder / name
    path.write_bytes(text.encode("utf-8"))
    return path


def test_a_folder_is_formatted(tmp_path: Path) -> None:
    bad, good = made(tmp_path, BAD, "bad.once"), made(tmp_path, GOOD, "good.once")
    done = run("fmt", tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"formatted {bad}\n", "")
    assert bad.read_text(encoding="utf-8") == good.read_text(encoding="utf-8") == GOOD
    assert run("fmt", tmp_path).stdout == ""


def test_check_writes_nothing(tmp_path: Path) -> None:
    path = made(tmp_path, BAD)
    done = run("fmt", "--check", path)
    assert (done.returncode, done.stdout) == (1, f"would format {path}\n")
    assert path.read_text(encoding="utf-8") == BAD
    assert run("fmt", "--check", made(tmp_path, GOOD)).returncode == 0


def test_diff_shows_what_would_change(tmp_path: Path) -> None:
    path = made(tmp_path, BAD)
    done = run("fmt", "--diff", path)
    assert done.returncode == 1
    assert done.stdout.splitlines()[2:] == [
        "@@ -1,2 +1,2 @@",
        "-event  Paid(id)",
        "+event Paid(id)",
        " ",
    ]
    assert path.read_text(encoding="utf-8") == BAD


@pytest.mark.parametrize("text", [GOOD + "\n", GOOD.rstrip()])
def test_the_end_of_a_file_is_one_style(tmp_path: Path, text: str) -> None:
    path = made(tmp_path, text)
    assert run("fmt", path).stdout == f"formatted {path}\n"
    assert path.read_bytes() == GOOD.encode()


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_line_ends_and_a_mark_are_kept(tmp_path: Path, mark: str, end: str) -> None:
    """Whoever works with them has an editor, and a setting of git, that expects them."""
    path = tmp_path / "design.once"
    path.write_bytes((mark + GOOD.replace("\n", end)).encode())
    assert (run("fmt", path).stdout, run("fmt", "--check", path).returncode) == ("", 0)
    path.write_bytes((mark + BAD.replace("\n", end)).encode())
    assert run("fmt", path).returncode == 0
    assert path.read_bytes() == (mark + GOOD.replace("\n", end)).encode()


def piped(text: bytes, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run("fmt", *arguments, "-", stdin=text)


def test_standard_input(tmp_path: Path) -> None:
    done = piped("# Größe\nevent  Paid(id)\n".encode())
    assert (done.returncode, done.stdout) == (0, "# Größe\nevent Paid(id)\n")
    assert piped(BAD.encode(), "--check").returncode == 1
    assert piped(b"\xff\xfe").returncode == 2
    assert run("fmt", "-", made(tmp_path, GOOD)).returncode == 2


def test_a_file_with_mistakes_is_left_alone(tmp_path: Path) -> None:
    path = made(tmp_path, BROKEN, "broken.once")
    other = made(tmp_path, BAD, "other.once")
    done = run("fmt", tmp_path)
    assert done.returncode == 2
    assert f"{path}:1:" in done.stderr
    assert "1 error" in done.stderr
    assert path.read_text(encoding="utf-8") == BROKEN
    assert other.read_text(encoding="utf-8") == GOOD


def test_a_text_that_would_say_something_else_is_never_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = made(tmp_path, BAD)
    monkeypatch.setattr(formatting, "_written", lambda source: source.text.replace("Paid", "Sent"))
    assert main(["fmt", str(path)]) == 70
    assert path.read_text(encoding="utf-8") == BAD


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert run("fmt", tmp_path / "nowhere.once").returncode == 2
