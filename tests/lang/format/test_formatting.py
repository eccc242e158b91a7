"""Formatting is idempotent, keeps meaning and comments, and has one style."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
from onceproof.lang.format import formatted, same_meaning, unified
from onceproof.lang.source import Source
from onceproof.lang.syntax.parser import parse

from support.designs import random_design
from support.repo import files, read
from support.sample import sampled

DESIGNS = [
    p
    for p in files()
    if p.suffix == ".once"
    and p.parts[:3] != ("tests", "designs", "mistakes")
    and "# expect: rejected" not in read(p)
]
COMMENTS = ("# why", "#", "## more", "  # deeper", '# "quoted', "#no space")


def fmt(text: str) -> str:
    done = formatted(Source.of("design.once", text))
    assert done.text is not None, [d.headline for d in done.diagnostics]
    return done.text


def is_stable(text: str) -> str:
    """Format; formatting again changes nothing; the tree is the same; every comment is still there,
    in order.
    """
    once = fmt(text)
    assert fmt(once) == once
    before, after = parse(Source.of("a", text))[0], parse(Source.of("b", once))[0]
    assert same_meaning(before, after)
    assert [c.strip() for c in re.findall("#.*", text)] == [
        c.strip() for c in re.findall("#.*", once)
    ]
    assert not re.search(r"[ \t]\n|\n\n\n|\A\n|\n\n\Z", once)
    return once


@pytest.mark.parametrize("path", sampled(DESIGNS, 3), ids=str)
def test_designs_of_the_repository(path: Path) -> None:
    is_stable(read(path))


@pytest.mark.parametrize("path", [p for p in DESIGNS if p.parts[0] == "examples"], ids=str)
def test_examples_are_in_the_style(path: Path) -> None:
    assert unified(str(path), read(path), fmt(read(path))) == ""


def spoiled(text: str, rng: random.Random) -> str:
    """The same design, badly spaced and with comments everywhere."""
    width = rng.choice((1, 2, 3, 4, 8))
    lines: list[str] = []
    for line in text.splitlines():
        body = line.lstrip(" ")
        depth = (len(line) - len(body)) // 2
        body = re.sub(r" (?=[\w|=])", lambda _: " " * rng.choice((1, 1, 2, 5)), body)
        body = re.sub(r"(?<=[,.(:|=])", lambda _: " " * rng.choice((0, 1)), body).rstrip()
        body = re.sub(r"(?<=\w)(?=[,.(:)|=])", lambda _: " " * rng.choice((0, 0, 1)), body)
        if rng.random() < 0.2:
            lines.append(" " * rng.randint(0, 12) + rng.choice(COMMENTS))
        if rng.random() < 0.2:
            lines += ["", " " * rng.randint(0, 3)][: rng.randint(1, 2)]
        lines.append(
            " " * (width * depth)
            + body
            + (rng.choice((" ", "", "     ")) + rng.choice(COMMENTS) if rng.random() < 0.2 else "")
        )
    return (
        rng.choice(("", "\n\n"))
        + rng.choice(("\n", "\r\n")).join(lines)
        + rng.choice(("", "\n", "\n \n\n"))
    )


@pytest.mark.parametrize("seed", range(60))
def test_random_designs_badly_spaced(seed: int) -> None:
    text = random_design(seed)
    bad = spoiled(text, random.Random(seed))
    assert same_meaning(parse(Source.of("a", text))[0].items, parse(Source.of("b", bad))[0].items)
    once = is_stable(bad)
    plain = "\n".join(line for line in text.splitlines() if line.strip())
    kept = [re.sub(r" *#.*", "", line) for line in once.splitlines()]
    assert [x for x in kept if x.strip()] == [
        x for x in fmt(plain).splitlines() if x.strip()
    ] or _aligned_otherwise(kept, plain)


def _aligned_otherwise(kept: list[str], plain: str) -> bool:
    """Whether only the width of names differs: blank lines end a run of declarations."""
    squeezed = [re.sub(r"(?<=\w) +", " ", x) for x in kept if x.strip()]
    return squeezed == [re.sub(r"(?<=\w) +", " ", x) for x in fmt(plain).splitlines()]


def test_the_style() -> None:
    assert fmt(read("tests/lang/format/before.once")) == read("tests/lang/format/after.once")


@pytest.mark.parametrize(
    "text",
    ["", "# to do\n", "queue q for Paid\n", "event E(id)\n\tack\n", "event E(id\n", "import \n"],
)
def test_a_text_with_mistakes_is_left_alone(text: str) -> None:
    done = formatted(Source.of("design.once", text))
    assert done.text is None
    assert done.diagnostics


def test_names_need_not_be_known() -> None:
    """Only the text is looked at, so a file that others import is formatted too."""
    assert fmt("store  seen per id") == "store seen per id\n"


def test_an_import_keeps_its_path() -> None:
    assert (
        fmt('import   "a  b#c.once"   # both  spaces\n')
        == 'import "a  b#c.once"                       # both  spaces\n'
    )


def test_same_meaning_sees_every_word() -> None:
    text = read("tests/designs/valid/valid.once")
    tree = parse(Source.of("a", text))[0]
    changed = 0
    for i, line in enumerate(text.splitlines()):
        without = "\n".join(x for j, x in enumerate(text.splitlines()) if j != i)
        other, found = parse(Source.of("a", without))
        if not found and line.strip() and not line.strip().startswith("#"):
            assert not same_meaning(tree, other), line
            changed += 1
    assert changed > 60
