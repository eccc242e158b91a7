"""Signs of life on a terminal, and only there; Ctrl-C keeps what is known; a budget says what it
left out.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from onceproof.analysis import validity_core
from onceproof.analysis.assumptions import _SetSearch
from onceproof.base import interrupts
from onceproof.base.questions import ask, listening, searching
from onceproof.cli import faults as _faults  # noqa: F401  (loads what is patched below)
from onceproof.cli.main import main
from onceproof.cli.progress import ProgressLine
from onceproof.cli.report import _Further
from onceproof.repair.search import _EditSearch
from onceproof.verdict.task import Options

from support.repo import ROOT

pty = pytest.importorskip("pty", reason="there are no pseudo-terminals here")

PROVED = str(ROOT / "examples/theory/atomic_dedup.once")
REFUTED = str(ROOT / "examples/article/invoice_email.once")

AT_ONCE = """
import sys
from onceproof.cli import progress
from onceproof.cli.main import main
progress.ProgressLine.__init__.__defaults__ = (0.0,)
sys.exit(main(sys.argv[1:]))
"""
"""The command line without patience: every question is shown."""


def _run(terminal: bool, *arguments: str) -> tuple[str, str]:
    """What is printed and what is said, with standard error a terminal or not."""
    ours, theirs = pty.openpty() if terminal else os.pipe()
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "checker"), "COLUMNS": "80"}
    command = [sys.executable, "-c", AT_ONCE, *arguments]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=theirs, env=environment, text=True
    )
    os.close(theirs)
    said = b""
    while True:
        try:
            more = os.read(ours, 65_536)
        except OSError:  # how a terminal ends on Linux
            break
        if not more:
            break
        said += more
    os.close(ours)
    assert process.stdout is not None
    printed = process.stdout.read()
    process.wait(timeout=60)
    return printed, said.decode()


@pytest.mark.parametrize(
    ("command", "question"),
    [
        (("needs", PROVED), "1 of "),
        (("faults", REFUTED, "--map", "--semantics", "at-least-once"), "crashes / "),
        (("assumptions", REFUTED, "--semantics", "at-least-once"), "1: sets of assumptions / "),
        (("repair", REFUTED, "--semantics", "at-least-once"), "1: repairs / "),
    ],
    ids=lambda given: given[0] if isinstance(given, tuple) else "",
)
def test_questions_are_shown_on_a_terminal_only(command: tuple[str, ...], question: str) -> None:
    printed, said = _run(True, *command)
    lines = said.split("\r")
    assert any(line.startswith(question) for line in lines), said
    assert all(len(line.rstrip("\n")) < 80 for line in lines)
    assert not lines[-1].strip()  # the last one is taken away
    assert _run(False, *command) == (printed, "")


def test_a_question_is_said_with_its_number_and_its_search() -> None:
    heard: list[tuple[str, int, int]] = []
    ask("before anybody listens")
    with listening(lambda *said: heard.append(said)):
        ask("a", 2, 3)
        searching(10, 20)
        ask("b", 4)
        ask("c")
    searching(30, 40)
    assert heard == [("2 of 3: a", 0, 0), ("2 of 3: a", 10, 20), ("4: b", 0, 0), ("c", 0, 0)]


# ---------------------------------------------------------------- Ctrl-C


def _interrupting(honest: Callable[..., Any], calls: int) -> Callable[..., Any]:
    """The function, interrupted when it is called that often."""
    left = [calls]

    def interrupted(*given: Any, **named: Any) -> Any:
        left[0] -= 1
        if left[0] == 0:
            signal.raise_signal(signal.SIGINT)
        return honest(*given, **named)

    return interrupted


@pytest.mark.parametrize(
    ("owner", "name", "calls", "command", "known"),
    [
        (validity_core._Ablation, "without", 2, ("needs", PROVED), "  needed\n    line "),
        (_SetSearch, "holds", 4, ("assumptions", REFUTED), "not complete: it was interrupted"),
        (_EditSearch, "verified", 3, ("repair", REFUTED), "it was interrupted"),
    ],
    ids=["needs", "assumptions", "repair"],
)
def test_ctrl_c_prints_what_is_known(
    owner: type,
    name: str,
    calls: int,
    command: tuple[str, ...],
    known: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(owner, name, _interrupting(getattr(owner, name), calls))
    assert main([*command, "--semantics", "at-least-once"]) == 130
    interrupts.forget()
    printed = capsys.readouterr().out
    assert known in printed
    assert "it was interrupted" in printed


def test_ctrl_c_keeps_the_frontiers_that_are_known(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from onceproof.analysis import cut_sets

    honest = cut_sets._Combinations._validated
    monkeypatch.setattr(cut_sets._Combinations, "_validated", _interrupting(honest, 2))
    assert main(["faults", REFUTED]) == 130
    interrupts.forget()
    streams = capsys.readouterr()
    assert "breaks with 1 fault" in streams.out
    assert "interrupted: " in streams.err


def test_an_interrupted_repair_is_not_applied(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    design = tmp_path / "design.once"
    text = Path(REFUTED).read_text(encoding="utf-8")
    design.write_text(text, encoding="utf-8")
    monkeypatch.setattr(_EditSearch, "verified", _interrupting(_EditSearch.verified, 3))
    assert main(["repair", str(design), "--apply"]) == 130
    interrupts.forget()
    assert design.read_text(encoding="utf-8") == text


# ---------------------------------------------------------------- report --budget


def test_a_review_says_what_there_was_no_time_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "review.md"
    assert main(["report", PROVED, "-o", str(page), "--budget", "1ms"]) == 3
    assert "Not asked, for the time was spent: crash map / " in capsys.readouterr().out
    text = page.read_text(encoding="utf-8")
    assert "the time for all answers was spent before" in text
    assert "Not asked, for the time was spent: crash map / " in text


def test_a_review_with_enough_time_leaves_nothing_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pages = [tmp_path / "with.md", tmp_path / "without.md"]
    assert main(["report", PROVED, "-o", str(pages[0]), "--budget", "10min"]) == 0
    assert main(["report", PROVED, "-o", str(pages[1])]) == 0
    assert "Not asked" not in capsys.readouterr().out
    first, second = (p.read_text(encoding="utf-8").replace(p.name, "page") for p in pages)
    assert first == second


def test_what_comes_after_an_interrupt_is_left_out() -> None:
    further = _Further(Options(), None)
    assert further.ask("first", lambda options: options.seconds) == [60.0]

    def broken_off(_: Options) -> float:
        raise KeyboardInterrupt

    assert further.ask("second", broken_off) == []
    assert further.ask("third", lambda options: options.seconds) == []
    assert further.words() == ("Not asked, for it was interrupted: second; third.",)


@pytest.mark.parametrize("text", ["30", "0s", "soon", "-1s"])
def test_a_budget_is_a_length_of_time(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", PROVED, "-o", "x.html", f"--budget={text}"]) == 2
    assert "write 30s, 2min or 1h" in capsys.readouterr().err


def test_a_line_never_wraps() -> None:
    class Terminal:
        """Keeps what is written."""

        text = ""

        def isatty(self) -> bool:
            """It says that it is one."""
            return True

        def write(self, text: str) -> int:
            """Keep it."""
            self.text += text
            return len(text)

        def flush(self) -> None:
            """Nothing waits."""

    terminal: Any = Terminal()
    line = ProgressLine(terminal, patience=0.0)
    line("x" * 500, 0, 0)
    line.clear()
    assert all(len(part) < 80 for part in terminal.text.split("\r"))
    assert "…" in terminal.text
