"""Arguments and help of ``onceproof report``."""

from __future__ import annotations

from pathlib import Path

import click

from onceproof.cli.shared import CLAIMS, PATHS, SEMANTICS


@click.command("report")
@PATHS
@click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write it: a name that ends in .html or .md. Can be given several times.",
)
@click.option(
    "--semantics",
    multiple=True,
    type=click.Choice(SEMANTICS),
    help="Only under these delivery semantics.",
)
@CLAIMS
@click.option(
    "--faults/--no-faults",
    default=True,
    show_default=True,
    help="With the crash map, the fewest faults it takes, repairs and needed lines.",
)
@click.option(
    "--solver",
    type=click.Choice(["z3", "all"]),
    default="z3",
    show_default=True,
    help="Who checks proofs.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=60.0,
    show_default=True,
    help="Seconds per claim and semantics, and per crash map.",
)
@click.option("--exit-zero", is_flag=True, help="Exit 0 whatever the verdicts are.")
def command(**given: object) -> int:
    """Write a design review: one page that a decider can read in ten minutes.

    The question and the answer, the verdicts, every story to step through, why proofs hold, what a
    crash in each gap does, and what all of it rests on. The page needs no network and no server; it
    can be printed.

    \b
    Exit codes: those of check.

    \b
    Examples:
      onceproof report invoice.once -o review.html
      onceproof report designs/ -o review.html -o review.md
    """
    from onceproof.commands.report import ReportCommand

    return ReportCommand(**given).run()  # type: ignore[arg-type]
