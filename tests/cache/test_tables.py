"""The kept tables and the reader take every text as Lark does with the grammar itself, and build
the same of it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lark import Token as LarkToken
from lark import Transformer, v_args
from lark.exceptions import UnexpectedInput
from lark.lark import PostLex
from lark.lexer import PatternRE, PatternStr
from onceproof.base import store
from onceproof.lang.source import Source
from onceproof.lang.syntax import grammar, reader
from onceproof.lang.syntax.build import Build
from onceproof.lang.syntax.indentation import Line, mend
from onceproof.lang.syntax.reader import Meta, Reader
from onceproof.lang.syntax.tables import FORM, Tables, tables

ROOT = Path(__file__).parents[2]
DESIGNS = sorted((ROOT / "examples").rglob("*.once"))


class _Layout(PostLex):
    """Block tokens around deeper lines, for Lark."""

    always_accept = ("_NL",)

    def process(self, stream: Iterator[LarkToken]) -> Iterator[LarkToken]:
        levels = [0]
        for token in stream:
            yield token
            if token.type == "_NL":
                white = token.rsplit("\n", 1)[1]
                indent = len(white) - len(white.lstrip(" "))
                if indent > levels[-1]:
                    levels.append(indent)
                    yield LarkToken.new_borrow_pos("_INDENT", "", token)
                while indent < levels[-1]:
                    levels.pop()
                    yield LarkToken.new_borrow_pos("_DEDENT", "", token)
        for _ in levels[1:]:
            yield LarkToken("_DEDENT", "")


@v_args(meta=True)
class _Builds(Transformer[LarkToken, Any]):
    """Hands what Lark has read to the builder, rule by rule."""

    def __init__(self, builder: Build) -> None:
        super().__init__(visit_tokens=True)
        self.builder = builder

    def __default_token__(self, token: LarkToken) -> reader.Token:
        made = reader.Token(str(token))
        made.line, made.column, made.end_column = (
            token.line or 0,
            token.column or 0,
            token.end_column or 0,
        )
        return made

    def __default__(self, data: Any, children: list[Any], meta: Any) -> Any:
        if meta.empty:
            place = Meta((0, 0), (0, 0))
        else:
            place = Meta((meta.line, meta.column), (meta.end_line or 0, meta.end_column or 0))
        method = getattr(self.builder, str(data), None)
        return method(place, children) if method else self.builder.other(str(data), place, children)


def _texts() -> Iterator[str]:
    """Every example; and each with some characters taken away, doubled or exchanged, in a fixed
    way.
    """
    rng = random.Random(7)
    for path in DESIGNS:
        text = path.read_text(encoding="utf-8")
        yield text
        for _ in range(3):
            at, many = rng.randrange(len(text)), rng.randrange(1, 4)
            yield (
                text[:at]
                + rng.choice(["", text[at : at + many] * 2, "-", " ", "_", "."])
                + text[at + many :]
            )


def _lines(text: str) -> tuple[Source, list[Line]]:
    source = Source.of("d.once", text)
    return source, mend(source)[0]


def test_the_reader_builds_what_is_built_of_lark_s_tree() -> None:
    lark = grammar.lark(postlex=_Layout())
    good = bad = 0
    for text in _texts():
        source, lines = _lines(text)
        if not lines or any(
            line.columns is not None or line.text.strip() != line.text for line in lines
        ):
            continue
        blank = {line.number: " " * line.start + line.text for line in lines}
        if any(line.start != line.indent for line in lines):
            continue  # tabs and crooked blocks have moved: Lark would see other columns
        laid = (
            "\n"
            + "\n".join(blank.get(number, "") for number in range(1, lines[-1].number + 1))
            + "\n"
        )
        source = Source.of("d.once", laid)
        moved = [Line(line.number + 1, line.indent, line.text, line.start) for line in lines]
        built = Reader(Build(source)).read(moved)
        try:
            wanted = _Builds(Build(source)).transform(lark.parse(laid))
        except UnexpectedInput:
            wanted = None
        assert repr(built) == repr(wanted), text
        good, bad = good + (wanted is not None), bad + (wanted is None)
    assert good > len(DESIGNS)
    assert bad > len(DESIGNS) // 2


def test_kept_tables_are_those_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked for past the memory of this process, whose reader and automaton go by the numbers of
    the tables there are.
    """
    monkeypatch.setenv(store.NAME, str(tmp_path))
    first = tables.__wrapped__()
    monkeypatch.setattr(grammar, "made", lambda: pytest.fail("the tables were not kept"))
    assert tables.__wrapped__() == first


def test_tables_of_another_form_are_not_used() -> None:
    import marshal

    data = tables().data()
    assert Tables.of(data) == tables()
    assert Tables.of(marshal.dumps((FORM + 1, *marshal.loads(data)[1:]))) is None


def test_no_sign_is_also_a_pattern_of_equal_rank() -> None:
    """Lark reads a fixed text inside a pattern of the same priority as the text; trying one by one
    need not.
    """
    matches = {t.name: t.match for t in tables().terminals}
    terminals = grammar.lark().terminals
    for sign in (t for t in terminals if isinstance(t.pattern, PatternStr)):
        for other in (
            t for t in terminals if isinstance(t.pattern, PatternRE) and t.priority == sign.priority
        ):
            if grammar.rank(other) < grammar.rank(sign):
                assert matches[other.name](sign.pattern.value, 0) != len(sign.pattern.value), (
                    sign,
                    other,
                )


def test_words_are_read_whole() -> None:
    word = next(t for t in tables().terminals if t.word == "queue")
    assert word.match("queue q", 0) == 5
    assert word.match("queues", 0) == word.match("que", 0) == -1
    assert {t.word for t in tables().terminals} >= {"ack", "event", ",", "("}
