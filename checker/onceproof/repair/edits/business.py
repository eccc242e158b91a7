"""Recognise repetitions by the business key: two events about one order are one payout."""

from __future__ import annotations

from collections.abc import Iterator

from onceproof.lang.source import Span
from onceproof.lang.syntax import ast as n
from onceproof.lang.syntax.visit import condition_parts
from onceproof.machine.system import Level
from onceproof.repair.plan import Edit, Proposal, Site
from onceproof.repair.sheet import replaced


def _rekey(site: Site) -> Iterator[Proposal]:
    """The dedup record is kept per business key, as the effect is."""
    name = site.goal.target.name.text
    target = site.design.effects.get(name) or site.design.stores.get(name)
    if target is None or target.level is not Level.COMPONENT or site.goal.target.column is not None:
        return
    for item in site.tree.items:
        if (
            not isinstance(item, n.StoreDecl)
            or item.span.path != site.path
            or item.columns
            or item.name.text == name
        ):
            continue
        if site.design.stores[item.name.text].level is Level.EVENT:
            spans = [item.key.span, *_uses(site, item.name.text)]
            lines: dict[int, list[Span]] = {}
            for span in spans:
                lines.setdefault(span.line, []).append(span)
            text = site.sheet.changed(
                replaced(line, _renamed(site, spans, target.key)) for line, spans in lines.items()
            )
            yield Proposal(
                text,
                f"keep `{item.name.text}` per {target.key}: another event about the same"
                f" {target.key} counts as a repetition",
                (f"a second event about the same {target.key} is dropped, also where it is meant",),
                (f"one {target.key} never needs {name} twice",),
            )


def _renamed(site: Site, spans: list[Span], key: str) -> str:
    text = site.sheet.lines[spans[0].line - 1]
    for span in sorted(spans, key=lambda s: s.column, reverse=True):
        text = text[: span.column - 1] + key + text[span.end_column - 1 :]
    return text


def _uses(site: Site, store: str) -> Iterator[Span]:
    """Where a key of this store is named."""
    for item in site.tree.items:
        match item:
            case n.RelayDecl(_, condition):
                yield from _in(condition, store)
            case n.ClaimDecl(_, _, condition) if condition is not None:
                yield from _in(condition, store)
            case _:
                pass
    for place in site.places():
        match place.step:
            case n.Add(key, named) | n.Insert(key, named) | n.Delete(key, named) if (
                named.text == store
            ):
                yield key.span
            case n.If(condition):
                yield from _in(condition, store)
            case n.Let(_, n.ReadPresence(key, named)) if named.text == store:
                yield key.span
            case _:
                pass


def _in(condition: n.Condition, store: str) -> Iterator[Span]:
    for test in condition_parts(condition):
        if isinstance(test, n.InStore) and test.store.text == store:
            yield test.key.span


EDITS = (Edit("business-key", "recognise repetitions by the business key", 2, _rekey),)
