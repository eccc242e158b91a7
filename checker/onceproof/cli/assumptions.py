"""``onceproof assumptions``: what a claim needs in order to hold."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from onceproof.cli.output import say
from onceproof.cli.shared import (
    PATH,
    claims_option,
    demand_selected,
    load_design,
    semantics_option,
    timeout_option,
)


@click.command("assumptions")
@PATH
@semantics_option()
@claims_option()
@click.option(
    "--most",
    type=click.IntRange(1, 6),
    default=3,
    show_default=True,
    help="The largest set of assumptions tried.",
)
@timeout_option(30.0)
def command(
    path: Path, semantics: tuple[str, ...], claims: tuple[str, ...], most: int, timeout: float
) -> int:
    """Say what a claim needs: for a refuted claim, the smallest sets of assumptions under which it
    holds; for a proved one, which of the design's assumptions it rests on.

    \b
    Example:
      onceproof assumptions examples/theory/provider_key_expires.once
    """
    from onceproof.analysis.assumptions import assumptions_for
    from onceproof.base import interrupts
    from onceproof.base.memo import remembering
    from onceproof.cli.progress import ProgressLine
    from onceproof.report.assumptions import text
    from onceproof.verdict.exit_codes import Exit, worst
    from onceproof.verdict.task import Options

    design = load_design(path).design
    if design is None:
        return int(Exit.USAGE)
    codes = []
    progress = ProgressLine(sys.stderr)
    with remembering():
        for claim, under in demand_selected(design, claims, semantics):
            try:
                with progress.shown_meanwhile():
                    assuming = assumptions_for(design, claim, under, Options(seconds=timeout), most)
            except KeyboardInterrupt:
                return int(Exit.INTERRUPTED)
            say(text(assuming, most))
            if interrupts.seen():
                return int(Exit.INTERRUPTED)
            if assuming.failures:
                codes.append(Exit.INTERNAL)
            elif not assuming.complete:
                codes.append(Exit.INCONCLUSIVE)
    return int(worst(codes))
