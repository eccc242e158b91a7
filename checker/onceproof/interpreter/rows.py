"""Rows, effects and tests: what is read, what is written, and when."""

from __future__ import annotations

from collections.abc import Iterable

from onceproof.interpreter.context import ATOMIC, Context, conjunctions
from onceproof.interpreter.state import Spot, State, Worker, Write, drop, look, minus, put, union
from onceproof.lang.design import UNSET
from onceproof.lang.syntax import ast as n
from onceproof.machine.system import Level


class Waits(Exception):
    """A line cannot be executed now: another worker has locked a row it needs."""


# ---------------------------------------------------------------- reading


def view(ctx: Context, state: State, worker: Worker) -> State:
    """The state as one worker sees it: with what it has collected."""
    return apply(ctx, state, worker.event, (*worker.boxed, *worker.collected))


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


def apply(ctx: Context, state: State, event: int, writes: Iterable[Write]) -> State:
    """Make writes, in their order."""
    for write in writes:
        match write.kind:
            case "count":
                state = state.raised(
                    ctx.spot(write.name, ctx.design.effects[write.name].level, state, event)
                )
            case "publish":
                state = published(ctx, state, event, write.name, "committed")
            case _:
                state = _apply_row(ctx, state, event, write)
    return state


def _apply_row(ctx: Context, state: State, event: int, write: Write) -> State:
    spot = ctx.row(write.name, state, event)
    if write.kind == "delete":
        return without_row(ctx, state, spot)
    state = state._replace(rows=union(state.rows, spot), closed=minus(state.closed, spot))
    if write.name in ctx.counted:
        may_repeat = write.kind == "insert" and not ctx.design.stores[write.name].unique
        state = state.raised(spot, 2 if may_repeat else 1)
    if not write.column:
        return state
    cell = f"{write.name}.{write.column}"
    if write.kind == "increment":
        return state.raised((cell, Level.EVENT.value, event)) if cell in ctx.counted else state
    state = state._replace(columns=put(state.columns, (cell, *spot[1:]), write.value))
    if write.value == ctx.design.stores[write.name].columns[write.column][0]:
        state = state._replace(columns=drop(state.columns, (cell, *spot[1:])))
    return state.raised((cell, *spot[1:]), 1) if cell in ctx.counted else state


def without_row(ctx: Context, state: State, spot: Spot) -> State:
    """The row is gone, its columns are as at the start."""
    cells = {(f"{spot[0]}.{c}", *spot[1:]) for c in ctx.design.stores[spot[0]].columns}
    return state._replace(
        rows=minus(state.rows, spot),
        columns=tuple((k, v) for k, v in state.columns if k not in cells),
    )


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
            new = "ready"
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


def check_locks(state: State, worker: Worker, spots: Iterable[Spot]) -> None:
    """Raise ``Waits`` if another worker has locked one of these rows."""
    for spot in spots:
        if any(spot in w.locked for w in state.workers if w.number != worker.number):
            raise Waits


def write(ctx: Context, state: State, worker: Worker, step: n.Step) -> tuple[State, Worker, str]:
    """Execute a writing line: at once, into the open atomic block, or into the broker's box.
    Outcome ``""`` or why not.
    """
    store = ctx.store_of(step)
    boxed = ctx.is_boxed(worker, step)
    spot = ctx.row(store, state, worker.event) if store else None
    done, outcome = _decide(ctx, view(ctx, state, worker), worker, step)
    if spot and not boxed and not (outcome and ctx.answers_at_once(worker, step)):
        check_locks(state, worker, [spot])
    if outcome:
        return state, worker, outcome
    if boxed:
        return state, worker._replace(boxed=(*worker.boxed, done)), ""
    if worker.block_kind(ATOMIC) and spot:
        return (
            state,
            worker._replace(collected=(*worker.collected, done), locked=union(worker.locked, spot)),
            "",
        )
    exposed = worker.exposed or ctx.exposed_by((done,))
    return apply(ctx, state, worker.event, (done,)), worker._replace(exposed=exposed), ""


def _decide(ctx: Context, seen: State, worker: Worker, step: n.Step) -> tuple[Write, str]:
    match step:
        case n.SetColumn(store, name, value):
            return Write("set", store.text, name.text, value.text), ""
        case n.Add(_, store):
            return Write("add", store.text), ""
        case n.Delete(_, store):
            missing = step.conditional and ctx.row(store.text, seen, worker.event) not in seen.rows
            return Write("delete", store.text), "missing" if missing else ""
        case n.Increment(store, name):
            return Write("increment", store.text, name.text), ""
        case n.Insert(_, store):
            present = ctx.row(store.text, seen, worker.event) in seen.rows
            return Write("insert", store.text), "duplicate" if present and ctx.design.stores[
                store.text
            ].unique else ""
        case n.UpdateIf(store, name, old, new):
            same = column(ctx, seen, store.text, name.text, worker.event) == old.text
            return Write("set", store.text, name.text, new.text), "" if same else "conflict"
        case n.Do(_, effect):
            return Write("count", effect.text), "rejected" if stale(
                ctx, seen, worker, effect.text
            ) else ""
        case n.Publish(queue):
            return Write("publish", queue.text), ""
        case _:
            raise TypeError(step)


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


def call(ctx: Context, state: State, worker: Worker, effect: str) -> State:
    """The provider carries out an external effect, unless it has a record of its key."""
    declared = ctx.design.effects[effect]
    if declared.key_level is not None:
        record = ctx.spot(effect, declared.key_level, state, worker.event)
        if record in state.records:
            return state
        state = state._replace(
            records=union(state.records, record), closed=minus(state.closed, record)
        )
    return state.raised(ctx.spot(effect, declared.level, state, worker.event))
