"""Ctrl-C ends every run with 130, wherever it comes, and what was computed after it is neither used
nor kept.
"""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from onceproof.base import interrupts
from onceproof.cli.main import main
from onceproof.engines.smt.solver import Z3

from support.pigeons import pigeons
from support.process import SEED
from support.repo import ROOT

HARD = pigeons(13)
"""Takes Z3 minutes."""


def python(code: str, folder: Path) -> subprocess.Popen[str]:
    """Another Python; it can be interrupted, and has a cache of its own."""
    environment = {**os.environ, "ONCEPROOF_CACHE": str(folder / "cache"), "PYTHONPATH": str(ROOT)}
    command = (sys.executable, "-u", "-c", code)
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def interrupted(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Interrupt a process once it has said that it is ready: exit code, output, errors."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip() == "ready":
            break
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=30)
    return process.returncode, out, errors


def kept(folder: Path) -> set[str]:
    """The kinds of what the cache holds, without the tables of the grammar."""
    return {re.split(r"-[0-9a-f]{16}", p.name)[0] for p in folder.glob("cache/*/*")} - {
        "grammar",
        "tables",
    }


def test_an_interrupt_within_z3_reaches_python(tmp_path: Path) -> None:
    code = f"""
from onceproof.engines.smt.solver import Z3
session = Z3().session()
session.load({HARD!r})
print("ready")
try:
    print(session.check())
except KeyboardInterrupt:
    print("interrupted")
session = Z3().session()
session.load("(declare-fun p () Bool)")
print(session.check("(assert p)").status, session.check("(assert p)(assert (not p))").status)
"""
    assert interrupted(python(code, tmp_path)) == (0, "interrupted\nStatus.SAT Status.UNSAT\n", "")


def test_a_limit_that_a_signal_enforces_stops_z3() -> None:
    """And Ctrl-C while Z3 is being stopped is not lost."""
    code = f"""
import os, signal, sys
from onceproof.engines.smt.solver import Z3
def late(*_):
    os.kill(os.getpid(), signal.SIGINT)
    raise TimeoutError
def alone(*_):
    raise TimeoutError
signal.signal(signal.SIGALRM, alone if sys.argv[1] == "alone" else late)
session = Z3().session()
session.load({HARD!r})
signal.setitimer(signal.ITIMER_REAL, 0.3)
try:
    session.check()
except (TimeoutError, KeyboardInterrupt) as error:
    print(type(error).__name__)
"""
    for word, name in (("alone", "TimeoutError"), ("both", "KeyboardInterrupt")):
        command = (sys.executable, "-c", code, word)
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
        )
        assert (done.stdout, done.stderr) == (f"{name}\n", "")


def test_a_session_made_by_another_thread_answers() -> None:
    from threading import Thread

    made = []
    thread = Thread(target=lambda: made.append(Z3().session()))
    thread.start()
    thread.join()
    made[0].load("(declare-fun p () Bool)")
    assert made[0].check("(assert p)").status.value == "sat"


@pytest.mark.parametrize(
    "command",
    [
        ["check", "-q"],
        ["check", "--second-opinion"],
        ["diff", str(SEED)],
        ["assumptions"],
        ["needs"],
    ],
)
def test_an_interrupt_within_z3_ends_the_run_and_is_not_kept(
    command: list[str], tmp_path: Path
) -> None:
    name, *rest = command
    code = f"""
import sys
from onceproof.verdict import prove
from onceproof.cli.main import main
from onceproof.engines.smt.solver import Z3
honest = prove.certify
def hard(*given):
    session = Z3().session()
    session.load({HARD!r})
    print("ready")
    session.check()
    return honest(*given)
prove.certify = hard
sys.exit(main({[name, str(SEED), *rest]!r}))
"""
    code_, out, errors = interrupted(python(code, tmp_path))
    assert (code_, "Traceback" in errors, "bug in onceproof" in errors) == (
        130,
        False,
        False,
    ), errors
    assert "unknown" not in out
    assert "contradict" not in out
    assert not kept(tmp_path) & {"design", "design-files", "printed", "printed-files"}


def test_an_interrupt_that_was_dropped_counts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Python prints and drops what is raised in a destructor."""
    from onceproof.verdict import decide

    honest = decide.question

    def dropping(*given: object) -> object:
        with suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        return honest(*given)  # type: ignore[arg-type]

    monkeypatch.setenv("ONCEPROOF_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(decide, "question", dropping)
    assert main(["check", str(SEED)]) == 130
    interrupts.forget()
    assert not kept(tmp_path) & {"design", "design-files", "printed", "printed-files"}


def test_an_error_that_an_interrupt_caused_is_no_bug(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from onceproof.verdict import decide

    def broken(*_: object) -> object:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt as error:
            raise RuntimeError("canceled") from error

    monkeypatch.setattr(decide, "question", broken)
    assert main(["check", str(SEED), "--no-cache"]) == 130
    interrupts.forget()
    assert "bug" not in capsys.readouterr().err


def at_random_times(tmp_path: Path, count: int, seed: int, *arguments: str) -> int:
    """Interrupt a command so often, at times spread over its run; how many came in time. The cache
    stays clean.

    The times begin when Python itself has started.
    """
    chosen = random.Random(seed)
    call = (
        f"print('ready'); import sys; sys.argv[1:] = {list(arguments)!r}; from onceproof.cli.main"
        " import entry; entry()"
    )
    lengths = []
    for number in range(3):  # the first is slower than those that follow
        plain = python(call, tmp_path / f"whole{number}")
        assert plain.stdout is not None
        plain.stdout.readline()
        started = time.monotonic()
        expected, _ = plain.communicate(timeout=120)
        lengths.append(time.monotonic() - started)
    length = min(lengths)
    caught = 0
    for number in range(count):
        folder = tmp_path / str(number)
        process = python(call, folder)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(chosen.uniform(0, length))
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        out, errors = process.communicate(timeout=60)
        if process.returncode == -signal.SIGINT and not out:
            # before a line of ours was run Python ends by the signal, which a shell calls 130, too
            continue
        if (
            process.returncode != 130
        ):  # it was too late: nothing differs from a run that nobody interrupted
            assert (process.returncode, out) == (plain.returncode, expected), (number, errors)
            continue
        caught += 1
        assert "contradict" not in out + errors
        assert "bug in onceproof" not in errors
        out, errors = python(call, folder).communicate(timeout=120)
        assert out.removeprefix("ready\n") == expected, (number, errors)
    return caught


PROVED = str(ROOT / "examples/article/effectively_once.once")


@pytest.mark.slow
def test_interrupts_at_random_times(tmp_path: Path) -> None:
    assert at_random_times(tmp_path, 8, 1, "check", PROVED, "-q") > 2


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(3))
def test_a_hundred_interrupts_at_random_times(seed: int, tmp_path: Path) -> None:
    assert (
        at_random_times(
            tmp_path, 100, seed, "check", PROVED, "-q", *(["--solver", "all"] if seed else [])
        )
        > 60
    )
