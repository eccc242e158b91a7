"""What ``from onceproof import …`` gives: the same checks as the command line, with results that
show themselves in a notebook.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from onceproof.lang.load import load, load_text
from onceproof.report.terminal import Paint
from onceproof.report.words import mark, short, summary
from onceproof.verdict.check import NoDesign
from onceproof.verdict.check import check as check_designs
from onceproof.verdict.result import ClaimResult, DesignResult, Result
from onceproof.verdict.task import Options

if TYPE_CHECKING:
    from rich.text import Text

__all__ = ["NoDesign", "Options", "Shown", "check", "load", "load_text"]

_CELL = "padding:.25em .8em;border-bottom:1px solid #8884;text-align:left"


class Shown(Result, frozen=True):
    """A result that a notebook shows as a table with the stories folded below it, and rich as the
    report of the terminal.
    """

    def text(self, width: int = 100) -> str:
        """The report as people read it at a terminal of this width, without colour."""
        from onceproof.report.formats.text import to_text

        return to_text(self, 1, Paint(width, False, True))

    def __str__(self) -> str:
        return self.text()

    def __rich__(self) -> Text:
        from rich.text import Text

        return Text.from_ansi(self.text())

    def _repr_html_(self) -> str:
        """Jupyter's hook. Plain HTML without scripts."""
        return "".join(
            [
                *map(_design, self.designs),
                f"<p>{escape(summary(self))}</p>",
                _folded("Everything, as text", self.text()),
            ]
        )


def check(paths: Sequence[str | Path] | str | Path, options: Options | None = None) -> Shown:
    """Check every design behind the paths (files or folders).

    Mistakes in a design are diagnostics in its result, never exceptions. Raises ``NoDesign`` if a
    path leads to no design.
    """
    result = check_designs(paths, options)
    return Shown(**{name: getattr(result, name) for name in Result.__struct_fields__})


def _design(design: DesignResult) -> str:
    """The verdict table of one design."""
    heads = "".join(f'<th style="{_CELL}">{escape(s.value)}</th>' for s in design.semantics)
    rows = []
    for line, claim in dict.fromkeys((c.line, c.claim) for c in design.cells):
        cells = {c.semantics: c for c in design.cells if (c.line, c.claim) == (line, claim)}
        row = "".join(_cell(cells.get(s)) for s in design.semantics)
        rows.append(f'<tr><th scope="row" style="{_CELL}">{escape(claim)}</th>{row}</tr>')
    title = escape(design.title.strip() or design.path)
    mistakes = "".join(f"<p>{escape(d.code)}: {escape(d.headline)}</p>" for d in design.diagnostics)
    return (
        f"<p><strong>{title}</strong></p>{mistakes}<table><tr><th"
        f' style="{_CELL}"></th>{heads}</tr>{"".join(rows)}</table>'
    )


def _cell(cell: ClaimResult | None) -> str:
    """One answer; its scope and ground show when the pointer rests on it."""
    if cell is None:
        return f'<td style="{_CELL}">–</td>'
    from onceproof.report.words import ground

    about = ground(cell) if not cell.reason else f"{ground(cell)}: {cell.reason}"
    return (
        f'<td style="{_CELL}" title="{escape(about)}">{escape(f"{mark(cell)} {short(cell)}")}</td>'
    )


def _folded(title: str, text: str) -> str:
    return f"<details><summary>{escape(title)}</summary><pre>{escape(text)}</pre></details>"
