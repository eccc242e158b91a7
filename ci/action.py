"""What the GitHub action runs: ``action.py install``, then ``action.py check``. It needs Python
3.11 and nothing else.

The checkout belongs to whoever wrote the pull request, so nothing in it may run. Everything starts
with ``python -I``, which keeps the working folder and PYTHONPATH off the module path, and the tool
is installed into an environment of its own below RUNNER_TEMP. Each call of the action makes new
folders: neither an environment nor a report of an earlier call in the same job is used again.

Inputs come as environment variables, never as text of a script:

    ONCEPROOF_VERSION  install: what pip takes: a requirement, a path or an address (default: the
                       checkout of the action itself, so that both have one version)
    CHECK_PYTHON       check: the Python that has the tool, as ``install`` reported it
    CHECK_PATHS        check: designs or folders, separated by blanks or line ends, quoted as in a
                       shell (default: .)
    CHECK_OPTIONS      check: more options of ``onceproof check``, likewise
    CHECK_SUMMARY      check: "true": the table goes into $GITHUB_STEP_SUMMARY
    CHECK_REPORT       check: not empty: the review report is made, too

``check`` ends with 0 whatever the verdicts are: the exit code of ``onceproof check`` is the step's
output ``exit-code``, and the last step of the action exits with it, so that reports are uploaded
for red runs, too.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

MODULE = "onceproof"
"""What ``python -m`` is given to run the tool."""

OWN = Path(__file__).resolve().parents[1]
"""The checkout of the action, which is the tool's, too."""

USAGE = 2
"""The exit code of ``onceproof check`` for arguments that make no sense."""


def main(arguments: list[str]) -> int:
    """Run one step; returns its exit code."""
    match arguments:
        case ["install"]:
            return install()
        case ["check"]:
            return check()
    print("usage: action.py install|check", file=sys.stderr)
    return USAGE


def install() -> int:
    """Install the tool into a new environment. Outputs: ``python``, the Python that has it."""
    wanted = _requirement(os.environ.get("ONCEPROOF_VERSION", "").strip() or str(OWN))
    if wanted.startswith("-"):
        print(f"version: {wanted!r} is an option of pip, not a package", file=sys.stderr)
        return USAGE
    home = _new_folder("onceproof-python")
    subprocess.run((sys.executable, "-I", "-m", "venv", str(home)), cwd=home, check=True)
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    command = (
        str(python),
        "-I",
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        wanted,
    )
    for step in (command, (str(python), "-I", "-m", MODULE, "--version")):
        done = subprocess.run(step, cwd=home, check=False)
        if done.returncode:
            return done.returncode
    _output("python", str(python))
    return 0


def _requirement(wanted: str) -> str:
    """What pip is given; a path is one as seen from the workspace."""
    return str(Path(wanted).resolve()) if Path(wanted).exists() else wanted


def check() -> int:
    """Check the designs and write the reports. Outputs: ``exit-code``, and ``folder``, where the
    reports are.
    """
    folder = _new_folder("onceproof-reports")
    _output("folder", str(folder))
    python = os.environ.get("CHECK_PYTHON") or sys.executable
    tool = (python, "-I", "-m", MODULE)
    try:
        paths = shlex.split(os.environ.get("CHECK_PATHS", "")) or ["."]
        options = shlex.split(os.environ.get("CHECK_OPTIONS", ""))
    except ValueError as error:
        print(f"paths or options: {error} (quote blanks as in a shell)", file=sys.stderr)
        _output("exit-code", str(USAGE))
        return 0
    reports = {
        "sarif": "onceproof.sarif",
        "junit": "onceproof.xml",
        "markdown": "onceproof.md",
        "json": "onceproof.json",
    }
    more = [
        word for kind, name in reports.items() for word in ("--report", f"{kind}={folder / name}")
    ]
    code = subprocess.run(
        (*tool, "check", *options, "--format", "github", *more, "--", *paths), check=False
    ).returncode
    if os.environ.get("CHECK_REPORT", ""):
        page = ("--output", str(folder / "review.html"), "--exit-zero")
        if subprocess.run((*tool, "report", *page, "--", *paths), check=False).returncode:
            print("no review report was written", file=sys.stderr)
    summary, table = os.environ.get("GITHUB_STEP_SUMMARY"), folder / "onceproof.md"
    if os.environ.get("CHECK_SUMMARY", "true") == "true" and summary and table.is_file():
        with open(summary, "ab") as stream:
            stream.write(table.read_bytes())
    _output("exit-code", str(code))
    return 0


def _new_folder(name: str) -> Path:
    """A folder of this call alone, outside the workspace."""
    return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=os.environ.get("RUNNER_TEMP") or None))


def _output(name: str, value: str) -> None:
    """Set an output of the step; without a host it is printed."""
    where = os.environ.get("GITHUB_OUTPUT")
    if where:
        with open(where, "a", encoding="utf-8") as stream:
            stream.write(f"{name}={value}\n")
    else:
        print(f"{name}={value}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
