"""The parser of the grammar: Lark's tables, made once per version of the tool and kept, and a lexer that needs no time to start.

Lark needs 0.1 s to turn the grammar into tables and 0.03 s to compile a regular expression for each set of words that may come
next. The tables are kept in the cache. The lexer tries the terminals that may come next one by one, in Lark's own order, which is
what an alternation of them does; a terminal that is one fixed word is compared as text, without a regular expression.
"""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cache
from io import BytesIO
from typing import Any

from lark import Lark, Token
from lark.exceptions import UnexpectedCharacters
from lark.lexer import PatternRE, PatternStr, TerminalDef

from checker.cache import store
from checker.resources import resource
from checker.syntax.layout import Layout

_BOUNDARY = r"(?![A-Za-z0-9_])"
_WORD_GROUPS = frozenset({"SEMANTICS", "VERDICT", "OUTCOME", "LIMIT_END", "DO"})
_WORD = re.compile(r"(?:\(\?:)?((?:[A-Za-z]|\\?-)+)\)?" + re.escape(_BOUNDARY))
_PART = re.compile("[A-Za-z0-9_]")


def _whole_word(terminal: TerminalDef) -> None:
    """Keywords match whole words only, and win over names where the grammar allows both."""
    if isinstance(terminal.pattern, PatternStr) and terminal.pattern.value.replace("-", "").isalpha():
        terminal.pattern = PatternRE(terminal.pattern.value + _BOUNDARY)
        terminal.priority = 1
    elif terminal.name in _WORD_GROUPS:
        terminal.pattern = PatternRE(terminal.pattern.to_regexp() + _BOUNDARY)


@cache
def grammar() -> Lark:
    """The parser, made once per process, from kept tables if there are any."""
    kept = store()
    data = kept.get("grammar", "tables") if kept else None
    if data is not None:
        return _loaded(data)
    made = build()
    if kept:
        buffer = BytesIO()
        sorted(made.terminals, key=rank)  # has Lark note the width of each pattern, which is then kept, too
        made.save(buffer, exclude_options=_OURS)
        kept.put("grammar", "tables", buffer.getvalue())
    return made


_OURS = ("postlex", "edit_terminals", "_plugins")
"""Options that are code and not data."""


def build(quick: bool = True) -> Lark:
    """The parser, from ``grammar/once.lark``; ``quick``: with the lexer of this module instead of Lark's."""
    text = (resource("grammar") / "once.lark").read_text(encoding="utf-8")
    plugins: dict[str, Any] = {"ContextualLexer": QuickLexer} if quick else {}
    return Lark(
        text, parser="lalr", postlex=Layout(), propagate_positions=True, maybe_placeholders=True, edit_terminals=_whole_word,
        _plugins=plugins,
    )  # fmt: skip


class _Plain(pickle.Unpickler):
    """Reads data, and nothing that could run."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("lark.lexer", "Token"):
            return Token
        raise pickle.UnpicklingError(f"{module}.{name} has no place in a grammar")


def _loaded(data: bytes) -> Lark:
    found = _Plain(BytesIO(data)).load()
    load: Any = Lark._load_from_dict
    made: Lark = load(
        found["data"], found["memo"], postlex=Layout(), propagate_positions=True, _plugins={"ContextualLexer": QuickLexer}
    )
    return made


Match = Callable[[str, int], int]
"""Where a terminal that begins at this place of the text ends; -1 if it does not begin there."""


class QuickLexer:
    """In place of Lark's ``ContextualLexer``; see the module's text."""

    def __init__(self, conf: Any, states: Mapping[int, Collection[str]], always_accept: Collection[str] = ()) -> None:
        self.terminals: dict[str, TerminalDef] = conf.terminals_by_name
        self.ignore = frozenset(conf.ignore)
        self.states = states
        self.always = self.ignore | set(always_accept)
        self._orders: dict[int, list[tuple[str, Match]]] = {}
        self._matches: dict[str, Match] = {}
        self._ranks: dict[str, Rank] = {}

    def lex(self, lexer_state: Any, parser_state: Any) -> Iterator[Token]:
        """The tokens of a text; which terminals are tried depends on the parser's state. Raises UnexpectedCharacters."""
        text, counter = lexer_state.text.text, lexer_state.line_ctr
        while counter.char_pos < len(text):
            start = counter.char_pos
            name, end = self._first(text, start, parser_state.position)
            if end <= start:
                unexpected: Any = UnexpectedCharacters
                raise unexpected(
                    text, start, counter.line, counter.column, state=parser_state, terminals_by_name=self.terminals,
                    allowed={n for n, _ in self._order(parser_state.position)} - self.ignore,
                )  # fmt: skip
            value = text[start:end]
            if name in self.ignore:
                counter.feed(value, "\n" in value)
                continue
            token = Token(name, value, start, counter.line, counter.column)
            counter.feed(value, "\n" in value)
            token.end_line, token.end_column, token.end_pos = counter.line, counter.column, counter.char_pos
            lexer_state.last_token = token
            yield token

    def _first(self, text: str, start: int, state: int) -> tuple[str, int]:
        """The first terminal that begins here, and where it ends; if none does, -1."""
        for name, match in self._order(state):
            end = match(text, start)
            if end > start:
                return name, end
        return "", -1

    def _order(self, state: int) -> list[tuple[str, Match]]:
        """The terminals that may come next, in the order in which Lark tries them."""
        known = self._orders.get(state)
        if known is None:
            names = {*self.states[state], *self.always} & self.terminals.keys()
            chosen = sorted(names, key=self._rank)
            known = self._orders[state] = [(n, self._match(self.terminals[n])) for n in chosen]
        return known

    def _rank(self, name: str) -> Rank:
        known = self._ranks.get(name)
        if known is None:
            known = self._ranks[name] = rank(self.terminals[name])
        return known

    def _match(self, terminal: TerminalDef) -> Match:
        known = self._matches.get(terminal.name)
        if known is None:
            known = self._matches[terminal.name] = matcher(terminal)
        return known


Rank = tuple[int, int, int, str]


def rank(terminal: TerminalDef) -> Rank:
    """Lark's own order of trying terminals."""
    pattern = terminal.pattern
    return (-terminal.priority, -pattern.max_width, -len(pattern.value), terminal.name)


def matcher(terminal: TerminalDef) -> Match:
    """How to recognise a terminal: by comparing text if it is one word or sign, else by its regular expression."""
    pattern = terminal.pattern
    if isinstance(pattern, PatternStr) and not pattern.flags:
        sign = pattern.value
        return lambda text, start: start + len(sign) if text.startswith(sign, start) else -1
    found = _WORD.fullmatch(pattern.to_regexp())
    if found is not None:
        return _word(found[1].replace("\\", ""))
    compiled = re.compile(pattern.to_regexp())

    def match(text: str, start: int) -> int:
        hit = compiled.match(text, start)
        return hit.end() if hit else -1

    return match


def _word(word: str) -> Match:
    def match(text: str, start: int) -> int:
        end = start + len(word)
        return end if text.startswith(word, start) and not _PART.match(text, end) else -1

    return match
