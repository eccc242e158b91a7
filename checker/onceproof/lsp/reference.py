"""What the reference says about a word: its section, or its row in a table, of
``docs/language.md``.
"""

from __future__ import annotations

import re
from functools import cache

from msgspec import Struct

from onceproof.base.paths import resource

_HEADING = re.compile(r"^#{2,3} (.+)$", re.MULTILINE)
_FENCE = re.compile(r"^```[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ROW = re.compile(r"^\| `([^`|]+)` \| (.+?) \|$", re.MULTILINE)
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
STEM = 5
"""Letters in which a word and a heading must agree: `assume` and `Assumptions`."""


class Section(Struct, frozen=True):
    """A section of the reference: its heading, its first paragraph, the words its examples begin
    with, the rows of its tables.
    """

    heading: str
    text: str
    begins: frozenset[str]
    rows: tuple[tuple[str, str], ...]


@cache
def sections() -> tuple[Section, ...]:
    """Every section, in order."""
    text = (resource("docs") / "language.md").read_text(encoding="utf-8")
    _, *pieces = _HEADING.split(
        _FENCE.sub(lambda block: block[0].replace("\n## ", "\n# "), text)
    )  # titles of designs are none
    return tuple(
        _section(heading, body) for heading, body in zip(pieces[::2], pieces[1::2], strict=True)
    )


def _section(heading: str, body: str) -> Section:
    begins = {
        line.split()[0]
        for block in _FENCE.findall(body)
        for line in block.splitlines()
        if line.strip()
    }
    prose = _LINK.sub(r"\1", _FENCE.sub("", body))
    paragraphs = [
        " ".join(p.split())
        for p in prose.split("\n\n")
        if p.strip() and not p.lstrip().startswith("|")
    ]
    rows = tuple((phrase, _LINK.sub(r"\1", meaning)) for phrase, meaning in _ROW.findall(body))
    return Section(heading.strip(), paragraphs[0] if paragraphs else "", frozenset(begins), rows)


def about(word: str, line: str) -> str:
    """What the reference says about a word of a line, as Markdown; empty if nothing."""
    words = re.findall(r"[\w-]+", line)
    rows = [
        (len(_fixed(p)), p, m)
        for s in sections()
        for p, m in s.rows
        if word in _fixed(p) and _fixed(p) <= set(words)
    ]
    if rows:
        _, phrase, meaning = max(rows)
        return f"`{phrase}`: {meaning}"
    first = words[0] if words else ""
    for wanted in dict.fromkeys((word, first)):
        section = _headed(wanted) or next((s for s in sections() if wanted in s.begins), None)
        if section is not None and section.text:
            return section.text
    return ""


def _fixed(phrase: str) -> set[str]:
    """The words of a phrase that stand for themselves."""
    return {w for w in re.findall(r"[A-Za-z][\w-]*", phrase) if not w.isupper()}


def _headed(word: str) -> Section | None:
    """The section whose heading has the word."""
    for section in sections():
        heads = re.findall(r"[\w-]+", section.heading.lower())
        if word in heads or any(len(word) >= STEM and h.startswith(word[:STEM]) for h in heads):
            return section
    return None
