"""Designs as they were read and lowered, kept between runs: what has to be made before anything can
be answered.

The question is the path and the working folder. What is kept is found only by this version of the
tool, and only while every file that was read is as it was then; what is damaged or cannot be read
counts as not there. A design with mistakes is not kept.
"""

from __future__ import annotations

import os
from pathlib import Path

from msgspec import Struct

from onceproof.base.store import Answers, Store
from onceproof.lang.load import Loaded
from onceproof.lang.syntax.ast import Semantics
from onceproof.lower import Lowered
from onceproof.verdict.cache import read, unchanged, written


class Prepared(Struct, frozen=True):
    """A loaded design, and those of its lowerings that somebody needed."""

    loaded: Loaded
    lowerings: dict[Semantics, Lowered]


class PreparedDesigns:
    """The designs kept in a store."""

    def __init__(self, store: Store) -> None:
        self._answers = Answers(store, "lowered")

    def known(self, path: Path) -> Prepared | None:
        """What was made of this file before; None if nothing, or if any file has changed."""
        data = self._answers.known(self._question(path))
        found = read(data) if data is not None else None
        return found if isinstance(found, Prepared) and found.loaded.design is not None else None

    def keep(self, path: Path, loaded: Loaded, lowerings: dict[Semantics, Lowered]) -> None:
        """Keep a design without mistakes, if the files are still those that were read."""
        if loaded.design is not None and unchanged(loaded.sources):
            self._answers.keep(
                self._question(path), loaded.sources, written(Prepared(loaded, lowerings))
            )

    def _question(self, path: Path) -> tuple[str, ...]:
        return (str(path), os.getcwd())
