"""``onceproof testgen``: crash tests for one's own handler, written from the crash map."""

from __future__ import annotations

import os
from pathlib import Path

import click

from onceproof.base.paths import shown
from onceproof.cli.output import emit, say
from onceproof.cli.shared import (
    PATH,
    USUAL_SEMANTICS,
    claims_option,
    load_design,
    output_option,
    timeout_option,
    usual,
)


@click.command("testgen")
@PATH
@USUAL_SEMANTICS
@claims_option()
@click.option(
    "--all",
    "every",
    is_flag=True,
    help="A test for every gap between two steps, not only where a crash breaks a claim.",
)
@output_option("-o", "--output", help="Write the tests to a file.")
@output_option("--harness", help="Also write a harness to fill in (never overwritten).")
@timeout_option(60.0, "Seconds for the crash map.")
def command(
    path: Path,
    semantics: str | None,
    claims: tuple[str, ...],
    every: bool,
    output: Path | None,
    harness: Path | None,
    timeout: float,
) -> int:
    """Write crash tests for your own handler: one for each place where a killed worker breaks a
    claim.

    The tests are pytest; they kill a real worker process at the place, let the message be delivered
    again, and count the effect. What they need to know of your application stands in a fixture
    named `harness`; see docs/testgen.md.

    \b
    Example:
      onceproof testgen invoice.once -o test_invoice_crashes.py --harness conftest.py
    """
    from onceproof.report.words import counted
    from onceproof.testgen import harness_text, module_text, points
    from onceproof.verdict.exit_codes import Exit
    from onceproof.verdict.task import Options

    loaded = load_design(path)
    if loaded.design is None:
        return int(Exit.USAGE)
    under = usual(loaded.design, semantics)
    options = Options(claims=claims, seconds=timeout)
    crash_points = points(loaded, under, options, every)
    if not any(not point.aside for point in crash_points):
        say("no crash breaks a claim, so there is no test to write; nothing is written", err=True)
        return int(Exit.HOLDS)
    command_line = f"onceproof testgen {shown(path.name)}{' --all' if every else ''}"
    emit(
        output,
        module_text(shown(path), under.value, crash_points, command_line),
        inputs=loaded.sources,
    )
    if harness is not None:
        if os.path.exists(harness):
            raise click.UsageError(
                f"{shown(harness)} is there already; it is yours, and is not overwritten"
            )
        emit(harness, harness_text(shown(path), crash_points))
    if output is not None and str(output) != "-":
        tests = sum(not point.aside for point in crash_points)
        say(f"{counted(tests, 'test')} written to {shown(output)}", err=True)
    return int(Exit.HOLDS)
