"""Designs, imports and models that lead to other files, or to files that never end."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from onceproof.base import untrusted
from onceproof.lang.load import DEEPEST_IMPORT, MOST_IMPORTS, load, load_text
from onceproof.models import own_models
from onceproof.models.files import MOST_BYTES
from onceproof.report.diagnostics import render

from support.command_line import run as inside
from support.trap import UNSAFE

SECRET = "extraheader = AUTHORIZATION: basic c2VjcmV0"
HANDLER = """\
event Paid(id)
queue paid of Paid{via}
effect mail per id via smtp
consumer c on paid
  send mail
  ack
claim no loss of mail
"""


def shown(path: Path) -> str:
    """What is printed about a design."""
    loaded = load(path)
    return render(loaded.diagnostics, loaded.sources)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder for designs, beside another with a secret."""
    (tmp_path / "git").mkdir()
    for name in ("config", "config.once", "config.toml"):
        (tmp_path / "git" / name).write_text(f"[http]\n{SECRET}\n", encoding="utf-8")
    made = tmp_path / "designs"
    (made / "inside").mkdir(parents=True)
    (made / "inside" / "parts.once").write_text("store seen per id\n", encoding="utf-8")
    return made


def special(path: Path, kind: str) -> None:
    """Put something that is no file there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    match kind:
        case "fifo":
            os.mkfifo(path)
        case "device":
            path.symlink_to("/dev/zero")
        case "socket":
            server = socket.socket(socket.AF_UNIX)
            here = Path.cwd()
            os.chdir(path.parent)  # the name of a socket has at most 108 characters
            server.bind(path.name)
            os.chdir(here)
        case "folder":
            path.mkdir()
        case "loop":
            path.symlink_to(path.name)
        case "dangling":
            path.symlink_to("nowhere.once")


KINDS = ("fifo", "device", "socket", "folder", "loop", "dangling")

# ---------------------------------------------------------------- imports


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("../git/config", "ends in .once"),
        ("../git/config.once", "outside the folder"),
        ("inside/../../git/config.once", "outside the folder"),
        ("{outside}/config.once", "outside the folder"),
        ("/etc/passwd", "ends in .once"),
        ("/dev/zero.once", "outside the folder"),
        ("link.once", "outside the folder"),
        ("through/config.once", "outside the folder"),
        ("named.once", "does not end in .once"),
        ("../nowhere/at_all.once", "outside the folder"),
        ("a" * 300 + ".once", "name too long"),
        (".once", "there is no such file"),
    ],
)
def test_an_import_that_leads_away_is_refused(written: str, says: str, folder: Path) -> None:
    (folder / "link.once").symlink_to(folder.parent / "git" / "config.once")
    (folder / "through").symlink_to(folder.parent / "git")
    (folder / "text").write_text(SECRET, encoding="utf-8")
    (folder / "named.once").symlink_to("text")
    path = folder / "a.once"
    written = written.format(outside=folder.parent / "git")
    path.write_text(f'import "{written}"\n{HANDLER.format(via="")}', encoding="utf-8")
    out = shown(path)
    assert says in out
    assert out.count("error[") == 1
    assert SECRET not in out


@pytest.mark.parametrize("kind", KINDS)
def test_an_import_of_what_is_no_file(kind: str, folder: Path) -> None:
    special(folder / "odd.once", kind)
    path = folder / "a.once"
    path.write_text(f'import "odd.once"\n{HANDLER.format(via="")}', encoding="utf-8")
    assert [d.code for d in load(path).diagnostics] == ["N116"]


@pytest.mark.parametrize("marker", [".git", "pyproject.toml", ".onceproof"])
def test_a_team_shares_parts_within_its_project(marker: str, folder: Path) -> None:
    """A sibling's folder is as much a part of the project as one's own; what is above is not."""
    project = folder.parent
    (project / "payments" / "deep").mkdir(parents=True)
    (project / "shared.once").write_text("store seen per id\n", encoding="utf-8")
    path = project / "payments" / "deep" / "a.once"
    path.write_text(f'import "../../shared.once"\n{HANDLER.format(via="")}', encoding="utf-8")
    assert "outside the folder of the project" in shown(path)
    (project / marker).mkdir()
    design = load(path).design
    assert design is not None
    assert "seen" in design.stores
    (project / "payments" / marker).mkdir()  # the nearest counts
    assert "outside the folder of the project" in shown(path)


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("../git/config", "ends in .once"),
        ("../../secret.once", "outside the folder"),
        ("/etc/passwd.once", "outside the folder"),
        ("../out.once", "outside the folder"),
        ("../through/secret.once", "outside the folder"),
        ("../named.once", "does not end in .once"),
        *((f"../{kind}.once", "not a file") for kind in ("fifo", "device", "socket", "folder")),
    ],
)
def test_a_project_is_left_by_no_path_and_no_link(written: str, says: str, folder: Path) -> None:
    project, above = folder.parent / "project", folder.parent
    (project / ".git").mkdir(parents=True)
    (project / "designs").mkdir()
    (above / "secret.once").write_text(SECRET, encoding="utf-8")
    (project / "git").mkdir()
    (project / "git" / "config").write_text(SECRET, encoding="utf-8")
    (project / "out.once").symlink_to(above / "secret.once")
    (project / "through").symlink_to(above)
    (project / "named.once").symlink_to("git/config")
    for kind in ("fifo", "socket", "folder"):
        special(project / f"{kind}.once", kind)
    special(project / "device.once", "device")
    path = project / "designs" / "a.once"
    path.write_text(f'import "{written}"\n{HANDLER.format(via="")}', encoding="utf-8")
    out = shown(path)
    if "device" not in written:  # which is outside, too, and must not be opened
        assert says in out
    assert out.count("error[N116]") == 1
    assert SECRET not in out


def test_files_and_links_inside_are_imported(folder: Path) -> None:
    (folder / "link.once").symlink_to("inside/parts.once")
    (folder / "b.once").write_text('import "inside/parts.once"\n', encoding="utf-8")
    path = folder / "a.once"
    for written in ("inside/parts.once", "link.once", "./inside/../inside/parts.once", "b.once"):
        path.write_text(f'import "{written}"\n{HANDLER.format(via="")}', encoding="utf-8")
        design = load(path).design
        assert design is not None
        assert "seen" in design.stores


def test_a_part_may_import_its_neighbours_above_it(folder: Path) -> None:
    (folder / "base.once").write_text("store base per id\n", encoding="utf-8")
    (folder / "inside" / "more.once").write_text('import "../base.once"\n', encoding="utf-8")
    text = f'import "inside/more.once"\n{HANDLER.format(via="")}'
    assert load_text(text, str(folder / "a.once")).design is not None
    assert load(folder / "inside" / "more.once").design is None, (
        "by itself it leads out of its folder"
    )


@pytest.mark.parametrize("count", [DEEPEST_IMPORT, DEEPEST_IMPORT + 1, 3000])
def test_a_long_chain_of_imports(count: int, folder: Path) -> None:
    for number in range(count):
        (folder / f"{number}.once").write_text(f'import "{number + 1}.once"\n', encoding="utf-8")
    (folder / f"{count}.once").write_text(HANDLER.format(via=""), encoding="utf-8")
    found = load(folder / "0.once")
    assert (found.design is None) == (count > DEEPEST_IMPORT)
    assert ("files deep" in render(found.diagnostics, found.sources)) == (count > DEEPEST_IMPORT)


def test_many_imports(folder: Path) -> None:
    for number in range(MOST_IMPORTS + 1):
        (folder / f"p{number}.once").write_text(f"store s{number} per id\n", encoding="utf-8")
    path = folder / "a.once"
    path.write_text(
        "".join(f'import "p{n}.once"\n' for n in range(MOST_IMPORTS + 1)) + HANDLER.format(via=""),
        encoding="utf-8",
    )
    assert "at most 200 files" in shown(path)


# ---------------------------------------------------------------- designs


@pytest.mark.parametrize("kind", [k for k in KINDS if k != "folder"])
def test_a_design_that_is_no_file(kind: str, folder: Path) -> None:
    special(folder / "odd.once", kind)
    for command in ("check", "parse"):
        assert inside(command, str(folder / "odd.once")).returncode == 2
    (folder / "good.once").write_text(HANDLER.format(via=""), encoding="utf-8")
    assert inside("parse", str(folder)).returncode in (0, 2)


@pytest.mark.parametrize("command", ["check", "parse", "fmt", "faults", "testgen", "report"])
def test_a_design_that_is_a_link_to_another_kind_of_file(command: str, folder: Path) -> None:
    path = folder / "a.once"
    path.symlink_to(folder.parent / "git" / "config")
    more = (
        ["--check"]
        if command == "fmt"
        else ["--output", str(folder / "out")]
        if command in ("testgen", "report")
        else []
    )
    for place in (path, folder):
        if place is folder and command in ("faults", "testgen"):
            continue
        done = inside(command, str(place), *more)
        assert done.returncode == 2, done.stdout
        assert SECRET not in done.stdout + done.stderr
        assert "AUTHORIZATION" not in "".join(
            p.read_text("utf-8") for p in folder.glob("out*") if p.is_file()
        )


# ---------------------------------------------------------------- models

MODEL = """\
name = "mine"
title = "My broker"
kind = "queue"
summary = "a broker"
[machine]
late_ack = "refused"
[sources.s]
url = "https://example.org"
read = "all of it"
[[facts]]
id = "f"
behaviour = "late ack"
text = "t"
source = "s"
status = "documented"
"""


def with_model(folder: Path, put: Callable[[Path], object]) -> str:
    """What is printed about a design that names a model beside it."""
    (folder / "models").mkdir(exist_ok=True)
    put(folder / "models" / "mine.toml")
    path = folder / "a.once"
    path.write_text(HANDLER.format(via=" via mine"), encoding="utf-8")
    return shown(path)


def test_a_model_that_is_good(folder: Path) -> None:
    assert "error" not in with_model(folder, lambda p: p.write_text(MODEL, encoding="utf-8"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_that_is_no_file(kind: str, folder: Path) -> None:
    assert "error[N148]" in with_model(folder, lambda p: special(p, kind))


def test_a_model_that_is_a_link_out_of_the_folder(folder: Path) -> None:
    out = with_model(folder, lambda p: p.symlink_to(folder.parent / "git" / "config.toml"))
    assert "outside the folder" in out
    assert SECRET not in out


def test_a_folder_of_models_that_is_a_link_out_of_the_folder(folder: Path) -> None:
    (folder.parent / "git" / "mine.toml").write_text(MODEL, encoding="utf-8")
    (folder / "models").symlink_to(folder.parent / "git")
    path = folder / "a.once"
    path.write_text(HANDLER.format(via=" via mine"), encoding="utf-8")
    assert "outside the folder" in shown(path)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x = " + "[" * 50_000, "nested too deeply"),
        ("x = " + "{a=" * 50_000, "nested too deeply"),
        ("x = " + "9" * 10_000, "a number is too long"),
        ("#" * (MOST_BYTES + 1), "more than 200,000 bytes"),
        ("\udcff", "not UTF-8"),
        (
            MODEL.replace('url = "https', 'url = "http\\u001b[2J'),
            "sources.s.url: must be one line without control characters",
        ),
        (
            MODEL.replace('"t"', '"a\\nb"'),
            "facts.1.text: must be one line without control characters",
        ),
    ],
)
def test_a_model_with_a_text_that_no_person_wrote(text: str, says: str, folder: Path) -> None:
    assert says in with_model(
        folder, lambda p: p.write_bytes(text.encode("utf-8", "surrogateescape"))
    )


def test_names_of_models_are_cleaned(folder: Path) -> None:
    (folder / "models").mkdir()
    (folder / "models" / "a\x1b[2Jb.toml").write_text("", encoding="utf-8")
    (folder / "a.once").write_text(HANDLER.format(via=" via mine"), encoding="utf-8")
    for words in (("check", str(folder / "a.once")), ("models", "list", "--beside", str(folder))):
        done = inside(*words)
        assert "\x1b" not in done.stdout + done.stderr


# ---------------------------------------------------------------- the reader itself


def test_what_is_outside_is_not_asked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def asked(*_: object) -> str:
        raise AssertionError("the disk was asked")

    monkeypatch.setattr(os.path, "realpath", asked)
    with pytest.raises(untrusted.Refused, match="outside"):
        untrusted.place_in(tmp_path, "../other/file.once")


def test_no_more_is_read_than_wanted(tmp_path: Path) -> None:
    path = tmp_path / "large"
    with open(path, "wb") as file:
        file.truncate(10**12)
    assert len(untrusted.read(path, 1000)) == 1001


def test_models_beyond_a_number_are_mistakes(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    for number in range(203):
        (tmp_path / "models" / f"m{number:03}.toml").write_text("", encoding="utf-8")
    _, problems = own_models(tmp_path)
    assert sum(p.why == "at most 200 models are read" for p in problems) == 3


@pytest.mark.parametrize(
    "words",
    [
        ("check", "PATH"),
        ("faults", "PATH"),
        ("needs", "PATH"),
        ("fmt", "PATH"),
        ("graph", "PATH"),
        ("step", "PATH"),
        ("repair", "PATH"),
        ("report", "PATH"),
        ("testgen", "PATH"),
        ("verify", "PATH", "PATH"),
        ("diff", "PATH", "PATH"),
        ("new", "PATH"),
        ("check", "DESIGN", "--output", "PATH"),
        ("check", "DESIGN", "--certificate", "PATH"),
        ("check", "DESIGN", "--report", "itf=PATH"),
    ],
    ids=" ".join,
)
def test_a_path_of_which_the_system_says_nothing(words: tuple[str, ...], folder: Path) -> None:
    """Its name is too long; a folder that may not be searched is the same. It is a mistake."""
    (folder / "a.once").write_text(UNSAFE, encoding="utf-8")
    names = {"PATH": "x" * 3_000 + ".once", "DESIGN": str(folder / "a.once")}
    done = inside(*(re.sub("PATH|DESIGN", lambda m: names[m[0]], word) for word in words))
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
