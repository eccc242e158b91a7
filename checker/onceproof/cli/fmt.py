"""``onceproof fmt``: designs in the one style."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from onceproof.base.paths import shown
from onceproof.cli.output import cannot_write, say
from onceproof.cli.shared import PATHS

if TYPE_CHECKING:
    from onceproof.verdict.exit_codes import Exit

STDIN = Path("-")


@click.command("fmt")
@PATHS
@click.option("--check", is_flag=True, help="Write nothing; exit 1 if a file would change.")
@click.option(
    "--diff",
    is_flag=True,
    help="Write nothing; show what would change, and exit 1 if anything would.",
)
def command(paths: tuple[Path, ...], check: bool, diff: bool) -> int:
    """Write designs in the one style: two spaces per level, names and comments aligned, at most one
    blank line.

    Only white space changes; what the design says is compared before and after. PATHS are design
    files (*.once), folders, or - for standard input, which is written to standard output. A file
    with mistakes is left alone.

    \b
    Exit codes: 0 done (or, with --check, nothing to do), 1 with --check or --diff:
    something would change, 2 a design with mistakes, or a file that cannot be
    read or written.

    \b
    Examples:
      onceproof fmt designs/
      onceproof fmt --check --diff designs/
      onceproof fmt - < invoice.once
    """
    from onceproof.base.paths import NoDesign, designs
    from onceproof.verdict.exit_codes import worst

    if STDIN in paths:
        if len(paths) > 1:
            raise click.UsageError("- stands for standard input and cannot be mixed with paths")
        return int(_format(None, check, diff))
    try:
        files = [path for path, _ in designs(paths)]
    except NoDesign as error:
        raise click.UsageError(str(error)) from error
    return int(worst([_format(path, check, diff) for path in files]))


def _format(path: Path | None, check: bool, diff: bool) -> Exit:
    """Format one file (None: standard input)."""
    from onceproof.base.untrusted import Refused
    from onceproof.base.writing import as_before, replace_file
    from onceproof.lang import carriers
    from onceproof.lang.format import formatted
    from onceproof.lang.load import bytes_of, text_of
    from onceproof.lang.source import Source
    from onceproof.report.diagnostics import render
    from onceproof.verdict.exit_codes import Exit

    name = "standard input" if path is None else str(path)
    try:
        data = sys.stdin.buffer.read() if path is None else bytes_of(name)
    except OSError as error:
        say(f"cannot read {shown(name)}: {(error.strerror or 'failed').lower()}", err=True)
        return Exit.USAGE
    except Refused as error:
        say(f"cannot read {shown(name)}: {error}", err=True)
        return Exit.USAGE
    text = text_of(data, name)
    if not isinstance(text, str):
        say(render((text,), {name: Source.of(name, "")}), err=True, nl=False)
        return Exit.USAGE
    if path is not None and carriers.source_of(name, text).shifts:
        say(f"{shown(name)} carries a design; only design files (*.once) are formatted", err=True)
        return Exit.USAGE
    source = Source.of(name, text)
    result = formatted(source)
    if result.text is None:
        say(render(result.diagnostics, {name: source}), err=True, nl=False)
        return Exit.USAGE
    new = as_before(data, result.text)
    if check or diff:
        texts = (source.text.replace("\r\n", "\n"), result.text)
        return _report(shown(name), texts, data != new, diff)
    if path is None:
        sys.stdout.buffer.write(new)
        sys.stdout.buffer.flush()
    elif data != new:
        try:
            replace_file(path, new)
        except OSError as error:
            mistake = cannot_write(path, error)
            say(mistake.message, err=True)
            return Exit(mistake.exit_code)
        say(f"formatted {shown(path)}")
    return Exit.HOLDS


def _report(name: str, texts: tuple[str, str], changed: bool, diff: bool) -> Exit:
    """Say whether a file would change (``diff``: and how)."""
    from onceproof.lang.format import unified
    from onceproof.verdict.exit_codes import Exit

    if not changed:
        return Exit.HOLDS
    if diff:
        say(unified(name, *texts), nl=False)
    else:
        say(f"would format {name}")
    return Exit.VIOLATED
