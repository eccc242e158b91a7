"""Nothing of a developer's machine in the repository; links and paths of the pages lead
somewhere.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from support.repo import ROOT, files, pages, prose, read

SLASH = "/"
MACHINE = tuple(
    SLASH + folder + SLASH
    for folder in ("tmp", "root", "home", "Users", "work", "private", "var" + SLASH + "folders")
)
"""How absolute paths of a machine begin. Put together here, so that this file does not contain one.
"""

HOSTS = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("registry", "npmjs"),
        ("crates", "io"),
        ("pkg", "dev"),
    )
)
"""Package registries: which one is used is a matter of the machine."""

ADDRESS = re.compile(r"(?<![\w.])(?:10|127|172|192)\.\d{1,3}\.\d{1,3}\.\d{1,3}|\blocalhost:\d+")
URL = re.compile(r"https?://[^\s)>\"'`]+")

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
QUOTED = re.compile(r"`([^`\n]+)`")
PATH = re.compile(r"[\w.][\w.-]*(/[\w.-]+)*/?")
ENDINGS = (".py", ".md", ".lark", ".once", ".toml", ".json")
TOP = {p.parts[0] for p in files()}


def _text(path: Path) -> str:
    return (ROOT / path).read_bytes().decode("utf-8", "replace")


def _of_a_machine(path: Path) -> list[str]:
    """The paths, hosts and addresses of a machine in a file."""
    text = _text(path)
    bare = URL.sub(lambda u: u[0].split("://")[1].split("/")[0], text)
    return [*(word for word in (*MACHINE, *HOSTS) if word in bare), *ADDRESS.findall(text)]


def test_no_path_or_host_of_a_machine() -> None:
    assert {str(path): found for path in files() if (found := _of_a_machine(path))} == {}


def _is_tidy(path: Path) -> bool:
    data = (ROOT / path).read_bytes()
    if (
        not data or path.suffix == ".png" or path.parts[:3] == ("tests", "designs", "mistakes")
    ):  # broken files on purpose
        return True
    return data.endswith(b"\n") and b"\r" not in data


def test_text_files_are_tidy() -> None:
    assert [str(path) for path in files() if not _is_tidy(path)] == []


def _anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as common renderers make them."""
    titles = re.findall(r"^#+ +(.*?) *$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", t.lower()).replace(" ", "-") for t in titles}


@pytest.mark.parametrize("page", pages(), ids=str)
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(prose(page)):
        if "://" in target or target.startswith("mailto:"):
            continue
        name, _, anchor = target.partition("#")
        path = (ROOT / page.parent / name).resolve() if name else ROOT / page
        assert path.exists(), f"{page}: {target}"
        assert ROOT in (path, *path.parents), f"{page}: {target} leaves the repository"
        if anchor:
            assert anchor in _anchors(path.relative_to(ROOT)), f"{page}: {target}"


def _named(page: Path) -> set[str]:
    """Paths of the repository that a page names between backticks."""
    words = {w for w in QUOTED.findall(prose(page)) if PATH.fullmatch(w)}
    return {
        w
        for w in words
        if ("/" in w and w.split("/")[0] in TOP) or (w.endswith(ENDINGS) and "/" in w) or w in TOP
    }


@pytest.mark.parametrize("page", pages(), ids=str)
def test_named_paths_exist(page: Path) -> None:
    missing = {
        w for w in _named(page) if not (ROOT / w).exists() and not (ROOT / page.parent / w).exists()
    }
    assert not missing


NOTE = re.compile(r"NOTE\(([a-z-]+)\)")


def test_notes_are_written_once_and_listed() -> None:
    written: dict[str, list[str]] = {}
    for path in (p for p in files() if p.parts[0] == "checker" and p.suffix == ".py"):
        for name in re.findall(r"NOTE\(([a-z-]+)\):", read(path)):
            written.setdefault(name, []).append(str(path))
    assert all(len(places) == 1 for places in written.values())
    listed = dict(
        re.findall(r"^\| NOTE\(([a-z-]+)\) \| `([^`]+)` \|", read("ARCHITECTURE.md"), re.MULTILINE)
    )
    assert listed == {name: places[0] for name, places in written.items()}
    for path in (p for p in files() if p.suffix in (".py", ".md")):
        assert set(NOTE.findall(read(path))) - {"name"} <= set(written), path
