"""``onceproof watch``: check again on save."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click
from msgspec import Struct

from onceproof.base import interrupts
from onceproof.base.paths import ENDING, NoDesign, designs
from onceproof.machine.delivery import Delivery
from onceproof.report import write
from onceproof.report.terminal import Paint
from onceproof.verdict.check import check_loaded, is_library, loaded_from
from onceproof.verdict.exit_codes import Exit
from onceproof.verdict.result import DesignResult, Result
from onceproof.verdict.task import Options

QUIET, NORMAL = 0, 1
PAUSE = 200
"""Milliseconds between two looks at whether anything happened."""


class WatchCommand(Struct, frozen=True):
    """``onceproof watch``. ``stories``: tell them, too, and not only the table."""

    paths: tuple[Path, ...]
    semantics: tuple[str, ...]
    claims: tuple[str, ...]
    timeout: float
    stories: bool

    def run(self) -> int:
        """Check, wait for a change, check what it touches, until Ctrl-C; returns the exit code
        (0).
        """
        imports: dict[Path, frozenset[Path]] | None = None
        try:
            for changed in self._changes():
                if (
                    imports is None
                ):  # watching has begun, so that nothing saved during the first check is missed
                    imports = self._check(None)
                elif changed:
                    imports |= self._check(
                        changed | {p for p, read in imports.items() if read & changed}
                    )
        except NoDesign as error:
            raise click.UsageError(str(error)) from error
        except KeyboardInterrupt:
            interrupts.forget()  # how this command ends
        return int(Exit.HOLDS)

    def _changes(self) -> Iterator[frozenset[Path]]:
        """The designs that changed, each time that any did; and nothing now and then, the first
        time at once.
        """
        try:
            from watchfiles import watch
        except ImportError as error:
            raise click.UsageError(
                "watching needs the extra `watch`: pip install 'onceproof[watch]'"
            ) from error
        folders = {p if p.is_dir() else p.resolve().parent for p in self.paths}
        every = watch(
            *folders,
            watch_filter=lambda _, p: p.endswith(ENDING),
            rust_timeout=PAUSE,
            yield_on_timeout=True,
        )
        for changes in every:
            yield frozenset(Path(path).resolve() for _, path in changes)

    def _check(self, only: frozenset[Path] | set[Path] | None) -> dict[Path, frozenset[Path]]:
        """Check the designs among ``only`` (None: all) and print; returns which files each of them
        was read from.

        Raises KeyboardInterrupt if Ctrl-C ended a check.
        """
        chosen = tuple(s for s in Delivery if s.value in self.semantics)
        options = Options(semantics=chosen, claims=self.claims, seconds=self.timeout)
        done: list[DesignResult] = []
        files: dict[Path, frozenset[Path]] = {}
        for path, in_folder in designs(self.paths) if only is None else self._still_there():
            if only is not None and path.resolve() not in only:
                continue
            loaded = loaded_from(path)
            files[path.resolve()] = frozenset(Path(p).resolve() for p in loaded.sources)
            if in_folder and is_library(loaded):
                continue
            result, interrupted = check_loaded(loaded, options)
            if interrupted:
                raise KeyboardInterrupt
            done.append(result)
        if done:
            text = write(
                "text",
                Result(tuple(done)),
                NORMAL if self.stories else QUIET,
                Paint.for_stream(sys.stdout, "auto"),
            )
            click.echo(text.rstrip("\n") + "\n")
        return files

    def _still_there(self) -> Iterator[tuple[Path, bool]]:
        """The designs behind the paths, as far as they exist: an editor may replace a file by
        deleting it first.
        """
        for path in self.paths:
            try:
                yield from designs([path])
            except NoDesign:
                continue
