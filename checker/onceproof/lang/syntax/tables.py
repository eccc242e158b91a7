"""The tables of the grammar: what the parser does in each state, as plain data, made by Lark once
per version and kept.

Lark needs 0.1 s to turn the grammar into tables, and 0.05 s to be imported and to read tables back.
Nothing of it is needed to follow them (``checker/onceproof/lang/syntax/reader.py``).
"""

from __future__ import annotations

import marshal
import re
import sys
from collections.abc import Callable
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from msgspec import Struct

from onceproof.base.paths import resource
from onceproof.base.store import digest, installed, store

FORM = 1
"""Goes up when what is kept has another shape."""
LINE_END, INDENT, DEDENT, FILE_END = "_NL", "_INDENT", "_DEDENT", "$END"

Row = dict[str, int]
"""By symbol: the next state, if it is 0 or more; else rule ``-1 - number`` is complete."""
Match = Callable[[str, int], int]
"""Where a terminal that begins at this place of the text ends; -1 if it does not begin there."""
_PART = re.compile("[A-Za-z0-9_]")


class Rule(Struct, frozen=True):
    """A rule of the grammar that is complete: ``size`` symbols become one ``origin``.

    ``name``: what is built of it, empty if its parts go to the rule around it. ``single``: one kept
    part stands for the whole. ``kept``: the parts that go on, each with whether it is itself only
    parts, and how many absent ones (None) stand before it. ``absent``: how many stand behind the
    last.
    """

    origin: str
    size: int
    name: str
    single: bool
    kept: tuple[tuple[int, bool, int], ...]
    absent: int


class Terminal(Struct, frozen=True):
    """A word, a sign or a pattern. ``word``: it is this text; ``whole``: and no letter may follow
    it.
    """

    name: str
    regexp: str
    word: str
    whole: bool

    @property
    def match(self) -> Match:
        """How to recognise it: by comparing text if it is one word or sign, else by its regular
        expression.
        """
        word = self.word
        if not word:
            return _pattern(self.regexp)
        return (
            _word(word)
            if self.whole
            else lambda text, start: start + len(word) if text.startswith(word, start) else -1
        )


def _pattern(regexp: str) -> Match:
    compiled = re.compile(regexp)

    def match(text: str, start: int) -> int:
        hit = compiled.match(text, start)
        return hit.end() if hit else -1

    return match


def _word(word: str) -> Match:
    def match(text: str, start: int) -> int:
        end = start + len(word)
        return end if text.startswith(word, start) and not _PART.match(text, end) else -1

    return match


class Tables(Struct, frozen=True, dict=True):
    """``rows``: by state. ``terminals``: in the order in which they are tried, Lark's own.
    ``ignored``: those between tokens.
    """

    start: int
    end: int
    rows: tuple[Row, ...]
    rules: tuple[Rule, ...]
    terminals: tuple[Terminal, ...]
    ignored: tuple[str, ...]

    @cached_property
    def ranks(self) -> dict[str, int]:
        """The place of each terminal in the order."""
        return {t.name: rank for rank, t in enumerate(self.terminals)}

    def data(self) -> bytes:
        """As bytes, to be kept."""
        rules = [(r.origin, r.size, r.name, r.single, r.kept, r.absent) for r in self.rules]
        terminals = [(t.name, t.regexp, t.word, t.whole) for t in self.terminals]
        return marshal.dumps(
            (FORM, self.start, self.end, list(self.rows), rules, terminals, self.ignored)
        )

    @staticmethod
    def of(data: bytes) -> Tables | None:
        """What was kept; None if it is of another form. ``marshal`` makes values and runs
        nothing.
        """
        found: Any = marshal.loads(data)
        if found[0] != FORM:
            return None
        _, start, end, rows, rules, terminals, ignored = found
        return Tables(
            start,
            end,
            tuple(rows),
            tuple(Rule(*r) for r in rules),
            tuple(Terminal(*t) for t in terminals),
            ignored,
        )


def _version() -> str:
    """All that decides what the tables are: the grammar, what turns it into tables, Lark and
    Python.
    """
    here = Path(__file__)
    files = (resource("grammar") / "once.lark", here, here.with_name("grammar.py"))
    contents = [path.read_bytes() for path in files]
    return digest(
        (
            "tables",
            sys.version,
            *contents,
            *(name for name in installed() if name.startswith("lark")),
        )
    )


@cache
def tables() -> Tables:
    """The tables, read or made once per process."""
    kept = store(_version)
    data = kept.get("grammar", "tables") if kept else None
    found = Tables.of(data) if data is not None else None
    if found is None:
        from onceproof.lang.syntax.grammar import made  # Lark

        found = made()
        if kept:
            kept.put("grammar", "tables", found.data())
    return found
