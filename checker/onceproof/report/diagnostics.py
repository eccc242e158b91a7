"""Shows diagnostics as text: the place, the source lines with carets, other places, notes and help.

Columns are counted in code points; carets are placed by display width (wide characters, tabs).
Control characters never reach the terminal. ``render`` and ``styled`` have the same characters;
colour only repeats what they say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from onceproof.base.paths import file_of, shown
from onceproof.lang.diagnostics import Diagnostic, Severity
from onceproof.lang.source import Source, Span
from onceproof.report.lines import Part, columns

WIDTH = 100
"""Source lines wider than this are cut around the place."""
TAB_STOP = 4
_STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow"}
_GUTTER, _SECONDARY, _BOLD = "blue", "bold blue", "bold"


class _Mark(Struct, frozen=True):
    """An underline on one source line, in display columns."""

    start: int
    end: int
    text: str
    primary: bool


def render(diagnostics: Iterable[Diagnostic], sources: Mapping[str, Source]) -> str:
    """The diagnostics as plain text, with a closing line that counts them. Empty if there are
    none.
    """
    return "".join(text for text, _ in _parts(list(diagnostics), sources))


def styled(diagnostics: Iterable[Diagnostic], sources: Mapping[str, Source]) -> Iterator[Part]:
    """The same text in pieces, with their styles."""
    return _parts(list(diagnostics), sources)


def closing(diagnostics: Iterable[Diagnostic]) -> str:
    """``3 errors, 1 warning``."""
    kinds = [d.severity for d in diagnostics]
    counts = [(kinds.count(s), s.value) for s in Severity]
    return ", ".join(
        f"{count} {word}{'s' if count != 1 else ''}" for count, word in counts if count
    )


def _parts(diagnostics: list[Diagnostic], sources: Mapping[str, Source]) -> Iterator[Part]:
    for diagnostic in diagnostics:
        yield from _diagnostic_parts(diagnostic, sources)
        yield ("\n", "")
    if diagnostics:
        worst = (
            Severity.ERROR
            if any(d.severity is Severity.ERROR for d in diagnostics)
            else Severity.WARNING
        )
        yield (closing(diagnostics) + "\n", _STYLES[worst])


def _diagnostic_parts(diagnostic: Diagnostic, sources: Mapping[str, Source]) -> Iterator[Part]:
    style = _STYLES[diagnostic.severity]
    yield (f"{diagnostic.severity.value}[{diagnostic.code}]", style)
    yield (f": {diagnostic.headline}\n", _BOLD)
    labels = [diagnostic.primary, *diagnostic.secondary]
    width = len(str(max(label.span.end_line for label in labels)))
    span = diagnostic.primary.span
    paths = dict.fromkeys(label.span.path for label in labels)
    for path in paths:
        place = next(label.span for label in labels if label.span.path == path)
        arrow = "-->" if path == span.path else ":::"
        yield (f"{' ' * width}{arrow} ", _GUTTER)
        source = sources.get(path)
        column = source.file_column(place.line, place.column) if source else place.column
        yield (f"{shown(file_of(path))}:{place.line}:{column}\n", "")
        if source is not None:
            marks = [
                (x.span, x.text, x is diagnostic.primary) for x in labels if x.span.path == path
            ]
            yield from _snippet(source, marks, width, style)
    unseen = [] if span.path in sources else [diagnostic.primary.text]
    yield from _remarks([*unseen, *diagnostic.notes], diagnostic.help, width)


def _remarks(notes: list[str], help: str | None, width: int) -> Iterator[Part]:
    remarks = [*(("note", text) for text in notes if text), *([("help", help)] if help else [])]
    if remarks:
        yield (f"{' ' * width} |\n", _GUTTER)
    for word, text in remarks:
        yield (f"{' ' * width} = ", _GUTTER)
        yield (f"{word}: ", _BOLD)
        yield (f"{text}\n", "")


def _snippet(
    source: Source, marks: list[tuple[Span, str, bool]], width: int, style: str
) -> Iterator[Part]:
    """The source lines with their underlines; far apart lines with ``...`` between them."""
    blank = f"{' ' * width} |"
    yield (f"{blank}\n", _GUTTER)
    lines: dict[int, list[_Mark]] = {}
    for span, text, primary in marks:
        for number, mark in _marks(source, span, text, primary):
            lines.setdefault(number, []).append(mark)
    previous: int | None = None
    for number in sorted(lines):
        if previous is not None and number == previous + 2:
            yield (f"{previous + 1:>{width}} |", _GUTTER)
            yield (_padded(_cut(_shown(source.line(previous + 1)), 0)[0]), "")
        elif previous is not None and number > previous + 2:
            yield ("...\n", _GUTTER)
        line, shift = _cut(_shown(source.line(number)), min(m.start for m in lines[number]))
        yield (f"{number:>{width}} |", _GUTTER)
        yield (_padded(line), "")
        for parts in _underlines([_moved(m, shift) for m in lines[number]], style):
            yield (blank, _GUTTER)
            yield from parts
        previous = number


def _padded(line: str) -> str:
    return f" {line}\n" if line else "\n"


def _marks(source: Source, span: Span, text: str, primary: bool) -> list[tuple[int, _Mark]]:
    """One mark per line of a place; of a long place the first two lines and the last. The label
    stands at the last one.
    """
    numbers = list(range(span.line, max(span.end_line, span.line) + 1))
    if len(numbers) > 3:
        numbers = [*numbers[:2], numbers[-1]]
    marks = []
    for number in numbers:
        line = source.line(number)
        first = span.column if number == span.line else len(line) - len(line.lstrip()) + 1
        last = span.end_column if number == numbers[-1] else len(line) + 1
        start = columns(_shown(line[: first - 1])) + max(first - 1 - len(line), 0)
        end = max(columns(_shown(line[: last - 1])), start + 1)
        marks.append((number, _Mark(start, end, text if number == numbers[-1] else "", primary)))
    return marks


def _moved(mark: _Mark, shift: int) -> _Mark:
    start = max(mark.start - shift, 0)
    return _Mark(start, max(min(mark.end - shift, WIDTH), start + 1), mark.text, mark.primary)


def _shown(text: str) -> str:
    """A source text as a terminal may show it: tabs expanded, control and direction characters
    replaced.
    """
    pieces: list[str] = []
    column = 0
    for c in text:
        piece = (
            " " * (TAB_STOP - column % TAB_STOP)
            if c == "\t"
            else c
            if c.isprintable()
            else "\N{REPLACEMENT CHARACTER}"
        )
        pieces.append(piece)
        column += columns(piece)
    return "".join(pieces)


def _cut(text: str, start: int) -> tuple[str, int]:
    """At most ``WIDTH`` columns of a line around a place, and by how many columns it moved to the
    left.
    """
    text = text.rstrip()
    if columns(text) <= WIDTH:
        return text, 0
    begin = max(start - WIDTH // 3, 0) if start > WIDTH * 3 // 4 else 0
    dropped, index = 0, 0
    while dropped < begin:
        dropped += columns(text[index])
        index += 1
    window, used = "", 0
    while index < len(text) and used + columns(text[index]) <= WIDTH - 6:
        window, used, index = window + text[index], used + columns(text[index]), index + 1
    before, after = "..." if begin else "", "..." if index < len(text) else ""
    return before + window + after, dropped - len(before)


def _underlines(marks: list[_Mark], style: str) -> Iterator[list[Part]]:
    """The row of carets with the last label behind it, then a row per other label, hanging from its
    mark.
    """
    ordered = sorted(marks, key=lambda m: (m.start, not m.primary))
    row = [" "] * max(m.end for m in ordered)
    styles = [""] * len(row)
    for mark in sorted(ordered, key=lambda m: m.primary):
        for i in range(mark.start, mark.end):
            row[i], styles[i] = ("^", style) if mark.primary else ("-", _SECONDARY)
    last = max(ordered, key=lambda m: (m.end, m.start))
    overlaps = any(m is not last and m.end > last.start for m in ordered)
    inline = None if overlaps and len(ordered) > 1 else last
    parts = [(" ", ""), *zip(row, styles, strict=True)]
    if inline and inline.text:
        parts.append((f" {inline.text}", style if inline.primary else _SECONDARY))
    yield [*parts, ("\n", "")]
    hanging = [m for m in ordered if m is not inline and m.text]
    while hanging:
        mark = hanging.pop()
        pieces = [*((" " * m.start, "|") for m in hanging if m.start != mark.start)]
        stem = "".join(
            "|" if any(len(p) == i for p, _ in pieces) else " " for i in range(mark.start)
        )
        yield [
            (f" {stem}", _SECONDARY),
            (mark.text, style if mark.primary else _SECONDARY),
            ("\n", ""),
        ]
