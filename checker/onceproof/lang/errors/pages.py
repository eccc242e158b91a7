"""The pages that ship with the package: what each kind of mistake is (``docs/errors.md``)."""

from __future__ import annotations

import re
from functools import cache

from msgspec import Struct

from onceproof.base.paths import resource

_HEADING = re.compile(r"^## ([A-Z]\d{3}) (.+)$", re.MULTILINE)
_PART = re.compile(r"^\*\*(\w+)\.\*\* ", re.MULTILINE)


class MistakePage(Struct, frozen=True):
    """The page of one code. ``parts``: heading (What, Why, Example, Fix) and text; ``markdown``:
    the same as it was written.
    """

    code: str
    title: str
    parts: tuple[tuple[str, str], ...]
    markdown: str


@cache
def mistakes() -> dict[str, MistakePage]:
    """Every page by its code, in the order of the codes. Raises FileNotFoundError if the
    installation lacks its pages.
    """
    text = (resource("docs") / "errors.md").read_text(encoding="utf-8")
    _, *pieces = _HEADING.split(text)
    sections = zip(pieces[::3], pieces[1::3], pieces[2::3], strict=True)
    return {
        code: _page(code, title.strip(), body.strip()) for code, title, body in sorted(sections)
    }


def _page(code: str, title: str, body: str) -> MistakePage:
    _, *pieces = _PART.split(body)
    parts = tuple(
        (word, text.strip()) for word, text in zip(pieces[::2], pieces[1::2], strict=True)
    )
    return MistakePage(code, title, parts, body)
