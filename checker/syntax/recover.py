"""Parses a whole design and reports every mistake in it.

A line that does not parse is reported once and replaced by the ``_ERROR`` placeholder, then the parse starts over: a
parse takes about a millisecond, and nothing of the parser's state has to be repaired. A line below a broken header is kept as a step
where that is likely, so that it is checked too.
"""

from __future__ import annotations

import re

from lark import Token
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from checker.diagnostics import Diagnostic
from checker.errors import syntax as errors
from checker.errors.suggest import close_to
from checker.source import Source, Span
from checker.syntax import nodes as n
from checker.syntax.layout import indent_of, mend
from checker.syntax.parse import Build, grammar

MAX_BYTES = 1_000_000
MAX_ERRORS = 100
MAX_LINE = 1_000
_WORD = re.compile(r"[A-Za-z0-9_\-.]+")
_FRIENDLY = {
    "NAME": "a name", "MODEL": "a model's name", "INT": "a number", "STRING": "a text in quotes", "OPTION": "an option's name",
    "DURATION": "a duration such as 30s", "_NL": "the end of the line", "$END": "the end of the file", "LPAR": "`(`", "RPAR": "`)`",
    "COMMA": "`,`", "DOT": "`.`", "EQUAL": "`=`", "VBAR": "`|`", "COLON": "`:`",
}  # fmt: skip
_GROUPS = {
    "SEMANTICS": ("at-most-once", "at-least-once", "exactly-once"),
    "VERDICT": ("proved", "violated", "vacuous", "unknown"),
    "OUTCOME": ("failure", "duplicate", "conflict"),
    "LIMIT_END": ("dead-letter", "drop"),
    "DO": ("send", "call", "do"),
}


def parse(source: Source) -> tuple[n.Tree, list[Diagnostic]]:
    """The syntax tree of a design and every mistake in its text; with mistakes, the tree is what could be saved."""
    if len(source.text) > MAX_BYTES:
        return n.Tree(source.path, (), (), ""), [errors.too_large(source.path, len(source.text.encode()), MAX_BYTES)]
    lines, found = mend(source)
    _cut_long_lines(source, lines, found)
    if not any(lines):
        return n.Tree(source.path, (), (), ""), [*found, errors.nothing_in_it(source.path)] if not found else found
    while len(found) < MAX_ERRORS:
        text = "\n".join(["", *lines, ""])
        try:
            parsed = grammar().parse(text)
        except UnexpectedInput as error:
            found.append(_repair(error, source, lines))
            continue
        except ValueError as error:  # pragma: no cover - the layout was mended before
            raise AssertionError(f"the layout of {source.path} was not mended") from error
        items = Build(source).transform(_shifted(parsed))
        doc, title = _documentation(source)
        return n.Tree(source.path, tuple(items), doc, title), found
    found.append(errors.too_many(found[-1].primary.span, MAX_ERRORS))
    return n.Tree(source.path, (), (), ""), found


def _shifted(tree: object) -> object:
    """The text was parsed with one line in front (so that the first line starts like any other); take it back everywhere."""
    from lark import Tree

    assert isinstance(tree, Tree)
    for node in tree.iter_subtrees():
        if not node.meta.empty:
            node.meta.line -= 1
            node.meta.end_line -= 1
        for child in node.children:
            if isinstance(child, Token) and child.line is not None:
                child.line -= 1
    return tree


def _cut_long_lines(source: Source, lines: list[str], found: list[Diagnostic]) -> None:
    for index, line in enumerate(lines):
        if len(line) > MAX_LINE:
            found.append(errors.long_line(Span(index + 1, 1, index + 1, 2, source.path), len(line)))
            lines[index] = ""


def _repair(error: UnexpectedInput, source: Source, lines: list[str]) -> Diagnostic:
    """Word the error and change ``lines`` so that the next parse gets past it."""
    kind = error.token.type if isinstance(error, UnexpectedToken) else ""
    accepted = _accepted(error)
    if kind == "_INDENT":
        return _repair_indent(error, source, lines)
    index = _line_index(error, kind, lines)
    if "_INDENT" in accepted and kind != "_NL":
        if kind not in ("_DEDENT", "$END"):
            index = _last_content(lines, index)
        _blank(lines, index)
        return errors.missing_block(Span.at_line(source.line(index + 1), index + 1, source.path))
    words = _expected(accepted)
    diagnostic = _word_error(error, kind, index, source, words)
    _blank(lines, index)
    return diagnostic


def _accepted(error: UnexpectedInput) -> set[str]:
    if isinstance(error, UnexpectedToken):
        return set(error.accepts or error.expected)
    assert isinstance(error, UnexpectedCharacters)
    return set(error.allowed or ())


def _line_index(error: UnexpectedInput, kind: str, lines: list[str]) -> int:
    """Index into ``lines`` of the line to blame (the parsed text has one more line in front)."""
    if kind in ("$END", "_DEDENT") or error.line < 1:
        return _last_content(lines, len(lines) if kind == "$END" else max(error.line - 1, 1))
    return max(min(error.line - 2, len(lines) - 1), 0)


def _last_content(lines: list[str], before: int) -> int:
    """The last line with content at an index below ``before`` (0 if there is none)."""
    return next((i for i in range(min(before, len(lines)) - 1, -1, -1) if lines[i]), 0)


def _repair_indent(error: UnexpectedInput, source: Source, lines: list[str]) -> Diagnostic:
    """A block below a line that opens none: report its first line and align the block with the line above."""
    above = max(error.line - 2, 0)
    first = next(i for i in range(above + 1, len(lines)) if lines[i])
    base, deep = indent_of(lines[above]), indent_of(lines[first])
    for i in range(first, len(lines)):
        if lines[i] and indent_of(lines[i]) < deep:
            break
        if lines[i]:
            lines[i] = lines[i][deep - base :]
    return errors.unexpected_indent(Span.at_line(source.line(first + 1), first + 1, source.path))


def _blank(lines: list[str], index: int) -> None:
    """Put the placeholder; below a header that holds no steps, drop the block (its lines would only repeat the mistake)."""
    line = lines[index]
    indent = indent_of(line)
    word = line.split(None, 1)[0] if line.strip() else ""
    holds_steps = indent > 0 or bool(close_to(word, ["consumer", "relay", "fragment"]))
    lines[index] = " " * indent + "\x01"
    for i in range(index + 1, len(lines)):
        if lines[i]:
            if indent_of(lines[i]) <= indent:
                return
            if not holds_steps:
                lines[i] = ""


def _word_error(error: UnexpectedInput, kind: str, index: int, source: Source, words: list[str]) -> Diagnostic:
    number = index + 1
    text = source.line(number).expandtabs(2) if "\t" in source.line(number) else source.line(number)
    if kind in ("_NL", "$END", "_DEDENT"):
        end = len(text.split("#", 1)[0].rstrip())
        return errors.ends_early(Span(number, end + 1, number, end + 2, source.path), words)
    column = max(error.column, 1)
    match = next((m for m in _WORD.finditer(text) if m.start() < column <= m.end()), None)
    if match is None:
        character = text[column - 1 : column] or " "
        span = Span(number, column, number, column + 1, source.path)
        if character in "(),.=|:<>!+-*/&;{}[]\"'" and words:
            return errors.unexpected(character, span, words)
        return errors.strange_character(character, span)
    return errors.unexpected(match[0], Span(number, match.start() + 1, number, match.end() + 1, source.path), words)


def _expected(accepted: set[str]) -> list[str]:
    """The accepted terminals in a reader's words: keywords first, then kinds of words."""
    words: set[str] = set()
    kinds: list[str] = []
    patterns = {t.name: t.pattern.value for t in grammar().terminals}
    for name in accepted - {"_ERROR", "_INDENT", "_DEDENT", "COMMENT"}:
        if name in _FRIENDLY:
            kinds.append(_FRIENDLY[name])
        elif name in _GROUPS:
            words.update(_GROUPS[name])
        else:
            words.add(patterns.get(name, name.lower()).split("(?")[0])
    return sorted(words) + sorted(kinds)


def _documentation(source: Source) -> tuple[tuple[tuple[int, str], ...], str]:
    """``##`` lines: those above a declaration belong to it, those at the top of the file are the title."""
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
