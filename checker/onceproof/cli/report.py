"""``onceproof report``: check, find out what crashes do, and write the review."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from onceproof.base.paths import shown
from onceproof.cli.output import emit, say
from onceproof.cli.shared import (
    NO_CLAIM_SELECTED,
    PATHS,
    SOLVER,
    chosen,
    claims_option,
    semantics_option,
    timeout_option,
)

if TYPE_CHECKING:
    from onceproof.cli.progress import ProgressLine
    from onceproof.lang.load import Loaded
    from onceproof.repair import Repairs
    from onceproof.report.review import Extras, Review
    from onceproof.verdict.result import DesignResult
    from onceproof.verdict.task import Options

ENDINGS = {".html": "html", ".htm": "html", ".md": "markdown"}
"""What a file's name says about its format."""


@click.command("report")
@PATHS
@click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write it: a name that ends in .html or .md. Can be given several times.",
)
@semantics_option()
@claims_option()
@click.option(
    "--faults/--no-faults",
    default=True,
    show_default=True,
    help="With the crash map, the fewest faults it takes, repairs and needed lines.",
)
@SOLVER
@timeout_option(60.0, "Seconds per claim and semantics, and per crash map.")
@click.option("--exit-zero", is_flag=True, help="Exit 0 whatever the verdicts are.")
def command(
    paths: tuple[Path, ...],
    outputs: tuple[Path, ...],
    semantics: tuple[str, ...],
    claims: tuple[str, ...],
    faults: bool,
    solver: str,
    timeout: float,
    exit_zero: bool,
) -> int:
    """Write a design review: one page that a decider can read in ten minutes.

    The question and the answer, the verdicts, every story to step through, why proofs hold, what a
    crash in each gap does, and what all of it rests on. The page needs no network and no server; it
    can be printed.

    \b
    Exit codes: those of check.

    \b
    Examples:
      onceproof report invoice.once -o review.html
      onceproof report designs/ -o review.html -o review.md
    """
    from onceproof.base.memo import remembering
    from onceproof.base.paths import NoDesign
    from onceproof.cli.progress import ProgressLine
    from onceproof.report.review import review_of
    from onceproof.verdict.check import check_each
    from onceproof.verdict.exit_codes import Exit, of_result
    from onceproof.verdict.result import Result
    from onceproof.verdict.task import Options

    _demand_endings(outputs)
    options = Options(
        semantics=chosen(semantics),
        claims=claims,
        seconds=timeout,
        every_solver=solver == "all",
        explain=True,
        digests=True,
    )
    progress = ProgressLine(sys.stderr)
    designs: list[DesignResult] = []
    extras: dict[str, Extras] = {}
    interrupted = False
    try:
        with remembering():
            for loaded, design, broken_off in check_each(paths, options, progress):
                designs.append(design)
                interrupted = broken_off
                if faults and design.cells and not broken_off:
                    extras[design.path] = _extras(loaded, design, options, progress)
                if broken_off:
                    break
    except NoDesign as error:
        raise click.UsageError(str(error)) from error
    finally:
        progress.clear()
    result = Result(tuple(designs), interrupted=interrupted)
    if (claims or semantics) and not any(
        d.cells or d.failures or d.diagnostics for d in result.designs
    ):
        raise click.UsageError(NO_CLAIM_SELECTED.format(designs="these designs"))
    selection = [word for name in semantics for word in ("--semantics", name)]
    selection += [word for text in claims for word in ("--claim", text)]
    if solver != "z3":
        selection += ["--solver", solver]
    command_line = _line("report", *map(shown, paths), *selection)
    if not faults:
        command_line += " --no-faults"
    for path in outputs:
        command_line += " " + shlex.join(("-o", shown(path.name)))
    if any(d.cells for d in result.designs):
        command_line += "\n" + _line(
            "check", *map(shown, paths), *selection, "--certificate", "proofs"
        )
    read = [path for design in result.designs for path in design.sources]
    review = review_of(result, extras, command_line)
    for path in outputs:
        emit(path, _written(review, ENDINGS[path.suffix]), inputs=read)
        say(f"{shown(path)}: {review.answer}")
    code = of_result(result)
    if exit_zero and code not in (Exit.INTERNAL, Exit.INTERRUPTED, Exit.USAGE):
        code = Exit.HOLDS
    return int(code)


def _line(*words: str) -> str:
    return shlex.join(("onceproof", *words))


def _demand_endings(outputs: tuple[Path, ...]) -> None:
    """Names of files say in which format."""
    for path in outputs:
        if path.suffix not in ENDINGS:
            raise click.UsageError(
                f"-o {shown(path)}: a report is a file whose name ends in .html or .md"
            )


def _written(review: Review, form: str) -> str:
    if form == "html":
        from onceproof.report.html import to_html

        return to_html(review)
    from onceproof.report.markdown import to_markdown

    return to_markdown(review)


def _extras(
    loaded: Loaded, result: DesignResult, options: Options, progress: ProgressLine
) -> Extras:
    """Crash maps, fault combinations, repairs and needed lines of what was decided."""
    from onceproof.analysis.crash_map import crash_map
    from onceproof.analysis.cut_sets import frontier
    from onceproof.analysis.validity_core import needs
    from onceproof.report.review import Extras
    from onceproof.verdict.result import Verdict

    design = loaded.design
    assert design is not None
    maps, frontiers, cores = [], [], []
    for semantics in design.semantics:
        if any(c.semantics is semantics for c in result.cells):
            progress(f"crash map / {semantics.value}", 0, 0)
            maps.append(crash_map(design, semantics, options))
    for cell in result.cells:
        progress(f"faults / {cell.claim} / {cell.semantics.value}", 0, 0)
        claim = design.claim_at(cell.claim, cell.line)
        frontiers.append(frontier(design, claim, cell.semantics, options))
    for semantics in dict.fromkeys(c.semantics for c in result.cells if c.verdict is Verdict.HOLDS):
        progress(f"needed lines / {semantics.value}", 0, 0)
        cores.append(needs(design, semantics, options))
    searches = _repairs(loaded, result, options, progress)
    return Extras(tuple(maps), tuple(frontiers), searches, tuple(cores))


def _repairs(
    loaded: Loaded, result: DesignResult, options: Options, progress: ProgressLine
) -> tuple[Repairs, ...]:
    """What to change, for every effect that a refuted claim is about."""
    from msgspec.structs import replace

    from onceproof.repair import goals_of, repairs
    from onceproof.verdict.result import Verdict

    assert loaded.design is not None
    refuted = tuple(
        (loaded.design.claim_at(c.claim, c.line), c.semantics)
        for c in result.cells
        if c.verdict is Verdict.REFUTED
    )
    options = replace(options, explain=False, second_opinion=False)
    searches = []
    for goal in goals_of(loaded.design, result.cells, refuted):
        progress(f"repairs / {goal.name} / {goal.semantics.value}", 0, 0)
        searches.append(repairs(loaded, goal, options, cells=result.cells))
    return tuple(searches)
