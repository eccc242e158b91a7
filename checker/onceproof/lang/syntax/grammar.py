"""The grammar, read by Lark and turned into tables. Only where no tables are kept yet."""

from __future__ import annotations

import re
from typing import Any

from lark import Lark
from lark.grammar import Rule as LarkRule
from lark.lexer import PatternRE, PatternStr, TerminalDef
from lark.parsers.lalr_analysis import Shift

from onceproof.base.paths import resource
from onceproof.lang.syntax.tables import Row, Rule, Tables, Terminal

_BOUNDARY = r"(?![A-Za-z0-9_])"
_WORD_GROUPS = frozenset({"SEMANTICS", "VERDICT", "ISOLATION", "OUTCOME", "LIMIT_END", "DO"})
_WORD = re.compile(r"(?:\(\?:)?((?:[A-Za-z]|\\?-)+)\)?" + re.escape(_BOUNDARY))


def lark(**options: Any) -> Lark:
    """Lark's parser for ``grammar/once.lark``. Tests compare the reader with it."""
    text = (resource("grammar") / "once.lark").read_text(encoding="utf-8")
    return Lark(
        text,
        parser="lalr",
        propagate_positions=True,
        maybe_placeholders=True,
        edit_terminals=_whole_word,
        **options,
    )


def made() -> Tables:
    """The tables of the grammar."""
    parser = lark()
    conf: Any = parser.parse_interactive("").parser_state.parse_conf
    states: dict[int, dict[str, tuple[Any, Any]]] = conf.parse_table.states
    numbers = {rule: number for number, rule in enumerate(parser.rules)}
    order = {state: number for number, state in enumerate(states)}
    rows = tuple(_row(row, order, numbers) for row in states.values())
    terminals = sorted(parser.terminals, key=rank)
    return Tables(
        order[conf.start_state],
        order[conf.end_state],
        rows,
        tuple(map(_rule, parser.rules)),
        tuple(map(_terminal, terminals)),
        tuple(map(str, parser.ignore_tokens)),
    )


def _row(
    row: dict[str, tuple[Any, Any]], order: dict[int, int], numbers: dict[LarkRule, int]
) -> Row:
    return {
        symbol: order[argument] if action is Shift else -1 - numbers[argument]
        for symbol, (action, argument) in row.items()
    }


def _rule(rule: LarkRule) -> Rule:
    """How Lark's own tree is shaped: filtered tokens, absent options, rules that stand for their
    only part.
    """
    absent = [
        len(ones)
        for ones in "".join("1" if x else "0" for x in rule.options.empty_indices).split("0")
    ]
    absent = absent if rule.options.empty_indices else [0] * (len(rule.expansion) + 1)
    kept: list[tuple[int, bool, int]] = []
    waiting = 0
    symbols: Any = rule.expansion
    for index, symbol in enumerate(symbols):
        waiting += absent[index]
        if not (symbol.is_term and symbol.filter_out):
            kept.append((index, not symbol.is_term and symbol.name.startswith("_"), waiting))
            waiting = 0
    origin = str(rule.origin.name)
    name = str(rule.alias or origin)
    single = bool(rule.options.expand1) and not rule.alias
    return Rule(
        origin,
        len(rule.expansion),
        "" if name.startswith("_") else name,
        single,
        tuple(kept),
        waiting + absent[-1],
    )


def _whole_word(terminal: TerminalDef) -> None:
    """Keywords match whole words only, and win over names where the grammar allows both."""
    if (
        isinstance(terminal.pattern, PatternStr)
        and terminal.pattern.value.replace("-", "").isalpha()
    ):
        terminal.pattern = PatternRE(terminal.pattern.value + _BOUNDARY)
        terminal.priority = 1
    elif terminal.name in _WORD_GROUPS:
        terminal.pattern = PatternRE(terminal.pattern.to_regexp() + _BOUNDARY)


def rank(terminal: TerminalDef) -> tuple[int, int, int, str]:
    """Lark's own order of trying terminals."""
    pattern = terminal.pattern
    return (-terminal.priority, -pattern.max_width, -len(pattern.value), terminal.name)


def _terminal(terminal: TerminalDef) -> Terminal:
    pattern = terminal.pattern
    regexp = pattern.to_regexp()
    if isinstance(pattern, PatternStr) and not pattern.flags:
        return Terminal(str(terminal.name), regexp, pattern.value, False)
    found = _WORD.fullmatch(regexp)
    return Terminal(str(terminal.name), regexp, found[1].replace("\\", "") if found else "", True)
