"""From paths to design files: a file stands for itself, a folder for every design in it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

ENDING = ".once"
"""How the name of a design file ends."""


class NoDesign(Exception):
    """A path that cannot be checked; the message says why."""


class NoCluster(Exception):
    """The cluster cannot be used; the message says why."""


def designs(paths: Sequence[str | Path]) -> list[tuple[Path, bool]]:
    """The files behind the paths, each with whether it was found in a folder. Raises ``NoDesign``
    for what is not there.
    """
    found: list[tuple[Path, bool]] = []
    for path in map(Path, paths):
        if path.is_dir():
            inside = sorted(p for p in path.rglob(f"*{ENDING}") if p.is_file())
            if not inside:
                raise NoDesign(f"the folder {path} holds no design (a file that ends in {ENDING})")
            found += [(p, True) for p in inside]
        elif path.is_file():
            found.append((path, False))
        elif path.exists():
            raise NoDesign(f"{path} is neither a file nor a folder")
        else:
            raise NoDesign(f"there is no file {path}")
    return list({p: (p, f) for p, f in found}.values())
