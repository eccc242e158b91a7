"""Lark's LALR parser for ``grammar/once.lark``, and the form of it that is kept between runs.

Lark needs 0.12 s of CPU to make a parser of the grammar, and 0.02 s to load one that it made
before. A cold refutation takes 0.3 s in all, so the made parser is kept in the user's cache: as
JSON, since what Lark's own ``save`` writes can run code when it is read. Without a cache it is made
anew.

Lark loads its serialized form by a private method (its generated stand-alone parsers do, too), and
the states of its interactive parser are attributes without a promise. That is why pyproject.toml
names the releases of Lark that were tried.
"""

from __future__ import annotations

import json
import sys
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, TypedDict

import lark
import msgspec
from lark import Lark
from lark.grammar import Rule
from lark.indenter import Indenter
from lark.lexer import PatternRE, PatternStr, TerminalDef

from onceproof.base.paths import resource
from onceproof.base.store import digest, store

LINE_END, INDENT, DEDENT, FILE_END = "_NL", "_INDENT", "_DEDENT", "$END"
"""The terminals of the layout."""
BROKEN = "_ERROR"
"""The terminal that stands for a line with a mistake that was reported."""
_BOUNDARY = r"(?![A-Za-z0-9_])"
_WORD_GROUPS = frozenset({"SEMANTICS", "VERDICT", "ISOLATION", "OUTCOME", "LIMIT_END", "DO"})


class _Blocks(Indenter):
    """Puts block tokens around deeper lines. Brackets do not continue a line."""

    NL_type = LINE_END
    OPEN_PAREN_types: ClassVar[list[str]] = []
    CLOSE_PAREN_types: ClassVar[list[str]] = []
    INDENT_type = INDENT
    DEDENT_type = DEDENT
    tab_len = 8


class _Table(TypedDict):
    """The serialized tables of the parser. JSON turns the integer keys into strings; decoding to
    this type turns them back.
    """

    tokens: dict[int, str]
    states: dict[int, dict[int, Any]]
    start_states: dict[str, int]
    end_states: dict[str, int]


class _Frontend(TypedDict):
    lexer_conf: Any
    parser_conf: Any
    parser: _Table


class _Data(TypedDict):
    parser: _Frontend
    rules: Any
    options: dict[str, Any]


class Serialized(TypedDict):
    """What ``Lark.memo_serialize`` makes of a parser."""

    data: _Data
    memo: dict[int, Any]


@cache
def lark_parser() -> Lark:
    """The parser, loaded or made once per process."""
    stored = store(_version)
    data = stored.get("grammar", "lark") if stored else None
    if data is not None:
        return loaded(data)
    parser = made()
    if stored:
        stored.put("grammar", "lark", serialized(parser))
    return parser


def made() -> Lark:
    """The parser, made from the text of the grammar."""
    return Lark(
        _grammar(),
        parser="lalr",
        lexer="contextual",
        postlex=_Blocks(),
        propagate_positions=True,
        maybe_placeholders=True,
        edit_terminals=_match_whole_words,
    )


def serialized(parser: Lark) -> bytes:
    """A parser as JSON. The functions among its options are left out: ``edit_terminals`` has done
    its work, and the layout is given again when the parser is loaded.
    """
    data, memo = parser.memo_serialize([TerminalDef, Rule])
    data["options"].update(edit_terminals=None, postlex=None)
    return json.dumps({"data": data, "memo": memo}, separators=(",", ":")).encode()


def loaded(data: bytes) -> Lark:
    """The parser that ``serialized`` wrote."""
    form = msgspec.json.decode(data, type=Serialized)
    untyped: Any = Lark
    parser: Lark = untyped._load_from_dict(form["data"], form["memo"], postlex=_Blocks())
    return parser


def _grammar() -> str:
    return (resource("grammar") / "once.lark").read_text(encoding="utf-8")


def _version() -> str:
    """All that decides what the serialized parser is: the grammar, what makes a parser of it, Lark,
    and Python.
    """
    return digest(("lark", sys.version, lark.__version__, _grammar(), Path(__file__).read_bytes()))


def _match_whole_words(terminal: TerminalDef) -> None:
    """Keywords match whole words only, and win over names where the grammar allows both."""
    pattern = terminal.pattern
    if isinstance(pattern, PatternStr) and pattern.value.replace("-", "").isalpha():
        terminal.pattern = PatternRE(pattern.value + _BOUNDARY)
        terminal.priority = 1
    elif terminal.name in _WORD_GROUPS:
        terminal.pattern = PatternRE(pattern.to_regexp() + _BOUNDARY)
