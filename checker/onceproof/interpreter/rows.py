"""Rows, effects and tests: what is read, what is written, and when."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from onceproof.interpreter import isolation
from onceproof.interpreter.choosing import Chooser
from onceproof.interpreter.context import Context, conjunctions
from onceproof.interpreter.isolation import SerializationFailure
from onceproof.interpreter.state import (
    Spot,
    State,
    Version,
    Worker,
    Write,
    drop,
    look,
    minus,
    put,
    union,
)
from onceproof.lang.design import UNSET, Isolation
from onceproof.lang.syntax import ast as n
from onceproof.machine.system import Level

# ---------------------------------------------------------------- reading


def view(ctx: Context, state: State, worker: Worker) -> State:
    """The state as one worker sees it: as of its snapshots, with what it has collected."""
    seen = isolation.as_of_snapshots(ctx, state, worker)
    old = {s.database for s in worker.snapshots}
    own = [
        w
        for w in worker.collected
        if ctx.home(w.name) not in old or row_of(ctx, state, worker, w) in worker.wrote
    ]
    return overlaid(ctx, seen, worker.event, (*worker.boxed, *own))


def now(ctx: Context, state: State, worker: Worker) -> State:
    """The rows as they are now, with what the worker has collected."""
    return overlaid(ctx, state, worker.event, (*worker.boxed, *worker.collected))


def row_of(ctx: Context, state: State, worker: Worker, write: Write) -> Spot:
    """The row that a write in a database belongs to."""
    effects = ctx.design.effects
    store = effects[write.name].store if write.name in effects else write.name
    return ctx.row(store or "", state, worker.event)


def look_at(ctx: Context, state: State, worker: Worker, part: n.Condition | n.Value) -> Worker:
    """The worker that looks at the rows of a single test or a value: with the snapshot that this
    takes, and the locks. Raises ``Waits``.
    """
    database = ctx.database_read(part)
    level = ctx.level(worker, database) if database is not None else None
    if database is None or level is None:
        return worker
    worker = isolation.opened(ctx, state, worker, database)
    spots = rows_read(ctx, state, part, worker.event)
    match level:
        case Isolation.OPTIMISTIC:
            return worker._replace(read=union(worker.read, *spots))
        case Isolation.LOCKING:
            return shares(state, worker, *spots)
        case _:
            return worker


def shares(state: State, worker: Worker, *spots: Spot) -> Worker:
    """The worker with shared locks of rows. Raises ``Waits``."""
    isolation.check_locks(state, worker, spots, exclusive=False)
    return worker._replace(
        shared=union(worker.shared, *(x for x in spots if x not in worker.locked))
    )


def column(ctx: Context, state: State, store: str, name: str, event: int) -> str:
    """The value of a column of an event's row."""
    spot = ctx.row(store, state, event)
    return look(
        state.columns, (f"{store}.{name}", *spot[1:]), ctx.design.stores[store].columns[name][0]
    )


def happened(ctx: Context, state: State, effect: str, event: int) -> int:
    """How often an effect happened for an event's key."""
    return look(state.counts, ctx.spot(effect, ctx.design.effects[effect].level, state, event), 0)


def passes(
    ctx: Context, seen: State, test: n.Condition, event: int, worker: Worker | None = None
) -> bool:
    """Whether a condition is true of an event, as ``seen`` (by a worker: with its local
    variables).
    """
    match test:
        case n.AllOf(parts):
            return all(passes(ctx, seen, p, event, worker) for p in parts)
        case n.AnyOf(parts):
            return any(passes(ctx, seen, p, event, worker) for p in parts)
        case n.InStore(_, store):
            truth = ctx.row(store.text, seen, event) in seen.rows
        case n.ColumnIs(store, name, value):
            truth = column(ctx, seen, store.text, name.text, event) == value.text
        case n.Happened(effect):
            truth = happened(ctx, seen, effect.text, event) > 0
        case n.Redelivered():
            truth = worker is not None and worker.again
        case n.NameIs(name, value):
            own = worker.locals if worker else ()
            known = (
                seen.events[event].payload
                if ctx.is_payload(worker.process if worker else None, name.text)
                else own
            )
            truth = look(known, name.text, UNSET) == value.text
    return truth != test.negated


def value_of(ctx: Context, seen: State, value: n.Value, event: int) -> str:
    """What ``let`` stores."""
    match value:
        case n.ReadPresence(_, store):
            return "yes" if ctx.row(store.text, seen, event) in seen.rows else "no"
        case n.ReadColumn(store, name):
            return column(ctx, seen, store.text, name.text, event)
        case n.Constant(name):
            return name.text


def rows_read(
    ctx: Context, state: State, part: n.Condition | n.Value, event: int
) -> tuple[Spot, ...]:
    """The rows a single test or value looks at."""
    match part:
        case (
            n.InStore(_, store) | n.ColumnIs(store) | n.ReadPresence(_, store) | n.ReadColumn(store)
        ):
            return (ctx.row(store.text, state, event),)
        case n.Happened(effect):
            inside = ctx.design.effects[effect.text].store
            return (ctx.row(inside, state, event),) if inside else ()
        case _:
            return ()


def after_test(condition: n.Condition, part: int, truth: bool) -> int | bool:
    """Reading from left to right: the number of the next test, or the truth of the whole
    condition.
    """
    start = 0
    alternatives = conjunctions(condition)
    for number, tests in enumerate(alternatives):
        if part < start + len(tests):
            if truth:
                return True if part == start + len(tests) - 1 else part + 1
            return False if number == len(alternatives) - 1 else start + len(tests)
        start += len(tests)
    raise IndexError(part)


# ---------------------------------------------------------------- writing


def overlaid(ctx: Context, state: State, event: int, writes: Iterable[Write]) -> State:
    """The state as it would be with these writes, in their order."""
    for write in writes:
        state = _made(ctx, state, event, write)
    return state


def apply(ctx: Context, state: State, event: int, writes: Iterable[Write], by: int) -> State:
    """Make writes, in their order. The workers but ``by`` note which rows are changed."""
    for write in writes:
        if write.kind != "publish":
            spot = ctx.row(ctx.store_written(write.name), state, event)
            if changes_row(ctx, state, event, write):
                state = isolation.row_changed(ctx, state, spot, by)
        state = _made(ctx, state, event, write)
    return state


def changes_row(ctx: Context, state: State, event: int, write: Write) -> bool:
    """Whether a write changes the row as it is, so that others are affected."""
    store = ctx.store_written(write.name)
    present = ctx.row(store, state, event) in state.rows
    match write.kind:
        case "add":
            return not present
        case "delete":
            return present
        case "set" if not ctx.design.databases[ctx.home(store)].same_value_changes:
            return not present or column(ctx, state, store, write.column, event) != write.value
        case _:
            return True


def _made(ctx: Context, state: State, event: int, write: Write) -> State:
    match write.kind:
        case "count":
            effect = ctx.design.effects[write.name]
            return state.raised(ctx.spot(write.name, effect.level, state, event))
        case "publish":
            return published(ctx, state, event, write.name, "committed")
        case "delete":
            return without_row(ctx, state, ctx.row(write.name, state, event))
        case _:
            return _with_row(ctx, state, event, write)


def _with_row(ctx: Context, state: State, event: int, write: Write) -> State:
    spot = ctx.row(write.name, state, event)
    was_there = spot in state.rows
    state = state._replace(rows=union(state.rows, spot), closed=minus(state.closed, spot))
    if write.name in ctx.counted:
        inserted = write.kind == "insert" and not ctx.design.stores[write.name].unique
        state = state.raised(spot, 2 if inserted and was_there else 1)
    if not write.column:
        return state
    cell = f"{write.name}.{write.column}"
    if write.kind == "increment":
        return state.raised((cell, Level.EVENT.value, event)) if cell in ctx.counted else state
    state = key_changed(ctx, state, spot, write.column)
    state = state._replace(columns=put(state.columns, (cell, *spot[1:]), write.value))
    if write.value == ctx.design.stores[write.name].columns[write.column][0]:
        state = state._replace(columns=drop(state.columns, (cell, *spot[1:])))
    return state.raised((cell, *spot[1:]), 1) if cell in ctx.counted else state


def without_row(ctx: Context, state: State, spot: Spot) -> State:
    """The row is gone, its columns are as at the start."""
    cells = {(f"{spot[0]}.{c}", *spot[1:]) for c in ctx.design.stores[spot[0]].columns}
    state = state._replace(
        rows=minus(state.rows, spot),
        columns=tuple((k, v) for k, v in state.columns if k not in cells),
    )
    return key_changed(ctx, state, spot, None)


def key_changed(ctx: Context, state: State, spot: Spot, name: str | None) -> State:
    """A key that is kept in a row is another one now: the provider has no record of it. ``name``:
    the column that was set; None: the row is gone.
    """
    for effect in ctx.design.effects.values():
        row = effect.key_row
        if row is not None and row[0] == spot[0] and name in (None, row[1]):
            record = (effect.name, *spot[1:])
            state = state._replace(
                records=minus(state.records, record), errors=minus(state.errors, record)
            )
    return state


def row_lost(ctx: Context, state: State, spot: Spot) -> State:
    """A row goes by itself."""
    return without_row(ctx, isolation.row_changed(ctx, state, spot, by=-1), spot)


def published(ctx: Context, state: State, event: int, queue: str, how: str = "") -> State:
    """A message about the event enters a queue, for each of its groups.

    ``how``: ``lost`` if it vanishes on the way, ``committed`` if it appears with an
    acknowledgement, ``aborted`` if it appears although its transaction was aborted.
    """
    drops = (
        ctx.drops_copies(queue)
        and how != "aborted"
        and not (how == "committed" and ctx.design.queues[queue].dedup)
    )
    for group in ctx.groups(queue):
        status = state.status(group.name, event)
        if how == "lost":
            new = "lost" if status == "absent" else status
        elif drops:
            new = "ready" if status == "absent" else status
        else:
            new = ctx.one_more(group.name, status)
        state = state.with_status(group.name, event, new)
    return state


def takes_for_copy(ctx: Context, state: State, event: int, queue: str) -> bool:
    """Whether the broker may drop a message as a copy: it may still be within its window, and each
    group had one before.
    """
    if ctx.design.queues[queue].dedup is None or ctx.drops_copies(queue):
        return False
    groups = list(ctx.groups(queue))
    return bool(groups) and all(state.status(g.name, event) != "absent" for g in groups)


def write(
    ctx: Context, state: State, worker: Worker, step: n.Step, chooser: Chooser | None = None
) -> tuple[State, Worker, str]:
    """Execute a writing line: at once, into the open atomic block, or into the broker's box.
    Outcome ``""`` or why not. Raises ``Waits``, ``SerializationFailure``.
    """
    chooser = chooser or Chooser()
    store = ctx.store_of(step)
    if ctx.is_boxed(worker, step) or store is None:
        made, outcome = _decide(ctx, now(ctx, state, worker), worker, step, chooser)
        return state, worker if outcome else worker._replace(boxed=(*worker.boxed, made)), outcome
    spot, home = ctx.row(store, state, worker.event), ctx.home(store)
    level = ctx.level(worker, home)
    if level is None:
        return _write_outside(ctx, state, worker, step, spot, chooser)
    if level is Isolation.SINGLE_REQUESTS:
        made, outcome = _decide(ctx, now(ctx, state, worker), worker, step, chooser)
        kept = worker if outcome else worker._replace(collected=(*worker.collected, made))
        return state, kept, outcome
    # With a snapshot like PostgreSQL's, a plain delete is one that nobody asks what it found.
    blind = isinstance(step, n.Delete) and not step.conditional
    asks = not blind or isolation.at_first_statement(ctx, worker, home)
    made, outcome = _decide(ctx, view(ctx, state, worker), worker, step, chooser, asks)
    if level is Isolation.LOCKING:
        isolation.check_locks(state, worker, [spot], exclusive=not outcome)
    elif not (outcome and ctx.answers_at_once(worker, step)):
        isolation.check_locks(state, worker, [spot], exclusive=True)
        made, outcome = _decide_at(ctx, state, worker, step, chooser, asks)
    if outcome:
        if level is Isolation.OPTIMISTIC:
            worker = worker._replace(read=union(worker.read, spot))
        if level is Isolation.LOCKING:
            worker = shares(state, worker, spot)
        return state, worker, "" if blind else outcome
    if isinstance(step, n.Add) and spot in now(ctx, state, worker).rows:
        return state, worker, ""  # nothing is written, so nothing is locked
    changed = isolation.takes_snapshot(ctx, worker, home) and changes_row(
        ctx, now(ctx, state, worker), worker.event, made
    )
    return (
        state,
        worker._replace(
            collected=(*worker.collected, made),
            locked=union(worker.locked, spot),
            shared=minus(worker.shared, spot),
            wrote=union(worker.wrote, spot) if changed else worker.wrote,
        ),
        "",
    )


def _write_outside(
    ctx: Context, state: State, worker: Worker, step: n.Step, spot: Spot, chooser: Chooser
) -> tuple[State, Worker, str]:
    """A line that is a block of its own: on the row as it is now."""
    made, outcome = _decide(ctx, now(ctx, state, worker), worker, step, chooser)
    if not (outcome and ctx.answers_at_once(worker, step)):
        isolation.check_locks(state, worker, [spot], exclusive=True)
    if outcome:
        return state, worker, outcome
    exposed = worker.exposed or ctx.exposed_by((made,))
    after = apply(ctx, state, worker.event, (made,), worker.number)
    return after, worker._replace(exposed=exposed), ""


def _decide_at(
    ctx: Context, state: State, worker: Worker, step: n.Step, chooser: Chooser, asks: bool
) -> tuple[Write, str]:
    """What a write inside a block comes to, at the level of the block, when nobody else has locked
    the row. Raises ``SerializationFailure``.
    """
    store = ctx.store_of(step) or ""
    spot, home = ctx.row(store, state, worker.event), ctx.home(store)
    taken = isolation.snapshot_of(worker, home)
    current = now(ctx, state, worker)
    if taken is None or not isolation.fails_on_changes(ctx, worker, home):
        return _decide(ctx, current, worker, step, chooser)
    changed = spot in taken.changed and spot not in worker.wrote
    if not isolation.at_first_statement(ctx, worker, home):
        if changed:
            raise SerializationFailure
        return _decide(ctx, current, worker, step, chooser)
    seen, present = current, spot in current.rows
    match step:
        case n.Insert() if not ctx.design.stores[store].unique:
            changed = False
        case n.UpdateIf() | n.Delete():
            seen, present = view(ctx, state, worker), True
        case n.Do(_, effect) if _token_is_newer(ctx, state, worker, effect.text):
            raise SerializationFailure
    made, outcome = _decide(ctx, seen, worker, step, chooser, asks)
    fails = not outcome or isinstance(step, n.Insert)
    if fails and present and changed:
        raise SerializationFailure
    return made, outcome


def _token_is_newer(ctx: Context, state: State, worker: Worker, effect: str) -> bool:
    """Whether another worker has acquired the lock whose token is checked since the snapshot."""
    lock = ctx.design.effects[effect].token_of
    taken = isolation.snapshot_of(worker, ctx.home(effect))
    if lock is None or taken is None:
        return False
    return ctx.spot(lock, ctx.design.locks[lock].level, state, worker.event) in taken.acquired


def _decide(
    ctx: Context,
    seen: State,
    worker: Worker,
    step: n.Step,
    chooser: Chooser,
    asks: bool = False,
) -> tuple[Write, str]:
    """What a write comes to on the rows as ``seen``. ``asks``: a plain delete is a conditional one,
    too.
    """

    def finds(made: Write) -> bool:
        return chooser.pick(condition_truths(ctx, seen, worker, made, worker.collected))

    match step:
        case n.SetColumn(store, name, value):
            return Write("set", store.text, name.text, value.text), ""
        case n.Add(_, store):
            return Write("add", store.text), ""
        case n.Delete(_, store):
            made = Write("delete", store.text, wants="present" if step.conditional or asks else "")
            return made, "" if finds(made) else "missing"
        case n.Increment(store, name):
            return Write("increment", store.text, name.text), ""
        case n.Insert(_, store):
            unique = ctx.design.stores[store.text].unique
            made = Write("insert", store.text, wants="absent" if unique else "")
            return made, "" if finds(made) else "duplicate"
        case n.UpdateIf(store, name, old, new):
            made = Write("set", store.text, name.text, new.text, f"is {old.text}")
            return made, "" if finds(made) else "conflict"
        case n.Do(_, effect):
            checks = ctx.design.effects[effect.text].token_of is not None
            made = Write("count", effect.text, wants="token" if checks else "")
            return made, "" if finds(made) else "rejected"
        case n.Publish(queue):
            return Write("publish", queue.text), ""
        case _:
            raise TypeError(step)


def condition_truths(
    ctx: Context, seen: State, worker: Worker, made: Write, own: Iterable[Write]
) -> tuple[bool, ...]:
    """What the condition of a write may be found to be, what it is now first. A region may look at
    the row as it was, unless the block has written it itself (``own``), and a failover takes tokens
    back.
    """
    now_true = holds(ctx, seen, worker, made)
    if not made.wants:
        return (True,)
    regional = ctx.design.databases[ctx.home(made.name)].per_region
    if made.wants == "token":
        lock = ctx.design.effects[made.name].token_of
        return (now_true, not now_true) if regional or lock in seen.unsure else (now_true,)
    if not regional or (made.wants == "absent" and now_true):
        return (now_true,)
    spot = ctx.row(made.name, seen, worker.event)
    if any(row_of(ctx, seen, worker, w) == spot for w in own):
        return (now_true,)
    earlier = {_held_of(ctx, made, version) for x, version in seen.versions if x == spot}
    return (now_true, *sorted(earlier - {now_true}))


def _held_of(ctx: Context, made: Write, version: Version) -> bool:
    """Whether the condition of a write was true of a row as it was."""
    match made.wants:
        case "absent":
            return not version.present
        case "present":
            return version.present
        case wanted:
            first = ctx.design.stores[made.name].columns[made.column][0]
            value = dict(version.columns).get(f"{made.name}.{made.column}", first)
            return version.present and value == wanted.removeprefix("is ")


def holds(ctx: Context, seen: State, worker: Worker, made: Write) -> bool:
    """Whether the condition of a write is true of the rows as ``seen``."""
    if made.wants == "token":
        return not stale(ctx, seen, worker, made.name)
    if not made.wants:
        return True
    present = ctx.row(made.name, seen, worker.event) in seen.rows
    match made.wants:
        case "absent":
            return not present
        case "present":
            return present
        case wanted:
            value = column(ctx, seen, made.name, made.column, worker.event)
            return present and value == wanted.removeprefix("is ")


def hold_still(
    ctx: Context,
    state: State,
    worker: Worker,
    writes: Sequence[Write],
    earlier: int,
    chooser: Chooser,
) -> bool:
    """Whether the conditions of collected writes are still found true, one after the other.
    ``earlier``: how many of them were collected before this step; the others were only just
    decided.
    """
    for number, made in enumerate(writes):
        if number < earlier and not chooser.pick(
            condition_truths(ctx, state, worker, made, writes[:number])
        ):
            return False
        state = _made(ctx, state, worker.event, made)
    return True


# ---------------------------------------------------------------- effects


def stale(ctx: Context, state: State, worker: Worker, effect: str) -> bool:
    """Whether an effect checks a token and this worker has not the newest one (it may have none at
    all).
    """
    lock = ctx.design.effects[effect].token_of
    return (
        lock is not None
        and ctx.spot(lock, ctx.design.locks[lock].level, state, worker.event) not in worker.tokens
    )
