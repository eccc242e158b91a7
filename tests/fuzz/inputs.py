"""Random inputs by number: sentences of the grammar, the same damaged, damaged designs, damaged
bytes. The same number gives the same text.
"""

from __future__ import annotations

import random
from functools import cache

from fuzz.sentences import Sentence
from support.designs import random_design
from support.repo import ROOT

ODD = (
    "\x00",
    "\t",
    "\r",
    "\x0b",
    "\u2028",
    "\u00a0",
    "\ufeff",
    "\U0001f642",
    "\u202e",
    "\x01",
    "\x7f",
    '"',
    "#",
    "\\",
    "{",
    "-",
    "|",
    ".",
    ",",
    ":",
    "(",
    ")",
)


@cache
def corpus() -> tuple[str, ...]:
    """Every example, and every design of the collection of mistakes."""
    paths = [*(ROOT / "examples").rglob("*.once"), *(ROOT / "tests/designs").rglob("*.once")]
    return tuple(path.read_text(encoding="utf-8", errors="replace") for path in sorted(paths))


@cache
def _words() -> tuple[str, ...]:
    return tuple(sorted({word for text in corpus() for word in text.split()}))


def text_of(number: int) -> str:
    """The input with this number."""
    dice = random.Random(number)
    match number % 4:
        case 0:
            return Sentence(dice, dice.choice((20, 40, 80, 300))).text()
        case 1:
            return damaged(Sentence(dice, dice.choice((20, 40, 120))).text(), dice)
        case 2:
            base = dice.choice(corpus()) if dice.random() < 0.8 else random_design(number)
            return damaged(base, dice)
        case _:
            return _bytes(dice)


def damaged(text: str, dice: random.Random) -> str:
    """A text with some lines, words or characters deleted, doubled, moved, exchanged, or taken from
    somewhere else.
    """
    lines = text.split("\n")
    for _ in range(dice.choice((1, 1, 2, 3, 8))):
        i, j = dice.randrange(len(lines)), dice.randrange(len(lines))
        match dice.randrange(10):
            case 0:
                lines[i] = ""
            case 1:
                lines.insert(j, lines[i])
            case 2:
                lines[i], lines[j] = lines[j], lines[i]
            case 3:
                lines[i] = " " * dice.choice((0, 1, 2, 3, 4, 8)) + lines[i].lstrip()
            case 4:
                other = dice.choice(corpus()).split("\n")
                lines.insert(j, dice.choice(other))
            case 5 | 6:
                lines[i] = _word(lines[i], dice)
            case 7:
                lines[i] = (
                    lines[i] + lines[j].lstrip()
                    if dice.random() < 0.5
                    else lines[i][: len(lines[i]) // 2]
                )
            case _:
                lines[i] = _character(lines[i], dice)
    return "\n".join(lines)


def _word(line: str, dice: random.Random) -> str:
    words = line.split(" ")
    at = dice.randrange(len(words))
    match dice.randrange(4):
        case 0:
            words[at] = dice.choice(_words())
        case 1:
            words.insert(at, dice.choice(_words()))
        case 2:
            del words[at]
        case _:
            other = dice.randrange(len(words))
            words[at], words[other] = words[other], words[at]
    return " ".join(words)


def _character(line: str, dice: random.Random) -> str:
    at = dice.randrange(len(line) + 1)
    new = dice.choice((dice.choice(ODD), chr(dice.randrange(32, 127)), "", line[at : at + 1] * 2))
    return line[:at] + new + line[at + dice.randrange(2) :]


def _bytes(dice: random.Random) -> str:
    """A piece of a file with damaged bytes, read as an editor would that replaces what it cannot
    read.
    """
    data = bytearray(dice.choice(corpus()).encode("utf-8"))
    if len(data) > 400 and dice.random() < 0.9:
        start = dice.randrange(len(data) - 200)
        data = data[start : start + dice.randrange(200)]
    for _ in range(dice.choice((1, 2, 4, 16))):
        at = dice.randrange(len(data) + 1)
        match dice.randrange(4):
            case 0:
                data[at:at] = bytes(dice.randrange(256) for _ in range(dice.choice((1, 1, 4))))
            case 1:
                data[at : at + 1] = bytes((dice.randrange(256),))
            case 2:
                del data[at : at + dice.choice((1, 1, 2, 10))]
            case _:
                data[at:at] = data[at : at + dice.choice((1, 4, 30))] * dice.choice((1, 2, 50))
    return bytes(data).decode("utf-8", "replace")
