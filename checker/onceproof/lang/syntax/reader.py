"""Reads whole declarations: follows the grammar's tables, and builds as it goes.

An LALR(1) parser with a lexer that tries, in each state, the terminals that may come next one by
one, in Lark's order. What it accepts and what it hands to the builder, with which places, is what
Lark does with the same grammar (``tests/cache/test_tables.py``); but places are those of the source
at once, whatever was moved or mended.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from onceproof.lang.syntax.indentation import Line
from onceproof.lang.syntax.tables import (
    DEDENT,
    FILE_END,
    INDENT,
    LINE_END,
    Match,
    Rule,
    Tables,
    tables,
)

Place = tuple[int, int]
"""A line and a column of the source, both 1-based."""
NOWHERE = (0, 0)


class Token(str):
    """A word of a line, and where it stands: ``column`` to ``end_column``, exclusive."""

    __slots__ = ("column", "end_column", "line")
    line: int
    column: int
    end_column: int


class Meta:
    """Where a construct begins and ends; ``empty`` if it has no words."""

    __slots__ = ("column", "end_column", "end_line", "line")

    def __init__(self, start: Place, end: Place) -> None:
        self.line, self.column = start
        self.end_line, self.end_column = end

    @property
    def empty(self) -> bool:
        """Nothing was read for it."""
        return not self.line


class Builder(Protocol):
    """Has a method per rule: ``(meta, children)``; the rest goes to ``other``."""

    def other(self, name: str, meta: Meta, children: list[Any]) -> Any:
        """A rule without a method of its own."""


Entry = tuple[Any, Place, Place]
"""What was built, and the places of all words that belong to it."""


class Reader:
    """Reads declarations for one builder."""

    def __init__(self, builder: Builder) -> None:
        self.tables: Tables = tables()
        self.builder = builder
        self.methods: dict[str, Callable[[Meta, list[Any]], Any]] = {}

    def read(self, lines: Sequence[Line]) -> Any | None:
        """What is built of these lines; None if the grammar does not take them."""
        states: list[int] = [self.tables.start]
        values: list[Entry] = []
        levels = [0]
        if not self._feed(states, values, LINE_END, ("", NOWHERE, NOWHERE)):
            return None
        for line in lines:
            below: Entry = ("", (line.number, 1), (line.number, 1))
            if line.indent > levels[-1]:
                levels.append(line.indent)
                if not self._feed(states, values, INDENT, below):
                    return None
            while line.indent < levels[-1]:
                levels.pop()
                if not self._feed(states, values, DEDENT, below):
                    return None
            if not self._line(states, values, line):
                return None
        over: Entry = ("", (lines[-1].number + 1, 1), (lines[-1].number + 1, 1))
        if not all(self._feed(states, values, DEDENT, over) for _ in levels[1:]):
            return None
        return values[-1][0] if self._feed(states, values, FILE_END, over) else None

    def _line(self, states: list[int], values: list[Entry], line: Line) -> bool:
        """Read the words of a line, and its end."""
        text, offset, number = line.text, 0, line.number
        while offset < len(text):
            name, end = _first(text, offset, states[-1])
            if end <= offset:
                return False
            if name not in self.tables.ignored:
                token = Token(text[offset:end])
                token.line, token.column = number, line.column(offset)
                token.end_column = max(line.column(end), token.column)
                if not self._feed(
                    states,
                    values,
                    name,
                    (token, (number, token.column), (number, token.end_column)),
                ):
                    return False
            offset = end
        return self._feed(
            states, values, LINE_END, ("", (number, line.column(len(text))), (number + 1, 1))
        )

    def _feed(self, states: list[int], values: list[Entry], name: str, entry: Entry) -> bool:
        """Take one more symbol, after whatever is complete before it; False if it does not fit."""
        rows, end = self.tables.rows, self.tables.end
        while True:
            action = rows[states[-1]].get(name)
            if action is None:
                return False
            if action >= 0:
                states.append(action)
                values.append(entry)
                return True
            rule = self.tables.rules[-1 - action]
            if rule.size:
                parts = values[-rule.size :]
                del states[-rule.size :], values[-rule.size :]
            else:
                parts = []
            states.append(rows[states[-1]][rule.origin])
            values.append(self._built(rule, parts))
            if name == FILE_END and states[-1] == end:
                return True

    def _built(self, rule: Rule, parts: list[Entry]) -> Entry:
        """What is built of the parts of a rule."""
        start = next((p[1] for p in parts if p[1] is not NOWHERE), NOWHERE)
        end = next((p[2] for p in reversed(parts) if p[2] is not NOWHERE), NOWHERE)
        children: list[Any] = []
        for index, spread, absent in rule.kept:
            if absent:
                children += [None] * absent
            if spread:
                children += parts[index][0]
            else:
                children.append(parts[index][0])
        if rule.absent:
            children += [None] * rule.absent
        if not rule.name:
            return children, start, end
        if rule.single and len(children) == 1:
            return children[0], start, end
        method = self.methods.get(rule.name)
        if method is None:
            method = self.methods[rule.name] = self._method(rule.name)
        return method(Meta(start, end), children), start, end

    def _method(self, name: str) -> Callable[[Meta, list[Any]], Any]:
        found: Callable[[Meta, list[Any]], Any] | None = getattr(self.builder, name, None)
        return found or (lambda meta, children: self.builder.other(name, meta, children))


_ORDERS: dict[int, tuple[tuple[str, Match], ...]] = {}
_MATCHES: dict[str, Match] = {}


def _first(text: str, start: int, state: int) -> tuple[str, int]:
    """The first terminal that may come in a state and begins here, and where it ends; if none does,
    -1.
    """
    for name, match in _ORDERS.get(state) or _order(state):
        end = match(text, start)
        if end > start:
            return name, end
    return "", -1


def _order(state: int) -> tuple[tuple[str, Match], ...]:
    """The terminals that may come in a state, in the order in which they are tried; made once per
    process.
    """
    known = tables()
    names = {
        name
        for name in (*known.rows[state], *known.ignored)
        if name in known.ranks and name != LINE_END
    }
    found = []
    for name in sorted(names, key=known.ranks.__getitem__):
        if name not in _MATCHES:
            _MATCHES[name] = known.terminals[known.ranks[name]].match
        found.append((name, _MATCHES[name]))
    _ORDERS[state] = tuple(found)
    return _ORDERS[state]
