"""One file per mistake in ``corpus/``; the sibling ``.expect`` file holds everything the reader is
told about it.

``pytest --update`` writes the ``.expect`` files anew. Read them as the person who made the mistake
would.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from onceproof.lang.assumptions import SPELLINGS
from onceproof.lang.errors import brokers, models, names, syntax, world
from onceproof.lang.errors.shapes import SHAPES
from onceproof.lang.load import load, load_text
from onceproof.lang.syntax.interactive import grammar
from onceproof.report.diagnostics import render

from support.repo import ROOT

NOT_MODELLED = "N173"
HERE = Path(__file__).parent

CORPUS = sorted((HERE / "mistakes").glob("*.once"))
VALID = sorted((HERE / "valid").glob("*.once"))
BY_HAND = {
    "S010": "test_robust: a huge file",
    "S011": "test_robust: a file that is no text",
    "S012": "test_robust: too many",
    "S022": "test_render: without the source",
    "S023": "lang/test_carriers: a page without a design",
    "S024": "lang/test_carriers: code without a design",
    "S025": "lang/test_carriers: an AsyncAPI document",
}
"""Codes that a file of the corpus cannot show, and where they are tested."""
EFFECT, SEND = "effect x per k\n  ", "consumer c on q\n  send e\n    "
PLACES = {
    "import": "",
    "expect": "claim no loss of e\n  ",
    "key": EFFECT,
    "can": EFFECT,
    "checks": EFFECT,
    "keeps errors": EFFECT,
    "late": "queue x of y\n  ",
    **dict.fromkeys(
        (
            "delivery",
            "lease",
            "partitions",
            "shutdown",
            "never",
            "drops",
            "keeps",
            "commit",
            "messages",
            "publishes",
            "batches",
            "aborted",
            "commits",
            "keyed",
            "batch",
            "prefetch",
        ),
        "queue x of y\n  ",
    ),
    "on": SEND,
    "retry": SEND,
    "else": "consumer c on q\n  if k in s\n    ack\n  ",
}
"""What must stand above a line that begins with the word."""


def declared() -> list[str]:
    """Every code in ``checker/onceproof/lang/errors``, once per function that makes it."""
    codes: list[str] = []
    for module in (syntax, names, models, world, brokers):
        for function in ast.walk(ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))):
            if isinstance(function, ast.FunctionDef):
                strings = {
                    x.value
                    for x in ast.walk(function)
                    if isinstance(x, ast.Constant) and isinstance(x.value, str)
                }
                codes += sorted(s for s in strings if re.fullmatch(r"[SN]\d{3}", s))
    return [*codes, syntax.TAB]


@pytest.mark.parametrize("path", CORPUS, ids=lambda p: p.stem)
def test_the_mistake_is_explained(
    path: Path, golden: Callable[[Path, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(path.parent)
    loaded = load(path.name)
    golden(path.with_suffix(".expect"), render(loaded.diagnostics, loaded.sources))


def test_every_expectation_has_its_file() -> None:
    assert {p.stem for p in (HERE / "mistakes").glob("*.expect")} == {p.stem for p in CORPUS}


def test_designs_with_every_construct_have_no_mistake() -> None:
    for path in VALID:
        loaded = load(path)
        refused = [d for d in loaded.diagnostics if d.code == NOT_MODELLED]
        assert [d for d in loaded.diagnostics if d.code != NOT_MODELLED] == []
        assert (loaded.design is None) == bool(refused)
        assert not refused or path.name.startswith("valid_world")


def test_every_word_of_the_grammar_is_in_a_design_without_mistakes() -> None:
    words = set(re.findall(r"[a-z][a-z\-]*", "".join(p.read_text(encoding="utf-8") for p in VALID)))
    optional = {"drop", "holds", "refuted", "import"}
    assert (
        sorted(
            {w for ws in grammar().literals.values() for w in ws if w[0].isalpha()}
            - words
            - optional
        )
        == []
    )


def test_every_code_is_shown_by_a_file() -> None:
    shown = "".join(p.read_text(encoding="utf-8") for p in (HERE / "mistakes").glob("*.expect"))
    assert sorted(c for c in set(declared()) - set(BY_HAND) if f"[{c}]" not in shown) == []


def test_every_code_has_its_section_in_the_documentation() -> None:
    text = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^## ([SN]\d{3}) .*?\n(.*?)(?=^## |\Z)", text, re.M | re.S))
    assert sorted(sections) == sorted(set(declared()))
    assert list(sections) == sorted(sections, key=lambda c: (c[0] == "N", c))
    for code, section in sections.items():
        for part in ("**What.**", "**Why.**", "**Example.**", "**Fix.**"):
            assert part in section, (code, part)


def test_codes_are_not_shared_by_kinds_of_mistakes() -> None:
    """A code may have several wordings, but within one module only."""
    for code in set(declared()):
        assert code[0] == (
            "S" if code in Path(str(syntax.__file__)).read_text(encoding="utf-8") else "N"
        )


@pytest.mark.parametrize("first", SHAPES)
def test_the_shapes_that_are_shown_are_right(first: str) -> None:
    for shape in SHAPES[first]:
        line = shape.replace("CONDITION", "k in s")
        block = (
            "\n" + " " * 6 + "ack"
            if first in ("consumer", "relay", "fragment", "if", "else", "atomic", "section", "on")
            else ""
        )
        declares = first in PLACES or line.split()[0] in (
            "event",
            "queue",
            "publisher",
            "operator",
            "database",
            "store",
            "effect",
            "lock",
            "consumer",
        )
        above = PLACES.get(shape) or PLACES.get(
            first,
            ""
            if declares or first in ("relay", "fragment", "assume", "claim")
            else "consumer c on q\n  ",
        )
        found = load_text(above + line + block + "\n").diagnostics
        assert [d for d in found if d.code.startswith("S")] == [], shape


def test_every_assumption_that_is_listed_is_one() -> None:
    for phrase in SPELLINGS:
        assert not [
            d for d in load_text(f"assume {phrase}\n").diagnostics if d.code.startswith("S")
        ]
