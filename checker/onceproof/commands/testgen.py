"""``onceproof testgen``: crash tests for one's own handler, written from the crash map."""

from __future__ import annotations

from pathlib import Path

import click
from msgspec import Struct

from onceproof.commands.shared import design_of, emit
from onceproof.machine.delivery import Delivery
from onceproof.verdict.exit_codes import Exit
from onceproof.verdict.task import Options


class TestgenCommand(Struct, frozen=True):
    """``onceproof testgen``, with its options as the command line names them."""

    path: Path
    semantics: str | None
    claims: tuple[str, ...]
    every: bool
    output: Path | None
    harness: Path | None
    timeout: float

    def run(self) -> int:
        """Write the tests; returns the exit code (0 also if there is nothing to test)."""
        from onceproof.testgen import harness_text, module_text, points

        loaded = design_of(self.path)
        if loaded.design is None:
            return int(Exit.USAGE)
        columns = loaded.design.semantics
        usual = Delivery.AT_LEAST_ONCE if Delivery.AT_LEAST_ONCE in columns else columns[0]
        semantics = Delivery(self.semantics) if self.semantics else usual
        options = Options(claims=self.claims, seconds=self.timeout)
        found = points(loaded, semantics, options, self.every)
        command = f"onceproof testgen {self.path.name}" + (" --all" if self.every else "")
        text = module_text(str(self.path), semantics.value, found, command)
        emit(self.output, "never", lambda _: text)
        if self.harness is not None:
            if self.harness.exists():
                raise click.UsageError(
                    f"{self.harness} is there already; it is yours, and is not overwritten"
                )
            emit(self.harness, "never", lambda _: harness_text(str(self.path), found))
        written = sum(not p.aside for p in found)
        if self.output is not None and str(self.output) != "-":
            click.echo(
                f"{written} test{'' if written == 1 else 's'} written to {self.output}", err=True
            )
        return int(Exit.HOLDS)
