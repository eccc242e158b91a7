"""``onceproof parse`` reads and reports mistakes, and checks nothing; ``onceproof completion``
prints scripts that complete.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from support.command_line import run
from support.process import SEED
from support.repo import ROOT


def test_a_folder_of_designs() -> None:
    done = run("parse", "examples/article")
    assert (done.returncode, done.stdout, done.stderr) == (
        0,
        "19 designs read, none with errors\n",
        "",
    )
    assert run("parse", "examples/article", "-q").stdout == ""


def test_a_design_with_mistakes(tmp_path: Path) -> None:
    broken = tmp_path / "broken.once"
    broken.write_text(
        (ROOT / SEED).read_text(encoding="utf-8").replace("consumer notifier", "consumr notifier"),
        encoding="utf-8",
    )
    done = run("parse", broken, "-q")
    assert done.returncode == 2
    assert "consumer" in done.stderr
    assert done.stdout == "1 design read, 1 with errors\n"


def test_nothing_to_read(tmp_path: Path) -> None:
    assert run("parse", tmp_path).returncode == 2


def complete(words: str, last: int) -> str:
    """What bash would be offered."""
    variables = {
        "COMP_WORDS": words,
        "COMP_CWORD": str(last),
        "_ONCEPROOF_COMPLETE": "bash_complete",
        "PYTHONPATH": str(ROOT / "checker"),
    }
    asked = (sys.executable, "-m", "onceproof")
    return subprocess.run(
        asked, cwd=ROOT, env=variables, capture_output=True, text=True, check=True
    ).stdout


def test_commands_and_claims_are_completed(tmp_path: Path) -> None:
    assert "plain,check\n" in complete("onceproof ch", 1)
    assert (
        complete(f"onceproof check {SEED} --claim no", 4)
        == "plain,no duplicate ready_email\nplain,no loss of ready_email\n"
    )
    assert complete(f"onceproof check {tmp_path}/nothing.once --claim no", 4).strip() == ""


@pytest.mark.parametrize(
    ("shell", "sign"),
    [("bash", "complete -o"), ("zsh", "#compdef onceproof"), ("fish", "complete --no-files")],
)
def test_scripts(shell: str, sign: str) -> None:
    assert sign in run("completion", shell).stdout


def test_an_unknown_shell() -> None:
    assert run("completion", "cmd").returncode == 2
