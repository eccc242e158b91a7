"""Text to syntax tree."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from checker.diagnostics import Diagnostic
    from checker.source import Source
    from checker.syntax import nodes as n

__all__ = ["parse"]


def parse(source: Source) -> tuple[n.Tree, list[Diagnostic]]:
    """The syntax tree of a design and every mistake in its text; with mistakes, the tree is what could be saved."""
    from checker.syntax.recover import parse as read  # brings the parser, which who only needs the nodes does not need

    return read(source)
