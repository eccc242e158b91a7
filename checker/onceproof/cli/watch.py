"""``onceproof watch``: check again on save."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from onceproof.base.paths import shown
from onceproof.cli.output import say
from onceproof.cli.shared import PATHS, chosen, claims_option, semantics_option, timeout_option

if TYPE_CHECKING:
    from onceproof.verdict.task import Options

QUIET, NORMAL = 0, 1
PAUSE = 200
"""Milliseconds between two looks at whether anything happened."""


@click.command("watch")
@PATHS
@semantics_option("Check only under these delivery semantics.")
@claims_option("Check only claims that contain TEXT.")
@timeout_option(60.0)
@click.option("--stories", is_flag=True, help="Also tell the stories.")
def command(
    paths: tuple[Path, ...],
    semantics: tuple[str, ...],
    claims: tuple[str, ...],
    timeout: float,
    stories: bool,
) -> int:
    """Check designs now, and again whenever one of them, or a file that it imports, is saved.

    PATHS are design files (*.once) or folders. Ctrl-C ends it, with exit code 0. Needs the extra
    `watch`: pip install '.[watch]' in the checkout of onceproof.

    \b
    Example:
      onceproof watch designs/
    """
    from onceproof.base import interrupts
    from onceproof.base.paths import NoDesign, designs
    from onceproof.verdict.task import Options

    options = Options(semantics=chosen(semantics), claims=claims, seconds=timeout)
    verbosity = NORMAL if stories else QUIET
    imports: dict[Path, frozenset[Path]] | None = None
    try:
        for changed in _changes(paths):
            # The first check waits until watching has begun, so that nothing saved meanwhile is
            # missed.
            if imports is None:
                imports = _check(designs(paths), options, verbosity)
            elif changed:
                touched = changed | {path for path, read in imports.items() if read & changed}
                files = [f for f in _existing(paths) if f[0].resolve() in touched]
                imports |= _check(files, options, verbosity)
    except NoDesign as error:
        raise click.UsageError(str(error)) from error
    except KeyboardInterrupt:
        interrupts.forget()  # how this command ends
    return 0


def _changes(paths: tuple[Path, ...]) -> Iterator[frozenset[Path]]:
    """The designs that changed, each time that any did; and nothing now and then, the first time
    at once.
    """
    from onceproof.base.paths import ENDING, designs

    try:
        from watchfiles import watch
    except ImportError as error:
        from onceproof.base.extras import how_to_get

        raise click.UsageError(f"nothing here that can watch; {how_to_get('watch')}") from error
    designs(paths)  # whatever is not there is a mistake, and no folder to wait in
    folders = {path if os.path.isdir(path) else path.resolve().parent for path in paths}
    for folder in folders:
        if not _is_text(str(folder)):
            raise click.UsageError(f"cannot watch {shown(folder)}: its name is no UTF-8 text")
    events = watch(
        *folders,
        watch_filter=lambda _, name: name.endswith(ENDING),
        rust_timeout=PAUSE,
        yield_on_timeout=True,
    )
    for changes in events:
        yield frozenset(Path(name).resolve() for _, name in changes)


def _check(
    files: Collection[tuple[Path, bool]], options: Options, verbosity: int
) -> dict[Path, frozenset[Path]]:
    """Check designs (each with whether it was found in a folder) and print; returns which files
    each of them was read from.

    Raises KeyboardInterrupt if Ctrl-C ended a check.
    """
    from onceproof.report.formats import write
    from onceproof.report.terminal import Paint
    from onceproof.verdict.check import check_loaded, is_library, loaded_from
    from onceproof.verdict.result import Result

    results = []
    sources: dict[Path, frozenset[Path]] = {}
    for path, in_folder in files:
        loaded = loaded_from(path)
        sources[path.resolve()] = frozenset(Path(name).resolve() for name in loaded.sources)
        if in_folder and is_library(loaded):
            continue
        result, interrupted = check_loaded(loaded, options)
        if interrupted:
            raise KeyboardInterrupt
        results.append(result)
    if results:
        look = Paint.for_stream(sys.stdout, "auto")
        text = write("text", Result(tuple(results)), verbosity, look)
        say(text.rstrip("\n") + "\n")
    return sources


def _existing(paths: tuple[Path, ...]) -> Iterator[tuple[Path, bool]]:
    """The designs behind the paths, as far as they exist: an editor may replace a file by deleting
    it first.
    """
    from onceproof.base.paths import NoDesign, designs

    for path in paths:
        try:
            yield from designs([path])
        except NoDesign:
            continue


def _is_text(name: str) -> bool:
    """Whether a name is UTF-8, which is all that watching understands."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
