"""The parser that is kept between runs reads every text as the one that was just made."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from lark import Lark, UnexpectedInput
from onceproof.base import store
from onceproof.lang.source import Source
from onceproof.lang.syntax import lark_parser as module
from onceproof.lang.syntax.indentation import mend
from onceproof.lang.syntax.lark_parser import lark_parser, loaded, made, serialized

from support.repo import ROOT

DESIGNS = sorted((ROOT / "examples").rglob("*.once"))


def _texts() -> Iterator[str]:
    """Every example as Lark reads it; and with some characters taken away, doubled or exchanged, in
    a fixed way.
    """
    rng = random.Random(7)
    for path in DESIGNS:
        text = path.read_text(encoding="utf-8")
        yield _laid_out(text)
        for _ in range(2):
            at, many = rng.randrange(len(text)), rng.randrange(1, 4)
            instead = rng.choice(["", text[at : at + many] * 2, "-", " ", "_", "."])
            yield _laid_out(text[:at] + instead + text[at + many :])


def _laid_out(text: str) -> str:
    lines, _ = mend(Source.of("d.once", text))
    return "".join("\n" + " " * line.indent + line.text for line in lines) + "\n"


def _read(parser: Lark, text: str) -> object:
    """The tree of a text with the places in it; or where the parser stopped."""
    try:
        return [(t.pretty(), vars(t.meta)) for t in parser.parse(text).iter_subtrees()]
    except UnexpectedInput as error:
        return type(error), error.line, error.column


def test_a_parser_that_was_kept_reads_as_the_one_just_made() -> None:
    first = made()
    second = loaded(serialized(first))
    sound = broken = 0
    for text in _texts():
        wanted = _read(first, text)
        assert _read(second, text) == wanted, text
        sound, broken = sound + isinstance(wanted, list), broken + isinstance(wanted, tuple)
    assert sound > len(DESIGNS)
    assert broken > len(DESIGNS) // 2


def test_the_parser_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked for past the memory of this process, whose states are those of its own parser."""
    monkeypatch.setenv(store.NAME, str(tmp_path))
    first = lark_parser.__wrapped__()
    monkeypatch.setattr(module, "made", lambda: pytest.fail("the parser was not kept"))
    assert lark_parser.__wrapped__().rules == first.rules


def test_without_a_cache_the_parser_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(store.NAME, "")
    monkeypatch.setattr(module, "loaded", lambda _: pytest.fail("there is nothing to load"))
    assert lark_parser.__wrapped__().rules == lark_parser().rules


def test_another_grammar_is_another_parser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(store.NAME, str(tmp_path))
    lark_parser.__wrapped__()
    text = module._grammar()
    monkeypatch.setattr(module, "_grammar", lambda: text.replace('"crash" "here"', '"die" "here"'))
    other = lark_parser.__wrapped__()
    assert "DIE" in {t.name for t in other.terminals}
