"""Arguments and help of ``onceproof assumptions``."""

from __future__ import annotations

from pathlib import Path

import click

from onceproof.cli.shared import CLAIMS, SEMANTICS


@click.command("assumptions")
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--semantics",
    multiple=True,
    type=click.Choice(SEMANTICS),
    help="Only under these delivery semantics.",
)
@CLAIMS
@click.option(
    "--most",
    type=click.IntRange(1, 6),
    default=3,
    show_default=True,
    help="The largest set of assumptions tried.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=30.0,
    show_default=True,
    help="Seconds per claim and semantics.",
)
def command(**given: object) -> int:
    """Say what a claim needs: for a refuted claim, the smallest sets of assumptions under which it
    holds; for a proved one, which of the design's assumptions it rests on.

    \b
    Example:
      onceproof assumptions examples/theory/provider_key_expires.once
    """
    from onceproof.commands.assumptions import AssumptionsCommand

    return AssumptionsCommand(**given).run()  # type: ignore[arg-type]
