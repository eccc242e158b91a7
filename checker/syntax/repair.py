"""What one wrong line was meant to be: tries small repairs and keeps the one with which the line fits.

Every idea (``ideas_*``) is only a proposal; the automaton says whether the line then fits, so an idea may be bold. A line that no idea
mends is worded from what the grammar would have taken.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

from checker.diagnostics import Diagnostic
from checker.errors import syntax as errors
from checker.errors.expected import in_words
from checker.errors.shapes import ASSUMPTIONS, CONCEPTS, shape_of
from checker.errors.suggest import close_to
from checker.syntax.automaton import LINE_END, Automaton, Reading, Stack
from checker.syntax.habits import HABITS
from checker.syntax.layout import Line

MAX_PER_LINE = 3
LEXEME = re.compile(r'"[^"]*"?|[^\W\d][\w]*(?:-\w+)*|\d\w*|[=!<>:&|+\-*/]+|\S')
_FILLERS = frozenset("the a an named called my our this that each every all then with".split())
Edit = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class Fit:
    """How well a text fits in its place: read up to ``stop`` (None: wholly), and whether what stands below it fits too."""

    stop: int | None
    block: bool


@dataclass(frozen=True, slots=True)
class Idea:
    """A proposed repair: the edits, and the words for it once it proves right (given the repaired line, if it then fits wholly)."""

    edits: tuple[Edit, ...]
    word: Callable[[str], Diagnostic]
    partial: bool = False
    """Worth keeping even if the line still has another mistake further on."""


class LineRepair:
    """Mends one line as far as possible and words its mistakes."""

    def __init__(self, automaton: Automaton, path: str, stack: Stack, fits: Callable[[str], Fit]) -> None:
        self.automaton = automaton
        self.path = path
        self.stack = stack
        self.fits = fits
        self.line = Line(0, 0, "", 0)
        self.begin = self.end = 0
        self.reading = Reading((), stack, 0)
        self.accepted: frozenset[str] = frozenset()
        self.words: list[str] = []

    def mend(self, line: Line) -> tuple[bool, list[Diagnostic]]:
        """Whether the line now fits, and its mistakes. The line is changed."""
        found: list[Diagnostic] = []
        self.line = line
        while self.fits(line.text).stop is not None:
            if len(found) == MAX_PER_LINE:
                return False, found
            self._locate()
            chosen = self._choose()
            if chosen is None:
                found.append(self._generic())
                return False, found
            found.append(chosen.word(" ".join(self._edited(chosen).split())))
            line.change(chosen.edits)
        return True, found

    # -- the place

    def _locate(self) -> None:
        """Find the word at which the line stops fitting, and what would fit there."""
        text = self.line.text
        self.reading = self.automaton.read(self.stack, text)
        stop = len(text) if self.reading.stop is None else self.reading.stop
        found = next((m for m in LEXEME.finditer(text) if m.start() <= stop < m.end()), None)
        self.begin, self.end = found.span() if found else (stop, stop)
        before = next((p.before for p in self.reading.pieces if p.end > self.begin), self.reading.stack)
        self.accepted = self.automaton.accepts(before)
        self.words = sorted(self.automaton.words(before))

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
        return in_words(self.accepted, self.automaton.literals)

    # -- choosing

    def _choose(self) -> Idea | None:
        """The first idea with which the line fits, best with its block; else the one that gets furthest."""
        whole: Idea | None = None
        furthest: tuple[int, Idea] | None = None
        left = len(self.text) - self.end
        for idea in self._ideas():
            text = self._edited(idea)
            fit = self.fits(text)
            if fit.stop is None and fit.block:
                return idea
            if fit.stop is None:
                whole = whole or idea
            elif idea.partial:
                rest = len(text) - fit.stop
                if rest <= left and (furthest is None or rest < furthest[0]):
                    furthest = (rest, idea)
        return whole or (furthest[1] if furthest else None)

    def _edited(self, idea: Idea) -> str:
        text = self.text
        for start, end, new in sorted(idea.edits, reverse=True):
            text = text[:start] + new + text[end:]
        return text

    def _span(self, start: int, end: int) -> errors.Span:
        return self.line.span(start, end, self.path)

    # -- ideas, the likeliest first

    def _ideas(self) -> Iterator[Idea]:
        yield from self._ideas_habit()
        yield from self._ideas_spelling()
        yield from self._ideas_phrase()
        yield from self._ideas_spaces()
        yield from self._ideas_filler()
        yield from self._ideas_missing()
        yield from self._ideas_instead()
        yield from self._ideas_first_word()
        yield from self._ideas_order()
        yield from self._ideas_surplus()

    def _ideas_habit(self) -> Iterator[Idea]:
        for habit in HABITS:
            edits = habit.edits(self.text, self.automaton.literals)
            if edits:
                place = self._span(edits[0][0], edits[0][1])
                yield Idea(edits, lambda line, h=habit, p=place: errors.foreign(h.headline, p, h.label, line), partial=any(a <= self.begin < max(b, a + 1) for a, b, _ in edits))

    def _ideas_spelling(self) -> Iterator[Idea]:
        word, place = self.word, self._span(self.begin, self.end)
        if not word or not (word[0].isalpha() or word[0] == "_"):
            return
        if not word.isascii() and word.isidentifier() and "NAME" in self.accepted | {p.terminal for p in self.reading.pieces[-1:]}:
            plain = _plain(word)
            yield Idea(((self.begin, self.end, plain),), lambda _: errors.foreign_name(word, place, plain), partial=True)
        near = close_to(word, self.words)
        for option in near:
            rest = [option, *(n for n in near if n != option)]
            extra = f"({CONCEPTS[word]})" if word in ("commit", "rollback") else None
            yield Idea(
                ((self.begin, self.end, option),),
                lambda _, r=rest, e=extra: errors.misspelt(word, place, self.expected, r, e),
                partial=True,
            )

    def _ideas_phrase(self) -> Iterator[Idea]:
        found = re.match(r"assume\s+(?=\S)", self.text)
        if not found:
            return
        rest = self.text[found.end() :]
        scored = sorted((-SequenceMatcher(None, rest.lower(), p.lower()).ratio(), p) for p in ASSUMPTIONS if "EFFECT" not in p)
        if -scored[0][0] >= 0.5:
            near = scored[0][1]
            place = self._span(found.end(), len(self.text))
            yield Idea(((found.end(), len(self.text), near),), lambda _: errors.no_such_assumption(rest, place, near, ASSUMPTIONS))

    def _ideas_spaces(self) -> Iterator[Idea]:
        word, place = self.word, self._span(self.begin, self.end)
        for option in sorted(self.words, key=len, reverse=True):
            if len(word) > len(option) and word.lower().startswith(option) and option[0].isalpha() and len(option) > 1:
                parts = f"{option} {word[len(option) :].lstrip('_-')}"
                yield Idea(((self.begin, self.end, parts),), lambda _, p=parts: errors.glued(word, p, place))
        lexemes = [m.span() for m in LEXEME.finditer(self.text)]
        here = next((i for i, (a, _) in enumerate(lexemes) if a == self.begin), None)
        if here is None:
            return
        for first, last in ((here, here + 1), (here, here + 2), (here - 1, here)):
            if first < 0 or last >= len(lexemes):
                continue
            start, end = lexemes[first][0], lexemes[last][1]
            torn = self.text[start:end]
            if not re.fullmatch(r"\w+( +\w+)+", torn) or (first < here and torn.split()[0] in _FILLERS):
                continue
            for joined in ("-".join(torn.split()), "_".join(torn.split())):
                where = self._span(start, end)
                yield Idea(((start, end, joined),), lambda _, t=torn, j=joined, w=where: errors.torn(t, j, w))

    def _ideas_filler(self) -> Iterator[Idea]:
        for found in re.finditer(r"[A-Za-z]+ +", self.text):
            if found[0].strip().lower() in _FILLERS and found.start() <= self.begin:
                word, place = found[0].strip(), self._span(found.start(), found.start() + len(found[0].strip()))
                yield Idea(((found.start(), found.end(), ""),), lambda line, w=word, p=place: errors.surplus(w, p, line))

    def _insertion(self, option: str) -> Edit:
        """The edit that puts a word in front of the place, with the spaces it needs."""
        if not option[0].isalpha():
            after = " " if option in ",:=|" and self.word else ""
            before = " " if option in "=|" else ""
            at = self.begin
            while at and option in ".,:()" and self.text[at - 1] == " ":
                at -= 1
            return (at, self.begin, before + option + after)
        before = "" if not self.begin or self.text[self.begin - 1] == " " else " "
        return (self.begin, self.begin, before + option + (" " if self.word else ""))

    def _ideas_missing(self) -> Iterator[Idea]:
        sound: list[str] = []
        for option in self.words:
            fit = self.fits(self._edited(Idea((self._insertion(option),), lambda _: self._generic())))
            if fit.stop is None:
                sound.append(option)
        at = self._span(self.begin, self.begin)
        if 0 < len(sound) <= 3:
            yield Idea((self._insertion(sound[0]),), lambda line: errors.missing(sound, at, line))
            return
        following = next((m.end() for m in LEXEME.finditer(self.text) if m.start() >= self.end), None)
        if following is None or not self.reading.pieces:
            return
        for option in self.words:
            edit = self._insertion(option)
            fit = self.fits(self._edited(Idea((edit,), lambda _: self._generic())))
            if fit.stop is not None and len(self.text) - following >= len(self.text) + len(edit[2]) - fit.stop - 1:
                yield Idea((edit,), lambda _, o=option: errors.missing([o], at, None), partial=True)

    def _ideas_instead(self) -> Iterator[Idea]:
        if not self.word:
            return
        place = self._span(self.begin, self.end)
        edits = [(self.begin, self.end, option) for option in self.words]
        sound = [e for e in edits if self.fits(self._edited(Idea((e,), lambda _: self._generic()))).stop is None]
        if 0 < len(sound) <= 3:
            yield Idea((sound[0],), lambda line: errors.instead(self.word, place, [e[2] for e in sound], line))

    def _ideas_first_word(self) -> Iterator[Idea]:
        first = re.match(r"[A-Za-z]+", self.text)
        if not first or self.begin == 0:
            return
        place = self._span(self.begin, self.end)
        for option in sorted(self.automaton.words(self.stack)):
            if option != first[0]:
                yield Idea(((0, first.end(), option),), lambda line: errors.other_line(self.word, place, line, first[0]))

    def _ideas_order(self) -> Iterator[Idea]:
        lexemes = [m.span() for m in LEXEME.finditer(self.text)]
        for (a, b), (c, d) in zip(lexemes, lexemes[1:], strict=False):
            words = f"{self.text[c:d]} {self.text[a:b]}"
            place = self._span(a, d)
            yield Idea(((a, d, words),), lambda line, p=place, w=words: errors.swapped(p, w, line))

    def _ideas_surplus(self) -> Iterator[Idea]:
        if not self.word:
            return
        place = self._span(self.begin, self.end)
        yield Idea(((self.begin, self.end, ""),), lambda line: errors.surplus(self.word, place, line))
        if self.begin and LINE_END in self.accepted:
            rest = self.text[self.begin :]
            where = self._span(self.begin, len(self.text))
            shape = shape_of(self.text.split()[0])
            yield Idea(((self.begin, len(self.text), ""),), lambda line: errors.surplus_end(rest, where, line.strip(), shape))

    # -- nothing helps

    def _generic(self) -> Diagnostic:
        word = self.word
        first = self.text.split()[0].rstrip(":;,(").lower()
        help = CONCEPTS.get(word.lower()) or CONCEPTS.get(first) or shape_of(first)
        if not word:
            return errors.ends_early(self._span(len(self.text), len(self.text)), self.expected, help)
        place = self._span(self.begin, self.end)
        if not re.match(r"[\w\"'`(),.=|:<>!+\-*/&;{}\[\]@$%^?~\\]", word):
            return errors.strange_character(word[0], self._span(self.begin, self.begin + 1))
        return errors.unexpected(word, place, self.expected, help)


def _plain(word: str) -> str:
    """The nearest name in plain letters."""
    folded = unicodedata.normalize("NFKD", word).encode("ascii", "ignore").decode()
    kept = re.sub(r"\W", "", folded)
    if len(kept) >= max(2, len(word) // 2) and not kept[0].isdigit():
        return kept
    return "name_" + "_".join(f"{ord(c):x}" for c in word)[:30]
