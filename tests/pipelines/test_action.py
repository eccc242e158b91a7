"""The action's own steps, run here as far as that goes without a host: the scripts in ci/, and the
shape of action.yml.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.cli.test_exit_codes import ROOT, SEED

ACTION = (ROOT / "action.yml").read_text(encoding="utf-8")


def check_script(
    folder: Path, paths: str, options: str = ""
) -> tuple[subprocess.CompletedProcess[str], dict[str, str]]:
    """Run ci/check.sh as the host would; gives what it printed, and the outputs of the step."""
    bin_folder = ROOT / ".venv/bin"
    environment = {
        **os.environ,
        "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT / "checker"),
        "CHECK_PATHS": paths,
        "CHECK_OPTIONS": options,
        "CHECK_SUMMARY": "true",
        "RUNNER_TEMP": str(folder),
        "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
        "GITHUB_OUTPUT": str(folder / "output.txt"),
    }
    done = subprocess.run(
        ("bash", "ci/check.sh"),
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    lines = (folder / "output.txt").read_text(encoding="utf-8").splitlines()
    return done, dict(line.split("=", 1) for line in lines)


def test_every_script_of_the_action_exists() -> None:
    scripts = re.findall(r"\$GITHUB_ACTION_PATH/([\w./-]+)", ACTION)
    assert scripts == ["ci/install.sh", "ci/check.sh"]
    for script in scripts:
        subprocess.run(("bash", "-n", str(ROOT / script)), check=True)


def test_inputs_are_passed_by_environment_only() -> None:
    """An input that is pasted into a script can run commands."""
    for block in re.findall(r"run: (.*)", ACTION):
        assert "${{" not in block


def test_every_input_is_used_and_described() -> None:
    inputs, _, rest = ACTION.partition("\noutputs:")
    names = re.findall(r"^  ([\w-]+):$", inputs.split("inputs:")[1], re.MULTILINE)
    assert names
    for name in names:
        assert f"inputs.{name}" in rest
        assert (
            f"| `{name}` |" in (ROOT / "docs/ci.md").read_text(encoding="utf-8")
            or name == "python-version"
        )


@pytest.mark.slow
def test_a_green_check(tmp_path: Path) -> None:
    done, outputs = check_script(tmp_path, SEED, "--semantics at-least-once")
    assert (done.returncode, outputs["exit-code"]) == (0, "0"), done.stderr
    made = {p.name for p in (tmp_path / "onceproof").iterdir()}
    assert made == {
        "onceproof.sarif",
        "onceproof.xml",
        "onceproof.md",
        "onceproof.json",
        "review.html",
    }
    assert "no duplicate ready_email" in (tmp_path / "summary.md").read_text(encoding="utf-8")
    assert (
        json.loads((tmp_path / "onceproof/onceproof.sarif").read_text(encoding="utf-8"))["version"]
        == "2.1.0"
    )


@pytest.mark.slow
def test_a_red_check_keeps_its_reports_and_its_code(tmp_path: Path) -> None:
    design = tmp_path / "red.once"
    design.write_text(
        (ROOT / SEED)
        .read_text(encoding="utf-8")
        .replace("  expect violated", "  # expect violated"),
        encoding="utf-8",
    )
    done, outputs = check_script(tmp_path, str(design))
    assert (done.returncode, outputs["exit-code"]) == (0, "1")
    assert "::error" in done.stdout
    assert (tmp_path / "onceproof/review.html").exists()


@pytest.mark.slow
def test_a_design_with_mistakes(tmp_path: Path) -> None:
    design = tmp_path / "broken.once"
    design.write_text("quue q of E\n", encoding="utf-8")
    done, outputs = check_script(tmp_path, str(design))
    assert (done.returncode, outputs["exit-code"]) == (0, "2")
    assert "::error" in done.stdout
