"""``onceproof verify``: are these the certificates of that design?"""

from __future__ import annotations

from pathlib import Path

import click
from msgspec import Struct

from onceproof.commands.shared import design_of
from onceproof.verdict.exit_codes import Exit


class VerifyCommand(Struct, frozen=True):
    """``onceproof verify``."""

    directory: Path
    design: Path
    solver: str

    def run(self) -> int:
        """Verify and say, certificate by certificate; returns the exit code."""
        from onceproof.engines.smt.solver import Z3, Effort, installed
        from onceproof.verdict import certificates

        if not self.directory.is_dir():
            raise click.UsageError(f"there is no folder {self.directory}")
        loaded = design_of(self.design)
        if loaded.design is None:
            return int(Exit.USAGE)
        solvers = installed(Effort()) if self.solver == "all" else (Z3(),)
        checked = certificates.verify(loaded.design, loaded.sha256, self.directory, solvers)
        if not checked:
            raise click.UsageError(f"{self.directory} holds no certificate")
        for one in checked:
            word = "accepted" if one.accepted else "UNKNOWN" if one.unknown else "REFUSED"
            more = f"by {' and '.join(one.by)}" if one.accepted else one.reason
            click.echo(f"{word}: {one.claim} under {one.semantics}: {more}")
        accepted = sum(c.accepted for c in checked)
        click.echo(f"{accepted} of {len(checked)} certificates accepted")
        if accepted == len(checked):
            return int(Exit.HOLDS)
        return int(
            Exit.VIOLATED
            if any(not c.accepted and not c.unknown for c in checked)
            else Exit.INCONCLUSIVE
        )
