"""An outbox: the transaction only notes what is to be sent; a relay sends it and tries again until
that is done.
"""

from __future__ import annotations

from collections.abc import Iterator

from onceproof.lang.syntax import ast as n
from onceproof.repair.plan import Edit, Place, Proposal, Site, writes
from onceproof.repair.sheet import Change, inserted, removed, shifted


def _outbox(site: Site) -> Iterator[Proposal]:
    """The call leaves the handler; a row written in the transaction before it stands for it."""
    if not site.is_external():
        return
    for place in site.performing():
        step = place.step
        if (
            place.above
            or not isinstance(step, n.Do)
            or step.clauses
            or not isinstance(place.owner, n.ConsumerDecl)
        ):
            continue
        before = _written(site, place)
        if before is not None:
            yield _proposal(site, place, before)


def _written(site: Site, place: Place) -> Place | None:
    """The transaction, or the write, before the call in the same block."""
    for index in range(place.index - 1, -1, -1):
        step = place.block[index]
        if isinstance(step, n.Atomic) or writes(step, site.design):
            return Place(place.owner, place.block, index)
    return None


def _proposal(site: Site, place: Place, before: Place) -> Proposal:
    sheet, unit, name = site.sheet, site.sheet.unit, site.goal.target.name.text
    store, key = site.fresh("outbox"), site.key()
    note = f"set {store}.state = pending"
    indent = sheet.indent(place.line)
    changes = [removed(place.line, sheet.end_of(place.step))]
    first, last = before.line, sheet.end_of(before.step)
    if isinstance(before.step, n.Atomic):
        changes.append(inserted(last + 1, indent + unit + note))
    else:
        lines = shifted(_settling(site, before), unit, 1)
        changes.append(Change(first, last, (f"{indent}atomic", *lines, indent + unit + note)))
    stores = [
        i.span.line
        for i in site.tree.items
        if isinstance(i, n.StoreDecl) and i.span.path == site.path
    ]
    declared = [f"store {store} per {key}", f"{unit}state: none | pending | sent"]
    changes.append(inserted(sheet.last_of(max(stores)) + 1, *declared))
    step = place.step
    assert isinstance(step, n.Do)
    relay = [
        "",
        f"relay {site.fresh(f'send_{name}')} when {store}.state is pending",
        f"{unit}{step.verb} {name}",
        f"{unit}set {store}.state = sent",
    ]
    changes.append(inserted(sheet.last_of(place.owner.span.line) + 1, *relay))
    return Proposal(
        sheet.changed(changes),
        f"note {name} in an outbox, in the transaction, and let a relay make the call until it is"
        " done",
        ("a table and a relay that polls it", f"{name} comes a little later"),
        (f"`{store}` is in the same database as the transaction",),
        ("a relay that dies after the call makes it again: the receiver must recognise that",),
    )


def _settling(site: Site, before: Place) -> tuple[str, ...]:
    """The write before the call. ``insert … or stop`` leaves the message to come again for ever;
    now the row says: all is noted.
    """
    sheet, step = site.sheet, before.step
    lines = sheet.cut(before.line, sheet.end_of(step))
    if (
        not isinstance(step, n.Insert)
        or step.or_else is not n.OnConflict.STOP
        or not site.acks(before.owner)
    ):
        return lines
    indent, unit = sheet.indent(before.line), sheet.unit
    code = sheet.code(before.line)[0].removesuffix(" or stop")
    return (
        sheet.recoded(before.line, code),
        f"{indent}{unit}on duplicate",
        f"{indent}{unit * 2}ack",
        f"{indent}{unit * 2}stop",
    )


EDITS = (Edit("outbox", "make an outbox with a relay", 5, _outbox),)
