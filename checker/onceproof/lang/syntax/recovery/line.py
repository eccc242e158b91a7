"""What one line that does not parse was meant to be: tries candidate corrections, most likely
first, and keeps the one with which the line fits.

A candidate is only a proposal, so it may be bold: it is kept only if the line then fits. A line
that no candidate corrects is reported with what the grammar would have taken.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from difflib import SequenceMatcher
from itertools import pairwise, product

from msgspec import Struct

from onceproof.lang.assumptions import SPELLINGS
from onceproof.lang.diagnostics import Diagnostic
from onceproof.lang.errors import syntax as errors
from onceproof.lang.errors.expected import in_words
from onceproof.lang.errors.shapes import (
    CLAIM_PROSE,
    CONCEPTS,
    EFFECTIVELY_ONCE,
    shape_below,
    shape_of,
)
from onceproof.lang.errors.suggest import close_to
from onceproof.lang.source import Span
from onceproof.lang.syntax.indentation import Line
from onceproof.lang.syntax.interactive import Piece, Reading, Stack, grammar
from onceproof.lang.syntax.lark_parser import LINE_END
from onceproof.lang.syntax.recovery.habits import HABITS, Edit, Habit


def words_of(text: str) -> frozenset[str]:
    """The words of a text, as a set."""
    return frozenset(text.split())


MAX_PER_LINE = 3
"""Mistakes that are corrected in one line; with more, the line is given up."""
LEXEME = re.compile(r'"[^"]*"?|[^\W\d][\w]*(?:-\w+)*|\d\w*|[=!<>:&|+\-*/]+|\S')
MAX_LENGTH = 200
"""Longer lines are only reported: trying corrections on them takes too long."""
_FILLERS = words_of(
    "the a an named called my our this that each every all then with of column field type is "
    "does do exists it row key queue topic table store database event message effect"
)
"""Words that people put in between; the line may fit without one."""
_NOT_FORGOTTEN = words_of(
    "inside not workers serializable cache unique replicated expires never happened did "
    "failure-transparent recoverable eventually redelivered"
)
"""Words that say something of their own: nobody leaves them out by mistake."""
_SPELT_OUT = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss", "ø": "oe"}
    | {"æ": "ae", "å": "aa"}
)
_LIKE_SIGNS = frozenset({"to", "is", "as", "be", "becomes", "equals", "or", "of"})
"""Words that people write where a sign belongs."""
_BELOW = "on the next line, indented"
_RELATED = (
    frozenset({"set", "update", "let", "increment"}),
    frozenset({"insert", "add"}),
    frozenset({"send", "call", "do"}),
)
"""Steps that are mixed up."""


class Fit(Struct, frozen=True):
    """How well a text fits in its place: read up to ``stop`` (None: wholly), and whether what
    stands below it fits too.

    ``odd``: it fits only with a word such as ``of`` as a name, which nobody means.
    """

    stop: int | None
    block: bool
    odd: bool = False


class Correction(Struct, frozen=True):
    """A proposed change of the line. ``explain`` words the mistake once the correction is chosen;
    it is given the corrected line if that fits wholly, else an empty text.
    """

    edits: tuple[Edit, ...]
    explain: Callable[[str], Diagnostic]
    partial: bool = False
    """Worth keeping even if the line still has another mistake further on."""
    weak: bool = False
    """Worth less than one that is only partial."""
    final: bool = False
    """It explains the mistake, but the line cannot be read like that."""


class LineRepair:
    """Corrects one line as far as possible and words its mistakes.

    ``known``: the names that the design declares. ``stack``: the state of the parser before the
    line. ``fits``: how a text fits in the place of the line.
    """

    def __init__(
        self, path: str, known: frozenset[str], stack: Stack, fits: Callable[[str], Fit]
    ) -> None:
        self._grammar = grammar()
        self._path = path
        self._known = known
        self._stack = stack
        self._fits = fits
        self._line = Line(0, 0, "", 0)
        self._begin = self._end = 0
        self._reading = Reading((), stack, 0)
        self._accepted: frozenset[str] = frozenset()
        self._words: list[str] = []

    def mend(self, line: Line) -> tuple[bool, list[Diagnostic]]:
        """Whether the line now fits, and its mistakes. The line is changed."""
        mistakes: list[Diagnostic] = []
        self._line = line
        while self._fits(line.text).stop is not None:
            if len(mistakes) == MAX_PER_LINE:
                return False, mistakes
            self._locate()
            chosen = self._choose()
            if chosen is None:
                mistakes.append(self._generic())
                return False, mistakes
            text = self._edited(chosen.edits)
            mistakes.append(chosen.explain(tidy(text) if self._fits(text).stop is None else ""))
            if chosen.final:
                return False, mistakes
            line.change(chosen.edits)
        return True, errors.as_one(mistakes)

    def _choose(self) -> Correction | None:
        """The first correction with which the line and its block fit; else the first with which the
        line fits; else the one that gets furthest.
        """
        whole: Correction | None = None
        weak: Correction | None = None
        furthest: tuple[int, Correction] | None = None
        for correction in self._corrections():
            text = self._edited(correction.edits)
            fit = self._fits(text)
            if fit.odd:
                continue
            if fit.stop is None and correction.weak:
                # Cutting off the end of a line always makes it fit. A partial correction says more.
                weak = weak or correction
                continue
            if fit.stop is None and fit.block:
                return correction
            if fit.stop is None:
                # The block below may belong to another kind of line, which comes later.
                whole = whole or correction
            elif correction.partial and self._gets_further(correction, fit.stop):
                rest = len(text) - fit.stop
                if furthest is None or rest < furthest[0]:
                    furthest = (rest, correction)
        return whole or (furthest[1] if furthest else weak)

    def _gets_further(self, correction: Correction, stop: int) -> bool:
        """Whether the line is now read beyond the place, with what the correction put there."""
        shift = 0
        for start, end, new in sorted(correction.edits):
            if start <= self._begin < max(end, start + 1):
                return stop > start + shift or not new.strip()
            shift += len(new) - (end - start)
        return False

    def _generic(self) -> Diagnostic:
        """What to say of a line that nothing corrects."""
        first = self._text.split()[0].rstrip(":;,(").lower()
        help = CONCEPTS.get(self._word.lower()) or CONCEPTS.get(first) or self._shape
        if first == "claim" and self._is_prose():
            help = EFFECTIVELY_ONCE
        if not self._word:
            return errors.ends_early(
                self._span(len(self._text), len(self._text)), self._expected, help
            )
        if not re.match(r"[\w\"'`(),.=|:<>!+\-*/&;{}\[\]@$%^?~\\]", self._word):
            return errors.strange_character(self._word[0], self._span(self._begin, self._begin + 1))
        return errors.unexpected(self._word, self._place, self._expected, help)

    # -- the place at which the line stops fitting

    def _locate(self) -> None:
        """Find the word at which the line stops fitting, and what would fit there."""
        self._reading = self._grammar.read(self._stack, self._text)
        stop = len(self._text) if self._reading.stop is None else self._reading.stop
        lexemes = LEXEME.finditer(self._text)
        lexeme = next((m for m in lexemes if m.start() <= stop < m.end()), None)
        self._begin, self._end = lexeme.span() if lexeme else (stop, stop)
        before = next(
            (p.before for p in self._reading.pieces if p.end > self._begin), self._reading.stack
        )
        self._accepted = self._grammar.accepts(before)
        self._words = sorted(self._grammar.words(before))

    @property
    def _text(self) -> str:
        """The line as it is now."""
        return self._line.text

    @property
    def _word(self) -> str:
        """The word in question; empty at the end of the line."""
        return self._text[self._begin : self._end]

    @property
    def _expected(self) -> list[str]:
        """What would fit, in words."""
        return in_words(self._accepted, self._grammar.literals)

    def _span(self, start: int, end: int) -> Span:
        """The place of a part of the line."""
        return self._line.span(start, end, self._path)

    @property
    def _place(self) -> Span:
        """Where the word in question stands."""
        return self._span(self._begin, self._end)

    def _edited(self, edits: tuple[Edit, ...]) -> str:
        """The line with the edits made."""
        text = self._text
        for start, end, new in sorted(edits, reverse=True):
            text = text[:start] + new + text[end:]
        return text

    def _sound(self, edits: Iterable[Edit]) -> list[Edit]:
        """The edits each of which alone makes the line fit."""
        fits = ((e, self._fits(self._edited((e,)))) for e in edits)
        return [e for e, fit in fits if fit.stop is None and not fit.odd]

    def _is_prose(self) -> bool:
        """Whether this is a thing of another kind altogether, which a small repair would only
        disguise.
        """
        first, *others = re.findall(r"[\w\-]+", self._text.lower()) or [""]
        return first in CONCEPTS or (
            first == "claim" and bool(CLAIM_PROSE & set(others) - self._known)
        )

    @property
    def _shape(self) -> str | None:
        """How such a line is written: by its first word, else by its place."""
        first = self._text.split()[0].rstrip(":;,(").lower()
        shape = shape_of(first) if first in self._grammar.words(self._stack) else None
        return shape or shape_below(self._grammar.accepts(self._stack))

    def _is_telling(self, text: str) -> bool:
        """Whether more than the first word shows what kind of line this is."""
        return (
            sum(
                bool(self._grammar.literals[p.terminal])
                for p in self._grammar.read(self._stack, text).pieces
            )
            > 1
        )

    # -- candidates, most likely first

    def _corrections(self) -> Iterator[Correction]:
        """Every correction, the most specific ones first."""
        if len(self._text) > MAX_LENGTH:
            return
        yield from self._doubled()
        yield from (i for habit in HABITS if (i := self._habit(habit)))
        if self._word and (self._word[0].isalpha() or self._word[0] == "_"):
            yield from self._spelling()
            yield from self._glued()
        yield from self._mistaken_for_names()
        yield from self._phrase()
        yield from self._torn("-")
        yield from self._second_step()
        yield from self._fillers()
        if not self._is_prose():
            yield from self._missing()
            yield from self._nameless()
            yield from self._instead()
            yield from self._first_word()
            yield from self._order()
            yield from self._torn("_")
            yield from self._surplus()

    def _habit(self, habit: Habit) -> Correction | None:
        edits = habit.edits(self._text, self._grammar.literals)
        if not edits:
            return None
        start, end, new = edits[0]
        old = self._text[start:end]
        headline, label = (
            t.format(old=old, new=new) if "{old}" in habit.headline else t
            for t in (habit.headline, habit.label)
        )
        place = self._span(start + len(old) - len(old.lstrip()), start + len(old.rstrip()))
        partial = any(
            a <= self._begin < max(b, a + 1) and (a or not self._begin) for a, b, _ in edits
        )
        return Correction(
            edits,
            lambda line: errors.foreign(headline, place, label, "" if habit.explains_all else line),
            partial,
        )

    def _spelling(self) -> Iterator[Correction]:
        if not self._word.isascii() and self._word.isidentifier():
            yield self._replaced(
                plain := _plain(self._word),
                lambda _: errors.foreign_name(self._word, self._place, plain),
            )
        near = close_to(self._word, self._words)
        extra = f"({CONCEPTS[self._word]})" if self._word in ("commit", "rollback") else None
        for option in near:
            yield self._spelled([option, *(n for n in near if n != option)], extra)

    def _spelled(self, near: list[str], extra: str | None) -> Correction:
        return self._replaced(
            near[0], lambda _: errors.misspelt(self._word, self._place, self._expected, near, extra)
        )

    def _replaced(self, new: str, word: Callable[[str], Diagnostic]) -> Correction:
        return Correction(((self._begin, self._end, new),), word, partial=True)

    def _doubled(self) -> Iterator[Correction]:
        """``per per order``"""
        words = [m.span() for m in LEXEME.finditer(self._text)]
        for (a, b), (c, d) in pairwise(words):
            if self._text[a:b] == self._text[c:d] and a <= self._begin <= d + 1:
                yield self._left_out(c, d)

    def _mistaken_for_names(self) -> Iterator[Correction]:
        """``claim nver order.status is paid``: a misspelt keyword was taken for a name."""
        for piece in self._reading.pieces[-3:]:
            word = self._text[piece.start : piece.end]
            near = (
                close_to(word, self._grammar.words(piece.before), 1)
                if piece.terminal == "NAME" and word not in self._known
                else []
            )
            if near:
                yield self._keyword(piece, near)

    def _keyword(self, piece: Piece, near: list[str]) -> Correction:
        place, word = self._span(piece.start, piece.end), self._text[piece.start : piece.end]
        expected = in_words(self._grammar.accepts(piece.before), self._grammar.literals)
        return Correction(
            ((piece.start, piece.end, near[0]),),
            lambda _: errors.misspelt(word, place, expected, near),
        )

    def _glued(self) -> Iterator[Correction]:
        for option in sorted(self._words, key=len, reverse=True):
            if (
                option[0].isalpha()
                and 1 < len(option) < len(self._word)
                and self._word.lower().startswith(option)
            ):
                yield self._parted(f"{option} {self._word[len(option) :].lstrip('_-')}")

    def _parted(self, parts: str) -> Correction:
        return Correction(
            ((self._begin, self._end, parts),),
            lambda _: errors.glued(self._word, parts, self._place),
        )

    def _phrase(self) -> Iterator[Correction]:
        match = re.match(r"assume\s+(?=\S)", self._text)
        if not match:
            return
        start, end = match.end(), len(self._text)
        rest, place = self._text[start:end], self._span(start, end)
        score, near = max(
            (SequenceMatcher(None, rest.lower(), p).ratio(), p)
            for p in SPELLINGS
            if "EFFECT" not in p
        )
        if score >= 0.75:
            yield Correction(
                ((start, end, near),),
                lambda _: errors.no_such_assumption(rest, place, near, SPELLINGS),
            )
        elif self._word and not rest.startswith("crash only"):
            whole = ((start, end, SPELLINGS[0]),)
            yield Correction(
                whole,
                lambda _: errors.no_such_assumption(rest, place, None, SPELLINGS),
                final=True,
            )

    def _torn(self, join: str) -> Iterator[Correction]:
        """One word with a space in it: ``at least once``; or ``my queue``, as the name behind the
        line's first word.
        """
        lexemes = [m.span() for m in LEXEME.finditer(self._text)]
        position = next((i for i, (start, _) in enumerate(lexemes) if start == self._begin), None)
        declares = self._text.split()[0] in self._grammar.words(self._grammar.contexts["item"])
        if position is None or (join == "_" and not (position == 2 and declares)):
            return
        for first, last in ((0, 1), (0, 2)) if join == "-" else ((-1, 0),):
            if position + last < len(lexemes):
                start, end = lexemes[position + first][0], lexemes[position + last][1]
                words = self._text[start:end].split()
                if all(re.fullmatch(r"\w+", w) for w in words) and len(set(words)) == len(words):
                    yield self._joined(start, end, join.join(words))

    def _joined(self, start: int, end: int, word: str) -> Correction:
        torn, place = self._text[start:end], self._span(start, end)
        return Correction(((start, end, word),), lambda _: errors.torn(torn, word, place))

    def _second_step(self) -> Iterator[Correction]:
        """``ack; stop``: two steps in one line."""
        match = re.match(r"(?:;|,|and\b|then\b|&&?)?\s*(.+)", self._text[self._begin :])
        if not match or not self._begin or LINE_END not in self._accepted:
            return
        start, end, rest = self._begin, len(self._text), match[1]
        place = self._span(start, end)
        for context, how in (
            ("step", "on a line of its own"),
            ("clause", _BELOW),
            ("claim", _BELOW),
        ):
            reading = self._grammar.read(self._grammar.contexts[context], rest)
            if reading.stop is None and self._grammar.feed(reading.stack, LINE_END):
                yield self._cut_off(place, rest, how)
        if self._grammar.read(
            self._grammar.contexts["item"], f"claim {rest}"
        ).stop is None and self._text.startswith("claim "):
            yield self._cut_off(place, f"claim {rest}", "on a line of its own")

    def _cut_off(self, place: Span, rest: str, how: str) -> Correction:
        return Correction(
            ((self._begin, len(self._text), ""),), lambda _: errors.second_line(place, rest, how)
        )

    def _fillers(self) -> Iterator[Correction]:
        for match in re.finditer(r"[A-Za-z]+(?: +|$)", self._text):
            if match[0].strip().lower() in _FILLERS and 0 < match.start() <= self._begin:
                yield self._left_out(match.start(), match.end())

    def _left_out(self, start: int, end: int) -> Correction:
        word = self._text[start:end].strip()
        place = self._span(start, start + len(word))
        return Correction(((start, end, ""),), lambda line: errors.surplus(word, place, line))

    def _insertion(self, option: str) -> Edit:
        """The edit that puts a word in front of the place, with the spaces it needs."""
        if option[0].isalpha():
            before = "" if not self._begin or self._text[self._begin - 1] == " " else " "
            return (self._begin, self._begin, before + option + (" " if self._word else ""))
        at = self._begin
        while at and option in ".,:()" and self._text[at - 1] == " ":
            at -= 1
        after = " " if option in ",:=|" and self._word else ""
        return (at, self._begin, (" " if option in "=|" else "") + option + after)

    def _missing(self) -> Iterator[Correction]:
        options = sorted(
            (
                o
                for o in self._words
                if o not in _NOT_FORGOTTEN and not (o == "via" and "," in self._words)
            ),
            key=lambda o: (-len(o), o),
        )
        edits = {self._insertion(option): option for option in options}
        sound = self._sound(edits)
        if not self._begin:
            sound = [e for e in sound if self._is_telling(self._edited((e,)))]
        at = self._span(self._begin, self._begin)
        if 0 < len(sound) <= 3:
            options = [edits[e] for e in sound]
            yield Correction((sound[0],), lambda line: errors.missing(options, at, line))
        elif self._reading.pieces:
            for edit, option in edits.items():
                stop = self._fits(self._edited((edit,))).stop
                if self._word and stop is not None and len(edit[2]) + self._end <= stop:
                    yield self._missing_one(edit, option, at)

    @staticmethod
    def _missing_one(edit: Edit, option: str, at: Span) -> Correction:
        return Correction((edit,), lambda line: errors.missing([option], at, line), partial=True)

    def _nameless(self) -> Iterator[Correction]:
        """``queue of Paid``: the name is left out, and the next word was taken for it."""
        for start in [
            *(p.start for p in self._reading.pieces[-4:] if p.terminal == "NAME"),
            self._begin,
        ]:
            if re.match(r"[a-z(=,.|)]", self._text[start:]):
                yield self._without(start, "x ", ["a name"])
        for option in self._words if self._word and self._reading.pieces else ():
            if option not in _NOT_FORGOTTEN:
                at, _, new = self._insertion(option)
                yield self._without(at, f"{new} x ", [f"`{option}`", "a name"])

    def _without(self, at: int, new: str, what: list[str]) -> Correction:
        place, shape = self._span(at, at), self._shape
        return Correction(
            ((at, at, new),), lambda _: errors.missing_name(what, place, shape), final=True
        )

    def _instead(self) -> Iterator[Correction]:
        named = self._word[:1].isalpha() and self._word not in _LIKE_SIGNS
        options = [
            o
            for o in self._words
            if self._word and o not in _NOT_FORGOTTEN and (o[0].isalpha() or not named)
        ]
        if self._word in self._known:
            return
        sound = self._sound((self._begin, self._end, self._spaced(option)) for option in options)
        if not self._begin:
            sound = [e for e in sound if self._is_telling(self._edited((e,)))]
        if 0 < len(sound) <= 3:
            options = [e[2].strip() for e in sound]
            yield Correction(
                (sound[0],), lambda line: errors.instead(self._word, self._place, options, line)
            )

    def _spaced(self, option: str) -> str:
        """A word in the place of the one in question, apart from its neighbours."""
        before = self._text[self._begin - 1 : self._begin].strip() and option[0].isalpha()
        after = self._text[self._end : self._end + 1].strip() and option[0].isalpha()
        return (" " if before else "") + option + (" " if after else "")

    def _first_word(self) -> Iterator[Correction]:
        first = re.match(r"[A-Za-z]+", self._text)
        if not first or self._begin == 0 or not self._word:
            return
        for option in sorted(self._grammar.words(self._stack)):
            text = option + self._text[first.end() :]
            related = (
                any({option, first[0]} <= family for family in _RELATED) or not self._line.indent
            )
            if option != first[0] and related and self._fits(text).block and self._is_telling(text):
                yield Correction(
                    ((0, first.end(), option),),
                    lambda line: errors.other_line(self._word, self._place, line, first[0]),
                )

    def _order(self) -> Iterator[Correction]:
        """One word moved to another place; if several moves do, only that the order is wrong."""
        words = LEXEME.findall(self._text)
        moves: dict[str, None] = {}
        for size, i, j in (
            product((1, 2), range(len(words)), range(len(words))) if len(words) <= 8 else ()
        ):
            rest = words[:i] + words[i + size :]
            moves[" ".join([*rest[:j], *words[i : i + size], *rest[j:]])] = None
        sound = [m for m in moves if (fit := self._fits(m)).stop is None and not fit.odd]
        if sound:
            only = tidy(sound[0]) if len(sound) == 1 else None
            yield self._moved(sound[0], only, shape_of(sound[0].split()[0]))

    def _moved(self, text: str, only: str | None, shape: str | None) -> Correction:
        place = self._span(0, len(self._text))
        return Correction(
            ((0, len(self._text), text),),
            lambda _: errors.wrong_order(place, only, shape),
            final=only is None,
        )

    def _surplus(self) -> Iterator[Correction]:
        if not self._word:
            return
        before = self._reading.pieces[-1] if self._reading.pieces else None
        if before and self._text[before.start : before.end] == ",":
            yield self._left_out(before.start, before.end)
        if (
            before
            and before.terminal == "NAME"
            and self._word in self._known
            and self._text[before.start : before.end] not in self._known
        ):
            yield self._left_out(before.start, self._begin)
        if self._word not in _NOT_FORGOTTEN:
            yield self._left_out(self._begin, self._end)
        if self._begin and LINE_END in self._accepted and self._word not in _NOT_FORGOTTEN:
            start, end = self._begin, len(self._text)
            rest, place, shape = self._text[start:], self._span(start, end), self._shape
            yield Correction(
                ((start, end, ""),), lambda _: errors.surplus_end(rest, place, shape), weak=True
            )


def tidy(text: str) -> str:
    """A line as one would write it: single spaces, none in front of a sign that closes."""
    return re.sub(r" +([,:)])", r"\1", " ".join(text.split()))


def _plain(word: str) -> str:
    """The nearest name in plain letters."""
    folded = (
        unicodedata.normalize("NFKD", word.translate(_SPELT_OUT)).encode("ascii", "ignore").decode()
    )
    identifier = re.sub(r"\W", "", folded)
    if len(identifier) >= max(2, len(word) // 2) and not identifier[0].isdigit():
        return identifier
    return "name_" + "_".join(f"{ord(c):x}" for c in word)[:30]
