"""``onceproof report``: check, find out what crashes do, and write the review."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import click
from msgspec import Struct
from msgspec.structs import replace

from onceproof.base.memo import remembering
from onceproof.cli.progress import ProgressLine
from onceproof.commands.shared import emit
from onceproof.lang.load import load_text
from onceproof.machine.delivery import Delivery
from onceproof.repair import Repairs
from onceproof.report.review import Extras, Review, review_of
from onceproof.report.story_groups import design_of
from onceproof.verdict.check import NoDesign
from onceproof.verdict.check import check as check_designs
from onceproof.verdict.exit_codes import Exit, of_result
from onceproof.verdict.result import DesignResult, Result, Verdict
from onceproof.verdict.task import Options

ENDINGS = {".html": "html", ".htm": "html", ".md": "markdown"}
"""What a file's name says about its format."""


class ReportCommand(Struct, frozen=True):
    """``onceproof report``, with its options as the command line names them."""

    paths: tuple[Path, ...]
    outputs: tuple[Path, ...]
    semantics: tuple[str, ...]
    claims: tuple[str, ...]
    faults: bool
    solver: str
    timeout: float
    exit_zero: bool

    @property
    def options(self) -> Options:
        """What the engines are asked."""
        chosen = tuple(s for s in Delivery if s.value in self.semantics)
        everyone = self.solver == "all"
        return Options(
            semantics=chosen,
            claims=self.claims,
            seconds=self.timeout,
            every_solver=everyone,
            explain=True,
        )

    @remembering()
    def run(self) -> int:
        """Check and write; returns the exit code of the check."""
        self._demand_endings()
        progress = ProgressLine(sys.stderr)
        try:
            result = check_designs(self.paths, self.options, progress)
            extras = {
                d.path: self._extras(d, progress)
                for d in result.designs
                if self.faults and not result.interrupted
            }
        except NoDesign as error:
            raise click.UsageError(str(error)) from error
        finally:
            progress.clear()
        self._demand_cells(result)
        review = review_of(result, extras, self._again(result))
        for path in self.outputs:
            text = _written(review, ENDINGS[path.suffix])
            emit(path, "never", lambda _, text=text: text)  # type: ignore[misc]
            click.echo(f"{path}: {review.answer}")
        code = of_result(result)
        return (
            int(Exit.HOLDS)
            if self.exit_zero and code not in (Exit.INTERNAL, Exit.INTERRUPTED, Exit.USAGE)
            else int(code)
        )

    def _demand_endings(self) -> None:
        for path in self.outputs:
            if path.suffix not in ENDINGS:
                raise click.UsageError(
                    f"-o {path}: a report is a file whose name ends in .html or .md"
                )
        if any(ENDINGS[p.suffix] == "html" for p in self.outputs):
            from onceproof.report import Missing
            from onceproof.report.html import demand_templates

            try:
                demand_templates()
            except Missing as error:
                raise click.UsageError(str(error)) from error

    def _demand_cells(self, result: Result) -> None:
        """A selection that selects nothing is a mistake, not a review."""
        if (self.claims or self.semantics) and not any(
            d.cells or d.failures or d.diagnostics for d in result.designs
        ):
            raise click.UsageError("no claim of these designs matches --claim and --semantics")

    def _extras(self, result: DesignResult, progress: ProgressLine) -> Extras:
        """Crash maps and frontiers of what was decided."""
        from onceproof.analysis.crash_map import crash_map
        from onceproof.analysis.cut_sets import frontier
        from onceproof.analysis.validity_core import needs

        design = design_of(result)
        if design is None or not result.cells:
            return Extras()
        asked = [s for s in design.semantics if any(c.semantics is s for c in result.cells)]
        maps, found = [], []
        for semantics in asked:
            progress(f"crash map / {semantics.value}", 0, 0)
            maps.append(crash_map(design, semantics, self.options))
        claims = {(c.text, c.span.line): c for c in design.claims}
        for cell in result.cells:
            progress(f"faults / {cell.claim} / {cell.semantics.value}", 0, 0)
            found.append(
                frontier(design, claims[cell.claim, cell.line], cell.semantics, self.options)
            )
        needed = []
        for semantics in dict.fromkeys(
            c.semantics for c in result.cells if c.verdict is Verdict.HOLDS
        ):
            progress(f"needed lines / {semantics.value}", 0, 0)
            needed.append(needs(design, semantics, self.options))
        return Extras(tuple(maps), tuple(found), self._repairs(result, progress), tuple(needed))

    def _repairs(self, result: DesignResult, progress: ProgressLine) -> tuple[Repairs, ...]:
        """What to change, for every effect that a refuted claim is about."""
        from onceproof.repair import goals_of, repairs

        loaded = load_text(result.sources[result.path].text, result.path)
        if loaded.design is None:
            return ()
        claims = {(c.text, c.span.line): c for c in loaded.design.claims}
        refuted = [c for c in result.cells if c.verdict is Verdict.REFUTED]
        found = []
        for goal in goals_of(
            loaded.design,
            result.cells,
            tuple((claims[c.claim, c.line], c.semantics) for c in refuted),
        ):
            progress(f"repairs / {goal.name} / {goal.semantics.value}", 0, 0)
            found.append(
                repairs(
                    loaded,
                    goal,
                    replace(self.options, explain=False, second_opinion=False),
                    cells=result.cells,
                )
            )
        return tuple(found)

    def _again(self, result: Result) -> str:
        """The commands that give the same answers."""
        chosen = [w for s in self.semantics for w in ("--semantics", s)] + [
            w for c in self.claims for w in ("--claim", c)
        ]
        chosen += ["--solver", self.solver] if self.solver != "z3" else []
        paths = [str(p) for p in self.paths]
        written = [w for p in self.outputs for w in ("-o", p.name)]
        proofs = (
            ""
            if not any(d.cells for d in result.designs)
            else f"\n{_line('check', *paths, *chosen, '--certificate', 'proofs')}"
        )
        return (
            _line("report", *paths, *chosen, *([] if self.faults else ["--no-faults"]), *written)
            + proofs
        )


def _line(*words: str) -> str:
    return shlex.join(("onceproof", *words))


def _written(review: Review, form: str) -> str:
    if form == "html":
        from onceproof.report.html import to_html

        return to_html(review)
    from onceproof.report.markdown import to_markdown

    return to_markdown(review)
