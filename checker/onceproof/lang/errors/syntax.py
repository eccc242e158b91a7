"""Mistakes in the text itself: S0xx.

``replacement`` is given where the tool is sure; the line was then read as if it had been written
like that.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from onceproof.base.paths import printable
from onceproof.lang.diagnostics import Diagnostic, Label
from onceproof.lang.errors.expected import sentence
from onceproof.lang.errors.message import message
from onceproof.lang.errors.suggest import did_you_mean, listing
from onceproof.lang.source import Span

TAB = "S005"
CUT = frozenset({"S007", "S009", "S010", "S011", "S012"})
"""After these the file, or the rest of it, was not read."""


def quoted(word: str) -> str:
    """A piece of the reader's text inside a message: short, on one line."""
    text = printable(word)
    return f"`{text if len(text) <= 40 else text[:39] + '…'}`"


def unexpected(word: str, span: Span, expected: list[str], help: str | None = None) -> Diagnostic:
    """A word that cannot stand here, and nothing is known to suggest but how such a line is
    written.
    """
    return message("S001", f"unexpected {quoted(word)}", Label(span, sentence(expected)), help=help)


def misspelt(
    word: str, span: Span, expected: list[str], near: Sequence[str], extra: str | None = None
) -> Diagnostic:
    """A word that is close to one that fits."""
    help = did_you_mean(near)
    return message(
        "S001",
        f"unexpected {quoted(word)}",
        Label(span, sentence(expected)),
        help=f"{help} {extra}" if extra and help else help,
        replacement=near[0],
    )


def instead(word: str, span: Span, options: Sequence[str], line: str) -> Diagnostic:
    """Another word belongs here, and then the line fits."""
    return message(
        "S001",
        f"unexpected {quoted(word)}",
        Label(span, f"expected {listing(options)}"),
        help=f"write `{line}`" if len(options) == 1 else None,
        replacement=options[0] if len(options) == 1 else None,
    )


def other_line(word: str, span: Span, line: str, first: str) -> Diagnostic:
    """The line would fit if it began with another word."""
    return message(
        "S001",
        f"unexpected {quoted(word)}",
        Label(span, f"not in a line that begins with `{first}`"),
        help=f"did you mean `{line}`?",
    )


def ends_early(span: Span, expected: list[str], help: str | None = None) -> Diagnostic:
    """The line ends where something is missing."""
    return message("S002", "the line ends too early", Label(span, sentence(expected)), help=help)


def missing_block(header: str, span: Span) -> Diagnostic:
    """A header without its steps."""
    return message(
        "S003",
        f"there is nothing below this {quoted(header)}",
        Label(span, "needs at least one line below it, indented deeper"),
        help="indent the lines that belong to it by two spaces",
    )


def unexpected_indent(span: Span, above: Span | None) -> Diagnostic:
    """A deeper line below one that opens no block."""
    if above is None:
        return message(
            "S004", "the first line is indented", Label(span, "begin at the start of the line")
        )
    return message(
        "S004",
        "this line is indented deeper than the one above",
        Label(span, "align it with the line above"),
        (Label(above, "this line opens no block"),),
    )


def tab_indent(span: Span, others: list[int]) -> Diagnostic:
    """Tabs have no agreed width. One remark per file."""
    line_numbers = ", ".join(str(n) for n in others[:8]) + (" …" if len(others) > 8 else "")
    notes = (f"the same in line{'s' if len(others) > 1 else ''} {line_numbers}",) if others else ()
    return message(
        TAB,
        "indent with spaces, not tabs",
        Label(span, "a tab here"),
        help="two spaces per level",
        notes=notes,
    )


def crooked_indent(span: Span, levels: tuple[int, int], inner: Span) -> Diagnostic:
    """A line that closes to a level that was never opened."""
    return message(
        "S006",
        "the indentation matches no line above",
        Label(span, f"start it with {levels[0]} or {levels[1]} spaces"),
        (Label(inner, f"starts with {levels[1]} spaces"),),
    )


def too_deep(span: Span, depth: int) -> Diagnostic:
    """Nesting beyond what a person reads."""
    return message(
        "S007",
        f"blocks are nested more than {depth} deep",
        Label(span, "the file is not read any further (each `else if` is one level)"),
        help="name a part of the handler with `fragment` and `use` it",
    )


def strange_character(character: str, span: Span) -> Diagnostic:
    """A character the language does not use."""
    printable = character if character.isprintable() else f"U+{ord(character):04X}"
    note = (
        "an invisible character, often copied from a web page: type it again"
        if not character.isprintable()
        else "remove it"
    )
    return message(
        "S008", f"the character `{printable}` is not used in this language", Label(span, note)
    )


def foreign_name(word: str, span: Span, plain: str) -> Diagnostic:
    """A name with letters beyond a to z."""
    return message(
        "S008",
        f"{quoted(word)} is not a name",
        Label(span, "a name has the letters a to z, digits and `_`, and begins with a letter"),
        help=f"write for example `{plain}`",
        replacement=plain,
    )


def nothing_in_it(path: str) -> Diagnostic:
    """An empty design."""
    return message(
        "S009",
        "the file holds no design",
        Label(Span(1, 1, 1, 1, path), "nothing but blank lines and comments"),
        help="begin with an `event`, a `queue` and a `consumer`",
    )


def too_large(path: str, size: int, limit: int) -> Diagnostic:
    """A file that cannot be a design written by a person."""
    return message(
        "S010",
        f"the file is too large to be a design: {size:,} bytes",
        Label(Span(1, 1, 1, 1, path), f"at most {limit:,} bytes are read"),
    )


def too_long(path: str, line: int, limit: int) -> Diagnostic:
    """A file with more lines than a person writes. ``line``: the first that is too much."""
    return message(
        "S010",
        f"the file is too large to be a design: more than {limit:,} lines of it say something",
        Label(Span(line, 1, line, 1, path), "nothing is read from here on"),
        help="split it; a design may import others",
    )


def not_text(path: str, offset: int) -> Diagnostic:
    """A binary file, or another encoding."""
    return message(
        "S011",
        "the file is not UTF-8 text",
        Label(Span(1, 1, 1, 1, path), f"the byte at offset {offset:,} cannot be read"),
        help="save it as UTF-8; the name of a design ends in .once",
    )


def too_many(span: Span, count: int) -> Diagnostic:
    """More mistakes than anyone reads."""
    return message(
        "S012", f"more than {count} mistakes", Label(span, "the rest of the file is not checked")
    )


def long_line(span: Span, length: int, most: int) -> Diagnostic:
    """A line no person wrote."""
    return message(
        "S013", f"the line has {length:,} characters", Label(span, f"a line has at most {most:,}")
    )


def missing(options: Sequence[str], span: Span, line: str | None) -> Diagnostic:
    """A word or sign is missing; ``line`` is how the line reads with the first option."""
    several = len(options) > 1
    return message(
        "S014",
        f"missing {listing(options)}",
        Label(span, f"add {listing(options)}"),
        help=f"{'for example' if several else 'write'} `{line}`" if line else None,
        replacement=None if several else options[0],
    )


def surplus(word: str, span: Span, line: str) -> Diagnostic:
    """Words too many."""
    return message(
        "S015",
        f"unexpected {quoted(word)}",
        Label(span, "remove it"),
        help=f"write `{line}`",
        replacement="",
    )


def surplus_end(word: str, span: Span, shape: str | None) -> Diagnostic:
    """Words behind the end of what the line can say."""
    return message(
        "S015",
        f"unexpected {quoted(word)}",
        Label(span, "the line should end before this"),
        help=shape,
    )


def second_line(span: Span, rest: str, how: str) -> Diagnostic:
    """Two lines in one."""
    return message(
        "S015",
        f"{quoted(rest)} does not fit in this line",
        Label(span, "begin a new line here"),
        help=f"write `{rest}` {how}",
    )


def glued(word: str, parts: str, span: Span) -> Diagnostic:
    """Two words without the space, or one word with a space in it."""
    return message(
        "S016",
        f"{quoted(word)} is two words",
        Label(span, "put a space in it"),
        help=f"write `{parts}`",
        replacement=parts,
    )


def torn(words: str, word: str, span: Span) -> Diagnostic:
    """One word with a space in it."""
    return message(
        "S016", f"{quoted(words)} is one word", Label(span, f"write `{word}`"), replacement=word
    )


def foreign(headline: str, span: Span, label: str, line: str | None) -> Diagnostic:
    """Written as in another language."""
    return message("S017", headline, Label(span, label), help=f"write `{line}`" if line else None)


def as_one(diagnostics: list[Diagnostic]) -> list[Diagnostic]:
    """Several habits in one line are one mistake: the line is written as in another language."""
    if len(diagnostics) < 2 or any(d.code != "S017" for d in diagnostics):
        return diagnostics
    first = min(diagnostics, key=lambda d: d.primary.span.column)
    others = tuple(d.primary for d in diagnostics if d is not first)
    return [replace(first, secondary=others, help=diagnostics[-1].help)]


def wrong_order(span: Span, line: str | None, shape: str | None) -> Diagnostic:
    """Right words, wrong order."""
    label = f"write `{line}`" if line else "expected in another order"
    return message(
        "S018",
        "these words are in the wrong order",
        Label(span, label),
        help=None if line else shape,
        replacement=line,
    )


def missing_name(what: Sequence[str], span: Span, shape: str | None) -> Diagnostic:
    """A name was left out (and perhaps the word in front of it)."""
    return message(
        "S014",
        f"missing {what[-1].removeprefix('a ')}",
        Label(span, f"add {' and '.join(what)}"),
        help=shape,
    )


def misplaced(
    what: str, span: Span, label: str, help: str | None, other: Label | None = None
) -> Diagnostic:
    """A line that is sound but stands where it cannot."""
    return message(
        "S019",
        f"{quoted(what)} is in the wrong place",
        Label(span, label),
        (other,) if other else (),
        help=help,
    )


def not_indented(what: str, span: Span, header: Span, count: int) -> Diagnostic:
    """Lines that belong to the block above and are not indented."""
    lines = (
        "this line"
        if count == 1
        else f"this and the next {count - 1} lines"
        if count > 2
        else "this and the next line"
    )
    return message(
        "S020",
        f"{quoted(what)} is not indented",
        Label(span, f"indent {lines} by two spaces"),
        (Label(header, "belongs to this"),),
    )


def no_such_assumption(
    words: str, span: Span, near: str | None, known: Sequence[str]
) -> Diagnostic:
    """``assume`` with a phrase of one's own."""
    return message(
        "S021",
        f"there is no assumption {quoted(words)}",
        Label(span, f"write `{near}`" if near else "not a phrase of this language"),
        help="known: " + ", ".join(f"`{k}`" for k in known),
        replacement=near,
    )


def no_block(path: str) -> Diagnostic:
    """A Markdown page that shows no design."""
    return message(
        "S023",
        "the page holds no design",
        Label(Span(1, 1, 1, 1, path), "no block begins with ```once"),
        help="write the design between a line ```once and a line ```",
    )


def no_comment(path: str) -> Diagnostic:
    """Code without ``once:`` comments."""
    return message(
        "S024",
        "the file holds no design",
        Label(Span(1, 1, 1, 1, path), "no comment begins with `once:`"),
        help="write each line of the design as a comment beside the code that does it, for example"
        " `# once: insert id into processed or stop`",
    )


def asyncapi(path: str) -> Diagnostic:
    """An AsyncAPI document: it says which messages there are, not what a handler does."""
    return message(
        "S025",
        "this is an AsyncAPI document, not a design",
        Label(Span(1, 1, 1, 1, path), "it says which messages there are, not what a handler does"),
        help="`onceproof new` begins a design: a `queue` for a channel, an `event` for a message,"
        " a `consumer` with the handler's steps for an operation",
    )


def odd_space(span: Span, name: str) -> Diagnostic:
    """A character that looks like a space, as word processors and chats make it."""
    return message(
        "S026",
        f"this is a {name}, not a space",
        Label(span, "write a plain space"),
        help="it was copied from a word processor or a web page; replace all of them in the file",
    )


def carriage_returns(path: str) -> Diagnostic:
    """A file whose lines end as on old Macs."""
    return message(
        "S027",
        "the lines end with a carriage return alone",
        Label(Span(1, 1, 1, 1, path), "so the whole file is one line"),
        help="save it with Unix or Windows line ends",
    )


def markdown(span: Span) -> Diagnostic:
    """A Markdown page under the name of a design."""
    return message(
        "S028",
        "this is a Markdown page, not a design",
        Label(span, "here a block begins"),
        help="let its name end in .md; then its blocks that begin with ```once are checked",
    )


def unreadable(path: str, reason: str) -> Diagnostic:
    """A file that the system does not hand out."""
    return message("S022", "the file cannot be read", Label(Span(1, 1, 1, 1, path), reason))
