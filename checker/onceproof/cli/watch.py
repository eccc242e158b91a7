"""Arguments and help of ``onceproof watch``."""

from __future__ import annotations

from pathlib import Path

import click

from onceproof.cli.shared import PATHS, SEMANTICS


@click.command("watch")
@PATHS
@click.option(
    "--semantics",
    multiple=True,
    type=click.Choice(SEMANTICS),
    help="Check only under these delivery semantics.",
)
@click.option(
    "--claim", "claims", multiple=True, metavar="TEXT", help="Check only claims that contain TEXT."
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=60.0,
    show_default=True,
    help="Seconds per claim and semantics.",
)
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
    `watch`: pip install 'onceproof[watch]'.

    \b
    Example:
      onceproof watch designs/
    """
    from onceproof.commands.watch import WatchCommand

    return WatchCommand(paths, semantics, claims, timeout, stories).run()
