"""Arguments and help of ``onceproof diff``."""

from __future__ import annotations

from pathlib import Path

import click

from onceproof.cli.shared import SEMANTICS


@click.command("diff")
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@click.option(
    "--semantics",
    multiple=True,
    type=click.Choice(SEMANTICS),
    help="Only under these delivery semantics.",
)
@click.option(
    "--claim", "claims", multiple=True, metavar="TEXT", help="Only claims that contain TEXT."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "markdown", "json"]),
    default="text",
    show_default=True,
    help="How to print it.",
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write it to a file instead (- for standard output).",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=60.0,
    show_default=True,
    help="Seconds per claim and semantics.",
)
@click.option("--exit-zero", is_flag=True, help="Report only: exit 0 even if something got worse.")
def command(**given: object) -> int:
    """Compare two designs: which verdicts changed, which stories are new or gone, what is claimed
    and assumed now.

    Worse is: a verdict that is worse than before; a proof that rests on more assumptions, or speaks
    of fewer workers or events; a proved claim that is not made any more; a new claim that is not as
    expected.

    \b
    Exit codes: 0 nothing got worse, 1 something did, 2 usage or error in a design.

    \b
    Example:
      onceproof diff before.once after.once --format markdown
    """
    from onceproof.commands.diff import DiffCommand

    return DiffCommand(**given).run()  # type: ignore[arg-type]
