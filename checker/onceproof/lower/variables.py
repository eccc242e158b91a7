"""The machine's variables: which there are, at which level, under which name. One place decides
every name a story may show.
"""

from __future__ import annotations

from collections.abc import Mapping

from onceproof.lang import design as d
from onceproof.lang.syntax import ast as n
from onceproof.lang.syntax.visit import condition_parts, walk
from onceproof.machine.system import PLACE, Level, Variable

PC = PLACE
HOLDS = "worker holds"
IN_LANE = "worker is in its lane"
CAME_AGAIN = "worker's message came again"
EVENT_TYPE = "event type"
RECORD, TOKEN, MINE, BUSY, ABORTED = " (key)", " (token)", " (mine)", " (locked)", " (aborted)"
"""Endings and names with a blank in them cannot clash with names of the design."""
LANE = " (lane)"
PENDING, SESSION, RESTORED = " (pending)", " (session)", " (restored)"
AS_OF, CHANGED, DOOMED, SHARED = " (as of)", " (changed)", " (doomed)", " (shared)"
COUNTS = ("0", "1", "2")
ROWS = ("0", "1", "2", "none now")
"""Rows of a key in a store: none was ever written, one, two (or more), the last one is gone."""


def status(group: d.Process, design: d.Design) -> str:
    """The broker status of a consumer's copy of the message."""
    readers = [p for p in design.processes if p.queue == group.queue]
    return f"{group.queue}" if len(readers) == 1 else f"{group.queue}>{group.name}"


def lane(group: str) -> str:
    """Whether a message with the same key is in a worker's hands."""
    return f"{group}{LANE}"


def column(store: str, name: str) -> str:
    """A store's column."""
    return f"{store}.{name}"


def record(effect: str) -> str:
    """The provider's idempotency record."""
    return f"{effect}{RECORD}"


def token(lock: str) -> str:
    """A worker's fencing token."""
    return f"{lock}{TOKEN}"


def holding(lock: str) -> str:
    """Whether a worker holds a session lock."""
    return f"{lock}{MINE}"


def busy(store: str) -> str:
    """Whether an open transaction has locked the store's row."""
    return f"{store}{BUSY}"


def as_of(name: str) -> str:
    """What a variable of a row was when the worker's snapshot was taken."""
    return f"{name}{AS_OF}"


def changed(store: str) -> str:
    """Whether the store's row has changed since the worker's snapshot was taken."""
    return f"{store}{CHANGED}"


def doomed(first: str, second: str) -> str:
    """Whether a block that has read the row of ``first`` and written that of ``second`` fails."""
    return f"{first} {second}{DOOMED}"


def pending(effect: str) -> str:
    """How many requests of an event are still on their way."""
    return f"{effect}{PENDING}"


def is_watched(design: d.Design, effect: str) -> bool:
    """Whether somebody could tell that a request arrives late."""
    kinds = ("before", "never", "at-rest-never")
    named = any(claim.kind in kinds and effect in _named(claim) for claim in design.claims)
    declared = design.effects[effect]
    return declared.store is None and (declared.queryable or named)


def _named(claim: d.Claim) -> set[str]:
    """The effects that a claim is about."""
    tests = condition_parts(claim.condition) if claim.condition is not None else ()
    asked = {test.effect.text for test in tests if isinstance(test, n.Happened)}
    return asked | {t.name.text for t in claim.targets}


def service(lock: d.Lock) -> str:
    """The database whose session a lock lives in, or the lock service."""
    return lock.database or "lock service"


def restored(lock: str) -> str:
    """Whether tokens of a lock may be any since its database went back."""
    return f"{lock}{RESTORED}"


def session(name: str) -> str:
    """Whether the worker's session with a database or the lock service is lost."""
    return f"{name}{SESSION}"


def shared(store: str) -> str:
    """Whether the worker has locked the store's row for writers."""
    return f"{store}{SHARED}"


def aborted(queue: str) -> str:
    """Whether a message of an aborted transaction may still appear in a queue."""
    return f"{queue}{ABORTED}"


def local(process: str, name: str) -> str:
    """A local variable."""
    return f"{process}.{name}"


def payload(event: str, field: str) -> str:
    """A payload value."""
    return f"{event}.{field}"


def payload_of(design: d.Design, kind: str, field: str) -> str | None:
    """The variable behind a payload field, for an event of type ``kind``: of its own type, or of a
    type that does not enter the design (of a message about the event). None: it is unset.
    """
    others = (t for t in design.events if t not in root_types(design))
    for event in (kind, *others):
        if any(f == field for f, _ in design.events[event].payload):
            return payload(event, field)
    return None


def writes(target: str) -> str:
    """How often a store or column a claim speaks about was written."""
    return f"{target}#"


def columns_of(design: d.Design) -> dict[tuple[str, str], tuple[str, ...]]:
    """Every column with its values (an incremented column has none to test)."""
    return {
        (s.name, c): values or (d.UNSET,)
        for s in design.stores.values()
        for c, values in s.columns.items()
    }


def counted_targets(design: d.Design) -> dict[str, n.Target]:
    """Stores and columns that a claim counts writes of, by name as written in the design."""
    targets = {}
    for claim in design.claims:
        for t in claim.targets:
            if t.name.text in design.stores:
                targets[t.name.text + (f".{t.column.text}" if t.column else "")] = t
    return targets


def incremented(design: d.Design) -> set[tuple[str, str]]:
    """Columns some step increments: their writes count per event."""
    return {
        (s.store.text, s.column.text)
        for p in design.processes
        for s in walk(p.body)
        if isinstance(s, n.Increment)
    }


def _boolean(name: str, level: Level, first: str, second: str) -> Variable:
    return Variable(name, level, (first, second), (first,))


def shared_variables(design: d.Design) -> dict[str, Variable]:
    """Variables of component and event rows, without the queues' statuses."""
    variables: list[Variable] = []
    roots = root_types(design)
    if len(roots) > 1:
        variables.append(Variable(EVENT_TYPE, Level.EVENT, roots, roots))
    for event in design.events.values():
        variables += [
            Variable(payload(event.name, f), Level.EVENT, values, values)
            for f, values in event.payload
        ]
    for store in design.stores.values():
        domain = (
            ("absent", "present", "gone") if "expires" in store.loses else ("absent", "present")
        )
        variables.append(Variable(store.name, store.level, domain, ("absent",)))
        variables.append(_boolean(busy(store.name), store.level, "free", "taken"))
    for (name, col), values in columns_of(design).items():
        variables.append(Variable(column(name, col), design.stores[name].level, values, values[:1]))
    for effect in design.effects.values():
        variables.append(Variable(effect.name, effect.level, COUNTS, ("0",)))
        if effect.key_level is not None:
            known = ["absent", "present"]
            known += ["failed"] if effect.keeps_errors else []
            known += ["gone"] if effect.retention else []
            name = record(effect.name)
            variables.append(Variable(name, effect.key_level, tuple(known), ("absent",)))
        if is_watched(design, effect.name) and not design.assumes("no-lost-answers"):
            variables.append(Variable(pending(effect.name), Level.EVENT, COUNTS, ("0",)))
    for lock in design.locks.values():
        ways = ["free", "held"]
        ways += ["orphaned"] if orphans(design, lock) else []
        ways += ["leaked"] if lock.pooled is not d.Pooled.NO else []
        variables.append(Variable(lock.name, lock.level, tuple(ways), ("free",)))
        if is_restored(design, lock):
            variables.append(_boolean(restored(lock.name), lock.level, "no", "yes"))
    per_event = incremented(design)
    for name, target in counted_targets(design).items():
        counted = target.column is not None and (target.name.text, target.column.text) in per_event
        level = Level.EVENT if counted else design.stores[target.name.text].level
        values = COUNTS if target.column is not None else ROWS
        variables.append(Variable(writes(name), level, values, ("0",)))
    return {v.name: v for v in variables}


def root_types(design: d.Design) -> tuple[str, ...]:
    """The event types that enter the design from outside. Without a queue fed from there, rows
    start it: events of every type.
    """
    return tuple(dict.fromkeys(q.event for q in design.queues.values() if q.is_root)) or tuple(
        design.events
    )


def may_appear(queue: str) -> Variable:
    """Whether a message of an aborted transaction may still appear in a queue."""
    return _boolean(aborted(queue), Level.EVENT, "no", "yes")


def worker_variables(design: d.Design) -> dict[str, Variable]:
    """Locals, lock holdings and tokens (``pc`` is added when all places are known)."""
    variables = [_boolean(name, Level.WORKER, "no", "yes") for name in (HOLDS, IN_LANE, CAME_AGAIN)]
    for lock in design.locks.values():
        if lock.kind is d.LockKind.SESSION or orphans(design, lock):
            variables.append(_boolean(holding(lock.name), Level.WORKER, "no", "yes"))
        if has_token(design, lock.name):
            variables.append(
                Variable(token(lock.name), Level.WORKER, ("none", "fresh", "stale"), ("none",))
            )
        in_session = lock.kind is d.LockKind.SESSION
        if in_session and not design.assumes("no-lost-connections"):
            variables.append(_boolean(session(service(lock)), Level.WORKER, "ok", "lost"))
    for process in design.processes:
        for name, values in local_values(design, process).items():
            variables.append(Variable(local(process.name, name), Level.WORKER, values, (d.UNSET,)))
    return {v.name: v for v in variables}


def of_session(name: str) -> Variable:
    """The variable behind a worker's session."""
    return _boolean(session(name), Level.WORKER, "ok", "lost")


def is_restored(design: d.Design, lock: d.Lock) -> bool:
    """Whether a failover may bring back an earlier state of a lock whose tokens are checked."""
    if lock.database is None or lock.kind is d.LockKind.SESSION:
        return False
    checked = any(e.token_of == lock.name for e in design.effects.values())
    goes_back = design.databases[lock.database].fails_over and not design.assumes("no-failover")
    return checked and goes_back


def orphans(design: d.Design, lock: d.Lock) -> bool:
    """Whether a lock outlives its holder, and only then expires."""
    return lock.expires and design.assumes("within-lock")


def has_token(design: d.Design, lock: str) -> bool:
    """Whether it matters who took a lock last: an effect checks it, or a step renews it."""
    steps = (s for p in design.processes for s in walk(p.body))
    renewed = any(
        isinstance(s, n.Renew) and s.lock is not None and s.lock.text == lock for s in steps
    )
    checked = any(e.token_of == lock for e in design.effects.values())
    return renewed or checked or design.locks[lock].owner_releases


def local_values(design: d.Design, process: d.Process) -> Mapping[str, tuple[str, ...]]:
    """Each local variable with every value it can have."""
    values: dict[str, list[str]] = {}
    columns = columns_of(design)
    for step in walk(process.body):
        if isinstance(step, n.Let):
            known = values.setdefault(step.name.text, [d.UNSET])
            match step.value:
                case n.ReadPresence():
                    known += ["yes", "no"]
                case n.ReadColumn(store, col):
                    known += columns[store.text, col.text]
                case n.Constant(name):
                    known.append(name.text)
        if isinstance(step, n.If):
            for part in condition_parts(step.condition):
                if isinstance(part, n.NameIs) and part.name.text in values:
                    values[part.name.text].append(part.value.text)
    return {name: tuple(dict.fromkeys(v)) for name, v in values.items()}
