"""The action's own steps, run here as far as that goes without a host: the scripts in ci/, and the
shape of action.yml.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
import zipfile
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import pytest

from support.process import SEED
from support.repo import ROOT

ACTION = (ROOT / "action.yml").read_text(encoding="utf-8")


VENV = ROOT / ".venv/bin/python"
"""Has the tool, as the environment that the action installs has it."""

Outputs = dict[str, str]


def action(
    step: str, folder: Path, workspace: Path = ROOT, **given: str
) -> tuple[subprocess.CompletedProcess[str], Outputs]:
    """Run a step of ci/action.py as the host would; gives what it printed, and the outputs of the
    step.
    """
    output = folder / f"{step}.txt"
    output.write_text("", encoding="utf-8")
    environment = {
        **os.environ,
        "CHECK_PYTHON": str(VENV),
        "CHECK_SUMMARY": "true",
        "CHECK_REPORT": "review",
        "RUNNER_TEMP": str(folder),
        "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
        "GITHUB_OUTPUT": str(output),
        **given,
    }
    command = (sys.executable, "-I", str(ROOT / "ci/action.py"), step)
    done = subprocess.run(
        command,
        cwd=workspace,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    lines = output.read_text(encoding="utf-8").splitlines()
    return done, dict(line.split("=", 1) for line in lines)


def check_step(
    folder: Path, paths: str, options: str = ""
) -> tuple[subprocess.CompletedProcess[str], Outputs]:
    """The step that checks."""
    return action("check", folder, CHECK_PATHS=paths, CHECK_OPTIONS=options)


def wheel(folder: Path, code: str) -> Path:
    """A package ``onceproof`` made by hand, whose command is this code: installing it takes no
    index and no network.
    """
    path, info = folder / "onceproof-9.0-py3-none-any.whl", "onceproof-9.0.dist-info"
    files = {
        "onceproof/__init__.py": "",
        "onceproof/__main__.py": code,
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: onceproof\nVersion: 9.0\n",
        f"{info}/WHEEL": (
            "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        ),
    }
    record = "".join(f"{name},,\n" for name in (*files, f"{info}/RECORD"))
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(name, text)
    return path


HOSTILE = (
    "onceproof",
    "pip",
    "venv",
    "shlex",
    "subprocess",
    "tempfile",
    "lark",
    "z3",
    "click",
    "sitecustomize",
)
"""Modules that Python would find in the working folder first."""


def hostile_workspace(folder: Path) -> Path:
    """A checkout whose modules leave a file behind when they are imported."""
    workspace = folder / "workspace"
    for name in HOSTILE:
        for file in ("__init__.py", "__main__.py"):
            place = workspace / name / file
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(
                f"open({str(folder / 'harmed')!r}, 'a').write({name!r})\n", encoding="utf-8"
            )
    return workspace


def test_every_step_runs_the_script_isolated() -> None:
    commands = re.findall(r"^      run: (python .*)$", ACTION, re.MULTILINE)
    assert commands == [
        f'python -I "$GITHUB_ACTION_PATH/ci/action.py" {step}'
        for step in ("install", "check", "comment")
    ]


def test_actions_are_pinned_by_commit() -> None:
    used = re.findall(r"uses: (.*)", ACTION)
    assert len(used) == 3
    for action_used in used:
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action_used)


def test_only_reports_of_this_call_are_uploaded() -> None:
    for place in re.findall(r"^        (?:path|sarif_file): (.*)$", ACTION, re.MULTILINE):
        assert place.startswith("${{ steps.check.outputs.folder }}")
    assert ACTION.count("steps.check.outputs.folder != ''") == 2


@pytest.mark.slow
def test_installing_runs_nothing_of_the_checkout(tmp_path: Path) -> None:
    workspace = hostile_workspace(tmp_path)
    package = wheel(tmp_path, "print('the tool')\n")
    done, outputs = action(
        "install", tmp_path, workspace, ONCEPROOF_VERSION=str(package), PIP_NO_INDEX="1"
    )
    assert (done.returncode, done.stdout.strip()) == (0, "the tool"), done.stderr
    assert not (tmp_path / "harmed").exists()
    python = Path(outputs["python"])
    assert python.is_relative_to(tmp_path)
    assert not python.is_relative_to(workspace)


def test_checking_runs_nothing_of_the_checkout(tmp_path: Path) -> None:
    workspace = hostile_workspace(tmp_path)
    (workspace / "a.once").write_text("quue q of E\n", encoding="utf-8")
    done, outputs = action(
        "check", tmp_path, workspace, CHECK_PATHS="a.once", PYTHONPATH=str(workspace)
    )
    assert (done.returncode, outputs["exit-code"]) == (0, "2"), done.stderr
    assert "::error" in done.stdout
    assert not (tmp_path / "harmed").exists()


def test_an_option_is_no_version(tmp_path: Path) -> None:
    done, outputs = action("install", tmp_path, ONCEPROOF_VERSION="--target=/nowhere")
    assert (done.returncode, outputs) == (2, {})
    assert "an option of pip" in done.stderr


def printer(folder: Path) -> Path:
    """A Python that prints its arguments as a line of JSON."""
    fake = folder / "python"
    code = "import json, sys; print(json.dumps(sys.argv[1:]))"
    fake.write_text(f"#!/bin/sh\nexec {sys.executable} -I -c '{code}' \"$@\"\n", encoding="utf-8")
    fake.chmod(0o755)
    return fake


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        ("", ["."]),
        ("a b", ["a", "b"]),
        ("a\nb/\n  c\n", ["a", "b/", "c"]),
        ("'my designs/x.once'\n\"it's.once\"", ["my designs/x.once", "it's.once"]),
        ("--cluster=1.2.3.4 $(id) *", ["--cluster=1.2.3.4", "$(id)", "*"]),
    ],
)
def test_every_path_is_checked_and_none_is_an_option(
    tmp_path: Path, paths: str, expected: list[str]
) -> None:
    options = "--claim 'no duplicate mail' -j 2"
    python = str(printer(tmp_path))
    done, outputs = action(
        "check", tmp_path, CHECK_PYTHON=python, CHECK_PATHS=paths, CHECK_OPTIONS=options
    )
    assert (done.returncode, outputs["exit-code"]) == (0, "0"), done.stderr
    calls = [json.loads(line) for line in done.stdout.splitlines()]
    assert [call[call.index("--") + 1 :] for call in calls] == [expected, expected]
    assert calls[0][:8] == [
        "-I",
        "-m",
        "onceproof",
        "check",
        "--claim",
        "no duplicate mail",
        "-j",
        "2",
    ]


def test_a_quote_that_is_not_closed(tmp_path: Path) -> None:
    done, outputs = check_step(tmp_path, "'a")
    assert (done.returncode, outputs["exit-code"]) == (0, "2")
    assert "No closing quotation" in done.stderr


def test_two_calls_share_no_folder(tmp_path: Path) -> None:
    first, second = (check_step(tmp_path, "/nowhere")[1]["folder"] for _ in range(2))
    assert first != second


GITLAB = (ROOT / "ci/gitlab.yml").read_text(encoding="utf-8").partition("\nonceproof:")[2]


def gitlab_script(folder: Path, paths: str) -> tuple[int, list[list[str]]]:
    """Run the lines of the GitLab job's script with a tool that prints its arguments; the exit
    code, and those.
    """
    lines = re.search(r"^  script:\n((?:    - .*\n)+)", GITLAB, re.MULTILINE)
    assert lines is not None
    commands = "\n".join(line.removeprefix("    - ") for line in lines[1].splitlines())
    commands = commands.replace("/opt/onceproof/bin/python", str(printer(folder))).replace(
        "(python ", f"({sys.executable} "
    )
    shell = ("sh", "-c", f"set -e\n{commands}")
    environment = {**os.environ, "ONCEPROOF_PATHS": paths}
    done = subprocess.run(
        shell, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def test_the_gitlab_job_quotes(tmp_path: Path) -> None:
    code, calls = gitlab_script(
        tmp_path, "'my designs/x.once' \"it's.once\"\n$(touch harmed) `touch harmed` ; -q"
    )
    expected = [
        "my designs/x.once",
        "it's.once",
        "$(touch",
        "harmed)",
        "`touch",
        "harmed`",
        ";",
        "-q",
    ]
    assert (code, [call[call.index("--") + 1 :] for call in calls]) == (0, [expected, expected])
    assert not (tmp_path / "harmed").exists()
    assert all(call[:3] == ["-I", "-m", "onceproof"] for call in calls)


def test_the_gitlab_job_reuses_no_report_of_the_checkout(tmp_path: Path) -> None:
    names = ("review.html", "onceproof.xml", "codequality.json")
    for name in names:
        (tmp_path / name).write_text("a stranger's", encoding="utf-8")
    gitlab_script(tmp_path, ".")
    assert not any((tmp_path / name).exists() for name in names)


def test_the_gitlab_job_runs_nothing_of_the_checkout() -> None:
    calls = re.findall(r"\bpython (\S+)", GITLAB)
    assert len(calls) == 5
    assert set(calls) == {"-I"}


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
    done, outputs = check_step(tmp_path, SEED, "--semantics at-least-once")
    assert (done.returncode, outputs["exit-code"]) == (0, "0"), done.stderr
    folder = Path(outputs["folder"])
    made = {p.name for p in folder.iterdir()}
    assert made == {
        "onceproof.sarif",
        "onceproof.xml",
        "onceproof.md",
        "onceproof.json",
        "review.html",
    }
    assert "no duplicate ready_email" in (tmp_path / "summary.md").read_text(encoding="utf-8")
    assert (
        json.loads((folder / "onceproof.sarif").read_text(encoding="utf-8"))["version"] == "2.1.0"
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
    done, outputs = check_step(tmp_path, str(design))
    assert (done.returncode, outputs["exit-code"]) == (0, "1")
    assert "::error" in done.stdout
    assert (Path(outputs["folder"]) / "review.html").exists()


@pytest.mark.slow
def test_a_design_with_mistakes(tmp_path: Path) -> None:
    design = tmp_path / "broken.once"
    design.write_text("quue q of E\n", encoding="utf-8")
    done, outputs = check_step(tmp_path, str(design))
    assert (done.returncode, outputs["exit-code"]) == (0, "2")
    assert "::error" in done.stdout


# ---------------------------------------------------------------- the comment on a pull request

SAFE = """event O(id)

queue orders of O at-least-once
store done per id, unique
effect booking per id in done

consumer book on orders
  atomic
    insert id into done or stop
    do booking
  ack

claim no duplicate booking
claim no loss of booking
"""
BROKEN = SAFE.replace("  atomic", "  ack\n  atomic").replace("booking\n  ack", "booking")


class _Comments(BaseHTTPRequestHandler):
    """The part of GitHub's interface that comments need; ``kept`` are the comments."""

    kept: ClassVar[list[dict[str, object]]] = []
    tokens: ClassVar[set[str]] = set()

    def _answer(self, body: object) -> None:
        self.tokens.add(self.headers.get("Authorization", ""))
        data = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _body(self) -> str:
        length = int(self.headers["Content-Length"])
        return str(json.loads(self.rfile.read(length))["body"])

    def do_GET(self) -> None:
        self._answer(self.kept)

    def do_POST(self) -> None:
        assert self.path == "/repos/o/r/issues/7/comments"
        self.kept.append({"id": 40 + len(self.kept), "body": self._body()})
        self._answer({})

    def do_PATCH(self) -> None:
        number = int(self.path.rsplit("/", 1)[1])
        next(c for c in self.kept if c["id"] == number)["body"] = self._body()
        self._answer({})

    def log_message(self, format: str, *args: object) -> None:
        pass


def pull_request(folder: Path) -> tuple[Path, Path]:
    """A checkout whose head breaks a design and adds one, and the file about the event."""
    work = folder / "work"
    (work / "designs").mkdir(parents=True)

    def git(*words: str) -> str:
        who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        done = subprocess.run(
            ("git", *who, *words), cwd=work, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    git("init", "--quiet")
    (work / "designs/book.once").write_text(SAFE, encoding="utf-8")
    git("add", ".")
    git("commit", "--quiet", "-m", "base")
    base = git("rev-parse", "HEAD")
    (work / "designs/book.once").write_text(BROKEN, encoding="utf-8")
    (work / "designs/more.once").write_text(SAFE, encoding="utf-8")
    git("add", ".")
    git("commit", "--quiet", "-m", "head")
    event = folder / "event.json"
    event.write_text(
        json.dumps(
            {
                "repository": {"full_name": "o/r"},
                "pull_request": {"number": 7, "base": {"sha": base}},
            }
        ),
        encoding="utf-8",
    )
    return work, event


def test_without_a_token_the_comparison_goes_into_the_summary(tmp_path: Path) -> None:
    work, event = pull_request(tmp_path)
    done, _ = action("comment", tmp_path, work, GITHUB_EVENT_PATH=str(event), COMMENT_TOKEN="")
    assert done.returncode == 0, done.stderr
    summary = (tmp_path / "summary.md").read_text(encoding="utf-8")
    assert "<details open><summary><b>designs/book.once</b>: 1 worse, 1 the same" in summary
    assert "| no loss of booking | at-least-once | proved | REFUTED | **worse** |" in summary
    assert "**designs/more.once** is new: 2 claims × 1 semantic: 2 proved" in summary
    assert summary.count("new story") == 1
    assert [p.name for p in sorted((work / "designs").iterdir())] == ["book.once", "more.once"]


def test_with_a_token_there_is_one_comment_however_often_it_runs(tmp_path: Path) -> None:
    work, event = pull_request(tmp_path)
    _Comments.kept[:] = [{"id": 1, "body": "looks good"}]
    server = HTTPServer(("localhost", 0), _Comments)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        for _ in range(2):
            done, _ = action(
                "comment",
                tmp_path,
                work,
                GITHUB_EVENT_PATH=str(event),
                GITHUB_API_URL=f"http://localhost:{server.server_port}",
                COMMENT_TOKEN="secret",
            )
            assert done.returncode == 0, done.stderr
    finally:
        server.shutdown()
    assert len(_Comments.kept) == 2
    assert str(_Comments.kept[1]["body"]).startswith("<!-- onceproof -->")
    assert _Comments.tokens == {"Bearer secret"}
    assert not (tmp_path / "summary.md").exists()


def test_without_a_pull_request_nothing_is_compared(tmp_path: Path) -> None:
    event = tmp_path / "event.json"
    event.write_text("{}", encoding="utf-8")
    done, _ = action("comment", tmp_path, tmp_path, GITHUB_EVENT_PATH=str(event))
    assert (done.returncode, done.stdout) == (0, "")


def test_the_report_has_the_options_of_the_check_that_it_knows() -> None:
    spec = importlib.util.spec_from_file_location("action", ROOT / "ci/action.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    given = ["-j", "2", "--semantics", "at-least-once", "--claim=no loss", "--quiet"]
    assert module._shared(given) == ["--semantics", "at-least-once", "--claim=no loss"]
