"""``onceproof faults``: which faults break each claim, and the crash map."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from onceproof.cli.output import say
from onceproof.cli.shared import (
    PATH,
    claims_option,
    demand_selected,
    format_option,
    load_design,
    semantics_option,
    timeout_option,
)

if TYPE_CHECKING:
    from onceproof.analysis.crash_map import CrashMap
    from onceproof.analysis.cut_sets import Frontier


@click.command("faults")
@PATH
@semantics_option()
@claims_option()
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
@format_option("text", "json")
@timeout_option(30.0)
def command(
    path: Path,
    semantics: tuple[str, ...],
    claims: tuple[str, ...],
    most: int,
    workers: int | None,
    events: int | None,
    mapped: bool,
    form: str,
    timeout: float,
) -> int:
    """Say which faults it takes to break each claim: every smallest combination, and how many
    faults a claim survives.

    \b
    Exit codes: 0 everything was searched, 2 usage or error in the design, 3 a limit ended a search.

    \b
    Example:
      onceproof faults examples/article/invoice_email.once
    """
    from onceproof.analysis.crash_map import crash_map
    from onceproof.analysis.cut_sets import frontier
    from onceproof.base import interrupts
    from onceproof.base.memo import remembering
    from onceproof.base.questions import ask
    from onceproof.cli.progress import ProgressLine
    from onceproof.report.faults import document, text
    from onceproof.report.words import counted, json_text
    from onceproof.verdict.exit_codes import Exit
    from onceproof.verdict.task import Options

    design = load_design(path).design
    if design is None:
        return int(Exit.USAGE)
    options = Options(workers, events, claims=claims, seconds=timeout)
    pairs = demand_selected(design, claims, semantics)
    columns = [s for s in design.semantics if not semantics or s.value in semantics]
    frontiers: list[Frontier] = []
    maps: list[CrashMap] = []
    try:
        with remembering(), ProgressLine(sys.stderr).shown_meanwhile():
            for number, (claim, under) in enumerate(pairs, 1):
                ask(f"faults / {claim.text} / {under.value}", number, len(pairs))
                frontiers.append(frontier(design, claim, under, options, most))
                interrupts.demand()
            for column in columns if mapped else ():
                maps.append(crash_map(design, column, options))
    except KeyboardInterrupt:
        missing = len(pairs) - len(frontiers) + (len(columns) - len(maps) if mapped else 0)
        say(f"interrupted: {counted(missing, 'answer')} left out", err=True)
        if not frontiers:
            return int(Exit.INTERRUPTED)
    if form == "json":
        say(json_text(document(design, frontiers, maps)))
    else:
        say(text(design, frontiers, maps))
    complete = all(f.complete for f in frontiers) and all(m.complete for m in maps)
    return int(Exit.HOLDS if complete else Exit.INCONCLUSIVE)
