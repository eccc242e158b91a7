"""Arguments and help of ``onceproof faults``."""

from __future__ import annotations

from pathlib import Path

import click

from onceproof.cli.shared import CLAIMS, SEMANTICS


@click.command("faults")
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
    type=click.IntRange(0, 6),
    default=2,
    show_default=True,
    help="Look for combinations of up to N faults.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 8),
    help="Workers at once (default: 2, or as many as the claim takes).",
)
@click.option(
    "--events", type=click.IntRange(1, 8), help="Events (default: 1, or 2 where they share a row)."
)
@click.option(
    "--map",
    "mapped",
    is_flag=True,
    help="Also the crash map: what a crash in each single gap does.",
)
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
    default=30.0,
    show_default=True,
    help="Seconds per claim and semantics.",
)
def command(**given: object) -> int:
    """Say which faults it takes to break each claim: every smallest combination, and how many
    faults a claim survives.

    \b
    Exit codes: 0 everything was searched, 2 usage or error in the design, 3 a limit ended a search.

    \b
    Example:
      onceproof faults examples/article/invoice_email.once
    """
    from onceproof.commands.faults import FaultsCommand

    return FaultsCommand(**given).run()  # type: ignore[arg-type]
