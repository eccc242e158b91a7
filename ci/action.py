"""What the GitHub action runs: ``action.py install``, ``action.py check``, and for a pull request
``action.py comment``. It needs Python 3.11, and git for the comment, and nothing else.

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
    CHECK_BUDGET       check: how long the report may take, such as 2min
    COMMENT_TOKEN      comment: may write comments on the pull request; empty: the comparison goes
                       into $GITHUB_STEP_SUMMARY

``check`` ends with 0 whatever the verdicts are: the exit code of ``onceproof check`` is the step's
output ``exit-code``, and the last step of the action exits with it, so that reports are uploaded
for red runs, too.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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
        case ["comment"]:
            return comment()
    print("usage: action.py install|check|comment", file=sys.stderr)
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
        budget = os.environ.get("CHECK_BUDGET", "") or "2min"
        page = ("--output", str(folder / "review.html"), "--exit-zero", "--budget", budget)
        same = _shared(options)
        if subprocess.run((*tool, "report", *page, *same, "--", *paths), check=False).returncode:
            print("no review report was written", file=sys.stderr)
    summary, table = os.environ.get("GITHUB_STEP_SUMMARY"), folder / "onceproof.md"
    if os.environ.get("CHECK_SUMMARY", "true") == "true" and summary and table.is_file():
        with open(summary, "ab") as stream:
            stream.write(table.read_bytes())
    _output("exit-code", str(code))
    return 0


def _shared(options: list[str]) -> list[str]:
    """The options of the check that the report has, too, with their values."""
    named = ("--semantics", "--claim", "--solver", "--timeout")
    shared = []
    for number, option in enumerate(options):
        if option in named:
            shared += options[number : number + 2]
        elif option.startswith(tuple(f"{name}=" for name in named)):
            shared.append(option)
    return shared


# ---------------------------------------------------------------- the comment on a pull request

MARK = "<!-- onceproof -->"
"""The first line of the comment, by which the next run finds it."""
MOST = 60_000
"""Characters of a comment; GitHub takes 65,536."""


def comment() -> int:
    """Compare the designs that a pull request changes with those of its base: one comment, written
    again by each run. Without a token, or if it may not write, the text goes into the summary.
    """
    event = _event()
    pull = event.get("pull_request")
    if not isinstance(pull, dict):
        return 0
    parts = list(_compared(pull["base"]["sha"]))
    if not parts:
        return 0
    text = f"{MARK}\n" + "\n\n".join(parts)
    if len(text) > MOST:
        text = text[:MOST] + "\n\n(cut: the rest is in the artifacts of the run)"
    token = os.environ.get("COMMENT_TOKEN", "")
    try:
        if token:
            _post(event["repository"]["full_name"], pull["number"], text, token)
            return 0
    except (urllib.error.URLError, OSError) as error:
        print(f"the comment was not written: {error}", file=sys.stderr)
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary:
        with open(summary, "a", encoding="utf-8") as stream:
            stream.write(text + "\n")
    else:
        print(text)
    return 0


def _event() -> dict[str, Any]:
    path = os.environ.get("GITHUB_EVENT_PATH", "")
    if not path or not Path(path).is_file():
        return {}
    event: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
    return event


def _compared(base: str) -> Iterator[str]:
    """What changed in each design, as Markdown; a base that git does not have is fetched."""
    if _git("cat-file", "-e", f"{base}^{{commit}}") is None:
        _git("fetch", "--quiet", "--depth=1", "origin", base)
    paths = shlex.split(os.environ.get("CHECK_PATHS", "")) or ["."]
    names = _git("diff", "--name-only", "-z", "--diff-filter=AM", base, "--", *paths)
    if names is None:
        print(f"the base {base} is not known: no comparison", file=sys.stderr)
        return
    python = os.environ.get("CHECK_PYTHON") or sys.executable
    tool = (python, "-I", "-m", MODULE)
    folder = _new_folder("onceproof-base")
    for name in filter(None, names.decode("utf-8", "surrogateescape").split("\0")):
        if not name.lower().endswith(".once"):
            continue
        old = _git("show", f"{base}:{name}")
        if old is None:
            done = _run(*tool, "check", "--quiet", "--", name)
            last = done.rstrip().splitlines()[-1:] or ["it could not be checked"]
            yield f"**{name}** is new: {last[0]}"
            continue
        # Imports are looked up beside a design: the old text stands where the new one stands.
        place = Path(name)
        before = place.with_name(f".{place.stem}.{folder.name}.once")
        try:
            before.write_bytes(old)
            done = _run(
                *tool, "diff", "--format", "comment", "--exit-zero", "--", str(before), name
            )
            yield done.replace(str(before), f"{name} (base)").rstrip()
        finally:
            before.unlink(missing_ok=True)


def _git(*words: str) -> bytes | None:
    """What git prints; None if it fails."""
    command = ("git", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", *words)
    done = subprocess.run(command, capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else None


def _run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def _post(repository: str, number: int, text: str, token: str) -> None:
    """Write the comment, or write it again. Raises URLError."""
    host = os.environ.get("GITHUB_API_URL", "https://api.github.com")
    issue = f"{host}/repos/{repository}/issues/{number}/comments"
    mine = next((c for c in _pages(issue, token) if str(c["body"]).startswith(MARK)), None)
    if mine is None:
        _ask("POST", issue, token, {"body": text})
    else:
        _ask(
            "PATCH",
            f"{host}/repos/{repository}/issues/comments/{mine['id']}",
            token,
            {"body": text},
        )


def _pages(address: str, token: str) -> Iterator[dict[str, Any]]:
    for page in range(1, 11):
        found = _ask("GET", f"{address}?per_page=100&page={page}", token)
        yield from found
        if len(found) < 100:
            return


def _ask(method: str, address: str, token: str, body: object = None) -> Any:
    request = urllib.request.Request(
        address,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={
            "Authorization": f"Bearer {token}",
            "Accept": "application/vnd.github+json",
            "Content-Type": "application/json",
        },
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


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
