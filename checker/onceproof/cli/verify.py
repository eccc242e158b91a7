"""Arguments and help of ``onceproof verify``."""

from __future__ import annotations

from pathlib import Path

import click


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
def command(**given: object) -> int:
    """Verify certificates: does DIRECTORY prove, or refute, what it says about DESIGN?

    Proofs are generated again from the design's rules, compared with the files, and given to the
    solvers; refutations are replayed on the design.

    \b
    Example:
      onceproof check invoice.once --certificate proofs
      onceproof verify proofs invoice.once
    """
    from onceproof.commands.verify import VerifyCommand

    return VerifyCommand(**given).run()  # type: ignore[arg-type]
