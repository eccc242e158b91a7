"""The command line: arguments and help only. What a command does is in ``commands.py``."""

from __future__ import annotations

from pathlib import Path

import click

from checker import __version__

PROGRAM = "onceproof"
SEMANTICS = ("at-most-once", "at-least-once", "exactly-once")
_PATHS = click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))


@click.group(context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "ONCEPROOF"})
@click.version_option(__version__, "--version", prog_name=PROGRAM, message="%(prog)s %(version)s")
def cli() -> None:
    """Proves that no business effect of a message handler happens twice or is lost, or tells the shortest story of how it does.

    \b
    Example:
      onceproof check examples/article/invoice_email.once
    """


@cli.command()
@_PATHS
@click.option("--semantics", multiple=True, type=click.Choice(SEMANTICS), help="Check only under these delivery semantics.")
@click.option("--workers", type=click.IntRange(1, 8), help="Look only at up to N workers at once (a bounded verdict).")
@click.option("--events", type=click.IntRange(1, 8), help="Look only at up to M events (a bounded verdict).")
@click.option("--claim", "claims", multiple=True, metavar="TEXT", help="Check only claims that contain TEXT.")
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to print the result."
)
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write the result to a file instead (- for standard output)."
)
@click.option(
    "--color", type=click.Choice(["auto", "always", "never"]), default="auto", show_default=True, help="When to use colour."
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=60.0,
    show_default=True,
    help="Seconds per claim and semantics.",
)
@click.option("--max-states", type=click.IntRange(min=1), default=2_000_000, show_default=True, help="States per search.")
@click.option("--solver", type=click.Choice(["z3", "all"]), default="z3", show_default=True, help="Who checks proofs.")
@click.option(
    "--second-opinion/--no-second-opinion", default=True, show_default=True, help="Let Z3 find each refutation by itself, too."
)
@click.option(
    "--certificate", type=click.Path(file_okay=False, path_type=Path), help="Write the certificates of all verdicts below DIR."
)
@click.option("--why", is_flag=True, help="Also say why proofs hold: the invariant in the design's words.")
@click.option("--exit-zero", is_flag=True, help="Report only: exit 0 whatever the verdicts are.")
@click.option("-q", "--quiet", is_flag=True, help="Only the table and the summary.")
@click.option("-v", "--verbose", is_flag=True, help="Also sizes of searches and proofs.")
def check(**given: object) -> int:
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
    """
    from checker.commands import CheckCommand

    return CheckCommand(**given).run()  # type: ignore[arg-type]


@cli.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--semantics", multiple=True, type=click.Choice(SEMANTICS), help="Only under these delivery semantics.")
@click.option("--claim", "claims", multiple=True, metavar="TEXT", help="Only claims that contain TEXT.")
@click.option("--most", type=click.IntRange(1, 6), default=3, show_default=True, help="The largest set of assumptions tried.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=30.0,
    show_default=True,
    help="Seconds per claim and semantics.",
)
def assumptions(**given: object) -> int:
    """Say what a claim needs: for a refuted claim, the smallest sets of assumptions under which it holds; for a proved one,
    which of the design's assumptions it rests on.

    \b
    Example:
      onceproof assumptions examples/theory/provider_key_expires.once
    """
    from checker.assuming_command import AssumptionsCommand

    return AssumptionsCommand(**given).run()  # type: ignore[arg-type]


@cli.command()
@click.argument("directory", type=click.Path(path_type=Path))
@click.argument("design", type=click.Path(path_type=Path))
@click.option(
    "--solver", type=click.Choice(["z3", "all"]), default="all", show_default=True, help="Who checks (all: every one installed)."
)
def verify(**given: object) -> int:
    """Verify certificates: does DIRECTORY prove, or refute, what it says about DESIGN?

    Proofs are generated again from the design's rules, compared with the files, and given to the solvers; refutations are
    replayed on the design.

    \b
    Example:
      onceproof check invoice.once --certificate proofs
      onceproof verify proofs invoice.once
    """
    from checker.commands import VerifyCommand

    return VerifyCommand(**given).run()  # type: ignore[arg-type]


@cli.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--semantics", type=click.Choice(SEMANTICS), default="at-least-once", show_default=True, help="The delivery semantics."
)
@click.option("--workers", type=click.IntRange(1, 8), default=1, show_default=True, help="Workers at once.")
@click.option("--events", type=click.IntRange(1, 8), default=1, show_default=True, help="Events per business key.")
@click.option("--keys", type=click.IntRange(1, 8), default=1, show_default=True, help="Business keys.")
@click.option(
    "--format", "form", type=click.Choice(["dot", "graphml", "counts"]), default="dot", show_default=True, help="What to write."
)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to a file instead of standard output.")
@click.option("--max-states", type=click.IntRange(min=1), default=100_000, show_default=True, help="Stop beyond so many states.")
def graph(**given: object) -> int:
    """Write the state graph of a design: every interleaving within bounds, up to symmetry.

    \b
    Examples:
      onceproof graph invoice.once | dot -Tsvg > invoice.svg
      onceproof graph invoice.once --format graphml --output invoice.graphml
      onceproof graph invoice.once --workers 2 --format counts
    """
    from checker.commands import GraphCommand

    return GraphCommand(**given).run()  # type: ignore[arg-type]
