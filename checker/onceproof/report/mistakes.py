"""The pages about mistakes in designs (``onceproof explain``), as text."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from onceproof.lang.errors.pages import MistakePage

MARGIN = 9
"""Columns in front of the text of a part."""


def list_text(pages: Iterable[MistakePage]) -> str:
    """Every code with its title."""
    return "\n".join(f"{page.code}  {page.title}" for page in pages)


def page_text(page: MistakePage, width: int) -> str:
    """One page, ``width`` columns wide."""
    lines = [f"{page.code}: {page.title}", ""]
    for title, text in page.parts:
        wrapped = textwrap.wrap(
            " ".join(text.split()), width - MARGIN, break_long_words=False, break_on_hyphens=False
        )
        for number, line in enumerate(wrapped):
            margin = title if number == 0 else ""
            lines.append(f"{margin:<{MARGIN}}{line}".rstrip())
    return "\n".join(lines)
