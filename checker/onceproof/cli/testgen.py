"""Arguments and help of ``onceproof testgen``."""

from __future__ import annotations

from pathlib import Path

import click

from onceproof.cli.shared import CLAIMS, SEMANTICS


@click.command("testgen")
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--semantics",
    type=click.Choice(SEMANTICS),
    help="The delivery semantics (at-least-once, if the design has it).",
)
@CLAIMS
@click.option(
    "--all",
    "every",
    is_flag=True,
    help="A test for every gap between two steps, not only where a crash breaks a claim.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the tests to a file.",
)
@click.option(
    "--harness",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also write a harness to fill in (never overwritten).",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=60.0,
    show_default=True,
    help="Seconds for the crash map.",
)
def command(**given: object) -> int:
    """Write crash tests for your own handler: one for each place where a killed worker breaks a
    claim.

    The tests are pytest; they kill a real worker process at the place, let the message be delivered
    again, and count the effect. What they need to know of your application stands in a fixture
    named `harness`; see docs/testgen.md.

    \b
    Example:
      onceproof testgen invoice.once -o test_invoice_crashes.py --harness conftest.py
    """
    from onceproof.commands.testgen import TestgenCommand

    return TestgenCommand(**given).run()  # type: ignore[arg-type]
