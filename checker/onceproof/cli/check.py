"""Arguments and help of ``onceproof check``."""

from __future__ import annotations

from pathlib import Path

import click

from onceproof.cli.shared import CLAIMS, FORMATS, PATHS, SEMANTICS


@click.command("check")
@PATHS
@click.option(
    "--semantics",
    multiple=True,
    type=click.Choice(SEMANTICS),
    help="Check only under these delivery semantics.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 8),
    help="Look only at up to N workers at once (a bounded verdict).",
)
@click.option(
    "--events", type=click.IntRange(1, 8), help="Look only at up to M events (a bounded verdict)."
)
@CLAIMS
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="text",
    show_default=True,
    help="How to print the result.",
)
@click.option(
    "--report",
    "reports",
    multiple=True,
    metavar="KIND=PATH",
    help="Also write the result to a file, in the format KIND. Can be given several times.",
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the result to a file instead (- for standard output).",
)
@click.option(
    "--color",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    show_default=True,
    help="When to use colour.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=60.0,
    show_default=True,
    help="Seconds per claim and semantics.",
)
@click.option(
    "--memory",
    type=click.IntRange(min=50),
    metavar="MB",
    help="Give up a claim when the process holds more.",
)
@click.option(
    "--max-states",
    type=click.IntRange(min=1),
    default=2_000_000,
    show_default=True,
    help="States per search.",
)
@click.option(
    "--solver",
    type=click.Choice(["z3", "all"]),
    default="z3",
    show_default=True,
    help="Who checks proofs.",
)
@click.option(
    "--second-opinion/--no-second-opinion",
    default=False,
    show_default=True,
    help="Let Z3 find each refutation by itself, too.",
)
@click.option(
    "--certificate",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write the certificates of all verdicts below DIR.",
)
@click.option(
    "--why", is_flag=True, help="Also say why proofs hold: the invariant in the design's words."
)
@click.option(
    "-j",
    "--jobs",
    type=click.IntRange(min=0),
    metavar="N",
    help="Check N designs at a time (0: one per processor).",
)
@click.option(
    "--cluster", metavar="ADDRESS", help="Check the designs on the Dask cluster of this scheduler."
)
@click.option(
    "--cache/--no-cache",
    default=True,
    show_default=True,
    help="Answer from the cache what has not changed.",
)
@click.option("--exit-zero", is_flag=True, help="Report only: exit 0 whatever the verdicts are.")
@click.option("-q", "--quiet", is_flag=True, help="Only the table and the summary.")
@click.option("-v", "--verbose", is_flag=True, help="Also sizes of searches and proofs.")
def command(**given: object) -> int:
    """Check designs: every claim under every delivery semantic.

    PATHS are design files (*.once) or folders, searched for designs.

    \b
    Exit codes: 0 as expected or proved, 1 violated, 2 usage or error in a design,
    3 inconclusive, 4 vacuous, 70 internal error, 130 interrupted.

    \b
    Examples:
      onceproof check invoice.once
      onceproof check designs/ --semantics at-least-once
      onceproof check invoice.once --workers 2 --events 2
      onceproof check invoice.once --format json --output result.json
      onceproof check designs/ --report sarif=result.sarif --report junit=result.xml
      onceproof check designs/ -j 4
    """
    from onceproof.commands.check import CheckCommand

    return CheckCommand(**given).run(click.get_current_context().obj)  # type: ignore[arg-type]
