"""Finds the files that ship with the package: the grammar, the models, and some pages.

In an installed package they lie in ``onceproof/data``; in a checkout, at the top level.
"""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent


def resource(kind: str) -> Path:
    """The folder of ``kind`` (``grammar``, ``models`` or ``docs``). Raises FileNotFoundError if the
    installation is broken.
    """
    for folder in (PACKAGE / "data" / kind, PACKAGE.parent.parent / kind):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"the installation lacks its folder {kind!r}")
