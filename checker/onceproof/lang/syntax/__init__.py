"""Text to syntax tree.

The function is not called ``parse``: importing the module of that name would put the module in its
place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onceproof.lang.diagnostics import Diagnostic
    from onceproof.lang.source import Source
    from onceproof.lang.syntax import ast as n

__all__ = ["read"]


def read(source: Source) -> tuple[n.Tree, list[Diagnostic]]:
    """The syntax tree of a design and every mistake in its text; with mistakes, the tree is what
    could be saved.
    """
    from onceproof.lang.syntax.parse import (
        parse,  # brings the parser, which who only needs the nodes does not need
    )

    return parse(source)
