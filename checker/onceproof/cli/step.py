"""Arguments and help of ``onceproof step``."""

from __future__ import annotations

from pathlib import Path

import click

from onceproof.cli.shared import SEMANTICS


@click.command("step")
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--semantics",
    type=click.Choice(SEMANTICS),
    help="The delivery semantics (at-least-once, if the design has it).",
)
@click.option(
    "--events",
    type=click.IntRange(1, 8),
    default=1,
    show_default=True,
    help="Events of one business key.",
)
@click.option(
    "--workers", type=click.IntRange(1, 8), default=2, show_default=True, help="Workers at once."
)
@click.option(
    "--kind",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Which types and payloads, if there are several.",
)
@click.option(
    "--story", metavar="CLAIM", help="Begin at the end of the story that breaks this claim."
)
@click.option(
    "--script",
    type=click.Path(path_type=Path),
    help="Read the lines from a file (- for standard input).",
)
def command(**given: object) -> int:
    """Walk through a design by hand: what can happen now, and what can go wrong; take a step, look
    at the rows, go back.

    Reads lines from the keyboard, a pipe or a script. `help` lists what can be typed.

    \b
    Examples:
      onceproof step invoice.once
      onceproof step invoice.once --story "no duplicate"
      printf 'delivers\\nfinds\\nstate\\n' | onceproof step invoice.once
    """
    from onceproof.commands.step import StepCommand

    return StepCommand(**given).run()  # type: ignore[arg-type]
