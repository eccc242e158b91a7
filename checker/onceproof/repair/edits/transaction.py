"""The dedup record and the write in one transaction: the record first, inserted where it must be
new.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from onceproof.lang.syntax import ast as n
from onceproof.repair.plan import Edit, Place, Proposal, Site, ends_settled, writes
from onceproof.repair.sheet import Change, inserted, removed, replaced, shifted
from onceproof.story.headline import listed


def _wrap(site: Site) -> Iterator[Proposal]:
    """The effect and the writes next to it, as they stand, into one block."""
    for place in site.performing():
        if place.inside(n.Atomic) or not writes(place.step, site.design):
            continue
        first = last = place.index
        while first and _fits(place.block[first - 1], site):
            first -= 1
        while last + 1 < len(place.block) and _fits(place.block[last + 1], site):
            last += 1
        run = [s for s in place.block[first : last + 1] if writes(s, site.design)]
        others = sorted(
            {store for s in run if (store := _written_store(s, site)) and s is not place.step}
        )
        if len(run) > 1 and others:
            names = listed([f"`{name}`" for name in others])
            yield Proposal(
                site.sheet.changed([_atomic(site, place.block[first], place.block[last])]),
                f"write {names} and {site.goal.name} in one transaction",
                ("one transaction",),
                (f"{names} and {site.goal.name} are in one database",),
            )


def _fits(step: n.Step, site: Site) -> bool:
    return writes(step, site.design) or isinstance(step, n.CrashHere)


def _written_store(step: n.Step, site: Site) -> str:
    """The store that a write goes to."""
    if isinstance(step, n.Do):
        return site.design.effects[step.effect.text].store or ""
    store = getattr(step, "store", None)
    return store.text if isinstance(store, n.Name) else ""


def _serializable(site: Site) -> Iterator[Proposal]:
    """The block that has the effect becomes serializable."""
    for place in site.performing():
        block = place.inside(n.Atomic)
        if block and isinstance(block.step, n.Atomic) and not block.step.serializable:
            line = site.sheet.recoded(block.line, site.sheet.code(block.line)[0] + " serializable")
            yield Proposal(
                site.sheet.changed([replaced(block.line, line)]),
                "run the transaction serializable: what it reads is part of it",
                ("transactions wait for each other, or are turned back and repeated",),
            )


# ---------------------------------------------------------------- let the constraint decide


class _Guard(Struct, frozen=True):
    """A dedup record of the design: its store and key, the check of it, and the lines that write
    it.
    """

    store: str
    key: str
    check: Place | None
    written: Place | None


def _unique(site: Site) -> Iterator[Proposal]:
    """Insert a unique record in the effect's own transaction, instead of looking first."""
    for place in site.performing():
        if not writes(place.step, site.design) or not isinstance(
            place.owner, n.ConsumerDecl | n.FragmentDecl
        ):
            continue
        for guard, changes in _ways(site, place, _guards(site, place)):
            if changes:
                text = site.sheet.changed([*changes, *_made_unique(site, guard.store)])
                yield Proposal(
                    text,
                    f"insert `{guard.key}` into `{guard.store}` in the same transaction as"
                    f" {site.goal.name}; the unique constraint turns a repetition away",
                    ("one row per event, kept as long as the event can come again",),
                    (f"`{guard.store}` and {site.goal.name} are in one database",),
                )


def _new_record(site: Site) -> Iterator[Proposal]:
    """The same with a store that the design does not have yet."""
    for place in site.performing():
        fit = writes(place.step, site.design) and isinstance(
            place.owner, n.ConsumerDecl | n.FragmentDecl
        )
        if (
            not fit
            or any(_guards(site, place))
            or any(isinstance(s, n.Insert) for p in (*place.above, place) for s in p.block)
        ):
            continue
        name = site.fresh("processed")
        for guard, changes in _ways(site, place, [_Guard(name, site.key(), None, None)]):
            if changes:
                declared = inserted(_after_stores(site), f"store {name} per {guard.key}, unique")
                yield Proposal(
                    site.sheet.changed([*changes, declared]),
                    f"a dedup record `{name}`, inserted in the same transaction as"
                    f" {site.goal.name}",
                    ("a new table", "one row per event, kept as long as the event can come again"),
                    (f"`{name}` and {site.goal.name} are in one database",),
                )


def _ways(
    site: Site, place: Place, guards: Iterable[_Guard]
) -> Iterator[tuple[_Guard, list[Change]]]:
    """With each dedup record: a repetition ends the handler, or only leaves out the write."""
    for guard in guards:
        yield guard, _guarded(site, place, guard)
        yield guard, _skipping(site, place, guard)


def _guards(site: Site, place: Place) -> Iterator[_Guard]:
    """Dedup records that the handler of the effect checks or writes."""
    places = [p for p in site.places() if p.owner is place.owner]
    stores = dict.fromkeys(_store(p.step) for p in places if isinstance(p.step, n.Add | n.Insert))
    for store in stores:
        written = [
            p for p in places if isinstance(p.step, n.Add | n.Insert) and _store(p.step) == store
        ]
        checks = [p for p in places if _looks(p.step, store)]
        key = next(s.key.text for s in (p.step for p in written) if isinstance(s, n.Add | n.Insert))
        if len(written) == 1 and len(checks) <= 1 and not _counted(site, store):
            yield _Guard(store, key, checks[0] if checks else None, written[0])


def _counted(site: Site, store: str) -> bool:
    """Whether the store is what the claim is about: then it is no dedup record."""
    return site.goal.target.name.text == store


def _looks(step: n.Step, store: str) -> bool:
    """``if id in processed`` with nothing but ``ack`` and ``stop`` below."""
    if not isinstance(step, n.If) or step.otherwise or not ends_settled(step.body):
        return False
    condition = step.condition
    while isinstance(condition, n.AnyOf | n.AllOf) and len(condition.parts) == 1:
        condition = condition.parts[0]
    return (
        isinstance(condition, n.InStore) and not condition.negated and condition.store.text == store
    )


def _store(step: n.Step) -> str:
    return step.store.text if isinstance(step, n.Add | n.Insert) else ""


def _guarded(site: Site, place: Place, guard: _Guard) -> list[Change]:
    """The changes: the check and the present write go, the insert comes before the effect, all in
    one block.
    """
    sheet, unit = site.sheet, site.sheet.unit
    changes: list[Change] = []
    for old in (guard.check, guard.written):
        if old is not None:
            changes.append(removed(old.line, sheet.end_of(old.step)))
    block = place.inside(n.Atomic)
    if block is not None and isinstance(block.step, n.Atomic):
        first = block.step.body[0].span.line
        replaced_steps = [
            old
            for old in (guard.check, guard.written)
            if old is not None and old.block is block.step.body
        ]
        if len(replaced_steps) == len(block.step.body):
            return []
        return [
            *changes,
            *_failing(site, place),
            inserted(first, *_insert(site, guard, sheet.indent(first), place)),
        ]
    first, last, body_lines = _lines(site, place, guard, changes)
    indent = sheet.indent(first)
    outside = [c for c in changes if not first <= c.first <= last]
    body = (*_insert(site, guard, indent + unit, place), *shifted(body_lines, unit, 1))
    return [*outside, Change(first, last, (f"{indent}atomic", *body))]


def _skipping(site: Site, place: Place, guard: _Guard) -> list[Change]:
    """The same, but a repetition goes on with what follows the write: the row is looked for first,
    and inserted or fail.
    """
    if place.inside(n.Atomic) or guard.check is not None:
        return []
    sheet, unit = site.sheet, site.sheet.unit
    changes = (
        [removed(guard.written.line, sheet.end_of(guard.written.step))]
        if guard.written is not None
        else []
    )
    first, last, body_lines = _lines(site, place, guard, changes)
    indent = sheet.indent(first)
    head = (f"{indent}if {guard.key} not in {guard.store}", f"{indent}{unit}atomic")
    insert = f"{indent}{unit * 2}insert {guard.key} into {guard.store} or fail"
    outside = [c for c in changes if not first <= c.first <= last]
    return [*outside, Change(first, last, (*head, insert, *shifted(body_lines, unit, 2)))]


def _lines(
    site: Site, place: Place, guard: _Guard, changes: list[Change]
) -> tuple[int, int, list[str]]:
    """The first and last line of the writes that belong together, and those of their lines that
    stay.
    """
    run = _run(site, place, guard)
    first, last = run[0].span.line, site.sheet.end_of(run[-1])
    failing = {c.first: c.lines[0] for c in _failing(site, place)}
    lines = [
        failing.get(i, line)
        for i, line in enumerate(site.sheet.cut(first, last), first)
        if not _gone(i, changes)
    ]
    return first, last, lines


def _failing(site: Site, place: Place) -> list[Change]:
    """``do … or stop`` would commit the record without the effect: it fails instead."""
    step = place.step
    if not isinstance(step, n.Do) or step.or_else is not n.OnConflict.STOP:
        return []
    code, _ = site.sheet.code(step.span.line)
    return [
        replaced(
            step.span.line,
            site.sheet.recoded(step.span.line, code.removesuffix(" or stop") + " or fail"),
        )
    ]


def _gone(number: int, changes: list[Change]) -> bool:
    return any(c.first <= number <= c.last for c in changes)


def _run(site: Site, place: Place, guard: _Guard) -> tuple[n.Step, ...]:
    """The writes around the effect, up to the present dedup write if that is next to them."""
    first = last = place.index
    if guard.written is not None and guard.written.block is place.block:
        low, high = sorted((place.index, guard.written.index))
        if all(writes(s, site.design) for s in place.block[low : high + 1]):
            first, last = low, high
    return place.block[first : last + 1]


def _insert(site: Site, guard: _Guard, indent: str, place: Place) -> list[str]:
    """``insert … on duplicate ack stop``."""
    unit = site.sheet.unit
    body = ["ack", "stop"] if _settles(site, place) else ["stop"]
    return [
        f"{indent}insert {guard.key} into {guard.store}",
        f"{indent}{unit}on duplicate",
        *(f"{indent}{unit * 2}{word}" for word in body),
    ]


def _settles(site: Site, place: Place) -> bool:
    if isinstance(place.owner, n.FragmentDecl):
        users = [
            o
            for o in site.owners()
            if any(isinstance(s, n.Use) and s.name == place.owner.name for s in o.body)
        ]
        return all(site.acks(o) for o in users)
    return site.acks(place.owner)


def _made_unique(site: Site, store: str) -> list[Change]:
    decl = site.item(n.StoreDecl, store)
    if not isinstance(decl, n.StoreDecl) or decl.unique:
        return []
    return [
        replaced(
            decl.span.line,
            site.sheet.recoded(decl.span.line, site.sheet.code(decl.span.line)[0] + ", unique"),
        )
    ]


def _atomic(site: Site, first: n.Step, last: n.Step) -> Change:
    start, end = first.span.line, site.sheet.end_of(last)
    lines = shifted(site.sheet.cut(start, end), site.sheet.unit, 1)
    return Change(start, end, (f"{site.sheet.indent(start)}atomic", *lines))


def _after_stores(site: Site) -> int:
    """The line before which a new store is declared: after the last store, else after the last
    queue.
    """
    for kind in (n.StoreDecl, n.QueueDecl, n.EventDecl):
        lines = [
            i.span.line for i in site.tree.items if isinstance(i, kind) and i.span.path == site.path
        ]
        if lines:
            return site.sheet.last_of(max(lines)) + 1
    return 1


EDITS = (
    Edit("one-transaction", "put the writes that belong together into one transaction", 1, _wrap),
    Edit("unique-insert", "insert a unique record instead of looking first", 2, _unique),
    Edit("serializable", "make the transaction serializable", 3, _serializable),
    Edit("dedup-record", "add a dedup record in the same transaction", 3, _new_record),
)
