"""Names and texts from strangers in every output: no control character, no command for a build
server, no broken document.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from onceproof.report.formats import formats
from onceproof.verdict.exit_codes import Exit

from support.command_line import run
from support.process import SEED
from support.repo import ROOT
from support.sample import sampled

NASTY = (
    "T \x1b[2J\x1b]0;p\x07 <script>alert(1)</script> ``` ` [x](javascript:1) | a ]]> & \"q\" 'r'"
    " \u202e \u2028::error::x %0A \\ */ --> *) ~~~"
)
DESIGN = f"""## {NASTY}
event Paid(id, order, kind: card | cash) # {NASTY}
queue q of Paid at-least-once
store done per id
effect mail per id via smtp
consumer c on q # {NASTY}
  if kind is card # {NASTY}
    send mail # {NASTY}
  add id to done
  ack
claim no duplicate mail # {NASTY}
claim no loss of mail
"""
BROKEN = f"quue \x1b[2J q of E # {NASTY}\nevent \u202eE(id)\n"
NAME = os.fsdecode(b"n\xff\x1b[2J\n::error::x<b>`.once")
FORMATS = sorted(formats())
COMMANDS: list[tuple[str, ...]] = [
    *((("check", "--format", form, "{}")) for form in FORMATS),
    *((("check", "--format", form, "--output", "out", "{}")) for form in FORMATS),
    ("check", "-v", "--why", "--color", "never", "{}"),
    ("parse", "{}"),
    ("fmt", "--check", "{}"),
    ("fmt", "--diff", "{}"),
    ("faults", "--map", "{}"),
    ("faults", "--map", "--format", "json", "{}"),
    ("needs", "{}"),
    ("needs", "--format", "json", "{}"),
    ("assumptions", "{}"),
    ("repair", "{}"),
    ("repair", "--format", "json", "{}"),
    ("repair", "--format", "diff", "{}"),
    ("diff", "{}", "plain.once"),
    ("diff", "--format", "markdown", "{}", "plain.once"),
    ("diff", "--format", "json", "{}", "plain.once"),
    *((("graph", "--format", form, "{}")) for form in ("dot", "graphml", "counts")),
    *((("export", language, "{}")) for language in ("promela", "tla", "murphi", "smv")),
    ("testgen", "{}"),
    ("testgen", "-o", "out", "{}"),
    ("report", "--no-faults", "-o", "out.html", "{}"),
    ("report", "--no-faults", "-o", "out.md", "{}"),
    ("check", "--certificate", "proofs", "{}"),
    ("step", "--script", "script", "{}"),
    ("check", "{}/nowhere"),
    ("models", "show", "{}"),
    ("verify", "{}", "{}"),
    ("explain", "{}"),
    ("new", "--name", "{}"),
    ("watch", "{}/nowhere"),
    ("{}",),
    ("check", "--{}"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Designs with names and texts that want to be more."""
    for name, text in ((NAME, DESIGN), ("plain.once", DESIGN), (f"b{NAME}", BROKEN)):
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "script").write_text(
        f"1\n1\nsave {tmp_path / 'walk'}\nload {tmp_path / 'walk'}\nquit\n", encoding="utf-8"
    )
    return tmp_path


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_outputs_are_clean(
    command: tuple[str, ...], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (NAME, f"b{NAME}"):
        words = [w.replace("{}", str(folder / name)) for w in command]
        words = [
            (
                str(folder / w)
                if w in ("out", "out.html", "out.md", "proofs", "script", "plain.once")
                else w
            )
            for w in words
        ]
        done = run(*words, "--no-cache") if command[0] == "check" else run(*words)
        assert done.returncode in set(Exit) - {Exit.INTERNAL}, done.stderr
        written = {p: p.read_bytes().decode("utf-8") for p in folder.glob("out*")}
        for text in (done.stdout, done.stderr, *written.values()):
            odd = {c for c in text if not c.isprintable() and c not in "\n\t"}
            assert not odd, odd
            assert "Traceback" not in text
            assert not re.search(r"^(::error::x|##\[)", text, re.MULTILINE)
        for path in written:
            path.unlink()


def checked(folder: Path, form: str, name: str = NAME) -> str:
    """A design in a format."""
    return run("check", folder / name, "--format", form, "--no-cache").stdout


@pytest.mark.parametrize("name", [NAME, f"b{NAME}"])
def test_documents_are_well_formed(name: str, folder: Path) -> None:
    ElementTree.fromstring(checked(folder, "junit", name).encode())
    for form in ("json", "sarif", "gitlab", "itf"):
        json.loads(checked(folder, form, name))
    ElementTree.fromstring(
        run("graph", folder / "plain.once", "--format", "graphml").stdout.encode()
    )
    page = checked(folder, "html", name)
    assert "<script>alert" not in page
    assert "<b>" not in re.sub(r"<b>(?=\w)", "", page) or "&lt;b&gt;" in page


def test_markdown_stays_what_it_is(folder: Path) -> None:
    """Fences are closed where they were opened, and nothing of a design is markup."""
    out = checked(folder, "markdown")
    assert sum(line.startswith("```") for line in out.splitlines()) % 2 == 0
    plain = re.sub(r"```.*?\n```|`[^`\n]*`", "", out, flags=re.DOTALL)
    assert "<script>" not in plain
    assert "](javascript" not in plain
    assert "\n# T" not in plain


MODEL = """name = "mine"
title = "T <script>alert(1)</script> ``` | [x](javascript:1) *b*"
kind = "queue"
summary = "a <script>alert(1)</script> ``` `b` | [x](javascript:1)"
[machine]
[options.a]
kind = "text"
default = "` | <script>"
meaning = "m <img src=x onerror=alert(1)> | ```"
source = "s"
status = "documented"
[sources.s]
url = "https://example.org/)<script>alert(1)</script>"
read = "all"
[[facts]]
id = "f"
behaviour = "redelivery"
text = "t <script> | [x](javascript:1)"
source = "s"
status = "documented"
"""


def test_texts_of_models_are_no_markup(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "mine.toml").write_text(MODEL, encoding="utf-8")
    out = run("models", "show", "mine", "--beside", tmp_path, "--format", "markdown").stdout
    assert "mine" in out
    plain = re.sub(r"`[^`\n]*`", "", out)
    assert "<script>" not in plain
    assert "<img" not in plain
    assert not re.search(r"(?<!\\)\]\(javascript", plain)
    assert "```" not in out


# ---------------------------------------------------------------- streams


def process(*arguments: str | Path, **more: object) -> subprocess.CompletedProcess[bytes]:
    """The real thing, with streams of another kind."""
    command = [sys.executable, "-m", "onceproof", *map(str, arguments)]
    environment = {**os.environ, **more.pop("env", {})}  # type: ignore[dict-item]
    return subprocess.run(command, cwd=ROOT, env=environment, timeout=120, check=False, **more)  # type: ignore[call-overload, no-any-return]


@pytest.mark.parametrize("encoding", sampled(["ascii", "latin-1", "cp437", "koi8-r", "utf-16"], 4))
def test_streams_in_another_encoding(encoding: str, folder: Path) -> None:
    for command in (
        ("check", folder / NAME),
        ("check", folder / NAME),
        ("models", "show", "sqs.fifo"),
        ("check", folder / f"b{NAME}"),
    ):
        done = process(
            *command,
            capture_output=True,
            env={"PYTHONIOENCODING": encoding, "ONCEPROOF_CACHE": str(folder / "cache")},
        )
        assert done.returncode in (0, 1, 2), done.stderr
        done.stdout.decode(encoding)


UNWRITTEN = int(Exit.OUTPUT)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_disk_has_one_exit_code(tmp_path: Path) -> None:
    environment = {"ONCEPROOF_CACHE": str(tmp_path / "cache")}
    with open("/dev/full", "wb") as full:
        for command in (
            ("check", SEED),
            ("check", SEED),
            ("parse", SEED),
            ("--help",),
            ("models",),
            ("check", SEED, "--format", "json"),
        ):
            done = process(*command, stdout=full, stderr=subprocess.PIPE, env=environment)
            assert (done.returncode, b"Traceback" in done.stderr) == (UNWRITTEN, False), (
                command,
                done.stderr,
            )
            assert b"no space left" in done.stderr
    assert process("check", SEED, stdout=subprocess.DEVNULL, env=environment).returncode == 0, (
        "now it is in the cache"
    )
    with open("/dev/full", "wb") as full:
        assert (
            process("check", SEED, stdout=full, stderr=full, env=environment).returncode
            == UNWRITTEN
        )
        assert (
            process(
                "check", tmp_path / "nowhere", stdout=full, stderr=full, env=environment
            ).returncode
            == UNWRITTEN
        )
    for option in (("--output", "/dev/full"), ("--report", "json=/dev/full")):
        assert process("check", SEED, *option, capture_output=True).returncode == UNWRITTEN


def test_a_pipe_that_nobody_reads_has_the_same(tmp_path: Path) -> None:
    environment = {"ONCEPROOF_CACHE": str(tmp_path / "cache")}
    for command in (("check", SEED), ("check", SEED), ("models",), ("--help",)):
        reading, writing = os.pipe()
        os.close(reading)
        done = process(*command, stdout=writing, stderr=subprocess.PIPE, env=environment)
        os.close(writing)
        assert (done.returncode, done.stderr) == (UNWRITTEN, b"")


def test_closed_streams(tmp_path: Path) -> None:
    environment = f"ONCEPROOF_CACHE={tmp_path / 'cache'}"
    for command, expected in (
        (f"check {SEED} >&-", UNWRITTEN),
        (f"check {SEED} >&-", UNWRITTEN),
        (f"check {SEED} 2>&-", 0),
        (f"check {SEED} --output {tmp_path / 'out'} >&- 2>&-", 0),
        ("--help >&-", UNWRITTEN),
        ("parse /nowhere 2>&-", 2),
    ):
        done = subprocess.run(
            f"{environment} {sys.executable} -m onceproof {command}",
            shell=True,
            cwd=ROOT,
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode, b"Traceback" in done.stderr) == (expected, False), (
            command,
            done.stderr,
        )
