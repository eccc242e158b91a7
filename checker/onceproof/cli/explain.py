"""``onceproof explain``: the page about a code."""

from __future__ import annotations

import sys

import click

from onceproof.cli.output import say

WIDEST = 100
"""Columns of a page, at most."""


@click.command("explain")
@click.argument("code", required=False)
def command(code: str | None) -> int:
    """Explain the code of a message about a mistake in a design: what it is, why it is one, and
    what to write instead.

    Without CODE: every code with its title.

    \b
    Example:
      onceproof explain N101
    """
    from onceproof.lang.errors.pages import mistakes
    from onceproof.report.mistakes import list_text, page_text
    from onceproof.report.terminal import Paint

    pages = mistakes()
    if code is None:
        say(list_text(pages.values()))
        return 0
    wanted = code.strip("[]").upper()
    if wanted not in pages:
        from difflib import get_close_matches

        near = get_close_matches(wanted, pages, n=3, cutoff=0.5)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise click.UsageError(
            f"there is no code {code}{hint} (`onceproof explain` lists all of them)"
        )
    width = min(Paint.for_stream(sys.stdout, "never").width, WIDEST)
    say(page_text(pages[wanted], width))
    return 0
