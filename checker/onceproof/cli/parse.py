"""Arguments and help of ``onceproof parse``."""

from __future__ import annotations

import click

from onceproof.cli.shared import PATHS


@click.command("parse")
@PATHS
@click.option("-q", "--quiet", is_flag=True, help="Say nothing if there is no mistake.")
def command(**given: object) -> int:
    """Read designs and report their mistakes; check no claim. Quick enough for every commit.

    PATHS are design files (*.once) or folders, searched for designs. Exit code 2 if a design has
    errors, else 0.

    \b
    Example:
      onceproof parse designs/
    """
    from onceproof.commands.parse import ParseCommand

    return ParseCommand(**given).run()  # type: ignore[arg-type]
