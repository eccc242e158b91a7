"""Arguments and help of ``onceproof fmt``."""

from __future__ import annotations

from pathlib import Path

import click

from onceproof.cli.shared import PATHS


@click.command("fmt")
@PATHS
@click.option("--check", is_flag=True, help="Write nothing; exit 1 if a file would change.")
@click.option(
    "--diff",
    is_flag=True,
    help="Write nothing; show what would change, and exit 1 if anything would.",
)
def command(paths: tuple[Path, ...], check: bool, diff: bool) -> int:
    """Write designs in the one style: two spaces per level, names and comments aligned, at most one
    blank line.

    Only white space changes; what the design says is compared before and after. PATHS are design
    files (*.once), folders, or - for standard input, which is written to standard output. A file
    with mistakes is left alone.

    \b
    Exit codes: 0 done (or, with --check, nothing to do), 1 with --check or --diff:
    something would change, 2 a design with mistakes, or a file that cannot be
    read or written.

    \b
    Examples:
      onceproof fmt designs/
      onceproof fmt --check --diff designs/
      onceproof fmt - < invoice.once
    """
    from onceproof.commands.fmt import FmtCommand

    return FmtCommand(paths, check, diff).run()
