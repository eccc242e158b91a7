"""What can stand at the cursor: words that the grammar takes there, names of the right kind, models
and their options.

The kinds of names are not listed anywhere: a stand-in is put at the cursor, the line is completed
in every way the grammar allows, and the syntax tree says what the stand-in is the name of.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Mapping

from msgspec import Struct

from onceproof.lang.errors.shapes import SHAPES
from onceproof.lang.source import Source
from onceproof.lang.syntax.indentation import Line, mend
from onceproof.lang.syntax.interactive import Stack, grammar
from onceproof.lang.syntax.lark_parser import BROKEN, DEDENT, FILE_END, INDENT, LINE_END
from onceproof.lang.syntax.parser import parse
from onceproof.lsp.names import Symbol, occurrences
from onceproof.lsp.project import Analysis
from onceproof.lsp.reference import about
from onceproof.models import Model, kinds

HERE = "zz_here"
"""The stand-in for the name at the cursor."""
SAMPLES = {"NAME": "x", "INT": "1", "DURATION": "1h", "STRING": '"x"', "MODEL": "x", "OPTION": "x"}
"""A word for each terminal that stands for no fixed words."""
LONGEST = 14
"""Tokens with which a line is completed at most."""
SHELVES = {"queue": "brokers", "store": "stores", "lock": "locks", "effect": "providers"}
"""Which models fit behind `via` in a declaration."""


class Proposal(Struct, frozen=True):
    """One thing that can stand at the cursor. ``start``: the 0-based column from which it replaces
    what was typed.

    ``kind``: ``word``, ``model``, ``option``, ``choice``, or the kind of a name. ``snippet``: what
    to insert, if more than the label.
    """

    label: str
    kind: str
    start: int
    detail: str = ""
    about: str = ""
    snippet: str = ""


def proposals(analysis: Analysis, number: int, column: int) -> list[Proposal]:
    """Everything that can stand at a place (1-based line, 0-based column)."""
    text = analysis.source.line(number)
    start = column - len(_typed(text[:column], r"[\w.\-]*"))
    chain, stack = _context(analysis.source, number, len(text) - len(text.lstrip(" ")))
    before = text[:start].lstrip(" ")
    reading = grammar().read(stack, before)
    accepted = grammar().accepts(reading.stack) if reading.stop is None else frozenset()
    if not accepted & {"MODEL", "OPTION"}:  # names end at a full stop, models do not
        start = column - len(_typed(text[:column], r"[\w\-]*"))
        before = text[:start].lstrip(" ")
        reading = grammar().read(stack, before)
    if "#" in before or reading.stop is not None:
        return []
    place = _Place(analysis, tuple(chain), before, reading.stack, start, number)
    return [*_words(place), *_names(place), *_models(place)]


def _typed(text: str, pattern: str) -> str:
    match = re.search(pattern + "$", text)
    return match[0] if match else ""


class _Place(Struct, frozen=True):
    """The cursor: the headers it stands below, the line before it, the state there."""

    analysis: Analysis
    chain: tuple[Line, ...]
    before: str
    stack: Stack
    start: int
    number: int


def _context(source: Source, number: int, indent: int) -> tuple[list[Line], Stack]:
    """The headers that a line stands below, outermost first, and the state in which it begins."""
    lines, _ = mend(Source.of(source.path, "\n".join(source.lines[: number - 1])))
    chain: list[Line] = []
    level = indent
    for line in reversed(lines):
        if line.indent < level:
            chain.insert(0, line)
            level = line.indent
    language = grammar()
    stack = language.start
    for line in chain:
        after = _line_read(stack, line.text)
        inside = language.feed(after, INDENT) if after is not None else None
        if inside is None:
            return chain, language.contexts["step"]
        stack = inside
    below = [x for x in lines if not chain or x.number > chain[-1].number]
    last = next((i for i in range(len(below) - 1, -1, -1) if below[i].indent == indent), None)
    return chain, (_after(stack, below[last:]) if last is not None and chain else None) or stack


def _line_read(stack: Stack, text: str) -> Stack | None:
    reading = grammar().read(stack, text)
    return grammar().feed(reading.stack, LINE_END) if reading.stop is None else None


def _after(stack: Stack, lines: list[Line]) -> Stack | None:
    """The state after a step and its block, back at its own level; None if it cannot be read."""
    levels = [lines[0].indent]
    at: Stack | None = stack
    for line in lines:
        while at is not None and line.indent < levels[-1]:
            levels.pop()
            at = grammar().feed(at, DEDENT)
        if at is not None and line.indent > levels[-1]:
            levels.append(line.indent)
            at = grammar().feed(at, INDENT)
        at = _line_read(at, line.text) if at is not None else None
    for _ in levels[1:]:
        at = grammar().feed(at, DEDENT) if at is not None else None
    return at


# ---------------------------------------------------------------- words


def _words(place: _Place) -> Iterator[Proposal]:
    for word in grammar().words(place.stack):
        if word[0].isalpha():
            snippet = _snippet(word) if not place.before else ""
            yield Proposal(
                word, "word", place.start, "", about(word, f"{place.before} {word}"), snippet
            )


def _snippet(word: str) -> str:
    """The plainest line that begins with a word, with its names to be filled in."""
    shape = SHAPES.get(word, ("",))[0]
    count = 0

    def hole(match: re.Match[str]) -> str:
        nonlocal count
        count += 1
        return f"${{{count}:{match[0].lower()}}}"

    filled = re.sub(r"\b[A-Z]{2,}\b", hole, shape)
    return filled if count else ""


# ---------------------------------------------------------------- names


def _names(place: _Place) -> Iterator[Proposal]:
    after = grammar().feed(place.stack, "NAME")
    if after is None:
        return
    wanted: dict[Symbol, bool] = {}
    for terminal in sorted(grammar().accepts(after) - {BROKEN, "COMMENT"}):
        symbol = _meant(place, after, terminal)
        if symbol is not None:
            wanted[symbol] = wanted.get(symbol, False) or terminal == "IS"
    seen: set[str] = set()
    for symbol, is_variable in wanted.items():
        for name in _fitting(place, symbol, is_variable):
            if name.name not in seen:
                seen.add(name.name)
                yield Proposal(
                    name.name,
                    name.kind,
                    place.start,
                    f"{name.kind} of {name.of}" if name.of.strip(".") else name.kind,
                )


def _fitting(place: _Place, wanted: Symbol, is_variable: bool) -> list[Symbol]:
    """The names of the design that fit where ``wanted`` stands."""
    others = [
        o
        for o in place.analysis.names
        if (o.span.path, o.span.line) != (place.analysis.path, place.number)
    ]
    if wanted.kind in ("column", "value"):
        symbols = {
            o.symbol for o in others if (o.symbol.kind, o.symbol.of) == (wanted.kind, wanted.of)
        }
    else:
        allowed = {
            "target": {"effect", "store"},
            "field": {"field", "local"} if is_variable else {"field"},
        }
        symbols = {
            o.symbol
            for o in others
            if o.declares and o.symbol.kind in allowed.get(wanted.kind, {wanted.kind})
        }
    return sorted(symbols, key=lambda s: (s.kind, s.name))


def _meant(place: _Place, stack: Stack, terminal: str) -> Symbol | None:
    """What a name at the cursor stands for if that terminal follows; None if it would be a new
    name.
    """
    rest = _completed(stack, terminal)
    if rest is None:
        return None
    depth = len(place.chain)
    lines = [" " * (2 * i) + line.text for i, line in enumerate(place.chain)]
    lines.append(" " * (2 * depth) + f"{place.before} {HERE} {_rendered(rest, depth)}")
    tree, _ = parse(Source.of("here", "\n".join(lines) + "\n"))
    occurrence = next((o for o in occurrences(tree.items) if o.symbol.name == HERE), None)
    return (
        None
        if occurrence is None or occurrence.declares
        else Symbol(occurrence.symbol.kind, "", occurrence.symbol.of)
    )


def _completed(stack: Stack, terminal: str) -> tuple[str, ...] | None:
    """The fewest tokens, the given one first, after which the line and what it needs below it is
    complete.
    """
    language = grammar()
    first = language.feed(stack, terminal)
    queue: deque[tuple[Stack, tuple[str, ...]]] = deque()
    if first is not None and _word(terminal) is not None:
        queue.append((first, (terminal,)))
    seen = {first}
    while queue:
        at, tokens = queue.popleft()
        if tokens[-1] == LINE_END and language.accepts(at) & {DEDENT, FILE_END}:
            return tokens
        for following in sorted(language.accepts(at)) if len(tokens) < LONGEST else ():
            after = language.feed(at, following) if _word(following) is not None else None
            if after is not None and after not in seen:
                seen.add(after)
                queue.append((after, (*tokens, following)))
    return None


def _word(terminal: str) -> str | None:
    """A text for a terminal; None for those that no person writes."""
    if terminal in (LINE_END, INDENT):
        return "\n"
    literals = grammar().literals.get(terminal, ())
    return literals[0] if literals else SAMPLES.get(terminal)


def _rendered(tokens: tuple[str, ...], depth: int) -> str:
    """Tokens as text."""
    text = ""
    for i, token in enumerate(tokens):
        if token == INDENT:
            depth += 1
        elif token == LINE_END:
            text += "\n"
        else:
            text += " " * (2 * depth if i and tokens[i - 1] == INDENT else 1) + (_word(token) or "")
    return text


# ---------------------------------------------------------------- models


def _models(place: _Place) -> Iterator[Proposal]:
    accepted = grammar().accepts(place.stack)
    shelves = kinds()
    if "MODEL" in accepted:
        chosen = SHELVES.get(place.before.split()[0] if place.before.split() else "")
        for shelf in (shelves[chosen],) if chosen else shelves.values():
            for name in shelf:
                yield Proposal(name, "model", place.start, shelf[name].title, shelf[name].summary)
    model = _model_before(place, shelves)
    if model is not None and "OPTION" in accepted:
        for option in model.options.values():
            yield Proposal(
                option.name,
                "option",
                place.start,
                f"default {option.default}",
                option.meaning,
                f"{option.name}=",
            )
    if model is not None and (named := re.search(r"([\w.\-]+)\s*=\s*$", place.before)):
        chosen_option = model.options.get(named[1])
        for choice in chosen_option.choices if chosen_option else ():
            yield Proposal(choice, "choice", place.start, f"of {named[1]}")


def _model_before(place: _Place, shelves: Mapping[str, Mapping[str, Model]]) -> Model | None:
    """The model whose arguments the cursor is in."""
    match = re.search(r"\bvia\s+([\w.]+)\s*\([^()]*$", place.before)
    return next(
        (shelf[match[1]] for shelf in shelves.values() if match and match[1] in shelf), None
    )
