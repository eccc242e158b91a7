"""Where files are: the designs behind the paths of a command, and the data that ships with the
package (the grammar, the models, some pages).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

ENDING = ".once"
"""How the name of a design file ends."""


class NoDesign(Exception):
    """A path that cannot be checked; the message says why."""


class NoCluster(Exception):
    """The cluster cannot be used; the message says why."""


def shown(path: str | Path) -> str:
    """A path in one line that is safe to print, whatever bytes its name has."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(path))


PROJECT = (".git", "pyproject.toml", ".onceproof")
"""What the folder of a project holds, at least one of them."""


def project_of(path: str | Path) -> Path:
    """The folder of the project that a file belongs to: the nearest one, at or above the file, that
    holds one of ``PROJECT``; if there is none, the file's own folder.
    """
    own = Path(os.path.abspath(path)).parent
    for folder in (own, *own.parents):
        if any(os.path.lexists(folder / name) for name in PROJECT):
            return folder
    return own


def designs(paths: Sequence[str | Path]) -> list[tuple[Path, bool]]:
    """The files behind the paths, each with whether it was found in a folder. Raises ``NoDesign``
    for what is not there.
    """
    files_found: list[tuple[Path, bool]] = []
    for path in map(Path, paths):
        if path.is_dir():
            inside = sorted(p for p in path.rglob(f"*{ENDING}") if p.is_file())
            if not inside:
                raise NoDesign(
                    f"the folder {shown(path)} holds no design (a file that ends in {ENDING})"
                )
            files_found += [(p, True) for p in inside]
        elif path.is_file():
            files_found.append((path, False))
        elif path.exists():
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
