"""The place in a line where it stops fitting: what stands there, what would fit, and whether a
change makes the line fit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from msgspec import Struct

from onceproof.lang.diagnostics import Diagnostic
from onceproof.lang.errors.expected import in_words
from onceproof.lang.errors.shapes import CLAIM_PROSE, CONCEPTS, shape_below, shape_of
from onceproof.lang.source import Span
from onceproof.lang.syntax.indentation import Line
from onceproof.lang.syntax.interactive import Reading, Stack, grammar

LEXEME = re.compile(r'"[^"]*"?|[^\W\d][\w]*(?:-\w+)*|\d\w*|[=!<>:&|+\-*/]+|\S')
Edit = tuple[int, int, str]


class Fit(Struct, frozen=True):
    """How well a text fits in its place: read up to ``stop`` (None: wholly), and whether what
    stands below it fits too.

    ``odd``: it fits only with a word such as ``of`` as a name, which nobody means.
    """

    stop: int | None
    block: bool
    odd: bool = False


class Idea(Struct, frozen=True):
    """A proposed repair: the edits, and the words for it once it proves right (given the repaired
    line, if it then fits wholly).
    """

    edits: tuple[Edit, ...]
    word: Callable[[str], Diagnostic]
    partial: bool = False
    """Worth keeping even if the line still has another mistake further on."""
    weak: bool = False
    """Worth less than one that is only partial."""
    final: bool = False
    """It explains the mistake, but the line cannot be read like that."""


class Spot:
    """One line at the place where it stops fitting."""

    def __init__(
        self, path: str, known: frozenset[str], stack: Stack, fits: Callable[[str], Fit]
    ) -> None:
        self.grammar = grammar()
        self.path = path
        self.known = known
        self.stack = stack
        self.fits = fits
        self.line = Line(0, 0, "", 0)
        self.begin = self.end = 0
        self.reading = Reading((), stack, 0)
        self.accepted: frozenset[str] = frozenset()
        self.words: list[str] = []

    def locate(self) -> None:
        """Find the word at which the line stops fitting, and what would fit there."""
        self.reading = self.grammar.read(self.stack, self.text)
        stop = len(self.text) if self.reading.stop is None else self.reading.stop
        found = next((m for m in LEXEME.finditer(self.text) if m.start() <= stop < m.end()), None)
        self.begin, self.end = found.span() if found else (stop, stop)
        before = next(
            (p.before for p in self.reading.pieces if p.end > self.begin), self.reading.stack
        )
        self.accepted = self.grammar.accepts(before)
        self.words = sorted(self.grammar.words(before))

    @property
    def text(self) -> str:
        """The line as it is now."""
        return self.line.text

    @property
    def word(self) -> str:
        """The word in question; empty at the end of the line."""
        return self.text[self.begin : self.end]

    @property
    def expected(self) -> list[str]:
        """What would fit, in words."""
        return in_words(self.accepted, self.grammar.literals)

    def span(self, start: int, end: int) -> Span:
        """The place of a part of the line."""
        return self.line.span(start, end, self.path)

    @property
    def place(self) -> Span:
        """Where the word in question stands."""
        return self.span(self.begin, self.end)

    def edited(self, edits: tuple[Edit, ...]) -> str:
        """The line with the edits made."""
        text = self.text
        for start, end, new in sorted(edits, reverse=True):
            text = text[:start] + new + text[end:]
        return text

    def sound(self, edits: Iterable[Edit]) -> list[Edit]:
        """The edits each of which alone makes the line fit."""
        fits = ((e, self.fits(self.edited((e,)))) for e in edits)
        return [e for e, fit in fits if fit.stop is None and not fit.odd]

    def is_prose(self) -> bool:
        """Whether this is a thing of another kind altogether, which a small repair would only
        disguise.
        """
        first, *others = re.findall(r"[\w\-]+", self.text.lower()) or [""]
        return first in CONCEPTS or (
            first == "claim" and bool(CLAIM_PROSE & set(others) - self.known)
        )

    @property
    def shape(self) -> str | None:
        """How such a line is written: by its first word, else by its place."""
        first = self.text.split()[0].rstrip(":;,(").lower()
        shape = shape_of(first) if first in self.grammar.words(self.stack) else None
        return shape or shape_below(self.grammar.accepts(self.stack))

    def is_telling(self, text: str) -> bool:
        """Whether more than the first word shows what kind of line this is."""
        return (
            sum(
                bool(self.grammar.literals[p.terminal])
                for p in self.grammar.read(self.stack, text).pieces
            )
            > 1
        )


def tidy(text: str) -> str:
    """A line as one would write it: single spaces, none in front of a sign that closes."""
    return re.sub(r" +([,:)])", r"\1", " ".join(text.split()))
