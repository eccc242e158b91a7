"""The design review as one self-contained HTML page: no network, no time stamp, readable without
scripts and on paper. Its content security policy allows the style and the script by hash.

``page.html.jinja``: the page; ``story.html.jinja``: one story in it.
``style.css``, ``script.js``: put into the page.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import zlib
from collections.abc import Iterable, Sequence
from functools import cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from onceproof.report.design_picture import design_picture
from onceproof.report.formats import Format
from onceproof.report.picture import picture
from onceproof.report.review import DesignReview, Refuted, Review, review_of
from onceproof.report.words import clean
from onceproof.story.scene import Fact

if TYPE_CHECKING:
    from jinja2 import Environment

HERE = Path(__file__).resolve().parent
PLAYGROUND = "ONCEPROOF_PLAYGROUND"
"""The environment variable with the address of a playground."""
AROUND = 2
"""Lines of the design shown around those a story runs through."""


def to_html(review: Review, playground: str = "") -> str:
    """The page. ``playground``: the address of a playground, for a link that opens the design
    there.
    """
    style = (HERE / "style.css").read_text(encoding="utf-8")
    script = _script()
    page = _environment().get_template("page.html.jinja")
    from markupsafe import Markup

    return page.render(
        review=review,
        playground=playground if playground.startswith(("https://", "http://")) else "",
        style=Markup(style),
        script=Markup(script),
        style_hash=_hash(style),
        script_hash=_hash(script),
    )


def playground_link(lines: Sequence[str], address: str) -> str:
    """The link that opens a design in a playground: the design is in the link (RFC 1951, then
    base64url without padding), and nowhere else.
    """
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    data = packer.compress("\n".join(lines).encode("utf-8", "replace")) + packer.flush()
    return f"{address}#design={base64.urlsafe_b64encode(data).decode().rstrip('=')}"


def script_hash() -> str:
    """The hash of the page's only script, for a Content-Security-Policy that allows it (CSP level
    3, section 2.3.1): a page that shows a review in a frame needs it.
    """
    return _hash(_script())


def _script() -> str:
    return (HERE / "script.js").read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters |= {
        "code": _code,
        "source": _source,
        "picture": _picture,
        "parts": _parts,
        "playground": playground_link,
        "around": _around,
        "lines": _lines,
        "unchanged": _unchanged,
    }
    made.finalize = _finalized
    return made


def _finalized(value: object) -> object:
    """No control character of a design reaches the page."""
    return (
        re.sub(r"[\x00-\x08\x0b-\x1f\x7f]", "\N{REPLACEMENT CHARACTER}", value)
        if type(value) is str
        else value
    )


def _code(text: str) -> object:
    """Words of the design, between backticks, in the type of code."""
    from markupsafe import Markup

    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(clean(text, True))))


def _source(line: str) -> object:
    """A line of the design, its remark apart."""
    from markupsafe import Markup

    text, sign, remark = clean(line, True).partition("#")
    return Markup(
        escape(text) + (f'<span class="note">{escape(sign + remark)}</span>' if sign else "")
    )


def _picture(part: Refuted) -> object:
    from markupsafe import Markup

    return Markup(picture(part.chart, part.id, part.headline))


def _parts(design: DesignReview) -> object:
    from markupsafe import Markup

    assert design.parts is not None
    models: dict[str, str] = {}
    for words in design.guarantees:
        names, _, behind = words.partition(": ")
        models |= dict.fromkeys(names.split(", "), re.split(r"[(,]", behind)[0].strip())
    drawn = design_picture(
        design.parts, dict(design.fatal), design.title, f"d{design.number}-parts", models
    )
    return Markup(drawn)


def _lines(part: Refuted) -> set[int]:
    """The lines a story runs through."""
    return {m.line for m in part.moments if m.line}


def _around(lines: tuple[str, ...], part: Refuted) -> Iterable[tuple[int, str]]:
    """The lines a story runs through with their neighbours; (0, "") where some are left out."""
    near = {
        n
        for line in _lines(part)
        for n in range(line - AROUND, line + AROUND + 1)
        if 0 < n <= len(lines)
    }
    before = 0
    for number in sorted(near):
        if number > before + 1:
            yield 0, ""
        yield number, lines[number - 1]
        before = number
    if near and before < len(lines):
        yield 0, ""


def _unchanged(facts: tuple[Fact, ...]) -> list[tuple[Fact, bool]]:
    return [(fact, False) for fact in facts]


FORMAT = Format(
    "html",
    "the design review as one page",
    lambda result, verbosity, look: to_html(review_of(result), os.environ.get(PLAYGROUND, "")),
    certificates=True,
)
