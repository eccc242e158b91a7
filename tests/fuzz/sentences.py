"""Sentences of the grammar at random: every construct of ``grammar/once.lark`` in every
combination, with few names.

The grammar itself is read, so a new construct is in the next run without a change here. Names are
few, so they meet each other.
"""

from __future__ import annotations

import random
from collections import defaultdict
from functools import cache
from typing import Any

from lark import Lark
from lark.lexer import PatternStr

from support.repo import ROOT

GRAMMAR = ROOT / "grammar/once.lark"
NAMES = (
    "id",
    "order",
    "E",
    "F",
    "q",
    "r",
    "s",
    "t",
    "box",
    "mail",
    "credit",
    "lease",
    "status",
    "open",
    "done",
    "c",
    "known",
    "kind",
)
WORDS = {
    "INT": ("1", "2", "3", "12", "0", "99999999999999999999"),
    "DURATION": ("24h", "5min", "30s", "250ms", "7d", "0s"),
    "MODEL": ("smtp", "stripe", "sqs.fifo", "kafka", "box"),
    "OPTION": ("ack_deadline", "acks", "x.y"),
    "STRING": ('"other.once"', '""', '"."', '"../x"'),
}
SOUND = """event E(id, order, kind: open | done)
queue q of E
queue r of E at-least-once
store s per id, unique
store t per order
  status: open | done
store box per id, inside q
effect mail per id
effect credit per order
lock lease per id
"""
"""What the names are, in half of the texts: enough for many of the random handlers below it to be
sound.
"""
BELOW = ("consumer", "consumer", "relay", "claim", "claim", "assume")
AFTER = {
    "send": ("mail", "credit"),
    "call": ("mail", "credit"),
    "do": ("mail", "credit"),
    "duplicate": ("mail", "credit", "s"),
    "of": ("mail", "credit", "s"),
    "claim": ("mail", "credit"),
    "before": ("mail", "credit"),
    "add": ("id",),
    "insert": ("id",),
    "delete": ("id",),
    "increment": ("t",),
    "set": ("t",),
    "update": ("t",),
    "into": ("s", "box"),
    "acquire": ("lease",),
    "release": ("lease",),
    ".": ("status",),
    "=": ("open", "done"),
    "is": ("open", "done"),
    "on": ("q", "r"),
    "if": ("kind", "id"),
    "when": ("id",),
    "let": ("known",),
    "use": ("part",),
    "consumer": ("one", "two", "three"),
    "relay": ("four", "five"),
    "fragment": ("part",),
    "section": ("inner", "outer"),
}
"""Names that make sense behind a word."""
DEEPEST = 60
"""Expansions on top of each other before the shortest way out is taken."""


@cache
def _grammar() -> tuple[dict[str, list[list[Any]]], dict[str, tuple[str, ...]], dict[str, int]]:
    """Expansions by rule, texts of literal terminals, and the least depth of each symbol."""
    lark = Lark(GRAMMAR.read_text(encoding="utf-8"), parser="lalr", postlex=None, lexer="basic")
    rules: dict[str, list[list[Any]]] = defaultdict(list)
    for rule in lark.rules:
        if all(
            s.name not in ("_ERROR", "broken", "broken_option") for s in rule.expansion
        ):  # stand-ins of the parser's own
            rules[rule.origin.name].append(
                [s.name if s.is_term else (s.name,) for s in rule.expansion]
            )
    texts = {
        t.name: _texts(t.pattern.value, isinstance(t.pattern, PatternStr)) for t in lark.terminals
    }
    least: dict[str, int] = {}
    while True:
        before = dict(least)
        for name, expansions in rules.items():
            depths = [
                max((least[s[0]] if isinstance(s, tuple) else 0 for s in e), default=0)
                for e in expansions
                if _known(e, least)
            ]
            if depths:
                least[name] = 1 + min(depths)
        if least == before:
            return dict(rules), texts, least


def _texts(pattern: str, literal: bool) -> tuple[str, ...]:
    """The words of a terminal: its own, or the alternatives that Lark has joined into a pattern."""
    if literal:
        return (pattern,)
    return tuple(
        x.removeprefix("(?:").removesuffix(")").replace("\\", "") for x in pattern.split("|")
    )


def _known(expansion: list[Any], least: dict[str, int]) -> bool:
    return all(not isinstance(s, tuple) or s[0] in least for s in expansion)


class Sentence:
    """One random text."""

    def __init__(self, dice: random.Random, size: int) -> None:
        self.dice, self.left = dice, size
        self.words: list[str] = []
        self.indent = 0
        self.sound = dice.random() < 0.5

    def text(self) -> str:
        """A whole design."""
        while self.left > 0:
            self._rule(self.dice.choice(BELOW) if self.sound else "item", 0)
        return SOUND * self.sound + "".join(self.words)

    def _rule(self, name: str, depth: int) -> None:
        rules, _, least = _grammar()
        expansions = rules[name]
        if depth > DEEPEST or self.left <= 0:
            shortest = min(self._depth(e, least) for e in expansions)
            expansions = [e for e in expansions if self._depth(e, least) == shortest]
        for symbol in self.dice.choice(expansions):
            if isinstance(symbol, tuple):
                self._rule(symbol[0], depth + 1)
            else:
                self._token(symbol)

    @staticmethod
    def _depth(expansion: list[Any], least: dict[str, int]) -> int:
        return max((least[s[0]] for s in expansion if isinstance(s, tuple)), default=0)

    def _token(self, name: str) -> None:
        self.left -= 1
        match name:
            case "_NL":
                self.words.append("\n" + "  " * self.indent)
            case "_INDENT" | "_DEDENT":
                self.indent += 1 if name == "_INDENT" else -1
                if self.words and not self.words[-1].strip():
                    self.words[-1] = "\n" + "  " * self.indent
            case _:
                self.words.append(self._word(name) + " ")

    def _word(self, name: str) -> str:
        if name == "NAME":
            sense = AFTER.get(self.words[-1].strip() if self.words else "") if self.sound else None
            return self.dice.choice(sense if sense and self.dice.random() < 0.9 else NAMES)
        return self.dice.choice(WORDS.get(name) or _grammar()[1][name])
