"""What the grammar takes at any point of a design, asked of Lark's interactive parser.

Used where a text is not read from its beginning to its end: to mend lines that do not parse, to
complete and format lines, and to list the words of the language. A state is a tuple of numbers, so
a line can be tried in any context, and a state can be a key.
"""

from __future__ import annotations

import re
from copy import copy
from functools import cache, cached_property
from typing import Any

from lark import Token, UnexpectedCharacters, UnexpectedToken
from lark.lexer import TerminalDef
from msgspec import Struct

from onceproof.lang.syntax.lark_parser import (
    BROKEN,
    DEDENT,
    FILE_END,
    INDENT,
    LINE_END,
    lark_parser,
)

Stack = tuple[int, ...]
"""The states of the parser, innermost last: everything that was read so far."""

_LAYOUT = frozenset({LINE_END, INDENT, DEDENT, BROKEN, FILE_END, "COMMENT"})
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


class Grammar:
    """Answers questions about the grammar in any state of the parser. Nothing is built."""

    def __init__(self) -> None:
        self._parser = lark_parser()
        first = self._parser.parse_interactive("")
        # Without callbacks no tree is built: states are tried by the thousand.
        self._settings: Any = copy(first.parser_state.parse_conf)
        self._settings.callbacks = {}
        self.start: Stack = tuple(first.parser_state.state_stack)
        self.terminals = {str(t.name): t for t in self._parser.terminals}
        self.literals = {
            name: _literals(terminal)
            for name, terminal in self.terminals.items()
            if name not in _LAYOUT
        }
        self._accepted: dict[Stack, frozenset[str]] = {}

    def _resumed(self, stack: Stack, text: str = "") -> Any:
        """Lark's interactive parser (without types, as it comes) in a state, with a text to read
        from there.
        """
        parser = self._parser.parse_interactive(text)
        state: Any = parser.parser_state
        state.parse_conf = self._settings
        state.state_stack = list(stack)
        state.value_stack = [None] * (len(stack) - 1)
        return parser

    def feed(self, stack: Stack, terminal: str) -> Stack | None:
        """The state after one more token, or None if it does not fit."""
        parser = self._resumed(stack)
        if terminal not in parser.choices():
            return None
        try:
            parser.feed_token(Token(terminal, ""))
        except UnexpectedToken:
            return None
        return tuple(parser.parser_state.state_stack)

    def accepts(self, stack: Stack) -> frozenset[str]:
        """Every terminal that fits next."""
        if stack not in self._accepted:
            self._accepted[stack] = frozenset(map(str, self._resumed(stack).accepts()))
        return self._accepted[stack]

    def words(self, stack: Stack) -> dict[str, str]:
        """The fixed words and signs that fit next, with their terminals."""
        return {word: t for t in sorted(self.accepts(stack) - _LAYOUT) for word in self.literals[t]}

    def read(self, stack: Stack, text: str) -> Reading:
        """Read a line's content as far as it fits. The line's end is not fed."""
        parser = self._resumed(stack, text)
        states = parser.parser_state.state_stack
        pieces: list[Piece] = []
        stop: int | None = None
        try:
            # A token is seen before the parser takes it, so that the state is still the one before.
            for token in parser.iter_parse():
                pieces.append(Piece(token.type, token.start_pos, token.end_pos, tuple(states)))
        except UnexpectedCharacters as error:
            stop = error.pos_in_stream
        except UnexpectedToken as error:
            stop = error.token.start_pos
            if pieces and pieces[-1].start == stop:
                # Lark may have completed rules before it found that the token does not fit.
                return Reading(tuple(pieces[:-1]), pieces[-1].before, stop)
        return Reading(tuple(pieces), tuple(states), stop)

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

    def followers(self) -> dict[str, list[frozenset[str]]]:
        """By terminal: what the grammar may take behind it, once for each state in which it is
        taken.
        """
        states: dict[int, dict[str, tuple[Any, Any]]] = self._settings.states
        followers: dict[str, list[frozenset[str]]] = {}
        for actions in states.values():
            for terminal, (action, target) in actions.items():
                if terminal in self.terminals and action.name == "Shift":
                    followers.setdefault(terminal, []).append(frozenset(states[target]))
        return followers


@cache
def grammar() -> Grammar:
    """The grammar, made ready once per process."""
    return Grammar()


def _literals(terminal: TerminalDef) -> tuple[str, ...]:
    """The words a terminal stands for, if it stands for fixed words."""
    words = _LITERALS.fullmatch(terminal.pattern.to_regexp())
    if words is None:
        return ()
    return tuple(sorted(re.sub(r"\\(.)", r"\1", word) for word in re.split(r"(?<!\\)\|", words[1])))
