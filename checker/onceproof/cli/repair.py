"""``onceproof repair``: what to change, each change verified."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from onceproof.base.paths import shown
from onceproof.cli.output import cannot_write, say
from onceproof.cli.shared import (
    PATH,
    claims_option,
    demand_selected,
    format_option,
    load_design,
    semantics_option,
    timeout_option,
)

if TYPE_CHECKING:
    from onceproof.lang.load import Loaded
    from onceproof.repair import Goal, Repairs
    from onceproof.verdict.exit_codes import Exit
    from onceproof.verdict.task import Options


@click.command("repair")
@PATH
@semantics_option()
@claims_option()
@click.option(
    "--one-claim",
    is_flag=True,
    help="It is enough that the refuted claim holds; without it, also its other half must.",
)
@click.option("--keep-provider", is_flag=True, help="Do not offer to use another provider.")
@click.option(
    "--apply",
    "write",
    is_flag=True,
    help="Write the first repair of each effect into the file, if it was verified.",
)
@format_option("text", "json", "diff", help="How to print them.")
@timeout_option(60.0, "Seconds per effect and semantics.")
@click.option("-v", "--verbose", is_flag=True, help="Also the time each one took.")
def command(
    path: Path,
    semantics: tuple[str, ...],
    claims: tuple[str, ...],
    one_claim: bool,
    keep_provider: bool,
    write: bool,
    form: str,
    timeout: float,
    verbose: bool,
) -> int:
    """Look for changes of the design that make a refuted claim hold: no duplicate, no loss, and
    nothing else worse.

    Every repair that is offered was proved like any other design. Nothing is written without
    --apply.

    \b
    Exit codes: 0 nothing to repair, or a repair for everything; 1 none for something;
    2 usage or error in the design; 3 a limit ended the search before one was found.

    \b
    Examples:
      onceproof repair examples/article/invoice_email.once
      onceproof repair invoice.once --claim "no duplicate" --apply
    """
    from onceproof.base import interrupts
    from onceproof.base.memo import remembering
    from onceproof.cli.progress import ProgressLine
    from onceproof.repair import goals_of, repairs
    from onceproof.report import repair as report
    from onceproof.report.words import json_text
    from onceproof.verdict.check import check_loaded
    from onceproof.verdict.exit_codes import Exit, worst
    from onceproof.verdict.task import Options

    loaded = load_design(path)
    if loaded.design is None:
        return int(Exit.USAGE)
    pairs = tuple(demand_selected(loaded.design, claims, semantics))
    options = Options(seconds=timeout, second_opinion=False)
    progress = ProgressLine(sys.stderr)
    searches: list[Repairs] = []
    with remembering(), progress.shown_meanwhile():
        result, interrupted = check_loaded(loaded, options, progress)
        if interrupted:
            return int(Exit.INTERRUPTED)
        if result.failures:
            raise AssertionError(f"engines contradict each other: {result.failures[0].what}")
        try:
            goals = goals_of(loaded.design, result.cells, pairs, one_claim)
            if write:
                return int(_apply(path, loaded, goals, options, keep_provider, form))
            for goal in goals:
                searches.append(repairs(loaded, goal, options, keep_provider, result.cells))
                interrupts.demand()
        except KeyboardInterrupt:
            if not searches:
                return int(Exit.INTERRUPTED)
    match form:
        case "json":
            say(json_text(report.document(loaded.path, searches)))
        case "diff":
            say(report.diff(searches), nl=False)
        case _:
            say(report.text(searches, verbose))
    return int(worst(_code(s) for s in searches))


def _code(search: Repairs) -> Exit:
    from onceproof.verdict.exit_codes import Exit

    if search.repairs:
        return Exit.HOLDS
    return Exit.VIOLATED if search.complete else Exit.INCONCLUSIVE


def _apply(
    path: Path,
    loaded: Loaded,
    goals: tuple[Goal, ...],
    options: Options,
    keep_provider: bool,
    form: str,
) -> Exit:
    """Make the first repair of each goal; the file is replaced in one step, and only by a text
    that was verified.
    """
    from onceproof.repair import diff_of, repaired
    from onceproof.report.repair import applied_document, applied_text
    from onceproof.report.words import json_text
    from onceproof.verdict.exit_codes import Exit

    source = loaded.sources[loaded.path]
    if source.shifts:
        raise click.UsageError(
            f"{shown(path)} carries the design, and --apply writes into design files only: change"
            " it by hand, as the repair without --apply shows"
        )
    old = source.text
    new, made, left = repaired(loaded, goals, options, keep_provider)
    diff = ""
    if made:
        _replace(path, new)
        diff = diff_of(loaded.path, old, new)
    if form == "json":
        say(json_text(applied_document(loaded.path, diff, made, left)))
    else:
        say(diff, nl=False)
    if form == "text":
        text = applied_text(made, left)
        say(text, nl=bool(text))
    return Exit.VIOLATED if left else Exit.HOLDS


def _replace(path: Path, text: str) -> None:
    """Replace a file in one step; it keeps its byte order mark, line ends, mode and links."""
    from onceproof.base.writing import as_before, replace_file
    from onceproof.lang.load import bytes_of

    try:
        replace_file(path, as_before(bytes_of(str(path)), text))
    except OSError as error:
        raise cannot_write(path, error) from error
