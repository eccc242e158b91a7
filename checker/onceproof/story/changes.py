"""What a step changed, in words: two states of the interpreter compared."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from onceproof.interpreter.context import Context
from onceproof.interpreter.state import Spot, State, look
from onceproof.lang import design as d
from onceproof.lang.syntax import ast as n
from onceproof.lang.syntax.visit import walk
from onceproof.machine.system import Level
from onceproof.story.names import Names

STATUSES = {
    "absent": "not published",
    "sent": "sent, and not confirmed",
    "ready": "ready for delivery",
    "two": "two ready for delivery",
    "three": "three or more ready for delivery",
    "returned": "given back, ready for delivery",
    "inflight": "in delivery",
    "passed": "passed over, not committed",
    "settled": "settled",
    "lost": "lost",
    "dead": "dead-lettered",
}
"""The life of a message, as a reader knows it."""

TIMES = ("never", "once", "twice")
PARTICIPLES = {"send": "sent", "call": "happened", "do": "done"}


class Change(Struct, frozen=True):
    """One thing that is different after a step. ``kind``: message, row, column, effect, writes, key
    or lock.
    """

    kind: str
    what: str
    before: str
    after: str


def participle(design: d.Design, effect: str) -> str:
    """``sent``, ``happened`` or ``done``: by the verb with which the design performs the effect
    first.
    """
    steps = (s for p in design.processes for s in walk(p.body))
    verb = next((s.verb for s in steps if isinstance(s, n.Do) and s.effect.text == effect), "call")
    return PARTICIPLES[verb]


def changes(ctx: Context, names: Names, before: State, after: State) -> tuple[Change, ...]:
    """Everything that differs, effects first."""
    all_changes = [
        *_counts(ctx, names, before, after),
        *_rows(ctx, names, before, after),
        *_messages(ctx, names, before, after),
    ]
    return tuple(c for c in all_changes if c.before != c.after)


def _touched(*tables: tuple[tuple[Spot, object], ...]) -> list[Spot]:
    return sorted({spot for table in tables for spot, _ in table})


def _counts(ctx: Context, names: Names, before: State, after: State) -> Iterator[Change]:
    for spot in _touched(before.counts, after.counts):
        old, new = look(before.counts, spot, 0), look(after.counts, spot, 0)
        name, _, _ = spot
        if name in ctx.design.effects:
            word, owner = participle(ctx.design, name), names.owner(spot, names.key_of(name))
            old_words, new_words = (
                f"{word} {TIMES[x]}" if x else f"not {word}" for x in (old, new)
            )
            yield Change("effect", f"{name} for {owner}", old_words, new_words)
        else:
            store = name.split(".")[0]
            yield Change(
                "writes",
                f"writes of {name} for {names.owner(spot, names.key_of(store))}",
                TIMES[old],
                TIMES[new],
            )


def _rows(ctx: Context, names: Names, before: State, after: State) -> Iterator[Change]:
    for spot in sorted({*before.rows, *after.rows}):
        words = ["present" if spot in s.rows else "absent" for s in (before, after)]
        yield Change("row", f"{spot[0]} for {names.owner(spot, names.key_of(spot[0]))}", *words)
    for spot in _touched(before.columns, after.columns):
        store, name = spot[0].split(".")
        first = ctx.design.stores[store].columns[name][0]
        what = f"{spot[0]} for {names.owner(spot, names.key_of(store))}"
        yield Change(
            "column", what, look(before.columns, spot, first), look(after.columns, spot, first)
        )
    for spot in sorted({*before.records, *after.records}):
        effect = ctx.design.effects[spot[0]]
        words = ["known" if spot in s.records else "unknown" for s in (before, after)]
        owner = names.owner(spot, effect.key_field or effect.key)
        yield Change("key", f"key of {spot[0]} for {owner} at {names.provider(spot[0])}", *words)
    for spot in sorted({*before.errors, *after.errors}):
        effect = ctx.design.effects[spot[0]]
        words = ["stored" if spot in s.errors else "none" for s in (before, after)]
        owner = names.owner(spot, effect.key_field or effect.key)
        where = names.provider(spot[0])
        yield Change("key", f"failed answer of {spot[0]} for {owner} at {where}", *words)
    for spot in _touched(before.pending, after.pending):
        counts = [str(look(s.pending, spot, 0)) for s in (before, after)]
        what = f"requests for {spot[0]} of {names.event(spot[2])} on their way"
        yield Change("effect", what, *counts)
    for spot in sorted({*before.held, *after.held}):
        words = ["held" if spot in s.held else "free" for s in (before, after)]
        yield Change("lock", f"{spot[0]} for {names.owner(spot, names.key_of(spot[0]))}", *words)


def _messages(ctx: Context, names: Names, before: State, after: State) -> Iterator[Change]:
    for spot in _touched(before.statuses, after.statuses):
        consumer, _, event = spot
        queue = ctx.processes[consumer].queue or ""
        group = f" for {consumer}" if len(list(ctx.groups(queue))) > 1 else ""
        old, new = (look(s.statuses, spot, "absent") for s in (before, after))
        words = [status_words(ctx.design, queue, status) for status in (old, new)]
        yield Change("message", f"{names.event(event)} in {queue}{group}", *words)


def status_words(design: d.Design, queue: str, status: str) -> str:
    """A broker status in words."""
    limit = design.queues[queue].limit
    if status == "dead" and (limit is None or limit[1] != "dead-letter"):
        return "given up"
    return (
        "dropped"
        if status == "lost" and limit is not None and limit[1] == "drop"
        else STATUSES[status]
    )


def level_spot(ctx: Context, target: n.Target, state: State, event: int) -> Spot:
    """Where a claim's target counts for an event: an effect's or store's own level."""
    name = target.name.text
    table = ctx.design.effects if name in ctx.design.effects else ctx.design.stores
    level: Level = table[name].level
    return ctx.spot(name, level, state, event)
