"""Arguments and help of ``onceproof repair``."""

from __future__ import annotations

from pathlib import Path

import click

from onceproof.cli.shared import CLAIMS, SEMANTICS


@click.command("repair")
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--semantics",
    multiple=True,
    type=click.Choice(SEMANTICS),
    help="Only under these delivery semantics.",
)
@CLAIMS
@click.option("--keep-provider", is_flag=True, help="Do not offer to use another provider.")
@click.option(
    "--apply",
    "write",
    is_flag=True,
    help="Write the first repair of each effect into the file, if it was verified.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "diff"]),
    default="text",
    show_default=True,
    help="How to print them.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=60.0,
    show_default=True,
    help="Seconds per effect and semantics.",
)
@click.option("-v", "--verbose", is_flag=True, help="Also the time each one took.")
def command(**given: object) -> int:
    """Look for changes of the design that make a refuted claim hold: no duplicate, no loss, and
    nothing else worse.

    Every repair that is offered was proved like any other design. Nothing is written without
    --apply.

    \b
    Exit codes: 0 nothing to repair, or a repair for everything; 1 none for something;
    2 usage or error in the design; 3 a limit ended the search before one was found.

    \b
    Examples:
      onceproof repair examples/article/invoice_email.once
      onceproof repair invoice.once --claim "no duplicate" --apply
    """
    from onceproof.commands.repair import RepairCommand

    return RepairCommand(**given).run()  # type: ignore[arg-type]
