"""One open design, analysed: what the command line says about it, and every name in it and in what
it imports.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from msgspec import Struct

from onceproof.base import untrusted
from onceproof.base.paths import ENDING
from onceproof.lang.load import Loaded, load_text
from onceproof.lang.source import MAX_BYTES, Source
from onceproof.lang.syntax import ast as n
from onceproof.lang.syntax.parser import parse
from onceproof.lsp.names import Occurrence, occurrences

MOST_FILES = 300
"""So many designs of a folder are searched for those that import a file."""


class Analysis(Struct, frozen=True):
    """A design as it stands in the editor. ``names``: every name in it and in its imports;
    ``tree``: its own declarations.
    """

    path: str
    loaded: Loaded
    tree: n.Tree
    names: tuple[Occurrence, ...]

    @property
    def source(self) -> Source:
        """The text in the editor."""
        return self.loaded.sources[self.path]


@lru_cache(maxsize=32)
def analysed(text: str, path: str) -> Analysis:
    """Load a text as if it were the file at ``path``; imports are read as they are saved."""
    loaded = load_text(text, path)
    return Analysis(
        path, loaded, parse(loaded.sources[path])[0], names_of(loaded.sources.values(), path)
    )


def names_of(sources: Iterable[Source], path: str) -> tuple[Occurrence, ...]:
    """Every name in some texts that belong together; the claims of imported ones stay behind."""
    trees = [parse(source)[0] for source in sources]
    return occurrences(
        i
        for tree in trees
        for i in tree.items
        if tree.path == path or not isinstance(i, n.ClaimDecl)
    )


def importers(path: str, folder: str) -> list[Analysis]:
    """The saved designs below a folder that import a file, directly or not."""
    wanted = os.path.realpath(path)
    importing: list[Analysis] = []
    for candidate in sorted(Path(folder).rglob(f"*{ENDING}"))[:MOST_FILES]:
        if os.path.realpath(candidate) == wanted:
            continue
        try:
            text = untrusted.read_in(Path(folder), candidate, MAX_BYTES).decode("utf-8-sig")
        except (untrusted.Refused, UnicodeDecodeError):
            continue
        if "import" in text and wanted in (
            os.path.realpath(p) for p in load_text(text, str(candidate)).sources
        ):
            importing.append(analysed(text, str(candidate)))
    return importing
