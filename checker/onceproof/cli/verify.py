"""``onceproof verify``: are these the certificates of that design?"""

from __future__ import annotations

from pathlib import Path

import click

from onceproof.cli.shared import load_design


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
def command(directory: Path, design: Path, solver: str) -> int:
    """Verify certificates: does DIRECTORY prove, or refute, what it says about DESIGN?

    Proofs are generated again from the design's rules, compared with the files, and given to the
    solvers; refutations are replayed on the design.

    \b
    Example:
      onceproof check invoice.once --certificate proofs
      onceproof verify proofs invoice.once
    """
    from onceproof.engines.smt.solver import Z3, Effort, installed
    from onceproof.report.verification import text
    from onceproof.verdict import certificates
    from onceproof.verdict.exit_codes import Exit

    if not directory.is_dir():
        raise click.UsageError(f"there is no folder {directory}")
    loaded = load_design(design)
    if loaded.design is None:
        return int(Exit.USAGE)
    solvers = installed(Effort()) if solver == "all" else (Z3(),)
    checked = certificates.verify(loaded.design, loaded.sha256, directory, solvers)
    if not checked:
        raise click.UsageError(f"{directory} holds no certificate")
    click.echo(text(checked))
    if all(c.accepted for c in checked):
        return int(Exit.HOLDS)
    refused = any(not c.accepted and not c.unknown for c in checked)
    return int(Exit.VIOLATED if refused else Exit.INCONCLUSIVE)
