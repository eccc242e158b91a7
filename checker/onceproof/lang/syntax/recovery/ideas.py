"""Ideas what a wrong line was meant to be, the likeliest first.

Every idea is only a proposal; ``repair.py`` keeps one with which the line then fits, so an idea may
be bold.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from difflib import SequenceMatcher
from itertools import pairwise, product

from onceproof.lang.assumptions import SPELLINGS
from onceproof.lang.diagnostics import Diagnostic
from onceproof.lang.errors import syntax as errors
from onceproof.lang.errors.expected import in_words
from onceproof.lang.errors.shapes import CONCEPTS, shape_of
from onceproof.lang.errors.suggest import close_to
from onceproof.lang.source import Span
from onceproof.lang.syntax.interactive import Piece
from onceproof.lang.syntax.lark_parser import LINE_END
from onceproof.lang.syntax.recovery.habits import HABITS, Habit
from onceproof.lang.syntax.recovery.spot import LEXEME, Edit, Idea, Spot, tidy

MAX_LENGTH = 200
"""Longer lines are only reported: trying ideas on them takes too long."""
_FILLERS = frozenset(
    {
        "the",
        "a",
        "an",
        "named",
        "called",
        "my",
        "our",
        "this",
        "that",
        "each",
        "every",
        "all",
        "then",
        "with",
        "of",
        "column",
    }
    | {
        "field",
        "type",
        "is",
        "does",
        "do",
        "exists",
        "it",
        "row",
        "key",
        "queue",
        "topic",
        "table",
        "store",
        "database",
    }
    | {"event", "message", "effect"}
)
"""Words that people put in between; the line may fit without one."""
_NOT_FORGOTTEN = frozenset(
    {
        "inside",
        "not",
        "workers",
        "serializable",
        "cache",
        "unique",
        "replicated",
        "expires",
        "never",
        "happened",
        "did",
    }
    | {"failure-transparent", "recoverable", "eventually"}
)
"""Words that say something of their own: nobody leaves them out by mistake."""
_SPELT_OUT = str.maketrans(
    {
        "ä": "ae",
        "ö": "oe",
        "ü": "ue",
        "Ä": "Ae",
        "Ö": "Oe",
        "Ü": "Ue",
        "ß": "ss",
        "ø": "oe",
        "æ": "ae",
        "å": "aa",
    }
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


class Ideas(Spot):
    """The ideas for one line at the place where it stops fitting."""

    def ideas(self) -> Iterator[Idea]:
        """Every idea, the most specific ones first."""
        if len(self.text) > MAX_LENGTH:
            return
        yield from self._doubled()
        yield from (i for habit in HABITS if (i := self._habit(habit)))
        if self.word and (self.word[0].isalpha() or self.word[0] == "_"):
            yield from self._spelling()
            yield from self._glued()
        yield from self._mistaken_for_names()
        yield from self._phrase()
        yield from self._torn("-")
        yield from self._second_step()
        yield from self._fillers()
        if not self.is_prose():
            yield from self._missing()
            yield from self._nameless()
            yield from self._instead()
            yield from self._first_word()
            yield from self._order()
            yield from self._torn("_")
            yield from self._surplus()

    def _habit(self, habit: Habit) -> Idea | None:
        edits = habit.edits(self.text, self.grammar.literals)
        if not edits:
            return None
        start, end, new = edits[0]
        found = self.text[start:end]
        headline, label = (
            t.format(old=found, new=new) if "{old}" in habit.headline else t
            for t in (habit.headline, habit.label)
        )
        place = self.span(start + len(found) - len(found.lstrip()), start + len(found.rstrip()))
        partial = any(
            a <= self.begin < max(b, a + 1) and (a or not self.begin) for a, b, _ in edits
        )
        return Idea(
            edits,
            lambda line: errors.foreign(headline, place, label, "" if "`#`" in label else line),
            partial,
        )

    def _spelling(self) -> Iterator[Idea]:
        if not self.word.isascii() and self.word.isidentifier():
            yield self._replaced(
                plain := _plain(self.word),
                lambda _: errors.foreign_name(self.word, self.place, plain),
            )
        near = close_to(self.word, self.words)
        extra = f"({CONCEPTS[self.word]})" if self.word in ("commit", "rollback") else None
        for option in near:
            yield self._spelled([option, *(n for n in near if n != option)], extra)

    def _spelled(self, near: list[str], extra: str | None) -> Idea:
        return self._replaced(
            near[0], lambda _: errors.misspelt(self.word, self.place, self.expected, near, extra)
        )

    def _replaced(self, new: str, word: Callable[[str], Diagnostic]) -> Idea:
        return Idea(((self.begin, self.end, new),), word, partial=True)

    def _doubled(self) -> Iterator[Idea]:
        """``per per order``"""
        words = [m.span() for m in LEXEME.finditer(self.text)]
        for (a, b), (c, d) in pairwise(words):
            if self.text[a:b] == self.text[c:d] and a <= self.begin <= d + 1:
                yield self._left_out(c, d)

    def _mistaken_for_names(self) -> Iterator[Idea]:
        """``claim nver order.status is paid``: a misspelt keyword was taken for a name."""
        for piece in self.reading.pieces[-3:]:
            word = self.text[piece.start : piece.end]
            near = (
                close_to(word, self.grammar.words(piece.before), 1)
                if piece.terminal == "NAME" and word not in self.known
                else []
            )
            if near:
                yield self._keyword(piece, near)

    def _keyword(self, piece: Piece, near: list[str]) -> Idea:
        place, word = self.span(piece.start, piece.end), self.text[piece.start : piece.end]
        expected = in_words(self.grammar.accepts(piece.before), self.grammar.literals)
        return Idea(
            ((piece.start, piece.end, near[0]),),
            lambda _: errors.misspelt(word, place, expected, near),
        )

    def _glued(self) -> Iterator[Idea]:
        for option in sorted(self.words, key=len, reverse=True):
            if (
                option[0].isalpha()
                and 1 < len(option) < len(self.word)
                and self.word.lower().startswith(option)
            ):
                yield self._parted(f"{option} {self.word[len(option) :].lstrip('_-')}")

    def _parted(self, parts: str) -> Idea:
        return Idea(
            ((self.begin, self.end, parts),), lambda _: errors.glued(self.word, parts, self.place)
        )

    def _phrase(self) -> Iterator[Idea]:
        found = re.match(r"assume\s+(?=\S)", self.text)
        if not found:
            return
        start, end = found.end(), len(self.text)
        rest, place = self.text[start:end], self.span(start, end)
        score, near = max(
            (SequenceMatcher(None, rest.lower(), p).ratio(), p)
            for p in SPELLINGS
            if "EFFECT" not in p
        )
        if score >= 0.75:
            yield Idea(
                ((start, end, near),),
                lambda _: errors.no_such_assumption(rest, place, near, SPELLINGS),
            )
        elif self.word and not rest.startswith("crash only"):
            whole = ((start, end, SPELLINGS[0]),)
            yield Idea(
                whole,
                lambda _: errors.no_such_assumption(rest, place, None, SPELLINGS),
                final=True,
            )

    def _torn(self, join: str) -> Iterator[Idea]:
        """One word with a space in it: ``at least once``; or ``my queue``, as the name behind the
        line's first word.
        """
        lexemes = [m.span() for m in LEXEME.finditer(self.text)]
        here = next((i for i, (start, _) in enumerate(lexemes) if start == self.begin), None)
        declares = self.text.split()[0] in self.grammar.words(self.grammar.contexts["item"])
        if here is None or (join == "_" and not (here == 2 and declares)):
            return
        for first, last in ((0, 1), (0, 2)) if join == "-" else ((-1, 0),):
            if here + last < len(lexemes):
                start, end = lexemes[here + first][0], lexemes[here + last][1]
                words = self.text[start:end].split()
                if all(re.fullmatch(r"\w+", w) for w in words) and len(set(words)) == len(words):
                    yield self._joined(start, end, join.join(words))

    def _joined(self, start: int, end: int, word: str) -> Idea:
        torn, place = self.text[start:end], self.span(start, end)
        return Idea(((start, end, word),), lambda _: errors.torn(torn, word, place))

    def _second_step(self) -> Iterator[Idea]:
        """``ack; stop``: two steps in one line."""
        found = re.match(r"(?:;|,|and\b|then\b|&&?)?\s*(.+)", self.text[self.begin :])
        if not found or not self.begin or LINE_END not in self.accepted:
            return
        start, end, rest = self.begin, len(self.text), found[1]
        place = self.span(start, end)
        for context, how in (
            ("step", "on a line of its own"),
            ("clause", _BELOW),
            ("claim", _BELOW),
        ):
            reading = self.grammar.read(self.grammar.contexts[context], rest)
            if reading.stop is None and self.grammar.feed(reading.stack, LINE_END):
                yield self._cut_off(place, rest, how)
        if self.grammar.read(
            self.grammar.contexts["item"], f"claim {rest}"
        ).stop is None and self.text.startswith("claim "):
            yield self._cut_off(place, f"claim {rest}", "on a line of its own")

    def _cut_off(self, place: Span, rest: str, how: str) -> Idea:
        return Idea(
            ((self.begin, len(self.text), ""),), lambda _: errors.second_line(place, rest, how)
        )

    def _fillers(self) -> Iterator[Idea]:
        for found in re.finditer(r"[A-Za-z]+(?: +|$)", self.text):
            if found[0].strip().lower() in _FILLERS and 0 < found.start() <= self.begin:
                yield self._left_out(found.start(), found.end())

    def _left_out(self, start: int, end: int) -> Idea:
        word = self.text[start:end].strip()
        place = self.span(start, start + len(word))
        return Idea(((start, end, ""),), lambda line: errors.surplus(word, place, line))

    def _insertion(self, option: str) -> Edit:
        """The edit that puts a word in front of the place, with the spaces it needs."""
        if option[0].isalpha():
            before = "" if not self.begin or self.text[self.begin - 1] == " " else " "
            return (self.begin, self.begin, before + option + (" " if self.word else ""))
        at = self.begin
        while at and option in ".,:()" and self.text[at - 1] == " ":
            at -= 1
        after = " " if option in ",:=|" and self.word else ""
        return (at, self.begin, (" " if option in "=|" else "") + option + after)

    def _missing(self) -> Iterator[Idea]:
        options = sorted(
            (
                o
                for o in self.words
                if o not in _NOT_FORGOTTEN and not (o == "via" and "," in self.words)
            ),
            key=lambda o: (-len(o), o),
        )
        edits = {self._insertion(option): option for option in options}
        sound = self.sound(edits)
        if not self.begin:
            sound = [e for e in sound if self.is_telling(self.edited((e,)))]
        at = self.span(self.begin, self.begin)
        if 0 < len(sound) <= 3:
            options = [edits[e] for e in sound]
            yield Idea((sound[0],), lambda line: errors.missing(options, at, line))
        elif self.reading.pieces:
            for edit, option in edits.items():
                stop = self.fits(self.edited((edit,))).stop
                if self.word and stop is not None and len(edit[2]) + self.end <= stop:
                    yield self._missing_one(edit, option, at)

    @staticmethod
    def _missing_one(edit: Edit, option: str, at: Span) -> Idea:
        return Idea((edit,), lambda line: errors.missing([option], at, line), partial=True)

    def _nameless(self) -> Iterator[Idea]:
        """``queue of Paid``: the name is left out, and the next word was taken for it."""
        for start in [
            *(p.start for p in self.reading.pieces[-4:] if p.terminal == "NAME"),
            self.begin,
        ]:
            if re.match(r"[a-z(=,.|)]", self.text[start:]):
                yield self._without(start, "x ", ["a name"])
        for option in self.words if self.word and self.reading.pieces else ():
            if option not in _NOT_FORGOTTEN:
                at, _, new = self._insertion(option)
                yield self._without(at, f"{new} x ", [f"`{option}`", "a name"])

    def _without(self, at: int, new: str, what: list[str]) -> Idea:
        place, shape = self.span(at, at), self.shape
        return Idea(((at, at, new),), lambda _: errors.missing_name(what, place, shape), final=True)

    def _instead(self) -> Iterator[Idea]:
        named = self.word[:1].isalpha() and self.word not in _LIKE_SIGNS
        options = [
            o
            for o in self.words
            if self.word and o not in _NOT_FORGOTTEN and (o[0].isalpha() or not named)
        ]
        if self.word in self.known:
            return
        sound = self.sound((self.begin, self.end, self._spaced(option)) for option in options)
        if not self.begin:
            sound = [e for e in sound if self.is_telling(self.edited((e,)))]
        if 0 < len(sound) <= 3:
            options = [e[2].strip() for e in sound]
            yield Idea(
                (sound[0],), lambda line: errors.instead(self.word, self.place, options, line)
            )

    def _spaced(self, option: str) -> str:
        """A word in the place of the one in question, apart from its neighbours."""
        before = self.text[self.begin - 1 : self.begin].strip() and option[0].isalpha()
        after = self.text[self.end : self.end + 1].strip() and option[0].isalpha()
        return (" " if before else "") + option + (" " if after else "")

    def _first_word(self) -> Iterator[Idea]:
        first = re.match(r"[A-Za-z]+", self.text)
        if not first or self.begin == 0 or not self.word:
            return
        for option in sorted(self.grammar.words(self.stack)):
            text = option + self.text[first.end() :]
            related = (
                any({option, first[0]} <= family for family in _RELATED) or not self.line.indent
            )
            if option != first[0] and related and self.fits(text).block and self.is_telling(text):
                yield Idea(
                    ((0, first.end(), option),),
                    lambda line: errors.other_line(self.word, self.place, line, first[0]),
                )

    def _order(self) -> Iterator[Idea]:
        """One word moved to another place; if several moves do, only that the order is wrong."""
        words = LEXEME.findall(self.text)
        moves: dict[str, None] = {}
        for size, i, j in (
            product((1, 2), range(len(words)), range(len(words))) if len(words) <= 8 else ()
        ):
            rest = words[:i] + words[i + size :]
            moves[" ".join([*rest[:j], *words[i : i + size], *rest[j:]])] = None
        sound = [m for m in moves if (fit := self.fits(m)).stop is None and not fit.odd]
        if sound:
            only = tidy(sound[0]) if len(sound) == 1 else None
            yield self._moved(sound[0], only, shape_of(sound[0].split()[0]))

    def _moved(self, text: str, only: str | None, shape: str | None) -> Idea:
        place = self.span(0, len(self.text))
        return Idea(
            ((0, len(self.text), text),),
            lambda _: errors.wrong_order(place, only, shape),
            final=only is None,
        )

    def _surplus(self) -> Iterator[Idea]:
        if not self.word:
            return
        before = self.reading.pieces[-1] if self.reading.pieces else None
        if (
            before
            and before.terminal == "NAME"
            and self.word in self.known
            and self.text[before.start : before.end] not in self.known
        ):
            yield self._left_out(before.start, self.begin)
        if self.word not in _NOT_FORGOTTEN:
            yield self._left_out(self.begin, self.end)
        if self.begin and LINE_END in self.accepted and self.word not in _NOT_FORGOTTEN:
            start, end = self.begin, len(self.text)
            rest, place, shape = self.text[start:], self.span(start, end), self.shape
            yield Idea(
                ((start, end, ""),), lambda _: errors.surplus_end(rest, place, shape), weak=True
            )


def _plain(word: str) -> str:
    """The nearest name in plain letters."""
    folded = (
        unicodedata.normalize("NFKD", word.translate(_SPELT_OUT)).encode("ascii", "ignore").decode()
    )
    kept = re.sub(r"\W", "", folded)
    if len(kept) >= max(2, len(word) // 2) and not kept[0].isdigit():
        return kept
    return "name_" + "_".join(f"{ord(c):x}" for c in word)[:30]
