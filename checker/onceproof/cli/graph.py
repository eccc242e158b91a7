"""Arguments and help of ``onceproof graph``."""

from __future__ import annotations

from pathlib import Path

import click

from onceproof.cli.shared import SEMANTICS


@click.command("graph")
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--semantics",
    type=click.Choice(SEMANTICS),
    default="at-least-once",
    show_default=True,
    help="The delivery semantics.",
)
@click.option(
    "--workers", type=click.IntRange(1, 8), default=1, show_default=True, help="Workers at once."
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
    "--format",
    "form",
    type=click.Choice(["dot", "graphml", "counts"]),
    default="dot",
    show_default=True,
    help="What to write.",
)
@click.option(
    "--engine",
    type=click.Choice(["auto", "orbits", "dense", "plain"]),
    default="auto",
    show_default=True,
    help="Who counts (for --format counts).",
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write to a file instead of standard output.",
)
@click.option(
    "--max-states",
    type=click.IntRange(min=1),
    help="Stop beyond so many states.  [default: 100000, and 10000000 for counts]",
)
def command(**given: object) -> int:
    """Write the state graph of a design: every interleaving within bounds, up to symmetry.

    \b
    Examples:
      onceproof graph invoice.once | dot -Tsvg > invoice.svg
      onceproof graph invoice.once --format graphml --output invoice.graphml
      onceproof graph invoice.once --workers 2 --format counts
      onceproof graph invoice.once --workers 3 --events 4 --format counts --engine dense
    """
    from onceproof.commands.graph import GraphCommand

    return GraphCommand(**given).run()  # type: ignore[arg-type]
