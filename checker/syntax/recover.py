"""Parses a whole design and reports every mistake in it.

A text without a mistake goes straight through Lark, one declaration after the other. Otherwise the automaton reads it line by
line; a line that does not fit is moved to where it fits, mended, or replaced by a placeholder, so that every line after it is
read in its right place. What comes out always parses.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lark import Token, Tree
from lark.exceptions import UnexpectedInput

from checker.diagnostics import Diagnostic
from checker.errors import syntax as errors
from checker.source import Source
from checker.syntax import nodes as n
from checker.syntax.layout import Line, mend
from checker.syntax.parse import Build, grammar

MAX_BYTES = 1_000_000


def parse(source: Source) -> tuple[n.Tree, list[Diagnostic]]:
    """The syntax tree of a design and every mistake in its text; with mistakes, the tree is what could be saved."""
    if len(source.text) > MAX_BYTES:
        size = len(source.text.encode("utf-8", "replace"))
        return n.Tree(source.path, (), (), ""), [errors.too_large(source.path, size, MAX_BYTES)]
    lines, found = mend(source)
    if not lines:
        return n.Tree(source.path, (), (), ""), found or [errors.nothing_in_it(source.path)]
    parsed: dict[tuple[int, str], Tree[Token]] = {}
    broken = _parse(lines, parsed)
    if broken is not None:
        from checker.syntax.blocks import Blocks  # much code that a text without a mistake does not need

        lines, more = Blocks(source.path, lines, broken).mend()
        found += more
        broken = _parse(lines, parsed)
        assert broken is None, f"{source.path}:{lines[broken].number} and what follows was mended and does not parse"
    build = Build(source)
    items: list[n.Item] = []
    for declaration in _declarations(lines):
        built: Any = build.transform(_placed(parsed.pop((declaration[0].number, _text(declaration))), declaration))
        items += built
    doc, title = _documentation(source)
    return n.Tree(source.path, tuple(items), doc, title), found


def _declarations(lines: list[Line]) -> Iterator[list[Line]]:
    """The lines of each declaration."""
    starts = [i for i, line in enumerate(lines) if not line.indent or not i]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        yield lines[start:end]


def _parse(lines: list[Line], parsed: dict[tuple[int, str], Tree[Token]]) -> int | None:
    """Parse each declaration that is not yet in ``parsed``. If one does not parse: where the one before it begins."""
    before = index = 0
    for declaration in _declarations(lines):
        key = declaration[0].number, _text(declaration)
        if key not in parsed:
            try:
                parsed[key] = grammar().parse(key[1])
            except UnexpectedInput:
                return before
        before, index = index, index + len(declaration)
    return None


def _text(lines: list[Line]) -> str:
    """The text for the parser: every line begins with its line end, so that the first one is like any other."""
    return "\n".join(["", *(" " * line.indent + line.text for line in lines), ""])


def _placed(tree: Tree[Token], lines: list[Line]) -> Tree[Token]:
    """Take back every change of place: lines and columns are the source's again."""

    def place(number: int, column: int) -> tuple[int, int]:
        line = lines[min(max(number - 2, 0), len(lines) - 1)]
        return line.number, line.column(column - 1 - line.indent)

    for node in tree.iter_subtrees():
        meta = node.meta
        if not meta.empty:
            within = meta.end_line == meta.line
            end = place(meta.line, meta.end_column)[1]
            meta.line, meta.column = place(meta.line, meta.column)
            meta.end_line, meta.end_column = (meta.line, max(end, meta.column)) if within else (meta.line + 1, 1)
        for child in node.children:
            if isinstance(child, Token) and child.line is not None and child.column is not None and child.end_column is not None:
                end = place(child.line, child.end_column)[1]
                child.line, child.column = place(child.line, child.column)
                child.end_column = max(end, child.column)
    return tree


def _documentation(source: Source) -> tuple[tuple[tuple[int, str], ...], str]:
    """``##`` lines: those above a declaration belong to it, those at the top of the file are the title."""
    doc: list[tuple[int, str]] = []
    pending: list[str] = []
    title = ""
    for number, line in enumerate(source.lines, start=1):
        stripped = line.strip()
        if stripped.startswith("##"):
            pending.append(stripped.lstrip("#").strip())
        elif pending and not stripped and not title and not doc:
            title, pending = " ".join(pending), []
        elif pending and stripped and not stripped.startswith("#"):
            doc.append((number, " ".join(pending)))
            pending = []
    return tuple(doc), title
