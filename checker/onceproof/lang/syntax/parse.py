"""Parses a whole design and reports every mistake in it.

A text without a mistake goes straight through the reader, one declaration after the other.
Otherwise the automaton reads it line by line; a line that does not fit is moved to where it fits,
mended, or replaced by a placeholder, so that every line after it is read in its right place. What
comes out always parses.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from onceproof.lang.diagnostics import Diagnostic
from onceproof.lang.errors import syntax as errors
from onceproof.lang.source import MAX_BYTES, Source
from onceproof.lang.syntax import ast as n
from onceproof.lang.syntax.build import Build
from onceproof.lang.syntax.indentation import Line, mend
from onceproof.lang.syntax.reader import Reader


def parse(source: Source) -> tuple[n.Tree, list[Diagnostic]]:
    """The syntax tree of a design and every mistake in its text; with mistakes, the tree is what
    could be saved.
    """
    if len(source.text) > MAX_BYTES:
        size = len(source.text.encode("utf-8", "replace"))
        return n.Tree(source.path, (), (), ""), [errors.too_large(source.path, size, MAX_BYTES)]
    lines, found = mend(source)
    if not lines:
        return n.Tree(source.path, (), (), ""), found or [errors.nothing_in_it(source.path)]
    reader = Reader(Build(source))
    read: dict[Key, list[n.Item]] = {}
    broken = _read(reader, lines, read)
    if broken is not None:
        from onceproof.lang.syntax.recovery.blocks import (
            Blocks,  # much code that a text without a mistake does not need
        )

        lines, more = Blocks(source.path, lines, broken).mend()
        found += more
        broken = _read(reader, lines, read)
        assert broken is None, (
            f"{source.path}:{lines[broken].number} and what follows was mended and does not parse"
        )
    items = [item for declaration in _declarations(lines) for item in read[_key(declaration)]]
    doc, title = _documentation(source)
    return n.Tree(source.path, tuple(items), doc, title), found


Key = tuple[tuple[int, int, str, int, tuple[int, ...] | None], ...]
"""All that decides what is built of a declaration."""


def _key(declaration: list[Line]) -> Key:
    return tuple(
        (line.number, line.indent, line.text, line.start, line.columns) for line in declaration
    )


def _declarations(lines: list[Line]) -> Iterator[list[Line]]:
    """The lines of each declaration."""
    starts = [i for i, line in enumerate(lines) if not line.indent or not i]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        yield lines[start:end]


def _read(reader: Reader, lines: list[Line], read: dict[Key, list[n.Item]]) -> int | None:
    """Read each declaration that is not yet in ``read``. If one does not fit the grammar: where the
    one before it begins.
    """
    before = index = 0
    for declaration in _declarations(lines):
        key = _key(declaration)
        if key not in read:
            built: Any = reader.read(declaration)
            if built is None:
                return before
            read[key] = built
        before, index = index, index + len(declaration)
    return None


def _documentation(source: Source) -> tuple[tuple[tuple[int, str], ...], str]:
    """``##`` lines: those above a declaration belong to it, those at the top of the file are the
    title.
    """
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
