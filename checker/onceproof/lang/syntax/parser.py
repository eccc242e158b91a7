"""Parses a whole design and reports every mistake in it.

A text without a mistake goes straight through Lark. Otherwise it is read line by line; a line that
does not fit is moved to where it fits, mended, or replaced by a placeholder, so that every line
after it is read in its right place. What comes out always parses.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from msgspec.structs import replace

from onceproof.lang.diagnostics import Diagnostic
from onceproof.lang.errors import syntax as errors
from onceproof.lang.source import MAX_BYTES, MOST_LINES, Source, Span
from onceproof.lang.syntax import ast as n
from onceproof.lang.syntax.indentation import Line, mend

if TYPE_CHECKING:
    import lark

ODD_SPACES = {
    "\N{NO-BREAK SPACE}": "non-breaking space",
    "\N{NARROW NO-BREAK SPACE}": "narrow non-breaking space",
    "\N{FIGURE SPACE}": "figure space",
    "\N{THIN SPACE}": "thin space",
    "\N{EN SPACE}": "wide space",
    "\N{EM SPACE}": "wide space",
    "\N{IDEOGRAPHIC SPACE}": "wide space",
}
"""Characters that look like a space, and what they are called."""
_AS_SPACES = str.maketrans(dict.fromkeys(ODD_SPACES, " "))


def parse(source: Source) -> tuple[n.Tree, list[Diagnostic]]:
    """The syntax tree of a design and every mistake in its text; with mistakes, the tree is what
    could be saved.
    """
    if len(source.text) > MAX_BYTES:
        size = len(source.text.encode("utf-8", "replace"))
        return n.Tree(source.path, (), (), ""), [errors.too_large(source.path, size, MAX_BYTES)]
    beyond = _first_beyond(source)
    if beyond:
        return n.Tree(source.path, (), (), ""), [errors.too_long(source.path, beyond, MOST_LINES)]
    source, odd = _with_spaces(source)
    lines, mistakes = mend(source)
    mistakes = [*odd, *mistakes]
    if not lines:
        return n.Tree(source.path, (), (), ""), mistakes or [errors.nothing_in_it(source.path)]
    parsed = _parsed(lines)
    if isinstance(parsed, int):
        # Much code that a text without a mistake does not need.
        from onceproof.lang.syntax.recovery.blocks import Blocks

        lines, more = Blocks(source.path, lines, _sound(lines, parsed)).mend()
        mistakes += more
        parsed = _parsed(lines)
        assert not isinstance(parsed, int), (
            f"{source.path}:{lines[parsed].number} and what follows was mended and does not parse"
        )
    from onceproof.lang.syntax.build import built

    doc, title = _documentation(source)
    return n.Tree(source.path, tuple(built(parsed, source, lines)), doc, title), mistakes


def _with_spaces(source: Source) -> tuple[Source, list[Diagnostic]]:
    """The source with plain spaces, and what stood for the first of them; comments may have any."""
    if source.text.isascii():
        return source, []
    mistakes: list[Diagnostic] = []
    lines = []
    for number, line in enumerate(source.lines, 1):
        read = line.split("#", 1)[0]
        for column, sign in enumerate(read):
            if sign in ODD_SPACES and not mistakes:
                span = Span(number, column + 1, number, column + 2, source.path)
                mistakes.append(errors.odd_space(span, ODD_SPACES[sign]))
        lines.append(read.translate(_AS_SPACES) + line[len(read) :])
    return replace(source, lines=tuple(lines)), mistakes


def _first_beyond(source: Source) -> int:
    """The number of the first line that is one too many; 0 if there is none."""
    if len(source.lines) <= MOST_LINES:
        return 0
    said = (i for i, line in enumerate(source.lines, 1) if line.lstrip()[:1] not in ("", "#"))
    return next(islice(said, MOST_LINES, None), 0)


def _parsed(lines: list[Line]) -> lark.Tree[lark.Token] | int:
    """What Lark makes of the lines, the first of which is its second line; or the number of the
    line that it does not take.
    """
    # Lark takes 0.04 s to import, and who only needs the types of this module does not need it.
    from lark import UnexpectedInput

    from onceproof.lang.syntax.lark_parser import lark_parser

    text = "".join("\n" + " " * line.indent + line.text for line in lines) + "\n"
    try:
        return lark_parser().parse(text)
    except UnexpectedInput as error:
        return min(max(error.line - 2, 0), len(lines) - 1)


def _sound(lines: list[Line], stop: int) -> int:
    """How many lines are sound declarations for certain, if Lark stopped at the line ``stop``.

    What is missing at the end of a declaration shows at the next one, and what stands above a
    declaration can explain its mistake: so two declarations above ``stop`` are read again.
    """
    starts = [i for i, line in enumerate(lines[: stop + 1]) if not line.indent or not i]
    return starts[max(len(starts) - 3, 0)]


def _documentation(source: Source) -> tuple[tuple[tuple[int, str], ...], str]:
    """``##`` lines: those above a declaration belong to it, those at the top of the file are the
    title. Those on the first lines are the title also without a blank line below them.
    """
    doc: list[tuple[int, str]] = []
    pending: list[str] = []
    title = ""
    text = next((line.strip() for line in source.lines if line.strip()), "")
    starts_with_title = text.startswith("##")
    for number, line in enumerate(source.lines, start=1):
        stripped = line.strip()
        if stripped.startswith("##"):
            pending.append(stripped.lstrip("#").strip())
        elif pending and not stripped and not title and not doc:
            title, pending = " ".join(pending), []
        elif pending and stripped and not stripped.startswith("#"):
            doc.append((number, " ".join(pending)))
            if starts_with_title and not title and len(doc) == 1:
                title = doc[0][1]  # no blank line below it
            pending = []
    return tuple(doc), title
