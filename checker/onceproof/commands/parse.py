"""``onceproof parse``: the mistakes of designs, and nothing else."""

from __future__ import annotations

from pathlib import Path

import click
from msgspec import Struct

from onceproof.lang.diagnostics import Severity
from onceproof.report.diagnostics import render
from onceproof.verdict.check import NoDesign, designs, is_library, loaded_from
from onceproof.verdict.exit_codes import Exit


class ParseCommand(Struct, frozen=True):
    """``onceproof parse``, with its options as the command line names them."""

    paths: tuple[Path, ...]
    quiet: bool

    def run(self) -> int:
        """Read and say; returns the exit code."""
        try:
            found = designs(self.paths)
        except NoDesign as error:
            raise click.UsageError(str(error)) from error
        read = broken = 0
        for path, in_folder in found:
            loaded = loaded_from(path)
            if in_folder and is_library(loaded):
                continue
            read += 1
            broken += any(d.severity is Severity.ERROR for d in loaded.diagnostics)
            if loaded.diagnostics:
                click.echo(render(loaded.diagnostics, loaded.sources), err=True)
        if not self.quiet or broken:
            click.echo(
                f"{read} design{'' if read == 1 else 's'} read, {broken or 'none'} with errors"
            )
        return int(Exit.USAGE if broken else Exit.HOLDS)
