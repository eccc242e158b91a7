"""Arguments and help of ``onceproof needs``."""

from __future__ import annotations

from pathlib import Path

import click

from onceproof.cli.shared import CLAIMS, SEMANTICS


@click.command("needs")
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--semantics",
    multiple=True,
    type=click.Choice(SEMANTICS),
    help="Only under these delivery semantics.",
)
@CLAIMS
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How to print the answer.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=60.0,
    show_default=True,
    help="Seconds per delivery semantic.",
)
def command(**given: object) -> int:
    """Say which lines a proof needs: each guard, constraint, transaction, key, lock, write and
    assumption is taken away and the claims are checked again.

    \b
    Exit codes: 0 everything was decided, 2 usage or error in the design, 3 a limit ended it or
    something is not decided.

    \b
    Example:
      onceproof needs examples/article/effectively_once.once
    """
    from onceproof.commands.needs import NeedsCommand

    return NeedsCommand(**given).run()  # type: ignore[arg-type]
