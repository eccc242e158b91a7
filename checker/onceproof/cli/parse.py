"""``onceproof parse``: the mistakes of designs, and nothing else."""

from __future__ import annotations

from pathlib import Path

import click

from onceproof.cli.output import say
from onceproof.cli.shared import PATHS


@click.command("parse")
@PATHS
@click.option("-q", "--quiet", is_flag=True, help="Say nothing if there is no mistake.")
def command(paths: tuple[Path, ...], quiet: bool) -> int:
    """Read designs and report their mistakes; check no claim. Quick enough for every commit.

    PATHS are design files (*.once) or folders, searched for designs. Exit code 2 if a design has
    errors, else 0.

    \b
    Example:
      onceproof parse designs/
    """
    from onceproof.base.paths import NoDesign
    from onceproof.lang.diagnostics import Severity
    from onceproof.lang.load import designs_behind
    from onceproof.report.diagnostics import render
    from onceproof.report.words import counted
    from onceproof.verdict.check import is_library, loaded_from
    from onceproof.verdict.exit_codes import Exit

    try:
        files = designs_behind(paths)
    except NoDesign as error:
        raise click.UsageError(str(error)) from error
    read = broken = 0
    for path, in_folder in files:
        loaded = loaded_from(path)
        if in_folder and is_library(loaded):
            continue
        read += 1
        broken += any(d.severity is Severity.ERROR for d in loaded.diagnostics)
        if loaded.diagnostics:
            say(render(loaded.diagnostics, loaded.sources), err=True)
    if not quiet or broken:
        say(f"{counted(read, 'design')} read, {broken or 'none'} with errors")
    return int(Exit.USAGE if broken else Exit.HOLDS)
