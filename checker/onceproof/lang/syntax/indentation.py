"""Indentation: the lines of a text, each at a sound depth, before the parser looks."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import accumulate

from msgspec import Struct

from onceproof.lang.diagnostics import Diagnostic
from onceproof.lang.errors import syntax as errors
from onceproof.lang.source import Source, Span

MAX_DEPTH = 40
"""Deepest nesting of blocks; a handler that needs more is a mistake, and the tree walkers recurse.
"""
STEP_WIDTH = 2
"""Spaces per level where the text has none of its own (tabs, blocks that were moved)."""
MAX_LINE = 1_000
PLACEHOLDER = "\x01"
_START = re.compile(r"[ \t\f\ufeff]*")
_CONTENT = re.compile(r'(?:[^#"]|"[^"]*"|")*')
_WORDS = re.compile(r"\w+|\W")
_ELSE_IF = re.compile(r"else[ \t]+if\b")


class Line(Struct):
    """A line with content: what the parser is to read of it, and where every character of that
    stands in the source.

    ``text`` has neither indentation nor comment. ``columns`` gives the 0-based source column of
    every offset (one more than there are characters); None as long as the text is the source's own,
    from column ``start`` on.
    """

    number: int
    indent: int
    text: str
    start: int
    columns: tuple[int, ...] | None = None

    def column(self, offset: int) -> int:
        """The 1-based source column of an offset in ``text``."""
        if self.columns is None:
            return self.start + offset + 1
        return self.columns[min(max(offset, 0), len(self.columns) - 1)] + 1

    def span(self, start: int, end: int, path: str) -> Span:
        """The source place of ``text[start:end]``."""
        first = self.column(start)
        return Span(self.number, first, self.number, max(self.column(end), first), path)

    def whole(self, path: str) -> Span:
        """The source place of the line's content."""
        return self.span(0, len(self.text), path)

    def change(self, edits: Iterable[tuple[int, int, str]]) -> None:
        """Replace pieces of the text: (start, end, new), from left to right and apart from each
        other.
        """
        columns = list(self.columns or range(self.start, self.start + len(self.text) + 1))
        text = self.text
        for start, end, new in sorted(edits, reverse=True):
            columns[start:end] = _moved(text[start:end], new, columns[start : end + 1])
            text = text[:start] + new + text[end:]
        blank = len(text) - len(text.lstrip())
        self.text, self.columns = text.strip(), tuple(columns[blank:])


def _moved(old: str, new: str, columns: list[int]) -> list[int]:
    """The columns of ``new`` where it replaces ``old``: words that stay keep theirs, other
    characters get that of the next one.
    """
    before, after = _WORDS.findall(old), _WORDS.findall(new)
    if len(before) > 60:  # aligning takes too long, and no person wrote this
        return [columns[min(i, len(old))] for i in range(len(new))]
    from difflib import SequenceMatcher  # only for texts that are mended

    starts = (
        list(accumulate(map(len, before), initial=0)),
        list(accumulate(map(len, after), initial=0)),
    )
    moved: list[int | None] = [None] * len(new)
    for block in SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks():
        size = starts[0][block.a + block.size] - starts[0][block.a]
        for i in range(size):
            moved[starts[1][block.b] + i] = columns[starts[0][block.a] + i]
    following = columns[-1]
    result: list[int] = []
    for column in reversed(moved):
        following = following if column is None else column
        result.append(following)
    return result[::-1]


def mend(source: Source) -> tuple[list[Line], list[Diagnostic]]:
    """The lines with content, soundly indented, and what had to be mended."""
    lines, diagnostics = _lines(source)
    tabs = [d for d in diagnostics if d.code == errors.TAB]
    levels = [(0, 0)]  # as in the source, and as it is read
    chains: dict[int, int] = {}
    for index, line in enumerate(lines):
        closed = levels[-1]
        while line.indent < levels[-1][0]:
            closed = levels.pop()
        if line.indent > levels[-1][0] and closed[0] > line.indent:
            if not tabs:
                opening = next(x for x in reversed(lines[:index]) if x.indent == closed[1])
                spaces = (levels[-1][0], closed[0])
                diagnostics.append(
                    errors.crooked_indent(
                        line.whole(source.path), spaces, opening.whole(source.path)
                    )
                )
            levels.append((line.indent, closed[1]))
        elif line.indent > levels[-1][0]:
            # as far below the line it belongs to as it is written, also where that one was mended
            levels.append((line.indent, levels[-1][1] + line.indent - levels[-1][0]))
        line.indent = levels[-1][1]
        chains = {indent: count for indent, count in chains.items() if indent <= line.indent}
        chains[line.indent] = chains.get(line.indent, 0) + 1 if _ELSE_IF.match(line.text) else 0
        if len(levels) - 1 + sum(chains.values()) > MAX_DEPTH:
            diagnostics = [d for d in diagnostics if d.primary.span.line < line.number]
            diagnostics.append(errors.too_deep(line.whole(source.path), MAX_DEPTH))
            rest = Line(
                line.number,
                line.indent,
                PLACEHOLDER,
                line.start,
                (line.start, line.start + len(line.text)),
            )
            return [*lines[:index], rest], diagnostics
    return lines, diagnostics


def _lines(source: Source) -> tuple[list[Line], list[Diagnostic]]:
    lines: list[Line] = []
    diagnostics: list[Diagnostic] = []
    tabs: list[Span] = []
    for number, text in enumerate(source.lines, start=1):
        if not text.strip() or text.lstrip().startswith("#"):
            continue
        if len(text) > MAX_LINE:
            diagnostics.append(
                errors.long_line(Span(number, 1, number, 2, source.path), len(text), MAX_LINE)
            )
            text = text[: len(text) - len(text.lstrip(" \t"))] + PLACEHOLDER
        else:
            text = text.replace(PLACEHOLDER, "\x02")
        match, content = _START.match(text), _CONTENT.match(text)
        assert match is not None
        assert content is not None
        body = content[0][match.end() :].rstrip()
        if not body:
            continue
        white = match[0].rsplit("\f", 1)[-1].lstrip("\ufeff")
        if "\t" in white:
            tabs.append(Span(number, 1, number, match.end() + 1, source.path))
        indent = len(white) + (STEP_WIDTH - 1) * white.count("\t")
        lines.append(Line(number, indent, body, match.end()))
    if tabs:
        diagnostics.append(errors.tab_indent(tabs[0], [t.line for t in tabs[1:]]))
    return lines, diagnostics
