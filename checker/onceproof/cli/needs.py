"""``onceproof needs``: which lines the proofs of a design need."""

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
    from onceproof.analysis.validity_core import Needs


@click.command("needs")
@PATH
@semantics_option()
@claims_option()
@format_option("text", "json")
@timeout_option(60.0, "Seconds per delivery semantic.")
@click.option(
    "-j",
    "--jobs",
    type=click.IntRange(min=0),
    default=1,
    metavar="N",
    help="Take N lines away at a time (0: one per processor).",
)
def command(
    path: Path,
    semantics: tuple[str, ...],
    claims: tuple[str, ...],
    form: str,
    timeout: float,
    jobs: int,
) -> int:
    """Say which lines a proof needs: each guard, constraint, transaction, key, lock, write and
    assumption is taken away and the claims are checked again.

    Ctrl-C ends it and prints what is known.

    \b
    Exit codes: 0 everything was decided, 2 usage or error in the design, 3 a limit ended it or
    something is not decided.

    \b
    Example:
      onceproof needs examples/article/effectively_once.once
    """
    from onceproof.analysis.validity_core import needs
    from onceproof.base import interrupts
    from onceproof.base.memo import remembering
    from onceproof.base.parallel import processors
    from onceproof.cli.progress import ProgressLine
    from onceproof.machine.delivery import Delivery
    from onceproof.report.needs import document, text
    from onceproof.report.words import json_text
    from onceproof.verdict.exit_codes import Exit
    from onceproof.verdict.task import Options

    design = load_design(path).design
    if design is None:
        return int(Exit.USAGE)
    under = {s for _, s in demand_selected(design, claims, semantics)}
    options = Options(claims=claims, seconds=timeout)
    cores: list[Needs] = []
    try:
        with remembering(), ProgressLine(sys.stderr).shown_meanwhile():
            for column in (s for s in Delivery if s in under):
                cores.append(needs(design, column, options, jobs or processors()))
                interrupts.demand()
    except KeyboardInterrupt:
        if not cores:
            return int(Exit.INTERRUPTED)
    say(json_text(document(design, cores)) if form == "json" else text(cores))
    decided = all(c.complete and all(p.needed is not None for p in c.parts) for c in cores)
    return int(Exit.HOLDS if decided else Exit.INCONCLUSIVE)
