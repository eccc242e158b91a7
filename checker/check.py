"""Checks designs: from paths to one ``Result``. The main entry point of the library."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from checker.blame import blame
from checker.errors import syntax as errors
from checker.judge import judge
from checker.load import Loaded, load
from checker.options import Options
from checker.paths import NoDesign, designs
from checker.question import Progress
from checker.replay import replay
from checker.result import Cell, DesignResult, Disagreement, Result

__all__ = ["LIBRARY", "NoDesign", "check", "check_loaded", "designs"]

LIBRARY = frozenset({"N120", "N121", "N125"})
"""What a file is told that only declares things for others to import."""


def check(paths: Sequence[str | Path] | str | Path, options: Options | None = None, progress: Progress | None = None) -> Result:
    """Check every design behind the paths.

    Mistakes in a design are diagnostics in its result. Ctrl-C ends the check; the result then holds what was decided so far.
    Raises ``NoDesign`` if a path leads to no design.
    """
    wanted = [paths] if isinstance(paths, str | Path) else list(paths)
    done: list[DesignResult] = []
    for path, in_folder in designs(wanted):
        loaded = loaded_from(path)
        if in_folder and is_library(loaded):
            continue
        result, interrupted = check_loaded(loaded, options or Options(), progress)
        done.append(result)
        if interrupted:
            return Result(tuple(done), interrupted=True)
    return Result(tuple(done))


def check_loaded(loaded: Loaded, options: Options, progress: Progress | None = None) -> tuple[DesignResult, bool]:
    """Check one loaded design; the flag says whether Ctrl-C ended it."""
    cells: list[Cell] = []
    failures: list[Disagreement] = []
    interrupted = False
    if loaded.design is not None:
        try:
            for verdict in judge(loaded.design, options, progress):
                if isinstance(verdict, Cell):
                    cells.append(_blamed(loaded, verdict) if options.explain else verdict)
                else:
                    failures.append(verdict)
        except KeyboardInterrupt:
            interrupted = True
    design = loaded.design
    result = DesignResult(
        loaded.path, loaded.sha256, design.title if design else "", loaded.diagnostics, tuple(cells),
        design.semantics if design else (), loaded.sources, tuple(failures),
    )  # fmt: skip
    return result, interrupted


def _blamed(loaded: Loaded, cell: Cell) -> Cell:
    """The cell with what makes it break, if it is refuted."""
    if cell.trace is None or loaded.design is None:
        return cell
    claim = next(c for c in loaded.design.claims if (c.text, c.span.line) == (cell.claim, cell.line))
    found = blame(loaded.design, claim, replay(loaded.design, cell.trace), loaded.sources)
    return replace(cell, blame=found.sentences) if found is not None else cell


def loaded_from(path: Path) -> Loaded:
    """A loaded design; a file that cannot be read is a diagnostic."""
    try:
        return load(path)
    except OSError as error:
        broken = errors.unreadable(str(path), (error.strerror or "cannot be read").lower())
        return Loaded(str(path), None, (broken,), {}, hashlib.sha256(b"").hexdigest())


def is_library(loaded: Loaded) -> bool:
    """Whether a file only declares things for others to import."""
    return loaded.design is None and {d.code for d in loaded.diagnostics} <= LIBRARY and bool(loaded.diagnostics)
