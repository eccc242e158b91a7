"""Every exit code is reached by a real call of the command line."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from msgspec.structs import replace
from onceproof.cli.main import main
from onceproof.counterexample import validate
from onceproof.engines.coverability import Safe
from onceproof.engines.search import Found
from onceproof.verdict import decide as judging
from onceproof.verdict import prove, vacuity

from support.process import SEED, design, run
from support.repo import ROOT


def test_0_everything_as_expected() -> None:
    assert run("check", SEED).returncode == 0


def test_1_a_violation_nobody_expected(tmp_path: Path) -> None:
    assert run("check", design(tmp_path, "claim no duplicate mail")).returncode == 1


def test_1_an_expected_violation_that_is_gone(tmp_path: Path) -> None:
    assert (
        run("check", design(tmp_path, "claim no loss of mail\n  expect violated")).returncode == 1
    )


def test_2_a_design_with_errors(tmp_path: Path) -> None:
    done = run("check", design(tmp_path, "claim no duplicates mail"))
    assert done.returncode == 2
    assert "write `claim no duplicate mail`" in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [["check"], ["check", "nowhere.once"], ["check", str(SEED), "--workers", "0"], ["chek"], []],
)
def test_2_usage(arguments: list[str]) -> None:
    assert run(*arguments).returncode == 2


def test_2_a_folder_without_designs(tmp_path: Path) -> None:
    done = run("check", tmp_path)
    assert done.returncode == 2
    assert "holds no design" in done.stderr


def test_3_a_limit_is_not_a_proof(tmp_path: Path) -> None:
    path = design(tmp_path, "claim no loss of mail")
    done = run("check", path, "--workers", "2", "--max-states", "5")
    assert done.returncode == 3
    assert "unknown" in done.stdout


def test_4_a_claim_about_something_that_never_happens(tmp_path: Path) -> None:
    body = "  if id in done\n    send mail\n  ack"
    done = run("check", design(tmp_path, "claim no duplicate mail", body))
    assert done.returncode == 4
    assert "vacuous" in done.stdout


def test_4_a_step_that_can_never_run(tmp_path: Path) -> None:
    body = "  send mail\n  if id in done\n    wait\n  ack"
    done = run("check", design(tmp_path, "claim no loss of mail", body))
    assert done.returncode == 4
    assert "can never run" in " ".join(done.stdout.split())


def test_70_engines_that_contradict_each_other(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    original = judging.coverability.prove

    def liar(machine, prop, budget):  # type: ignore[no-untyped-def]
        answer = original(machine, replace(prop, bad=()), budget)
        assert isinstance(answer, Safe)
        return answer

    monkeypatch.setattr(judging.coverability, "prove", liar)
    assert main(["check", str(SEED), "--no-cache"]) == 70
    assert "This is a bug in onceproof" in capsys.readouterr().out


def test_70_an_interpreter_that_does_not_confirm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validate, "violated", lambda *_: False)
    assert main(["check", str(SEED), "--no-cache"]) == 70


def test_70_a_solver_that_rejects_a_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    original = prove.certify

    def without_rows(machine, prop, invariant, solvers):  # type: ignore[no-untyped-def]
        return original(machine, prop, replace(invariant, workers=frozenset()), solvers)

    monkeypatch.setattr(prove, "certify", without_rows)
    assert main(["check", str(SEED), "--no-cache"]) == 70


def test_70_an_exception(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> Found:
        raise RuntimeError("an accident")

    monkeypatch.setattr(vacuity, "simplest", broken)
    assert main(["check", str(SEED), "--no-cache"]) == 70
    shown = capsys.readouterr().err
    assert "This is a bug in onceproof" in shown
    assert "an accident" in shown


@pytest.mark.parametrize("status", ["timeout", "memory"])
def test_3_a_solver_that_gives_up(monkeypatch: pytest.MonkeyPatch, status: str) -> None:
    from onceproof.engines.smt.certify import Outcome, Proof

    monkeypatch.setattr(prove, "certify", lambda *_: Proof(Outcome.UNKNOWN, reason=status))
    assert (
        main(
            ["check", str(SEED), "--claim", "no loss", "--semantics", "at-least-once", "--no-cache"]
        )
        == 3
    )


def interrupted_after(seconds: float) -> tuple[int, str]:
    """The exit code of a long check that is ended by Ctrl-C, and what it printed."""
    command = [
        sys.executable,
        "-m",
        "onceproof",
        "check",
        str(SEED),
        "--workers",
        "6",
        "--events",
        "6",
        "--format",
        "json",
    ]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    time.sleep(seconds)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    return process.returncode, out


@pytest.mark.slow
def test_130_ctrl_c_says_what_was_found() -> None:
    """After as long as it takes on this machine until something is found."""
    for seconds in (1.5, 5, 15, 40):
        code, out = interrupted_after(seconds)
        if code == 130 and out and json.loads(out)["results"]:
            break
    assert code == 130
    found = json.loads(out)
    assert found["interrupted"] is True
    assert found["exit_code"] == 130
    assert 0 < len(found["results"]) < 6


def test_exit_zero_only_reports(tmp_path: Path) -> None:
    path = design(tmp_path, "claim no duplicate mail")
    assert run("check", path, "--exit-zero").returncode == 0
    assert run("check", tmp_path / "nowhere.once", "--exit-zero").returncode == 2


def test_taking_away_or_flipping_an_expectation_changes_the_code(tmp_path: Path) -> None:
    text = SEED.read_text(encoding="utf-8")
    path = tmp_path / "seed.once"
    path.write_text(text.replace("  expect violated under at-most-once\n", ""), encoding="utf-8")
    assert run("check", path).returncode == 1
    path.write_text(
        text.replace("violated under at-most-once", "violated under at-least-once"),
        encoding="utf-8",
    )
    assert run("check", path).returncode == 1
