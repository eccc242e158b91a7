"""Writes a design in the one style of docs/style.md. Only white space changes; what it says is
compared before and after.

Works on lines and tokens: a line's tokens are joined again with the spaces of the style, blocks are
indented by two spaces, comments stay with the lines they belong to. The tokens come from the
grammar itself, so new constructs need no change here.
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import unified_diff

from msgspec import Struct

from onceproof.lang.diagnostics import Diagnostic, Severity
from onceproof.lang.source import Source, Span
from onceproof.lang.syntax import ast as n
from onceproof.lang.syntax.indentation import Line, mend
from onceproof.lang.syntax.interactive import Piece, Stack, grammar
from onceproof.lang.syntax.lark_parser import DEDENT, INDENT, LINE_END
from onceproof.lang.syntax.parser import parse

STEP = 2
"""Spaces per level."""
COMMENT_COLUMN = 43
"""Where a comment behind a line begins, counted from 0, as long as the line is shorter than that.
"""
COMMENT_GAP = 3
"""Spaces in front of a comment behind a line that reaches beyond that column."""
ALIGNED = ("of", "per")
"""The third word of declarations whose names are padded to one width."""
_NO_SPACE_BEFORE = frozenset({",", ")", ":", "."})
_NO_SPACE_AFTER = frozenset({"(", "."})
_SPACED = frozenset({"|", "="})
_BLANK = " \t\f\r\ufeff"


class Formatted(Struct, frozen=True):
    """What came of formatting a text: the new text, or the mistakes because of which it was left
    alone (``text`` is None).
    """

    text: str | None
    diagnostics: tuple[Diagnostic, ...] = ()


class _Row(Struct):
    """One line to be written. ``words``: its tokens with the spaces in front of them; none in a
    line that is only a comment.
    """

    depth: int
    words: list[tuple[str, str]]
    comment: str
    number: int

    @property
    def content(self) -> str:
        """The line without indentation and comment."""
        return "".join(space + word for space, word in self.words)


def formatted(source: Source) -> Formatted:
    """The design in the one style; left alone if its text has mistakes.

    Raises AssertionError if the new text would not say the same as the old one: a bug of ours, and
    nothing may be written.
    """
    tree, diagnostics = parse(source)
    errors = tuple(d for d in diagnostics if d.severity is Severity.ERROR)
    if errors:
        return Formatted(None, errors)
    text = _written(source)
    reparsed, more = parse(Source.of(source.path, text))
    assert not any(d.severity is Severity.ERROR for d in more), (
        f"{source.path}: does not parse after formatting"
    )
    assert same_meaning(tree, reparsed), f"{source.path}: says something else after formatting"
    return Formatted(text)


def same_meaning(first: object, second: object) -> bool:
    """Whether two pieces of syntax trees are equal but for the places they stand at."""
    if isinstance(first, Span) and isinstance(second, Span):
        return True
    if isinstance(first, n.Tree) and isinstance(second, n.Tree):
        texts = [text for _, text in first.doc] == [text for _, text in second.doc]
        return texts and first.title == second.title and same_meaning(first.items, second.items)
    if isinstance(first, tuple) and isinstance(second, tuple):
        return len(first) == len(second) and all(map(same_meaning, first, second))
    if isinstance(first, Struct) and type(first) is type(second):
        pairs = ((getattr(first, name), getattr(second, name)) for name in first.__struct_fields__)
        return all(same_meaning(a, b) for a, b in pairs)
    return first == second


def _written(source: Source) -> str:
    """The text in the one style. The source must have no mistakes."""
    lines, _ = mend(source)
    rows = _with_comments(source, lines)
    _align(rows)
    text: list[str] = []
    for row in rows:
        if row is None:
            text.append("")
            continue
        line = " " * (STEP * row.depth) + row.content
        if row.comment and row.words:
            gap = COMMENT_GAP if len(line) >= COMMENT_COLUMN else COMMENT_COLUMN - len(line)
            line += " " * gap
        text.append(line + row.comment)
    return "\n".join(text) + "\n"


# ---------------------------------------------------------------- lines


def _with_comments(source: Source, lines: list[Line]) -> list[_Row | None]:
    """Every line to be written, None for a blank one."""
    content = {
        row.number: (row, line) for row, line in zip(_rows(source, lines), lines, strict=True)
    }
    following = _depths_below(
        len(source.lines), {number: row.depth for number, (row, _) in content.items()}
    )
    rows: list[_Row | None] = []
    levels = [0]  # the source's indentation at each depth, down to the line above
    for number, text in enumerate(source.lines, start=1):
        if number in content:
            row, line = content[number]
            levels = [*levels[: row.depth], line.indent]
            rows.append(row)
        elif _is_comment(text):
            rows.append(
                _Row(
                    _comment_depth(text, levels, following[number]), [], text.strip(_BLANK), number
                )
            )
        elif rows and rows[-1] is not None:
            rows.append(None)
    while rows and rows[-1] is None:
        rows.pop()
    return rows


def _depths_below(count: int, depths: dict[int, int]) -> list[int]:
    """For each line, the depth of the next line with content below it (0 at the end)."""
    below = [0] * (count + 1)
    for number in range(count - 1, 0, -1):
        below[number] = depths.get(number + 1, below[number + 1])
    return below


def _is_comment(text: str) -> bool:
    return text.lstrip(_BLANK).startswith("#")


def _comment_depth(text: str, levels: list[int], following: int) -> int:
    """How deep a comment of its own belongs: with the line below it, or still in the block above if
    it is written there.
    """
    if following >= len(levels):
        return following
    column = len(text) - len(text.lstrip())
    return max((d for d in range(following, len(levels)) if levels[d] <= column), default=following)


def _rows(source: Source, lines: list[Line]) -> Iterator[_Row]:
    """The lines with content: their depth and their tokens, as the grammar reads them."""
    language = grammar()
    stack = language.start
    indents = [0]
    for line in lines:
        while line.indent < indents[-1]:
            indents.pop()
            stack = _fed(stack, DEDENT)
        if line.indent > indents[-1]:
            indents.append(line.indent)
            stack = _fed(stack, INDENT)
        reading = language.read(stack, line.text)
        assert reading.stop is None, f"{source.path}:{line.number} was parsed and cannot be read"
        whole = source.line(line.number)
        comment = whole[line.start + len(line.text) :].strip(_BLANK)
        words = [whole[line.start + p.start : line.start + p.end] for p in reading.pieces]
        yield _Row(
            len(indents) - 1,
            list(zip(_spaces(reading.pieces, words), words, strict=True)),
            comment,
            line.number,
        )
        stack = _fed(reading.stack, LINE_END)


def _fed(stack: Stack, terminal: str) -> Stack:
    after = grammar().feed(stack, terminal)
    assert after is not None, terminal
    return after


# ---------------------------------------------------------------- spaces


def _spaces(pieces: tuple[Piece, ...], words: list[str]) -> Iterator[str]:
    """The space in front of each word of a line; signs that the style says nothing about keep what
    they have.
    """
    inside = 0
    for i, word in enumerate(words):
        before = words[i - 1] if i else ""
        inside += (before == "(") - (word == ")")
        call = word == "(" and bool(i) and not grammar().literals[pieces[i - 1].terminal]
        if (
            not i
            or call
            or word in _NO_SPACE_BEFORE
            or before in _NO_SPACE_AFTER
            or (inside and "=" in (word, before))
        ):
            yield ""
        elif (
            _is_word(word) == _is_word(before)
            or before in _NO_SPACE_BEFORE
            or {word, before} & _SPACED
        ):
            yield " "
        else:
            yield " " if pieces[i - 1].end < pieces[i].start else ""


def _is_word(text: str) -> bool:
    return text[0].isalnum() or text[0] in '_"'


def _align(rows: list[_Row | None]) -> None:
    """Pad the names of neighbouring declarations of one kind, so that their ``of`` or ``per`` stand
    below each other.
    """
    run: list[_Row] = []
    kind = ""
    for row in [*rows, None]:
        if row is not None and (row.depth or not row.words):
            continue
        word = (
            row.words[0][1]
            if row is not None and len(row.words) > 2 and row.words[2][1] in ALIGNED
            else ""
        )
        if word != kind or row is None:
            _pad(run)
            run, kind = [], word
        if row is not None and word:
            run.append(row)


def _pad(run: list[_Row]) -> None:
    width = max((len(row.words[1][1]) for row in run), default=0)
    for row in run:
        row.words[2] = (" " * (width - len(row.words[1][1]) + 1), row.words[2][1])


def unified(path: str, before: str, after: str) -> str:
    """The change as a unified diff; empty if there is none."""
    lines = unified_diff(
        before.split("\n"), after.split("\n"), path, f"{path} (formatted)", lineterm=""
    )
    return "".join(f"{line}\n" for line in lines)
