"""Source texts and places in them. Imports nothing from the package."""

from __future__ import annotations

from msgspec import Struct

MAX_BYTES = 1_000_000
"""No person wrote a design that is larger."""

MOST_LINES = 10_000
"""Lines that are neither empty nor comments, likewise. Reading takes 0.1 ms for each."""


class Span(Struct, frozen=True):
    """A piece of one file: 1-based lines and columns in code points, ``end_column`` exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int
    path: str = ""

    @staticmethod
    def at_line(text: str, line: int, path: str = "") -> Span:
        """The visible part of a whole line (indentation and trailing comment left out)."""
        content = text.split("#", 1)[0].rstrip() or text.rstrip()
        start = len(content) - len(content.lstrip())
        return Span(line, start + 1, line, max(len(content), start + 1) + 1, path)


class Source(Struct, frozen=True):
    """A design's text: ``path`` is the name shown to people, ``lines`` the text split at line
    ends.

    In a file that carries a design (``lang/carriers.py``) ``text`` is the whole file, ``lines``
    are what of each line belongs to the design, and ``shifts`` the characters that stand left of
    it.
    """

    path: str
    text: str
    lines: tuple[str, ...] = ()
    shifts: tuple[int, ...] = ()

    def __repr__(self) -> str:
        return f"Source({self.path!r}, {len(self.lines)} lines)"

    @staticmethod
    def of(path: str, text: str) -> Source:
        """Make a source; line ends may be ``\\n`` or ``\\r\\n``."""
        return Source(path, text, tuple(text.replace("\r\n", "\n").split("\n")))

    def line(self, number: int) -> str:
        """Line ``number`` (1-based), or an empty string outside the text."""
        return self.lines[number - 1] if 0 < number <= len(self.lines) else ""

    @property
    def design_text(self) -> str:
        """The text of the design alone."""
        return "\n".join(self.lines) if self.shifts else self.text

    def file_column(self, line: int, column: int) -> int:
        """The column in the file of a column of the design's line."""
        return column + (self.shifts[line - 1] if 0 < line <= len(self.shifts) else 0)
