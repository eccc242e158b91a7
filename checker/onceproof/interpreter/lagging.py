"""Reads that may show what was before: queries of a provider that lag, and stale reads of a
database (docs/semantics.md, "Providers" and "Stale reads").
"""

from __future__ import annotations

from onceproof.interpreter.context import Context
from onceproof.interpreter.rows import passes, row_of, rows_read, value_of
from onceproof.interpreter.state import State, Version, Worker
from onceproof.lang.design import Isolation
from onceproof.lang.syntax import ast as n


def truths(
    ctx: Context, seen: State, test: n.Condition, event: int, worker: Worker | None
) -> tuple[bool, ...]:
    """What a single test may come to, what is true now first."""
    now = passes(ctx, seen, test, event, worker)
    if _may_be_old(ctx, seen, test, event, worker):
        before = {_was(ctx, test, old) for old in _versions(ctx, seen, test, event)}
        return (now, *sorted(before - {now}))
    if isinstance(test, n.Happened):
        effect = ctx.design.effects[test.effect.text]
        if effect.store is None and effect.query_lags and now != test.negated:
            return now, test.negated
    return (now,)


def values(
    ctx: Context, seen: State, value: n.Value, event: int, worker: Worker
) -> tuple[str, ...]:
    """What ``let`` may find, what there is now first."""
    now = value_of(ctx, seen, value, event)
    if not _may_be_old(ctx, seen, value, event, worker):
        return (now,)
    before = set()
    for old in _versions(ctx, seen, value, event):
        match value:
            case n.ReadPresence():
                before.add("yes" if old.present else "no")
            case n.ReadColumn(store, name):
                before.add(_column_of(ctx, old, store.text, name.text))
    return (now, *sorted(before - {now}))


def may_pass(
    ctx: Context, seen: State, condition: n.Condition, event: int, worker: Worker | None
) -> bool:
    """Whether a condition may be found true, each of its tests on its own."""
    match condition:
        case n.AllOf(parts):
            return all(may_pass(ctx, seen, p, event, worker) for p in parts)
        case n.AnyOf(parts):
            return any(may_pass(ctx, seen, p, event, worker) for p in parts)
        case _:
            return True in truths(ctx, seen, condition, event, worker)


def _may_be_old(
    ctx: Context, seen: State, part: n.Condition | n.Value, event: int, worker: Worker | None
) -> bool:
    """Whether a read goes to a replica, or to any node: not inside a transaction that has a view
    of its own, and not for a row that the open block writes.
    """
    database = ctx.database_read(part)
    if database is None:
        return False
    if not ctx.design.databases[database].stale_reads:
        return False
    if worker is None or not worker.todo:
        return True
    level = ctx.level(worker, database)
    if level not in (None, Isolation.READ_COMMITTED, Isolation.SINGLE_REQUESTS):
        return False
    own = {row_of(ctx, seen, worker, w) for w in worker.collected}
    return not own & set(rows_read(ctx, seen, part, event))


def _versions(ctx: Context, seen: State, part: n.Condition | n.Value, event: int) -> list[Version]:
    """The row, or the effect, that is looked at, as it was at earlier times."""
    spots = rows_read(ctx, seen, part, event)
    if isinstance(part, n.Happened):
        name = part.effect.text
        spots = (ctx.spot(name, ctx.design.effects[name].level, seen, event),)
    return [version for spot, version in seen.versions if spot in spots]


def _was(ctx: Context, test: n.Condition, old: Version) -> bool:
    match test:
        case n.InStore():
            truth = old.present
        case n.ColumnIs(store, name, value):
            truth = _column_of(ctx, old, store.text, name.text) == value.text
        case n.Happened():
            truth = old.happened
        case _:
            raise TypeError(test)
    return truth != test.negated


def _column_of(ctx: Context, old: Version, store: str, name: str) -> str:
    first = ctx.design.stores[store].columns[name][0]
    return dict(old.columns).get(f"{store}.{name}", first)
