"""What the commands do: from parsed arguments to text and an exit code."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import click

from checker.check import NoDesign, check
from checker.exits import Exit, of_result
from checker.load import Loaded, load
from checker.options import Options
from checker.progress import ProgressLine
from checker.report.terminal import Paint, paint
from checker.result import Result
from checker.syntax.nodes import Semantics


@dataclass(frozen=True, slots=True)
class CheckCommand:
    """``onceproof check``, with its options as the command line names them."""

    paths: tuple[Path, ...]
    semantics: tuple[str, ...]
    workers: int | None
    events: int | None
    claims: tuple[str, ...]
    form: str
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

    @property
    def options(self) -> Options:
        """What the engines are asked."""
        chosen = tuple(s for s in Semantics if s.value in self.semantics)
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
        )

    def run(self) -> int:
        """Check and print; returns the exit code."""
        progress = ProgressLine(sys.stderr)
        try:
            result = check(self.paths, self.options, progress)
        except NoDesign as error:
            raise click.UsageError(str(error)) from error
        finally:
            progress.clear()
        self._demand_cells(result)
        if self.certificate is not None:
            self._certify(result, self.certificate)
        self._write(replace(result, command=("check", *(str(p) for p in self.paths))))
        code = of_result(result)
        return int(Exit.HOLDS) if self.exit_zero and code not in (Exit.INTERNAL, Exit.INTERRUPTED, Exit.USAGE) else int(code)

    def _demand_cells(self, result: Result) -> None:
        """A selection that selects nothing is a mistake, not a success."""
        healthy = result.designs and not any(d.failures or (not d.semantics) for d in result.designs)
        if healthy and not result.interrupted and not any(d.cells for d in result.designs) and (self.claims or self.semantics):
            raise click.UsageError("no claim of these designs matches --claim and --semantics")

    def _certify(self, result: Result, directory: Path) -> None:
        from checker import certificates
        from checker.smt.solver import Z3, Effort, installed

        solvers = installed(Effort(self.timeout)) if self.solver == "all" else (Z3(Effort(self.timeout)),)
        for design in result.designs:
            loaded = load(design.path)
            if loaded.design is not None and loaded.sha256 == design.sha256:
                try:
                    certificates.write(loaded.design, design, directory, solvers)
                except (ValueError, OSError) as error:
                    raise click.UsageError(f"cannot write certificates: {error}") from error

    def _write(self, result: Result) -> None:
        verbosity = 0 if self.quiet else 2 if self.verbose else 1
        _emit(self.output, self.color, lambda look: paint(result, self.form, verbosity, look))


@dataclass(frozen=True, slots=True)
class VerifyCommand:
    """``onceproof verify``."""

    directory: Path
    design: Path
    solver: str

    def run(self) -> int:
        """Verify and say, certificate by certificate; returns the exit code."""
        from checker import certificates
        from checker.smt.solver import Z3, Effort, installed

        if not self.directory.is_dir():
            raise click.UsageError(f"there is no folder {self.directory}")
        loaded = _design(self.design)
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
        return int(Exit.VIOLATED if any(not c.accepted and not c.unknown for c in checked) else Exit.INCONCLUSIVE)


@dataclass(frozen=True, slots=True)
class GraphCommand:
    """``onceproof graph``."""

    path: Path
    semantics: str
    workers: int
    events: int
    keys: int
    form: str
    output: Path | None
    max_states: int

    def run(self) -> int:
        """Explore and write; returns the exit code."""
        from checker.explore import Bounds, Budget, explore
        from checker.lower import lower

        loaded = _design(self.path)
        if loaded.design is None:
            return int(Exit.USAGE)
        machine = lower(loaded.design, Semantics(self.semantics)).machine
        bounds, budget = Bounds(self.workers, self.events, self.keys), Budget(self.max_states, None)
        if self.form == "counts":
            counted = explore(machine, bounds, budget)
            lines = [f"states {counted.full_states}", f"transitions {counted.full_transitions}"]
            lines += [f"states up to symmetry {counted.states}", f"transitions up to symmetry {counted.transitions}"]
            text, complete, reason = "\n".join(lines) + "\n", counted.complete, counted.reason
        else:
            from checker.explore.graph import state_graph, to_dot, to_graphml

            drawn = state_graph(machine, bounds, budget)
            text = to_dot(drawn, self.path.stem) if self.form == "dot" else to_graphml(drawn)
            complete, reason = bool(drawn.graph["complete"]), str(drawn.graph["reason"])
        _emit(self.output, "never", lambda _: text)
        if not complete:
            click.echo(f"the graph is not complete: {reason}", err=True)
            return int(Exit.INCONCLUSIVE)
        return int(Exit.HOLDS)


def _design(path: Path) -> Loaded:
    """Load one design; its mistakes are shown."""
    if not path.is_file():
        raise click.UsageError(f"there is no file {path}")
    loaded = load(path)
    if loaded.design is None:
        from checker.report.diagnostics import render

        click.echo(render(loaded.diagnostics, loaded.sources), err=True)
    return loaded


def _emit(output: Path | None, color: str, text: Callable[[Paint], str]) -> None:
    """Write to the chosen place, in a look that suits it."""
    if output is None or str(output) == "-":
        stream = sys.stdout
        written = text(Paint.for_stream(stream, color))
        data = written if written.endswith("\n") else written + "\n"
        stream.write(data)
        stream.flush()
        return
    written = text(Paint.plain(color == "always"))
    try:
        output.write_text(written if written.endswith("\n") else written + "\n", encoding="utf-8")
    except OSError as error:
        raise click.UsageError(f"cannot write {output}: {(error.strerror or 'failed').lower()}") from error
