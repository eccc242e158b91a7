"""Every name of a design where it stands, with what it stands for: for definitions, references,
renaming and completion.

Roles come from the syntax tree: a field ``store: Name`` of any node names a store. So a new
construct whose record uses the usual field names needs no change here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from onceproof.lang.source import Span
from onceproof.lang.syntax import ast as n

DECLARATIONS: dict[type, str] = {
    n.EventDecl: "event",
    n.QueueDecl: "queue",
    n.DatabaseDecl: "database",
    n.StoreDecl: "store",
    n.EffectDecl: "effect",
    n.LockDecl: "lock",
    n.ConsumerDecl: "consumer",
    n.RelayDecl: "relay",
    n.FragmentDecl: "fragment",
    n.Field: "field",
    n.ColumnDecl: "column",
    n.Section: "section",
    n.Let: "local",
}
"""Nodes whose ``name`` is new, and what it is the name of."""

ROLES: dict[str, str] = {
    "event": "event",
    "queue": "queue",
    "database": "database",
    "store": "store",
    "effect": "effect",
    "lock": "lock",
    "key": "field",
    "field": "field",
    "column": "column",
    "value": "value",
    "values": "value",
    "old": "value",
    "new": "value",
    "inside": "queue",
    "token_of": "lock",
    "cursor": "store",
}
"""What a field of a node names, by the field's name."""

SPECIAL: dict[tuple[type, str], str] = {
    (n.Use, "name"): "fragment",
    (n.NameIs, "name"): "local",
    (n.Constant, "name"): "value",
    (n.Target, "name"): "target",
    (n.OnOutcome, "outcome"): "",
    (n.DatabaseDecl, "isolation"): "",
    (n.Argument, "name"): "",
    (n.Argument, "value"): "",
}
"""Fields that mean something else than their name says; ``""``: nothing of the design's own."""

TOP = frozenset(
    {"event", "queue", "database", "store", "effect", "lock", "consumer", "relay", "fragment"}
)
"""Kinds that share one space of names."""


class Symbol(Struct, frozen=True):
    """What a name stands for. ``kind`` as in ``DECLARATIONS``, or ``value``; ``of``: a column's
    store, a value's column.
    """

    kind: str
    name: str
    of: str = ""


class Occurrence(Struct, frozen=True):
    """One name where it stands. ``declares``: this is where it is introduced; ``whole``: all of the
    declaration's first line.
    """

    symbol: Symbol
    span: Span
    declares: bool
    whole: Span


class _Place(Struct, frozen=True):
    """Where the walk is: the innermost header, the handler's locals, what values belong to, what a
    claim is about.
    """

    whole: Span
    locals: frozenset[str]
    store: str = ""
    column: str = ""
    target: str = ""


def occurrences(items: Iterable[n.Item]) -> tuple[Occurrence, ...]:
    """Every name of these declarations, in the order of the text."""
    given = tuple(items)
    kinds = {
        o.symbol.name: o.symbol.kind for o in _all(given, {}) if o.declares and o.symbol.kind in TOP
    }
    return tuple(
        sorted(_all(given, kinds), key=lambda o: (o.span.path, o.span.line, o.span.column))
    )


def _all(items: tuple[n.Item, ...], kinds: dict[str, str]) -> Iterator[Occurrence]:
    everywhere = frozenset(
        x.name.text
        for i in items
        if isinstance(i, n.FragmentDecl)
        for x in _nodes(i)
        if isinstance(x, n.Let)
    )
    for item in items:
        local_names = frozenset(x.name.text for x in _nodes(item) if isinstance(x, n.Let))
        yield from _walk(
            item, _Place(getattr(item, "span", Span(1, 1, 1, 1)), local_names | everywhere), kinds
        )


def _nodes(node: object) -> Iterator[object]:
    """A node and everything in it."""
    if isinstance(node, tuple):
        for part in node:
            yield from _nodes(part)
    elif isinstance(node, Struct) and not isinstance(node, Span):
        yield node
        for field in node.__struct_fields__:
            yield from _nodes(getattr(node, field))


def _walk(node: object, place: _Place, kinds: dict[str, str]) -> Iterator[Occurrence]:
    if isinstance(node, tuple):
        for part in node:
            yield from _walk(part, place, kinds)
        return
    if not isinstance(node, Struct) or isinstance(node, Span | n.Name):
        return
    place = _inside(node, place)
    for field in node.__struct_fields__:
        value = getattr(node, field)
        names = [value] if isinstance(value, n.Name) else value if isinstance(value, tuple) else []
        for name in (x for x in names if isinstance(x, n.Name)):
            yield from _named(node, field, name, place, kinds)
        yield from _walk(value, place, kinds)


def _inside(node: object, place: _Place) -> _Place:
    """The place within a node: its own line, and the store and column that its values belong to."""
    span = getattr(node, "span", place.whole)
    store, column = _text(node, "store") or place.store, _text(node, "column")
    if isinstance(node, n.StoreDecl):
        store = node.name.text
    if isinstance(node, n.KeyDecl) and node.column is not None:
        store = node.field.text
    if isinstance(node, n.ColumnDecl):
        column = node.name.text
    if isinstance(node, n.Target):
        store = node.name.text
    if isinstance(node, n.Field | n.NameIs):
        store, column = "", node.name.text
    target = (
        "section" if isinstance(node, n.ClaimDecl) and node.kind == "one-worker" else place.target
    )
    return _Place(
        span if isinstance(span, Span) else place.whole,
        place.locals,
        store,
        column or place.column,
        target,
    )


def _text(node: object, field: str) -> str:
    value = getattr(node, field, None)
    return value.text if isinstance(value, n.Name) else ""


def _named(
    node: object, field: str, name: n.Name, place: _Place, kinds: dict[str, str]
) -> Iterator[Occurrence]:
    declares = field == "name" and type(node) in DECLARATIONS
    kind = (
        DECLARATIONS[type(node)]
        if declares
        else SPECIAL.get((type(node), field), ROLES.get(field, kinds.get(name.text, "name")))
    )
    of = {
        "column": place.store,
        "value": f"{place.store}.{place.column}" if place.column else "",
    }.get(kind, "")
    if isinstance(node, n.NameIs) and field == "name":
        kind, of = ("local", "") if name.text in place.locals else ("field", "")
    if isinstance(node, n.KeyDecl) and field == "field" and node.column is not None:
        kind = "store"
    if isinstance(node, n.LockDecl) and field == "store":
        kind = "database" if kinds.get(name.text) == "database" else "store"
    if kind == "target":
        kind = place.target or kinds.get(name.text, "target")
    if kind:
        yield Occurrence(Symbol(kind, name.text, of), name.span, declares, place.whole)


def at(occurrences: Iterable[Occurrence], path: str, line: int, column: int) -> Occurrence | None:
    """The name at a place (1-based; the place right behind a name counts)."""
    at_place = (
        o
        for o in occurrences
        if o.span.path == path
        and o.span.line == line
        and o.span.column <= column <= o.span.end_column
    )
    return next(at_place, None)


def definitions(occurrences: Iterable[Occurrence], symbol: Symbol) -> list[Occurrence]:
    """Where a symbol is introduced. A column that no store declares is introduced by the first step
    that writes it.
    """
    own = [o for o in occurrences if o.symbol == symbol]
    return [o for o in own if o.declares] or own[:1]
