"""Renaming, checked: the new text must say the same with the new name, or nothing is changed."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from onceproof.lang.source import Source, Span
from onceproof.lang.syntax.interactive import Stack, grammar
from onceproof.lang.syntax.parser import parse
from onceproof.lsp.names import TOP, Occurrence, Symbol
from onceproof.lsp.project import Analysis, names_of

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
RENAMED = TOP | {"field", "column", "section", "local"}
"""Kinds of names that can be renamed; a value may also be written by others, so it is not."""


class Refused(Exception):
    """A renaming that would change what the design says; the message says why."""


def can_be_renamed(symbol: Symbol) -> bool:
    """Whether a name is the design's own to choose."""
    return symbol.kind in RENAMED


def renamed(analyses: Iterable[Analysis], symbol: Symbol, new: str) -> dict[str, list[Span]]:
    """The places to change, by file, for one name in several designs that share it. Raises
    ``Refused``.

    The first design that reads a file says where its names are: the text in the editor comes before
    the saved one.
    """
    if not NAME.fullmatch(new):
        raise Refused(
            f"`{new}` cannot be a name: use letters a to z, digits and _, beginning with a letter"
        )
    if new in _taken():
        raise Refused(f"`{new}` is a word of the language")
    places: dict[str, list[Span]] = {}
    claimed: set[str] = set()
    for analysis in analyses:
        clash = next((o for o in analysis.names if _clashes(o.symbol, symbol, new)), None)
        if clash is not None:
            raise Refused(
                f"there is already a {clash.symbol.kind} `{new}`"
                f" ({clash.span.path}:{clash.span.line})"
            )
        spans_in = {path: _places(analysis, symbol, path) for path in analysis.loaded.sources}
        _demand_same(analysis, spans_in, symbol, new)
        places |= {
            path: spans
            for path, spans in spans_in.items()
            if spans and os.path.realpath(path) not in claimed
        }
        claimed |= {os.path.realpath(path) for path in spans_in}
    return places


def _taken() -> frozenset[str]:
    """Words that nobody means as a name: those that begin a line, and those that stand between two
    names.

    Others, such as `id`, `key` and `lease`, are common names.
    """
    language = grammar()
    behind = [
        language.feed(context, "NAME")
        for context in (*_after_first_words(), *language.contexts.values())
    ]
    between = {w for stack in behind if stack is not None for w in language.words(stack)}
    return frozenset(
        {*language.words(language.start), *language.words(language.contexts["step"]), *between}
    )


def _after_first_words() -> list[Stack]:
    """The states behind each word that can begin a line."""
    language = grammar()
    states = [
        (stack, t)
        for stack in (language.start, language.contexts["step"])
        for t in language.words(stack).values()
    ]
    return [
        after for after in (language.feed(stack, t) for stack, t in states) if after is not None
    ]


def _places(analysis: Analysis, symbol: Symbol, path: str) -> list[Span]:
    """Where the name stands in one file, from top to bottom."""
    return [o.span for o in references(analysis.names, symbol) if o.span.path == path]


def _clashes(other: Symbol, symbol: Symbol, new: str) -> bool:
    if other.name != new:
        return False
    one_space = {"field", "local"}
    together = other.kind in TOP and symbol.kind in TOP
    return (
        together
        or (other.kind, other.of) == (symbol.kind, symbol.of)
        or {other.kind, symbol.kind} <= one_space
    )


def _demand_same(
    analysis: Analysis, places: dict[str, list[Span]], symbol: Symbol, new: str
) -> None:
    """The names of the new texts are those of the old ones, with the new name where the old one
    was.
    """
    old = analysis.loaded.sources
    texts = {
        path: Source.of(path, replaced(source, places[path], new)) for path, source in old.items()
    }
    more = sum(len(parse(s)[1]) for s in texts.values()) > sum(
        len(parse(s)[1]) for s in old.values()
    )
    after = [o.symbol for o in names_of(texts.values(), analysis.path)]
    if more or after != [_moved(o.symbol, symbol, new) for o in analysis.names]:
        raise Refused(
            f"with `{new}` instead of `{symbol.name}`, {analysis.path} would say something else"
        )


def _moved(other: Symbol, symbol: Symbol, new: str) -> Symbol:
    """What a name is called after the renaming: itself, or the store or column that it belongs to,
    may be the renamed one.
    """
    if other == symbol:
        return Symbol(other.kind, new, other.of)
    owner, dot, column = other.of.partition(".")
    if symbol.kind in TOP and owner == symbol.name:
        return Symbol(other.kind, other.name, f"{new}{dot}{column}")
    if column == symbol.name and (symbol.of, symbol.kind) in (
        (owner, "column"),
        ("", "field"),
        ("", "local"),
    ):
        return Symbol(other.kind, other.name, f"{owner}.{new}")
    return other


def replaced(source: Source, spans: Iterable[Span], new: str) -> str:
    """The text with the new name at every place."""
    lines = list(source.lines)
    for span in sorted(spans, key=lambda s: (s.line, s.column), reverse=True):
        line = lines[span.line - 1]
        lines[span.line - 1] = line[: span.column - 1] + new + line[span.end_column - 1 :]
    return "\n".join(lines)


def references(names: Iterable[Occurrence], symbol: Symbol) -> list[Occurrence]:
    """Every place of a symbol."""
    return [o for o in names if o.symbol == symbol]
