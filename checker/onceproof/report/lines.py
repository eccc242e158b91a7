"""Lines of styled text. rich draws them where colour is wanted and measures unusual letters; the
rest needs no rich at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from onceproof.report.terminal import Paint

Part = tuple[str, str]
"""A piece of text and its style, in rich's words: ``bold red``."""

OURS = "✓✗→≤≥│…≈×–·\N{NO-BREAK SPACE}"
"""What we print outside ASCII, each one column wide."""
_LETTERS = str.maketrans(dict.fromkeys(OURS, "x"))


class Line(Struct, frozen=True):
    """One line: pieces of text, none of which has a line end."""

    parts: tuple[Part, ...]

    @staticmethod
    def of(text: str, style: str = "") -> Line:
        """A line in one style."""
        return Line(((text, style),))

    @property
    def plain(self) -> str:
        """Its text alone."""
        return "".join(text for text, _ in self.parts)

    def stripped(self) -> Line:
        """Without the blanks at its end."""
        parts = list(self.parts)
        while parts:
            text, style = parts.pop()
            if text := text.rstrip():
                return Line((*parts, (text, style)))
        return Line(())


def columns(text: str) -> int:
    """How many columns of a terminal a text takes."""
    letters = text.translate(_LETTERS)
    if letters.isascii() and letters.isprintable():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def lines_of(parts: Iterable[Part]) -> Iterator[Line]:
    """Pieces of text with line ends in them, line by line; the last one is empty if the text ends
    with a line end.
    """
    line: list[Part] = []
    for text, style in parts:
        first, *more = text.split("\n")
        line.append((first, style))
        for piece in more:
            yield Line(tuple(line))
            line = [(piece, style)]
    yield Line(tuple(line))


def painted(lines: Iterable[Line], look: Paint) -> str:
    """The lines as one text, with escape codes if the place likes colour."""
    if not look.color:
        return "".join(f"{line.plain}\n" for line in lines)
    import io

    from rich.console import Console
    from rich.text import Text

    stream = io.StringIO()
    console = Console(
        file=stream,
        width=look.width,
        force_terminal=True,
        color_system="standard",
        no_color=False,
        markup=False,
        highlight=False,
        emoji=False,
        legacy_windows=False,
        _environ={},
    )
    for line in lines:
        console.print(Text.assemble(*line.parts), soft_wrap=True)
    return stream.getvalue()
