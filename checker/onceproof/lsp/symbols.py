"""The outline of a design."""

from __future__ import annotations

from lsprotocol import types

from onceproof.lang.source import Span
from onceproof.lang.syntax import ast as n
from onceproof.lsp.names import DECLARATIONS, Occurrence
from onceproof.lsp.places import Places
from onceproof.lsp.project import Analysis

KINDS = {
    "event": types.SymbolKind.Event,
    "queue": types.SymbolKind.Interface,
    "store": types.SymbolKind.Struct,
    "effect": types.SymbolKind.Function,
    "lock": types.SymbolKind.Key,
    "consumer": types.SymbolKind.Class,
    "relay": types.SymbolKind.Class,
    "fragment": types.SymbolKind.Module,
    "field": types.SymbolKind.Field,
    "column": types.SymbolKind.Field,
    "section": types.SymbolKind.Namespace,
    "local": types.SymbolKind.Variable,
}


def outline(analysis: Analysis, places: Places) -> list[types.DocumentSymbol]:
    """Every declaration and claim with what is declared inside it."""
    items = [
        i for i in analysis.tree.items if not isinstance(i, n.BrokenItem | n.Import | n.AssumeDecl)
    ]
    starts = [i.span.line for i in analysis.tree.items]
    return [
        _symbol(item, _last(item.span.line, starts, analysis), analysis, places) for item in items
    ]


def _last(first: int, starts: list[int], analysis: Analysis) -> int:
    """The last line of a declaration: the last one with content above the next declaration."""
    following = min((s for s in starts if s > first), default=len(analysis.source.lines) + 1)
    lines = [
        i
        for i in range(first, following)
        if analysis.source.line(i).strip() and not analysis.source.line(i).startswith("#")
    ]
    return max(lines, default=first)


def _symbol(item: n.Item, last: int, analysis: Analysis, places: Places) -> types.DocumentSymbol:
    first = item.span.line
    whole = places.range_of(Span(first, 1, last, len(analysis.source.line(last)) + 1))
    text = analysis.source.line(first)[item.span.column - 1 : item.span.end_column - 1]
    kind = DECLARATIONS.get(type(item))
    inside = [
        o
        for o in analysis.names
        if o.declares and o.span.path == analysis.path and first <= o.span.line <= last
    ]
    own = next((o for o in inside if o.symbol.kind == kind and o.span.line == first), None)
    if kind is None or own is None:
        return types.DocumentSymbol(
            " ".join(text.split()), types.SymbolKind.Property, whole, places.line(first)
        )
    children = [_child(o, places) for o in inside if o is not own]
    return types.DocumentSymbol(
        own.symbol.name, KINDS[kind], whole, places.range_of(own.span), kind, children=children
    )


def _child(occurrence: Occurrence, places: Places) -> types.DocumentSymbol:
    span = places.range_of(occurrence.span)
    kind = occurrence.symbol.kind
    return types.DocumentSymbol(
        occurrence.symbol.name, KINDS.get(kind, types.SymbolKind.Variable), span, span, kind
    )
