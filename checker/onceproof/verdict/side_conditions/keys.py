"""T1: one business key at a time. Which rows are shared by which events, and whether the machine
shares them, too.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from onceproof.lang.design import Design, Process
from onceproof.lang.syntax import ast as n
from onceproof.lang.syntax.visit import walk
from onceproof.lower import variables as v
from onceproof.machine.system import Level
from onceproof.verdict.side_conditions.condition import Finding, Look, in_words, mentions


def one_key_at_a_time(look: Look) -> Iterator[Finding]:
    """T1. What the language leaves no room for:

    * one event per worker, locals reset at delivery: a worker is a run of a handler for one event
      (``machine.Rule``, SPAWN);
    * no scan, no aggregate, no global variable: every read names one row, by a field of the event
      (``lang.resolve.steps``);
    * a payload that is fixed per event: no step writes it (``lower.variables.payload`` has no
      update);
    * a key that contains the attempt number: ``key attempt`` leaves no record that could be found
      again (``resolve._effect``).

    A row under a business key has any number of events beside it in the machine, never one
    (``cover``).
    """
    yield from _several_keys(look)
    yield from _one_id_of_several_types(look)
    yield from _new_ids(look)


def _keys(look: Look) -> dict[str, str]:
    """The business keys that matter for the claim, each with a row kept under it, in the order of
    declaration.
    """
    design = look.design
    rows: dict[str, str] = {}
    for row in [*design.stores, *design.effects, *design.locks]:
        if row in look.rows:
            keys = [look.key_holder(row).key]
            if row in design.effects and v.record(row) in look.variables:
                keys.append(design.effects[row].key_field or "")
            for key in keys:
                if key in design.business_keys:
                    rows.setdefault(key, row)
    return rows


def _several_keys(look: Look) -> Iterator[Finding]:
    keys = _keys(look)
    if len(keys) < 2:
        return
    (first, first_row), *others = keys.items()
    for key, row in others:
        found = Finding.at(
            "T1",
            look.span_of(row),
            text=(
                f"`{row}` is kept per {key}, `{first_row}` per {first}: two events may share the"
                " one and not the other"
            ),
            cost=(
                f"only events that share their {in_words(list(keys))} are examined, and only up to"
                " a number of workers and events: nothing is known of events that share one of"
                " them"
            ),
            remedy=(
                f"keep `{row}` per {first}, too, or make the claims about each key in a design of"
                " its own"
            ),
        )
        yield replace(found, several_keys=True)


def _one_id_of_several_types(look: Look) -> Iterator[Finding]:
    """Rows under an id that events of two types have. (An id that is a business key elsewhere is
    turned down, N136.)
    """
    design = look.design
    rows: dict[str, list[str]] = {}
    for row in [*design.stores, *design.effects, *design.locks]:
        if row in look.rows:
            rows.setdefault(look.key_holder(row).key, []).append(row)
    for key, keyed in rows.items():
        users = [p for p in design.processes if any(_uses(design, p, row) for row in keyed)]
        types = dict.fromkeys(e for p in users for e in _entering(design, p, frozenset()))
        sharing = [e for e in types if design.events[e].id_field == key]
        if len(sharing) > 1:
            rewrite = in_words([f"`event {e}(id, {key})`" for e in sharing])
            named = in_words([f"`{row}`" for row in keyed])
            yield Finding.at(
                "T1",
                look.span_of(keyed[0]),
                text=(
                    f"{named} {'is' if len(keyed) == 1 else 'are'} kept per {key}, and"
                    f" {in_words(sharing)} have it as their id: one {key} may come as each of them"
                ),
                cost=(
                    "every event has a row of its own here: the claim holds only as long as no two"
                    f" events have the same {key}"
                ),
                remedy=(
                    f"give every event an id of its own and keep {key} as a second field: {rewrite}"
                ),
            )


def _uses(design: Design, process: Process, row: str) -> bool:
    named = mentions(process)
    return row in named or any(e.store == row for e in design.effects.values() if e.name in named)


def _entering(design: Design, process: Process, seen: frozenset[str]) -> tuple[str, ...]:
    """The types of the events a handler can run for, as they entered the design."""
    if process.queue is None:
        return v.root_types(design)
    queue = design.queues[process.queue]
    if queue.is_root:
        return (queue.event,)
    senders = [p for p in design.processes if p.name not in seen and _publishes(p, queue.name)]
    return tuple(
        dict.fromkeys(
            e for p in senders for e in _entering(design, p, seen | {process.name, p.name})
        )
    )


def _publishes(process: Process, queue: str) -> bool:
    return any(isinstance(s, n.Publish) and s.queue.text == queue for s in walk(process.body))


def _new_ids(look: Look) -> Iterator[Finding]:
    design = look.design
    for name in sorted(look.targets & set(design.effects)):
        effect = design.effects[name]
        if (
            look.claim.kind not in ("no-duplicate", "effectively-once", "failure-transparent")
            or effect.level is not Level.EVENT
        ):
            continue
        users = [p for p in design.processes if name in mentions(p)]
        types = {e for p in users for e in _entering(design, p, frozenset())}
        for queue in design.queues.values():
            if queue.publishing == "new-id" and queue.event in types:
                key = design.events[queue.event].keys[0]
                yield Finding.at(
                    "T1",
                    effect.span,
                    text=(
                        f"`{name}` is counted per {effect.key}, and the publisher of {queue.name}"
                        f" retries with a new {effect.key}"
                    ),
                    cost=(
                        f"a second {name} for the same {key} under its new {effect.key} does not"
                        f" count as a duplicate: the claim is about single {effect.key}s"
                    ),
                    remedy=f"count it where it must not repeat: `effect {name} per {key}`",
                )
