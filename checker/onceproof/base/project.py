"""The folder of the project that a design belongs to: nothing outside it is imported.

Imports nothing: a kept answer is looked up before anything else is loaded, and depends on it.
"""

from __future__ import annotations

import os

PROJECT = (".git", "pyproject.toml", ".onceproof")
"""What the folder of a project holds, at least one of them."""


def project_of(path: str) -> str:
    """The folder of the project that a file belongs to: the nearest one, at or above the folder
    where it really is, that holds one of ``PROJECT``; if there is none, the file's own folder.
    """
    own = folder = os.path.realpath(os.path.dirname(path))
    while not any(os.path.lexists(os.path.join(folder, name)) for name in PROJECT):
        above = os.path.dirname(folder)
        if above == folder:
            return own
        folder = above
    return folder
