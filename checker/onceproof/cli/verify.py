"""``onceproof verify``: are these the certificates of that design, and do they decide all it
claims?
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from onceproof.base.paths import shown
from onceproof.cli.output import say
from onceproof.cli.shared import load_design, timeout_option

if TYPE_CHECKING:
    from onceproof.verdict.exit_codes import Exit
    from onceproof.verdict.verification import Verification


@click.command("verify")
@click.argument("directory", type=click.Path(path_type=Path))
@click.argument("design", type=click.Path(path_type=Path))
@click.option(
    "--solver",
    type=click.Choice(["z3", "all"]),
    default="all",
    show_default=True,
    help="Who checks (all: every one installed).",
)
@timeout_option(60.0, "Seconds per certificate and solver.")
@click.option(
    "--memory",
    type=click.IntRange(min=50),
    metavar="MB",
    help="Give up a certificate when the process holds more.",
)
def command(directory: Path, design: Path, solver: str, timeout: float, memory: int | None) -> int:
    """Verify certificates: does DIRECTORY prove, or refute, what it says about DESIGN?

    Proofs are generated again from the design's rules, compared with the files, and given to the
    solvers; refutations are replayed on the design. What is accepted is what `check` would print:
    side conditions, vacuity and assumptions are examined again. A claim of the design without a
    certificate is missing.

    \b
    Exit codes: 0 all accepted, nothing missing, and as the design expects,
    1 refused, missing, or a violation nobody expected, 3 a solver gave up.

    \b
    Example:
      onceproof check invoice.once --certificate proofs
      onceproof verify proofs invoice.once
    """
    from onceproof.engines.smt.solver import Z3, Effort, installed
    from onceproof.report.verification import text
    from onceproof.verdict.exit_codes import Exit, worst
    from onceproof.verdict.task import Options
    from onceproof.verdict.verification import verify

    if not os.path.isdir(directory):
        raise click.UsageError(f"there is no folder {shown(directory)}")
    loaded = load_design(design)
    if loaded.design is None:
        return int(Exit.USAGE)
    effort = Effort(timeout, megabytes=memory)
    solvers = installed(effort) if solver == "all" else (Z3(effort),)
    options = Options(seconds=timeout, megabytes=memory)
    verifications = verify(loaded, directory, solvers, options)
    if all(v.folder is None for v in verifications):
        raise click.UsageError(f"{shown(directory)} holds no certificate")
    say(text(verifications))
    return int(worst(map(_code, verifications)))


def _code(verification: Verification) -> Exit:
    """The exit code of one certificate, or of one claim without one."""
    from onceproof.verdict.exit_codes import Exit, of_cell
    from onceproof.verdict.verification import Standing

    if verification.result is not None:
        return of_cell(verification.result)
    match verification.standing:
        case Standing.NONE:
            return Exit.HOLDS
        case Standing.UNDECIDED:
            return Exit.INCONCLUSIVE
        case _:
            return Exit.VIOLATED
