"""Mistakes in the text itself: S0xx."""

from __future__ import annotations

from checker.diagnostics import Diagnostic, Label, Severity
from checker.errors.suggest import close_to, listing
from checker.source import Span


def _error(code: str, headline: str, primary: Label, *, notes: tuple[str, ...] = (), help: str | None = None) -> Diagnostic:
    return Diagnostic(code, Severity.ERROR, headline, primary, notes=notes, help=help)


def unexpected(word: str, span: Span, expected: list[str]) -> Diagnostic:
    """A word that cannot stand here."""
    near = close_to(word, [e for e in expected if not e.startswith("a ")]) if word else []
    shown = Label(span, f"expected {listing(expected, quote=False)}" if expected else "nothing may follow here")
    return Diagnostic(
        "S001",
        Severity.ERROR,
        f"`{word}` cannot stand here",
        shown,
        help=f"did you mean {listing(near)}?" if near else None,
        replacement=near[0] if near else None,
    )


def ends_early(span: Span, expected: list[str]) -> Diagnostic:
    """The line ends where something is missing."""
    return _error("S002", "the line ends too early", Label(span, f"expected {listing(expected, quote=False)}"))


def missing_block(span: Span) -> Diagnostic:
    """A header without its steps."""
    return _error("S003", "the indented lines are missing", Label(span, "needs at least one line below it, indented deeper"))


def unexpected_indent(span: Span) -> Diagnostic:
    """A deeper line below one that opens no block."""
    return _error(
        "S004",
        "this line is indented deeper than the one above",
        Label(span, "the line above does not open a block"),
        help="align it with the line above",
    )


def tab_indent(span: Span) -> Diagnostic:
    """Tabs have no agreed width."""
    return _error("S005", "indent with spaces, not tabs", Label(span, "a tab"), help="two spaces per level")


def crooked_indent(span: Span, levels: tuple[int, int]) -> Diagnostic:
    """A line that closes to a level that was never opened."""
    outer, inner = levels
    return _error("S006", "the indentation matches no block above", Label(span, f"align it with {outer} or {inner} spaces"))


def too_deep(span: Span, depth: int) -> Diagnostic:
    """Nesting beyond what a person reads."""
    return _error(
        "S007",
        f"blocks are nested more than {depth} deep",
        Label(span, "the file is not read any further"),
        help="name a part of the handler with `fragment` and `use` it",
    )


def strange_character(character: str, span: Span) -> Diagnostic:
    """A character the language does not use."""
    shown = character if character.isprintable() else f"U+{ord(character):04X}"
    return _error("S008", f"the character `{shown}` is not used in this language", Label(span, "remove it"))


def nothing_in_it(path: str) -> Diagnostic:
    """An empty design."""
    return _error(
        "S009",
        "the file holds no design",
        Label(Span(1, 1, 1, 1, path), "nothing but blank lines and comments"),
        help="begin with an `event`, a `queue` and a `consumer`",
    )


def too_large(path: str, size: int, limit: int) -> Diagnostic:
    """A file that cannot be a design written by a person."""
    return _error(
        "S010",
        f"the file is too large to be a design: {size:,} bytes",
        Label(Span(1, 1, 1, 1, path), f"at most {limit:,} bytes are read"),
    )


def not_text(path: str, offset: int) -> Diagnostic:
    """A binary file, or another encoding."""
    return _error(
        "S011",
        "the file is not UTF-8 text",
        Label(Span(1, 1, 1, 1, path), f"the first byte that cannot be read is at offset {offset}"),
        help="save it as UTF-8; a design ends in .once",
    )


def too_many(span: Span, count: int) -> Diagnostic:
    """More mistakes than anyone reads."""
    return _error("S012", f"more than {count} mistakes", Label(span, "the rest of the file is not checked"))


def long_line(span: Span, length: int) -> Diagnostic:
    """A line no person wrote."""
    return _error("S013", f"the line has {length:,} characters", Label(span, "at most 1,000 are read"))
