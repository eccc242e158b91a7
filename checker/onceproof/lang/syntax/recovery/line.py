"""What one wrong line was meant to be: tries the ideas and keeps the one with which the line fits.

A line that no idea mends is worded from what the grammar would have taken.
"""

from __future__ import annotations

import re

from onceproof.lang.diagnostics import Diagnostic
from onceproof.lang.errors import syntax as errors
from onceproof.lang.errors.shapes import CONCEPTS, EFFECTIVELY_ONCE
from onceproof.lang.syntax.indentation import Line
from onceproof.lang.syntax.recovery.ideas import Ideas
from onceproof.lang.syntax.recovery.spot import Idea, tidy

MAX_PER_LINE = 3


class LineRepair(Ideas):
    """Mends one line as far as possible and words its mistakes."""

    def mend(self, line: Line) -> tuple[bool, list[Diagnostic]]:
        """Whether the line now fits, and its mistakes. The line is changed."""
        found: list[Diagnostic] = []
        self.line = line
        while self.fits(line.text).stop is not None:
            if len(found) == MAX_PER_LINE:
                return False, found
            self.locate()
            chosen = self._choose()
            if chosen is None:
                found.append(self._generic())
                return False, found
            text = self.edited(chosen.edits)
            found.append(chosen.word(tidy(text) if self.fits(text).stop is None else ""))
            if chosen.final:
                return False, found
            line.change(chosen.edits)
        return True, errors.as_one(found)

    def _choose(self) -> Idea | None:
        """The first idea with which the line fits, best with its block; else the one that gets
        furthest.
        """
        whole: Idea | None = None
        weak: Idea | None = None
        furthest: tuple[int, Idea] | None = None
        for idea in self.ideas():
            text = self.edited(idea.edits)
            fit = self.fits(text)
            if fit.odd:
                continue
            if fit.stop is None and idea.weak:
                weak = weak or idea
                continue
            if fit.stop is None and fit.block:
                return idea
            if fit.stop is None:
                whole = whole or idea
            elif idea.partial and self._gets_further(idea, fit.stop):
                rest = len(text) - fit.stop
                if furthest is None or rest < furthest[0]:
                    furthest = (rest, idea)
        return whole or (furthest[1] if furthest else weak)

    def _gets_further(self, idea: Idea, stop: int) -> bool:
        """Whether the line is now read beyond the place, with what the idea put there."""
        shift = 0
        for start, end, new in sorted(idea.edits):
            if start <= self.begin < max(end, start + 1):
                return stop > start + shift or not new.strip()
            shift += len(new) - (end - start)
        return False

    def _generic(self) -> Diagnostic:
        first = self.text.split()[0].rstrip(":;,(").lower()
        help = CONCEPTS.get(self.word.lower()) or CONCEPTS.get(first) or self.shape
        if first == "claim" and self.is_prose():
            help = EFFECTIVELY_ONCE
        if not self.word:
            return errors.ends_early(self.span(len(self.text), len(self.text)), self.expected, help)
        if not re.match(r"[\w\"'`(),.=|:<>!+\-*/&;{}\[\]@$%^?~\\]", self.word):
            return errors.strange_character(self.word[0], self.span(self.begin, self.begin + 1))
        return errors.unexpected(self.word, self.place, self.expected, help)
