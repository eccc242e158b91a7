"""``onceproof fmt``: designs in the one style."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from msgspec import Struct

from onceproof.base.paths import NoDesign, designs
from onceproof.base.untrusted import Refused
from onceproof.lang.format import formatted, unified
from onceproof.lang.load import bytes_of, text_of
from onceproof.lang.source import Source
from onceproof.verdict.exit_codes import Exit, worst

STDIN = Path("-")


class FmtCommand(Struct, frozen=True):
    """``onceproof fmt``. ``check`` and ``diff``: write nothing, say what would change."""

    paths: tuple[Path, ...]
    check: bool
    diff: bool

    def run(self) -> int:
        """Format every file, or standard input; returns the exit code."""
        if STDIN in self.paths:
            if len(self.paths) > 1:
                raise click.UsageError("- stands for standard input and cannot be mixed with paths")
            return int(self._one(None))
        try:
            found = [path for path, _ in designs(self.paths)]
        except NoDesign as error:
            raise click.UsageError(str(error)) from error
        return int(worst([self._one(path) for path in found]))

    def _one(self, path: Path | None) -> Exit:
        """Format one file (None: standard input)."""
        shown = "standard input" if path is None else str(path)
        try:
            data = sys.stdin.buffer.read() if path is None else bytes_of(shown)
        except OSError as error:
            click.echo(f"cannot read {shown}: {(error.strerror or 'failed').lower()}", err=True)
            return Exit.USAGE
        except Refused as error:
            click.echo(f"cannot read {shown}: {error}", err=True)
            return Exit.USAGE
        text = text_of(data, shown)
        source = Source.of(shown, text if isinstance(text, str) else "")
        done = formatted(source) if isinstance(text, str) else None
        if done is None or done.text is None:
            from onceproof.report.diagnostics import render

            mistakes = (
                done.diagnostics if done is not None else () if isinstance(text, str) else (text,)
            )
            click.echo(render(mistakes, {shown: source}), err=True, nl=False)
            return Exit.USAGE
        return self._write(path, source.text, done.text, changed=data != done.text.encode("utf-8"))

    def _write(self, path: Path | None, before: str, after: str, changed: bool) -> Exit:
        if self.diff and changed:
            shown = "standard input" if path is None else str(path)
            click.echo(unified(shown, before, after), nl=False)
        if self.check or self.diff:
            if changed and not self.diff:
                click.echo(f"would format {'standard input' if path is None else path}")
            return Exit.VIOLATED if changed else Exit.HOLDS
        if path is None:
            click.echo(after.encode("utf-8"), nl=False)
        elif changed:
            try:
                path.write_bytes(after.encode("utf-8"))
            except OSError as error:
                click.echo(f"cannot write {path}: {(error.strerror or 'failed').lower()}", err=True)
                return Exit.USAGE
            click.echo(f"formatted {path}")
        return Exit.HOLDS
