"""``onceproof explain``: the page of a code."""

from __future__ import annotations

import sys
import textwrap
from difflib import get_close_matches

import click
from msgspec import Struct

from onceproof.lang.errors.pages import MistakePage, mistakes
from onceproof.report.terminal import Paint
from onceproof.verdict.exit_codes import Exit

MARGIN = 9
"""Columns in front of the text of a part."""


class ExplainCommand(Struct, frozen=True):
    """``onceproof explain``. ``code`` is None where all are to be listed."""

    code: str | None

    def run(self) -> int:
        """Print the page, or the list; returns the exit code."""
        pages = mistakes()
        if self.code is None:
            for page in pages.values():
                click.echo(f"{page.code}  {page.title}")
            return int(Exit.HOLDS)
        wanted = self.code.strip("[]").upper()
        if wanted not in pages:
            near = get_close_matches(wanted, pages, n=3, cutoff=0.5)
            hint = f"; did you mean {' or '.join(near)}?" if near else ""
            raise click.UsageError(
                f"there is no code {self.code}{hint} (`onceproof explain` lists all of them)"
            )
        click.echo(told(pages[wanted], min(Paint.for_stream(sys.stdout, "never").width, 100)))
        return int(Exit.HOLDS)


def told(page: MistakePage, width: int) -> str:
    """A page for the terminal."""
    lines = [f"{page.code}: {page.title}", ""]
    for word, text in page.parts:
        wrapped = textwrap.wrap(
            " ".join(text.split()), width - MARGIN, break_long_words=False, break_on_hyphens=False
        )
        lines += [
            f"{word if not i else '':<{MARGIN}}{line}".rstrip() for i, line in enumerate(wrapped)
        ]
    return "\n".join(lines)
