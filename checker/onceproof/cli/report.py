"""``onceproof report``: check, find out what crashes do, and write the review."""

from __future__ import annotations

import os
import shlex
import sys
import time
from collections.abc import Callable
from functools import partial
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from onceproof.base.paths import shown
from onceproof.cli.output import emit, say
from onceproof.cli.shared import (
    NO_CLAIM_SELECTED,
    PATHS,
    SOLVER,
    Duration,
    chosen,
    claims_option,
    semantics_option,
    timeout_option,
)

if TYPE_CHECKING:
    from onceproof.analysis.crash_map import CrashMap
    from onceproof.analysis.cut_sets import Frontier
    from onceproof.analysis.validity_core import Needs
    from onceproof.lang.load import Loaded
    from onceproof.repair import Goal, Repairs
    from onceproof.report.review import Extras, Review
    from onceproof.verdict.result import ClaimResult, DesignResult
    from onceproof.verdict.task import Options

Answered = TypeVar("Answered")

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
@click.option(
    "--budget",
    type=Duration(),
    metavar="TIME",
    help="Fill in what can be found out in this time (30s, 2min), and say what is left out.",
)
@click.option("--exit-zero", is_flag=True, help="Exit 0 whatever the verdicts are.")
def command(
    paths: tuple[Path, ...],
    outputs: tuple[Path, ...],
    semantics: tuple[str, ...],
    claims: tuple[str, ...],
    faults: bool,
    solver: str,
    timeout: float,
    budget: float | None,
    exit_zero: bool,
) -> int:
    """Write a design review: one page that a decider can read in ten minutes.

    The question and the answer, the verdicts, every story to step through, why proofs hold, what a
    crash in each gap does, and what all of it rests on. The page needs no network and no server; it
    can be printed.

    Ctrl-C ends the questions; the page is written with what is known.

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
    until = None if budget is None else time.monotonic() + budget
    further = _Further(options, until)
    try:
        with remembering(), progress.shown_meanwhile():
            for loaded, design, broken_off in check_each(paths, options, progress, until):
                designs.append(design)
                if faults and design.cells:
                    further.is_interrupted |= broken_off
                    extras[design.path] = _extras(loaded, design, further)
                interrupted = broken_off or further.is_interrupted
                if interrupted:
                    break
    except NoDesign as error:
        raise click.UsageError(str(error)) from error
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
    review = review_of(result, extras, command_line, further.words())
    for path in outputs:
        emit(path, _written(review, ENDINGS[path.suffix]), inputs=read)
        say(f"{shown(path)}: {review.answer}")
    for words in further.words():
        say(words)
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
        from onceproof.report.formats.html import PLAYGROUND, to_html

        return to_html(review, os.environ.get(PLAYGROUND, ""))
    from onceproof.report.formats.markdown import to_markdown

    return to_markdown(review)


class _Further:
    """The questions of a review besides the verdicts, asked while there is time. ``left_out``:
    those whose turn did not come.
    """

    def __init__(self, options: Options, until: float | None) -> None:
        self.options, self.until = options, until
        self.left_out: list[str] = []
        self.is_interrupted = False

    def ask(self, what: str, question: Callable[[Options], Answered]) -> list[Answered]:
        """The answer to one question, within the time that is left; none if there is none left."""
        from msgspec.structs import replace

        from onceproof.base import interrupts, questions

        left = inf if self.until is None else self.until - time.monotonic()
        if self.is_interrupted or left <= 0:
            self.left_out.append(what)
            return []
        questions.ask(what)
        try:
            found = question(replace(self.options, seconds=min(self.options.seconds, left)))
        except KeyboardInterrupt:
            self.is_interrupted = True
            self.left_out.append(what)
            return []
        self.is_interrupted = interrupts.seen()
        return [found]

    def words(self) -> tuple[str, ...]:
        """What is left out, in a sentence; nothing if nothing is."""
        if not self.left_out:
            return ()
        why = "it was interrupted" if self.is_interrupted else "the time was spent"
        return (f"Not asked, for {why}: {'; '.join(self.left_out)}.",)


def _extras(loaded: Loaded, result: DesignResult, further: _Further) -> Extras:
    """Crash maps, fault combinations, repairs and needed lines of what was decided."""
    from onceproof.analysis.crash_map import crash_map
    from onceproof.analysis.cut_sets import frontier
    from onceproof.analysis.validity_core import needs
    from onceproof.report.review import Extras
    from onceproof.verdict.result import Verdict

    design = loaded.design
    assert design is not None
    maps: list[CrashMap] = []
    frontiers: list[Frontier] = []
    cores: list[Needs] = []
    for semantics in design.semantics:
        if any(c.semantics is semantics for c in result.cells):
            what = f"crash map / {semantics.value}"
            maps += further.ask(what, partial(crash_map, design, semantics))
    for cell in result.cells:
        what = f"faults / {cell.claim} / {cell.semantics.value}"
        claim = design.claim_at(cell.claim, cell.line)
        frontiers += further.ask(what, partial(frontier, design, claim, cell.semantics))
    searches = _repairs(loaded, result, further)
    for semantics in dict.fromkeys(c.semantics for c in result.cells if c.verdict is Verdict.HOLDS):
        what = f"needed lines / {semantics.value}"
        cores += further.ask(what, partial(needs, design, semantics))
    return Extras(tuple(maps), tuple(frontiers), searches, tuple(cores))


def _repairs(loaded: Loaded, result: DesignResult, further: _Further) -> tuple[Repairs, ...]:
    """What to change, for every effect that a refuted claim is about."""
    from onceproof.repair import goals_of
    from onceproof.verdict.result import Verdict

    assert loaded.design is not None
    refuted = tuple(
        (loaded.design.claim_at(c.claim, c.line), c.semantics)
        for c in result.cells
        if c.verdict is Verdict.REFUTED
    )
    searches: list[Repairs] = []
    for goal in goals_of(loaded.design, result.cells, refuted):
        what = f"repairs / {goal.name} / {goal.semantics.value}"
        searches += further.ask(what, partial(_repaired, loaded, goal, result.cells))
    return tuple(searches)


def _repaired(
    loaded: Loaded, goal: Goal, cells: tuple[ClaimResult, ...], options: Options
) -> Repairs:
    from msgspec.structs import replace

    from onceproof.repair import repairs

    plain = replace(options, explain=False, second_opinion=False)
    return repairs(loaded, goal, plain, cells=cells)
