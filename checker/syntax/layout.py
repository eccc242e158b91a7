"""Indentation: turns line starts into block tokens, and mends what is wrong with them before the parser looks."""

from __future__ import annotations

from collections.abc import Iterator

from lark import Token
from lark.lark import PostLex

from checker.diagnostics import Diagnostic
from checker.errors import syntax as errors
from checker.source import Source, Span

MAX_DEPTH = 40
"""Deepest nesting of blocks; a handler that needs more is a mistake, and the tree walkers recurse."""


class Layout(PostLex):
    """Emits ``_INDENT`` / ``_DEDENT`` around deeper lines. The text must have passed ``mend``."""

    always_accept = ("_NL",)

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        """Insert the block tokens into the token stream."""
        levels = [0]
        for token in stream:
            if token.type != "_NL":
                yield token
                continue
            yield token
            indent = _width(token.rsplit("\n", 1)[1])
            if indent > levels[-1]:
                levels.append(indent)
                yield Token.new_borrow_pos("_INDENT", "", token)
            while indent < levels[-1]:
                levels.pop()
                yield Token.new_borrow_pos("_DEDENT", "", token)
        for _ in levels[1:]:
            yield Token("_DEDENT", "")


def _width(white: str) -> int:
    return len(white) - len(white.lstrip(" "))


def indent_of(line: str) -> int:
    """How many spaces a line starts with."""
    return len(line) - len(line.lstrip(" "))


def is_blank(line: str) -> bool:
    """True for a line without content (a comment is none)."""
    stripped = line.strip()
    return not stripped or stripped.startswith("#")


def mend(source: Source) -> tuple[list[str], list[Diagnostic]]:
    """The lines with sound indentation, and what had to be mended. Blank and comment lines become empty."""
    lines: list[str] = []
    found: list[Diagnostic] = []
    levels = [0]
    for number, line in enumerate(source.lines, start=1):
        if is_blank(line):
            lines.append("")
            continue
        start = line[: len(line) - len(line.lstrip(" \t"))]
        if "\t" in start:
            found.append(errors.tab_indent(Span(number, 1, number, len(start) + 1, source.path)))
            line = start.replace("\t", "  ") + line.lstrip(" \t")
        indent = indent_of(line)
        closed = levels[-1]
        while indent < levels[-1]:
            closed = levels.pop()
        if indent > levels[-1]:
            if closed > indent:
                found.append(errors.crooked_indent(Span.at_line(line, number, source.path), (levels[-1], closed)))
                line = " " * closed + line.lstrip(" ")
                indent = closed
            levels.append(indent)
        if len(levels) - 1 > MAX_DEPTH:
            found.append(errors.too_deep(Span.at_line(line, number, source.path), MAX_DEPTH))
            return [*lines, *[""] * (len(source.lines) - len(lines))], found
        lines.append(line)
    return lines, found
