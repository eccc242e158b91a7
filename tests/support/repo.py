"""What the tests of the repository as a whole look at: its files, its modules, the blocks of its
pages.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SOURCES = ROOT / "checker"
PACKAGE = SOURCES / "onceproof"

_FENCE = re.compile(r"^```(?P<kind>[^\n`]*)\n(?P<body>.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL)
_IGNORED = re.compile(r"(^|/)(\.[^/]+|__pycache__|build|dist|[^/]*\.egg-info)/")


@cache
def files() -> tuple[Path, ...]:
    """Every file of the repository that is not ignored, relative to its root; without git, every
    file there is.
    """
    asked = ("git", "ls-files", "--cached", "--others", "--exclude-standard", "-z")
    try:
        listed = (
            subprocess.run(asked, cwd=ROOT, capture_output=True, check=True)
            .stdout.decode()
            .split("\0")
        )
    except (OSError, subprocess.CalledProcessError):
        listed = [
            str(p.relative_to(ROOT))
            for p in ROOT.rglob("*")
            if not _IGNORED.search(f"{p.relative_to(ROOT)}")
        ]
    return tuple(sorted(Path(name) for name in listed if name and (ROOT / name).is_file()))


def pages() -> tuple[Path, ...]:
    """Every Markdown page."""
    return tuple(p for p in files() if p.suffix == ".md")


def read(path: Path | str) -> str:
    """The text of a file of the repository."""
    return (ROOT / path).read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of a page: what stands behind the fence, the text, the line it starts at."""

    page: Path
    kind: str
    text: str
    line: int

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(page: Path | str) -> Iterator[Block]:
    """The fenced blocks of a page."""
    text = read(page)
    for found in _FENCE.finditer(text):
        yield Block(
            Path(page), found["kind"].strip(), found["body"], text.count("\n", 0, found.start()) + 1
        )


def prose(page: Path | str) -> str:
    """A page without its fenced blocks."""
    return _FENCE.sub("", read(page))


@cache
def modules() -> Mapping[str, Path]:
    """Every module of the package by its dotted name."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(SOURCES).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def tree(module: str) -> ast.Module:
    """The syntax tree of a module of the package."""
    path = modules()[module]
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


@cache
def nodes(module: str) -> tuple[ast.AST, ...]:
    """Every node of it."""
    return tuple(ast.walk(tree(module)))


def tool(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run the command line as a pipe sees it."""
    kept = {
        k: v
        for k, v in os.environ.items()
        if not k.startswith("ONCEPROOF_") and k not in ("FORCE_COLOR", "CLICOLOR_FORCE")
    }
    environment = {**kept, "PYTHONPATH": str(SOURCES), "PYTHONUTF8": "1"}
    command = (sys.executable, "-m", "onceproof", *arguments)
    return subprocess.run(
        command,
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
