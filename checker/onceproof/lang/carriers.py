"""Designs inside other files: the ``once`` blocks of a Markdown page, and the ``once:`` comments
beside the code of a handler.

Lines are those of the file that carries the design, so that every place that is printed is one
there; only columns count from where the design's own text begins (``Source.file_column`` has those
of the file).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePath

from msgspec import Struct

from onceproof.base.paths import MARKDOWN, block_of
from onceproof.lang.source import Source

FENCE = re.compile(r"(?P<indent>[ \t>]*)(?P<mark>`{3,}|~{3,})[ \t]*(?P<info>[^`]*)$")
"""The line that opens or closes a block of a Markdown page (CommonMark 0.31, section 4.5)."""
CONTINUES = "continues"
"""The second word of a block that goes on with the design of the block before it."""
COMMENT = re.compile(
    r"""(?: (?:^|(?<=\s)) (?:\#+|//+|--|/\*+|<!--|\(\*|\{-)   # beside code, or on a line of its own
          | ^\s*(?:\*|;+|%+|'|REM\b) )                         # only on a line of its own
        [ \t]*once:[ ]?(?P<design>.*)$""",
    re.VERBOSE | re.IGNORECASE,
)
"""A ``once:`` comment. One blank after the colon is not the design's; more are its indentation."""
COMMENT_END = re.compile(r"\s*(?:\*/|-->|\*\)|-\})\s*$")


CODE = re.compile(
    r"\.(c|cc|clj|cpp|cs|dart|erl|exs?|fs|go|groovy|hs|java|jsx?|kts?|lua|mjs|php|pl|py|rb|rs|scala"
    r"|sh|sql|swift|tsx?|vb)"
)
"""How the names of files with code end, in which a design can only be ``once:`` comments."""
ASYNCAPI = re.compile(r"\A\s*(?:#[^\n]*\n\s*)*(?:\{\s*\"asyncapi\"\s*:|asyncapi\s*:)", re.ASCII)
"""How an AsyncAPI document begins."""


class Piece(Struct, frozen=True):
    """A line of a design: its number in the file, the characters that stand left of it, itself."""

    number: int
    shift: int
    text: str


def source_of(path: str, text: str) -> Source:
    """The source of a file: of a Markdown page the block that ``path`` names (the first, if it
    names none), of a file with ``once:`` comments these, of every other file its text.
    """
    plain = Source.of(path, text)
    kind = PurePath(path).suffix.lower()
    name, block = block_of(path)
    if PurePath(name).suffix.lower() in MARKDOWN:
        designs = blocks(plain.lines)
        if not designs:
            return plain
        return _carried(plain, designs[min(block, len(designs)) - 1])
    if kind != ".once" and (pieces := list(comments(plain.lines))):
        return _carried(plain, pieces)
    return plain


def blocks(lines: tuple[str, ...]) -> list[list[Piece]]:
    """The designs of a Markdown page: a block each, joined with those that continue it."""
    designs: list[list[Piece]] = []
    mark, indent, inside = "", 0, False
    for number, line in enumerate(lines, start=1):
        fence = FENCE.match(line)
        if mark:
            if fence and not fence["info"].strip() and fence["mark"].startswith(mark):
                mark = ""
            elif inside:
                shift = min(indent, len(line) - len(line.lstrip(" \t>")))
                designs[-1].append(Piece(number, shift, line[shift:]))
        elif fence:
            words = fence["info"].replace("{", " ").replace("}", " ").split()
            mark, indent = fence["mark"], len(fence["indent"])
            inside = bool(words) and words[0].lower().removeprefix(".") == "once"
            if inside and not (designs and CONTINUES in words[1:]):
                designs.append([])
    return designs


def comments(lines: tuple[str, ...]) -> Iterator[Piece]:
    """The ``once:`` comments of a file in any programming language."""
    for number, line in enumerate(lines, start=1):
        if "once:" in line.lower() and (comment := COMMENT.search(line)):
            text = COMMENT_END.sub("", comment["design"])
            yield Piece(number, comment.start("design"), text)


def _carried(plain: Source, pieces: list[Piece]) -> Source:
    """The source that has the pieces at their lines, and nothing at all others."""
    lines, shifts = [""] * len(plain.lines), [0] * len(plain.lines)
    for piece in pieces:
        lines[piece.number - 1], shifts[piece.number - 1] = piece.text, piece.shift
    return Source(plain.path, plain.text, tuple(lines), tuple(shifts))
