"""A design's text, edited by lines: one line is one step, so comments and formatting stay as they
are.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from onceproof.lang.source import Span
from onceproof.lang.syntax import ast as n


class Change(Struct, frozen=True):
    """Lines ``first`` to ``last`` (1-based, inclusive) become ``lines``; with ``last`` one less
    than ``first``, these come before line ``first``.
    """

    first: int
    last: int
    lines: tuple[str, ...]


class Sheet(Struct, frozen=True):
    """The lines of a text. ``unit`` is one step of indentation, ``end`` how its lines end."""

    lines: tuple[str, ...]
    end: str

    @staticmethod
    def of(text: str) -> Sheet:
        """Take a text apart. A byte order mark and the kind of line end are kept."""
        end = "\r\n" if "\r\n" in text else "\n"
        return Sheet(tuple(text.replace("\r\n", "\n").split("\n")), end)

    @property
    def unit(self) -> str:
        """One step of indentation: that of the first indented line, else two spaces."""
        for line in self.lines:
            inside = line.lstrip(" \t")
            if inside and not inside.startswith("#") and len(inside) < len(line):
                return line[: len(line) - len(inside)]
        return "  "

    def indent(self, line: int) -> str:
        """The indentation of a line."""
        text = self.lines[line - 1]
        return text[: len(text) - len(text.lstrip(" \t"))]

    def last_of(self, line: int, *, with_else: bool = False) -> int:
        """The last line of the block that starts at a line: everything that is indented further."""
        base, last = len(self.indent(line)), line
        for number in range(line + 1, len(self.lines) + 1):
            inside = self.lines[number - 1].strip()
            if not inside or inside.startswith("#"):
                continue
            deeper = len(self.indent(number)) > base
            goes_on = with_else and len(self.indent(number)) == base and inside.split()[0] == "else"
            if not deeper and not goes_on:
                break
            last = number
        return last

    def end_of(self, step: n.Step) -> int:
        """The last line of a step with everything in it."""
        return self.last_of(
            step.span.line, with_else=isinstance(step, n.If) and bool(step.otherwise)
        )

    def cut(self, first: int, last: int) -> tuple[str, ...]:
        """Lines as they are."""
        return self.lines[first - 1 : last]

    def within(self, span: Span, new: str) -> str:
        """The line of a span with the span replaced."""
        text = self.lines[span.line - 1]
        return text[: span.column - 1] + new + text[span.end_column - 1 :]

    def code(self, line: int) -> tuple[str, str]:
        """A line without its trailing comment, and the comment with the space before it."""
        return _apart(self.lines[line - 1])

    def recoded(self, line: int, code: str) -> str:
        """A line with other code; its comment stays in its column if there is room."""
        return _together(self.lines[line - 1], code)

    def changed(self, changes: Iterable[Change]) -> str:
        """The text with changes made, which must not overlap."""
        lines = list(self.lines)
        for change in sorted(changes, key=lambda c: (c.first, c.last), reverse=True):
            lines[change.first - 1 : change.last] = change.lines
        return self.end.join(lines)


def _apart(text: str) -> tuple[str, str]:
    at = text.find("#")
    code = (text if at < 0 else text[:at]).rstrip()
    return code, text[len(code) :]


def _together(text: str, code: str) -> str:
    old, comment = _apart(text)
    if not comment.strip():
        return code + comment
    room = len(comment) - len(comment.lstrip()) - (len(code) - len(old))
    return code + " " * max(room, 2) + comment.lstrip()


def shifted(lines: Iterable[str], unit: str, by: int) -> tuple[str, ...]:
    """Lines indented further (``by`` more) or less (negative); empty lines stay empty, comments
    behind code stay where they are.
    """
    return tuple(_shifted(line, unit, by) for line in lines)


def _shifted(line: str, unit: str, by: int) -> str:
    code, _ = _apart(line)
    if not line.strip():
        return line
    if not code:  # a comment by itself goes with the code
        return unit * by + line if by > 0 else line.removeprefix(unit * -by)
    return _together(line, unit * by + code if by > 0 else code.removeprefix(unit * -by))


def replaced(line: int, *lines: str) -> Change:
    """One line becomes these."""
    return Change(line, line, lines)


def inserted(before: int, *lines: str) -> Change:
    """New lines before a line."""
    return Change(before, before - 1, lines)


def removed(first: int, last: int | None = None) -> Change:
    """Lines go."""
    return Change(first, last or first, ())
