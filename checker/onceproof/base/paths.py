"""Where files are: the designs behind the paths of a command, and the data that ships with the
package (the grammar, the models, some pages).
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

ENDING = ".once"
"""How the name of a design file ends."""


MARKDOWN = (".md", ".markdown", ".mdx", ".qmd")
"""How the names of Markdown pages end. Their ``once`` blocks are designs."""
STANDARD_INPUT = "-"
"""The path that stands for standard input."""
_BLOCK = re.compile(
    r"(?P<file>.+\.(?:md|markdown|mdx|qmd))#(?P<number>[1-9]\d{0,3})", re.IGNORECASE
)


class NoDesign(Exception):
    """A path that cannot be checked; the message says why."""


class NoCluster(Exception):
    """The cluster cannot be used; the message says why."""


def shown(path: str | Path) -> str:
    """A path in one line that is safe to print, whatever bytes its name has."""
    return printable(str(path))


def printable(text: str, but: str = "") -> str:
    """A text without control characters, apart from those in ``but``."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in but else "\N{REPLACEMENT CHARACTER}" for c in text)


def is_design(path: str | Path) -> bool:
    """The name is that of a design file, in letters of either case."""
    return str(path).lower().endswith(ENDING)


def block_of(path: str | Path) -> tuple[str, int]:
    """The file and the number of the block that a path like ``design-doc.md#2`` names; the number
    is 1 where it names none.
    """
    match = _BLOCK.fullmatch(str(path))
    return (match["file"], int(match["number"])) if match else (str(path), 1)


def file_of(path: str | Path) -> str:
    """The file that a design is in: its path without the number of a block."""
    return block_of(path)[0]


def designs(paths: Sequence[str | Path]) -> list[tuple[Path, bool]]:
    """The files behind the paths, each with whether it was found in a folder. Raises ``NoDesign``
    for what is not there.
    """
    files_found: list[tuple[Path, bool]] = []
    for path in map(Path, paths):
        if str(path) == STANDARD_INPUT:
            files_found.append((path, False))
        elif os.path.isdir(path):
            inside = sorted(p for p in path.rglob("*") if is_design(p) and os.path.isfile(p))
            if not inside:
                raise NoDesign(
                    f"the folder {shown(path)} holds no design (a file that ends in {ENDING})"
                )
            files_found += [(p, True) for p in inside]
        elif os.path.isfile(path) or os.path.isfile(file_of(path)):
            files_found.append((path, False))
        elif os.path.exists(path):
            raise NoDesign(f"{shown(path)} is neither a file nor a folder")
        else:
            raise NoDesign(f"there is no file {shown(path)}")
    return list({p: (p, f) for p, f in files_found}.values())


def resource(kind: str) -> Path:
    """The folder of ``kind`` (``grammar``, ``models`` or ``docs``). Raises FileNotFoundError if the
    installation is broken.

    A wheel has it inside the package, as ``onceproof/data/KIND``. A checkout, where nothing is
    copied, has it at the top level.
    """
    from importlib.resources import files  # not needed for ``--help``

    package = files("onceproof")
    # An installed package is a folder: pip unpacks wheels, and nothing here supports zip imports.
    if not isinstance(package, Path):
        raise FileNotFoundError(f"{package} is no folder")
    for folder in (package / "data" / kind, package.parent.parent / kind):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"the installation lacks its folder {kind!r}")
