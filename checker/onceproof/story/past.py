"""The words of a story for rows as they were: reads that are late, regions that do not have a write
yet, databases that fail over to a replica that is behind.
"""

from __future__ import annotations

from collections.abc import Iterator

from onceproof.interpreter.context import Context
from onceproof.interpreter.rows import passes, stale, value_of
from onceproof.interpreter.state import Spot, State, look
from onceproof.lang.syntax import ast as n
from onceproof.story.names import Moment, Names

LATE = "; the read is late, and does not see what was written since"
"""Behind what a worker has read, where the row is not like that any more."""


def is_late(m: Moment, test: n.Condition, truth: bool) -> bool:
    """Whether a test of a row saw an earlier one."""
    if isinstance(test, n.Happened) and m.ctx.design.effects[test.effect.text].store is None:
        return False
    return passes(m.ctx, m.seen, test, m.worker.event, m.worker) != truth


def noted(m: Moment, node: n.Let, seen: State) -> tuple[str, bool]:
    """What a local variable became, and whether that is of an earlier row."""
    now = value_of(m.ctx, seen, node.value, m.worker.event)
    after = next((w for w in m.after.workers if w.number == m.worker.number), None)
    value = now if after is None else look(after.locals, node.name.text, now)
    changed = after is not None and after.locals != m.worker.locals
    return (value, value != now) if changed else (now, False)


def in_a_region(m: Moment, node: n.Step, outcome: str, seen: State) -> str:
    """What a conditional write found in one region, where the row is not like that any more; empty:
    it found what there is.
    """
    if not isinstance(node, n.Insert | n.UpdateIf | n.Delete):
        return ""
    store = node.store.text
    if not m.ctx.design.databases[m.ctx.home(store)].per_region:
        return ""
    present = m.ctx.row(store, seen, m.worker.event) in seen.rows
    match node:
        case n.Insert() if present and not outcome and m.ctx.design.stores[store].unique:
            return ", in a region that does not have the other one yet"
        case n.UpdateIf(_, name, old):
            column = n.ReadColumn(node.store, name, node.span)
            fits = present and value_of(m.ctx, seen, column, m.worker.event) == old.text
            if fits == (not outcome):
                return ""
            still = "is not yet" if outcome else "still is"
            return f", in a region where it {still} {old.text}"
        case n.Delete() if node.conditional and present != (not outcome):
            return ", in a region that " + ("does not have it yet" if outcome else "still has it")
        case _:
            return ""


def token_words(m: Moment, effect: str, *, rejected: bool) -> str:
    """Why a token was taken or rejected against the order of the locks; empty: it was in order."""
    if stale(m.ctx, m.before, m.worker, effect) == rejected:
        return ""
    lock = m.ctx.design.effects[effect].token_of
    went_back = lock in m.before.unsure
    why = "since the failover" if went_back else "in this region"
    return f"; {why}, " + ("it is not known" if rejected else "its old token is as good")


def goes_back(ctx: Context, names: Names, database: str, before: State, after: State) -> str:
    """What a failover of a database does, in words."""
    changed = list(_changes(ctx, names, database, before, after))
    if not changed:
        return "fails over: nothing is lost but its sessions"
    return f"fails over to a replica that is behind: {_listed(changed)}"


def _changes(
    ctx: Context, names: Names, database: str, before: State, after: State
) -> Iterator[str]:
    def own(spot: Spot) -> str:
        name = spot[0].split(".", 1)[0]
        return names.owner(spot, names.key_of(name))

    mine = ctx.remembered.get(database, frozenset())
    for spot in sorted({*before.rows, *after.rows}):
        if spot[0] in mine and (spot in before.rows) != (spot in after.rows):
            is_there = spot in after.rows
            yield f"the row for {own(spot)} in `{spot[0]}` is {'back' if is_there else 'gone'}"
    old, new = dict(before.columns), dict(after.columns)
    for spot in sorted({*old, *new}):
        store, _, column = spot[0].partition(".")
        row_stays = (store, *spot[1:]) in after.rows
        if store in mine and old.get(spot) != new.get(spot) and row_stays:
            value = new.get(spot, ctx.design.stores[store].columns[column][0])
            yield f"`{spot[0]}` for {own(spot)} is {value} again"
    counts, less = dict(before.counts), dict(after.counts)
    for spot in sorted(counts):
        if spot[0] in ctx.design.effects and less.get(spot, 0) < counts[spot]:
            yield f"`{spot[0]}` for {own(spot)} is undone"
    for spot in sorted({*before.held, *after.held}):
        if (spot in before.held) != (spot in after.held):
            state = "held" if spot in after.held else "free"
            yield f"`{spot[0]}` for {own(spot)} is {state} again"


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + f" and {parts[-1]}"
