"""``onceproof diff``: two designs compared."""

from __future__ import annotations

from pathlib import Path

import click

from onceproof.cli.output import emit
from onceproof.cli.shared import (
    chosen,
    claims_option,
    format_option,
    load_design,
    output_option,
    semantics_option,
    timeout_option,
)


@click.command("diff")
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@semantics_option()
@claims_option()
@format_option("text", "markdown", "comment", "json", help="How to print it.")
@output_option("--output", help="Write it to a file instead (- for standard output).")
@timeout_option(60.0)
@click.option("--exit-zero", is_flag=True, help="Report only: exit 0 even if something got worse.")
def command(
    old: Path,
    new: Path,
    semantics: tuple[str, ...],
    claims: tuple[str, ...],
    form: str,
    output: Path | None,
    timeout: float,
    exit_zero: bool,
) -> int:
    """Compare two designs: which verdicts changed, which stories are new or gone, what is claimed
    and assumed now.

    Worse is: a verdict that is worse than before; a proof that rests on more assumptions, or speaks
    of fewer workers or events; a proved claim that is not made any more; a new claim that is not as
    expected.

    \b
    Exit codes: 0 nothing got worse, 1 something did, 2 usage or error in a design.

    \b
    Example:
      onceproof diff before.once after.once --format markdown
    """
    from onceproof.analysis.diff import compare
    from onceproof.report import diff as report
    from onceproof.report.words import clean_lines, json_text
    from onceproof.verdict.exit_codes import Exit
    from onceproof.verdict.task import Options

    before, after = load_design(old), load_design(new)
    if before.design is None or after.design is None:
        return int(Exit.USAGE)
    options = Options(
        semantics=chosen(semantics), claims=claims, seconds=timeout, second_opinion=False
    )
    try:
        comparison = compare(before, after, options)
    except KeyboardInterrupt:
        return int(Exit.INTERRUPTED)
    if comparison.failures:
        raise AssertionError(f"engines contradict each other: {comparison.failures[0].what}")
    match form:
        case "json":
            text = json_text(report.document(comparison))
        case "markdown":
            text = report.markdown(comparison)
        case "comment":
            text = report.comment(comparison)
        case _:
            text = report.text(comparison)
    read = (*before.sources, *after.sources)
    emit(output, lambda look: clean_lines(text, look.unicode), inputs=read)
    return int(Exit.VIOLATED if comparison.worse and not exit_zero else Exit.HOLDS)
