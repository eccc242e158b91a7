"""``onceproof check``: from arguments to a result, printed, and an exit code."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from msgspec import Struct
from msgspec.structs import replace

from onceproof.base.paths import NoCluster
from onceproof.cli.printed import Answer
from onceproof.cli.progress import ProgressLine
from onceproof.commands.reports import Target, target, written
from onceproof.commands.shared import emit
from onceproof.lang.load import load
from onceproof.machine.delivery import Delivery
from onceproof.report import Missing, write
from onceproof.verdict.check import Means, NoDesign
from onceproof.verdict.check import check as check_designs
from onceproof.verdict.exit_codes import Exit, of_result
from onceproof.verdict.result import Result
from onceproof.verdict.task import Options


class CheckCommand(Struct, frozen=True):
    """``onceproof check``, with its options as the command line names them."""

    paths: tuple[Path, ...]
    semantics: tuple[str, ...]
    workers: int | None
    events: int | None
    claims: tuple[str, ...]
    form: str
    reports: tuple[str, ...]
    output: Path | None
    color: str
    timeout: float
    max_states: int
    solver: str
    second_opinion: bool
    certificate: Path | None
    why: bool
    exit_zero: bool
    quiet: bool
    verbose: bool
    cache: bool
    jobs: int | None
    cluster: str | None
    memory: int | None

    @property
    def options(self) -> Options:
        """What the engines are asked."""
        chosen = tuple(s for s in Delivery if s.value in self.semantics)
        return Options(
            self.workers,
            self.events,
            chosen,
            self.claims,
            self.timeout,
            self.max_states,
            self.second_opinion,
            self.solver == "all",
            self.why or self.verbose,
            self.memory,
        )

    @property
    def means(self) -> Means:
        """How the designs are checked."""
        if self.jobs is not None and self.cluster is not None:
            raise click.UsageError("--jobs and --cluster exclude each other")
        kept = self.cache and self.certificate is None
        if self.jobs == 0:
            from onceproof.base.parallel import processors

            return Means(kept, processors(), self.cluster)
        return Means(kept, self.jobs or 1, self.cluster)

    def run(self, answer: Answer | None = None) -> int:
        """Check and print; returns the exit code."""
        targets = [target(text) for text in self.reports]
        progress = ProgressLine(sys.stderr)
        try:
            result = check_designs(self.paths, self.options, progress, self.means)
        except (NoDesign, NoCluster) as error:
            raise click.UsageError(str(error)) from error
        finally:
            progress.clear()
        self._demand_cells(result)
        if self.certificate is not None:
            self._certify(result, self.certificate)
        text = self._write(
            replace(result, command=("check", *(str(p) for p in self.paths))), targets
        )
        code = int(of_result(result))
        if self.exit_zero and code not in (Exit.INTERNAL, Exit.INTERRUPTED, Exit.USAGE):
            code = int(Exit.HOLDS)
        if answer is not None:
            answer.keep(result, self.options, text, code)
        return code

    def _demand_cells(self, result: Result) -> None:
        """A selection that selects nothing is a mistake, not a success."""
        healthy = result.designs and not any(
            d.failures or (not d.semantics) for d in result.designs
        )
        if (
            healthy
            and not result.interrupted
            and not any(d.cells for d in result.designs)
            and (self.claims or self.semantics)
        ):
            raise click.UsageError("no claim of these designs matches --claim and --semantics")

    def _certify(self, result: Result, directory: Path) -> None:
        from onceproof.engines.smt.solver import Z3, Effort, installed
        from onceproof.verdict import certificates

        solvers = (
            installed(Effort(self.timeout)) if self.solver == "all" else (Z3(Effort(self.timeout)),)
        )
        for design in result.designs:
            loaded = load(design.path)
            if loaded.design is not None and loaded.sha256 == design.sha256:
                try:
                    certificates.write(loaded.design, design, directory, solvers)
                except (ValueError, OSError) as error:
                    raise click.UsageError(f"cannot write certificates: {error}") from error

    def _write(self, result: Result, targets: list[Target]) -> str:
        verbosity = 0 if self.quiet else 2 if self.verbose else 1
        try:
            for place in targets:
                written(place, result, verbosity)
            return emit(
                self.output, self.color, lambda look: write(self.form, result, verbosity, look)
            )
        except Missing as error:
            raise click.UsageError(str(error)) from error
