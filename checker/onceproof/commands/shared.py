"""What several commands do: load a design, write a text."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import click

from onceproof.lang.design import Claim, Design
from onceproof.lang.load import Loaded, load
from onceproof.machine.delivery import Delivery
from onceproof.report.terminal import Paint


def design_of(path: Path) -> Loaded:
    """Load one design; its mistakes are shown."""
    if not path.is_file():
        raise click.UsageError(f"there is no file {path}")
    loaded = load(path)
    if loaded.design is None:
        from onceproof.report.diagnostics import render

        click.echo(render(loaded.diagnostics, loaded.sources), err=True)
    return loaded


def emit(output: Path | None, color: str, text: Callable[[Paint], str]) -> str:
    """Write to the chosen place, in a look that suits it; returns what was written."""
    if output is None or str(output) == "-":
        stream = sys.stdout
        written = text(Paint.for_stream(stream, color))
        data = written if written.endswith("\n") else written + "\n"
        stream.write(data)
        stream.flush()
        return data
    written = text(Paint.plain(color == "always"))
    data = written if written.endswith("\n") else written + "\n"
    try:
        output.write_text(data, encoding="utf-8")
    except OSError as error:
        raise click.UsageError(
            f"cannot write {output}: {(error.strerror or 'failed').lower()}"
        ) from error
    return data


def asked(
    design: Design, claims: tuple[str, ...], semantics: tuple[str, ...]
) -> list[tuple[Claim, Delivery]]:
    """The selected claims, each under the selected semantics; a selection that selects nothing is a
    mistake.
    """
    found = [
        (claim, one)
        for claim in design.claims
        if not claims or any(part in claim.text for part in claims)
        for one in claim.semantics or design.semantics
        if one in design.semantics and (not semantics or one.value in semantics)
    ]
    if not found:
        raise click.UsageError("no claim of this design matches --claim and --semantics")
    return found
