"""Arguments and help of ``onceproof export``."""

from __future__ import annotations

from pathlib import Path

import click

from onceproof.cli.shared import SEMANTICS


@click.command("export")
@click.argument("language", type=click.Choice(["promela", "tla", "murphi", "smv"]))
@click.argument("path", metavar="DESIGN", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write to a file instead of standard output.",
)
@click.option(
    "--semantics",
    type=click.Choice(SEMANTICS),
    default="at-least-once",
    show_default=True,
    help="The delivery semantics.",
)
@click.option(
    "--workers", type=click.IntRange(1, 8), default=2, show_default=True, help="Workers at once."
)
@click.option(
    "--events",
    type=click.IntRange(1, 8),
    default=1,
    show_default=True,
    help="Events per business key.",
)
@click.option(
    "--keys", type=click.IntRange(1, 8), default=1, show_default=True, help="Business keys."
)
@click.option(
    "--claim", "claims", multiple=True, metavar="TEXT", help="Only claims that contain TEXT."
)
@click.option(
    "--sliced/--full",
    default=False,
    show_default=True,
    help="Without the variables that do not matter for the claims, or with all.",
)
@click.option(
    "--symmetric",
    is_flag=True,
    help="Say that events and workers are interchangeable (murphi and tla).",
)
def command(**given: object) -> int:
    """Export a design to another model checker: SPIN (promela), TLC (tla), Rumur (murphi), NuSMV or
    nuXmv (smv).

    The model has the design's names and line numbers, every fault of the delivery semantics, and
    the claims as invariants. docs/export.md says how to run each checker.

    \b
    Examples:
      onceproof export promela invoice.once -o invoice.pml
      onceproof export tla invoice.once -o Invoice.tla --semantics exactly-once --workers 2
    """
    from onceproof.commands.export import ExportCommand

    return ExportCommand(**given).run()  # type: ignore[arg-type]
