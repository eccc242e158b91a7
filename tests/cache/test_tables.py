"""The kept tables and the quick lexer read every text as Lark does with the grammar itself."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from lark import Lark
from lark.exceptions import UnexpectedInput
from lark.lexer import PatternRE, PatternStr

from checker import cache
from checker.syntax import tables
from checker.syntax.tables import build, grammar

ROOT = Path(__file__).parents[2]
DESIGNS = sorted((ROOT / "examples").rglob("*.once"))


def _texts() -> Iterator[str]:
    """Every example; and each with some characters taken away, doubled or exchanged, in a fixed way."""
    rng = random.Random(7)
    for path in DESIGNS:
        text = "\n" + path.read_text(encoding="utf-8")
        yield text
        for _ in range(3):
            at, many = rng.randrange(len(text)), rng.randrange(1, 4)
            yield text[:at] + rng.choice(["", text[at : at + many] * 2, "-", " ", "_", "."]) + text[at + many :]


def _read(parser: Lark, text: str) -> object:
    try:
        tree = parser.parse(text)
    except UnexpectedInput as error:
        return error.line, error.column
    places = [(t.type, str(t), t.line, t.column, t.end_line, t.end_column) for t in tree.scan_values(lambda v: v is not None)]
    return tree, places


def test_the_quick_lexer_and_lark_s_agree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(cache.NAME, str(tmp_path))
    grammar.cache_clear()
    made, kept = grammar(), None
    grammar.cache_clear()
    monkeypatch.setattr(tables, "build", lambda: pytest.fail("the tables were not kept"))
    kept = grammar()
    grammar.cache_clear()
    reference = build(quick=False)
    good = bad = 0
    for text in _texts():
        wanted = _read(reference, text)
        assert _read(made, text) == _read(kept, text) == wanted
        failed = isinstance(wanted, tuple) and isinstance(wanted[0], int)
        good, bad = good + (not failed), bad + failed
    assert good > len(DESIGNS) // 2
    assert bad > len(DESIGNS) // 2


def test_no_sign_is_also_a_pattern_of_equal_rank() -> None:
    """Lark reads a fixed text inside a pattern of the same priority as the text; trying one by one need not."""
    terminals = build(quick=False).terminals
    for sign in (t for t in terminals if isinstance(t.pattern, PatternStr)):
        for other in (t for t in terminals if isinstance(t.pattern, PatternRE) and t.priority == sign.priority):
            if tables.rank(other) < tables.rank(sign):
                assert tables.matcher(other)(sign.pattern.value, 0) != len(sign.pattern.value), (sign, other)


def test_tables_hold_no_code(tmp_path: Path) -> None:
    import pickle

    with pytest.raises(pickle.UnpicklingError, match="has no place in a grammar"):
        tables._loaded(pickle.dumps(Path))
