"""Parses a whole design and reports every mistake in it.

A text without a mistake goes straight through Lark. Otherwise it is read line by line; a line that
does not fit is moved to where it fits, mended, or replaced by a placeholder, so that every line
after it is read in its right place. What comes out always parses.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from onceproof.lang.diagnostics import Diagnostic
from onceproof.lang.errors import syntax as errors
from onceproof.lang.source import MAX_BYTES, MOST_LINES, Source
from onceproof.lang.syntax import ast as n
from onceproof.lang.syntax.indentation import Line, mend

if TYPE_CHECKING:
    import lark


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
    lines, mistakes = mend(source)
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
    title.
    """
    doc: list[tuple[int, str]] = []
    pending: list[str] = []
    title = ""
    for number, line in enumerate(source.lines, start=1):
        stripped = line.strip()
        if stripped.startswith("##"):
            pending.append(stripped.lstrip("#").strip())
        elif pending and not stripped and not title and not doc:
            title, pending = " ".join(pending), []
        elif pending and stripped and not stripped.startswith("#"):
            doc.append((number, " ".join(pending)))
            pending = []
    return tuple(doc), title
