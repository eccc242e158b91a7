"""The grammar as an automaton that reads one line at a time.

A state is a tuple of numbers, so trying out a repair costs microseconds, and a line can be tried in
any context. Nothing is built here; ``recover.py`` hands the mended text to ``reader.py`` for that.
"""

from __future__ import annotations

import re
from functools import cache, cached_property

from msgspec import Struct

from onceproof.lang.syntax.tables import DEDENT, FILE_END, INDENT, LINE_END, Terminal, tables

Stack = tuple[int, ...]
"""The states of the parser, innermost last: everything that was read so far."""

PLACEHOLDER = "_ERROR"
_LAYOUT = frozenset({LINE_END, INDENT, DEDENT, PLACEHOLDER, FILE_END, "COMMENT"})
_BLANK = re.compile(r"[ \t\f]*")
_LITERALS = re.compile(r"(?:\(\?:)?((?:\\?[^\\()\[\]?*+^$]|\\[^A-Za-z0-9])+?)\)?(?:\(\?!.*\))?")


class Piece(Struct, frozen=True):
    """A token of a line: its terminal, its place (0-based, end exclusive), and the state before
    it.
    """

    terminal: str
    start: int
    end: int
    before: Stack


class Reading(Struct, frozen=True):
    """How far a line could be read: ``stop`` is the offset of the first character that does not fit
    (None: all of it fits).
    """

    pieces: tuple[Piece, ...]
    stack: Stack
    stop: int | None


class Automaton:
    """The tables of the grammar, with a lexer per state like Lark's contextual one."""

    def __init__(self) -> None:
        self.states = tables().rows
        self.rules = tables().rules
        self.start: Stack = (tables().start,)
        self.terminals = {t.name: t for t in tables().terminals}
        self.literals = {
            name: _literals(t) for name, t in self.terminals.items() if name not in _LAYOUT
        }
        self._lexers: dict[int, re.Pattern[str]] = {}
        self._accepted: dict[Stack, frozenset[str]] = {}

    def feed(self, stack: Stack, terminal: str) -> Stack | None:
        """The state after one more token, or None if it does not fit."""
        while True:
            action = self.states[stack[-1]].get(terminal)
            if action is None:
                return None
            if action >= 0:
                return (*stack, action)
            rule = self.rules[-1 - action]
            stack = stack[: len(stack) - rule.size]
            goto = self.states[stack[-1]].get(rule.origin)
            if goto is None:  # the end of the text
                return stack
            stack = (*stack, goto)

    def accepts(self, stack: Stack) -> frozenset[str]:
        """Every terminal that fits next."""
        if stack not in self._accepted:
            row = [
                t
                for t in self.states[stack[-1]]
                if t in self.terminals or t in (INDENT, DEDENT, FILE_END)
            ]
            self._accepted[stack] = frozenset(t for t in row if self.feed(stack, t) is not None)
        return self._accepted[stack]

    def words(self, stack: Stack) -> dict[str, str]:
        """The fixed words and signs that fit next, with their terminals."""
        return {word: t for t in sorted(self.accepts(stack) - _LAYOUT) for word in self.literals[t]}

    def read(self, stack: Stack, text: str, offset: int = 0) -> Reading:
        """Read a line's content from ``offset`` on, as far as it fits. The line's end is not
        fed.
        """
        pieces: list[Piece] = []
        while True:
            blank = _BLANK.match(text, offset)
            assert blank is not None
            offset = blank.end()
            if offset == len(text):
                return Reading(tuple(pieces), stack, None)
            found = self._lexer(stack[-1]).match(text, offset)
            terminal = found.lastgroup if found else None
            after = self.feed(stack, terminal) if terminal else None
            if found is None or terminal is None or after is None:
                return Reading(tuple(pieces), stack, offset)
            pieces.append(Piece(terminal, offset, found.end(), stack))
            stack, offset = after, found.end()

    def after_lines(self, lines: tuple[str, ...]) -> Stack:
        """The state after whole lines, each starting with ``>`` (one level deeper), ``<`` (one
        level back) or neither.
        """
        stack = self.start
        for line in lines:
            tokens = [INDENT] if line[0] == ">" else [DEDENT] * (len(line) - len(line.lstrip("<")))
            for terminal in tokens:
                stack = self._must(self.feed(stack, terminal))
            content = line.lstrip("<>")
            if content:
                reading = self.read(stack, content)
                assert reading.stop is None, line
                stack = self._must(self.feed(reading.stack, LINE_END))
        return stack

    @staticmethod
    def _must(stack: Stack | None) -> Stack:
        assert stack is not None
        return stack

    def _lexer(self, state: int) -> re.Pattern[str]:
        if state not in self._lexers:
            names = [
                t
                for t in self.states[state]
                if t in self.terminals and t not in (LINE_END, "COMMENT")
            ]
            chosen = [self.terminals[t] for t in sorted(names, key=tables().ranks.__getitem__)]
            self._lexers[state] = re.compile(
                "|".join(f"(?P<{t.name}>{t.regexp})" for t in chosen) or r"(?!)"
            )
        return self._lexers[state]

    @cached_property
    def contexts(self) -> dict[str, Stack]:
        """A state per kind of place in a design, to find out where a misplaced line belongs."""
        step = self.after_lines(("consumer c on q", ">"))
        samples = {
            "item": (),
            "queue": ("queue q of e", ">"),
            "store": ("store s per k", ">"),
            "effect": ("effect e per k", ">"),
            "claim": ("claim no loss of e", ">"),
            "else": ("consumer c on q", ">if k in s", ">stop", "<"),
            "clause": ("consumer c on q", ">send e", ">"),
        }
        return {"step": step, **{name: self.after_lines(lines) for name, lines in samples.items()}}


@cache
def automaton() -> Automaton:
    """The automaton, built once per process."""
    return Automaton()


def _literals(terminal: Terminal) -> tuple[str, ...]:
    """The words a terminal stands for, if it stands for fixed words."""
    found = _LITERALS.fullmatch(terminal.regexp)
    if found is None:
        return ()
    return tuple(sorted(re.sub(r"\\(.)", r"\1", word) for word in re.split(r"(?<!\\)\|", found[1])))
