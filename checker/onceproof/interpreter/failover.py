"""What a database remembers of its past, and failovers that go back to it (docs/semantics.md,
"Failover that goes back").
"""

from __future__ import annotations

from collections.abc import Iterator

from onceproof.interpreter import isolation
from onceproof.interpreter.context import Context
from onceproof.interpreter.rows import key_changed
from onceproof.interpreter.state import Content, Spot, State, Version, Worker, minus
from onceproof.interpreter.trace import Step
from onceproof.lang.design import Isolation, LockKind
from onceproof.machine.system import Cause

# ---------------------------------------------------------------- what is remembered


def remember(ctx: Context, before: State, after: State) -> State:
    """The state after a step, with what the databases were before it."""
    for name, names in ctx.remembered.items():
        old, new = _content(names, before), _content(names, after)
        if old == new:
            continue
        database = ctx.design.databases[name]
        if database.fails_over:
            after = _with_past(after, name, old, new)
        if database.stale_reads or database.per_region:
            after = _with_versions(ctx, name, before, after)
    return after


def _content(names: frozenset[str], state: State) -> Content:
    """What is in a database that knows these ``names``."""
    return Content(
        tuple(x for x in state.rows if x[0] in names),
        tuple(x for x in state.columns if x[0][0] in names),
        tuple(x for x in state.counts if x[0][0] in names),
        tuple(x for x in state.held if x[0] in names),
    )


def _with_past(state: State, name: str, old: Content, new: Content) -> State:
    """Each distinct content where it occurred last; what there is now is no past."""
    past = [c for c in past_of(state, name) if c not in (old, new)]
    return _with_past_of(state, name, (*past, old))


def past_of(state: State, name: str) -> tuple[Content, ...]:
    """The contents that a database had before, the latest last."""
    return dict(state.past).get(name, ())


def _with_past_of(state: State, name: str, contents: tuple[Content, ...]) -> State:
    others = [p for p in state.past if p[0] != name]
    return state._replace(past=tuple(sorted([*others, (name, contents)])))


def _with_versions(ctx: Context, name: str, before: State, after: State) -> State:
    """The rows and effects that have changed, as they were."""
    versions = set(after.versions)
    for spot in _spots(ctx, name, before) | _spots(ctx, name, after):
        old = version(before, spot)
        if old != version(after, spot):
            versions.add((spot, old))
    return after._replace(versions=tuple(sorted(versions)))


def _spots(ctx: Context, name: str, state: State) -> set[Spot]:
    names = ctx.remembered[name]
    spots = {x for x in state.rows if x[0] in names}
    return spots | {x for x, _ in state.counts if x[0] in names and x[0] in ctx.design.effects}


def version(state: State, spot: Spot) -> Version:
    """A row, or an effect, as it is."""
    own = tuple(
        (k[0], v)
        for k, v in state.columns
        if k[1:] == spot[1:] and k[0].split(".", 1)[0] == spot[0]
    )
    count = dict(state.counts).get(spot, 0)
    return Version(spot in state.rows, own, count > 0)


# ---------------------------------------------------------------- going back


def failovers(ctx: Context, state: State) -> Iterator[tuple[Step, State]]:
    """A database fails over to a replica that is behind."""
    if ctx.design.assumes("no-failover"):
        return
    for name, names in ctx.remembered.items():
        database = ctx.design.databases[name]
        if not database.fails_over:
            continue
        step, past = Step(Cause.FAILOVER, 0, -1, subject=name), past_of(state, name)
        for number, content in enumerate(past):
            back = _back(ctx, state, name, content)
            if database.stale_reads or database.per_region:
                back = _with_versions(ctx, name, state, back)
            yield step, _with_past_of(back, name, past[:number])
        # It may also lose nothing but the sessions.
        back = _back(ctx, state, name, _content(names, state))
        if back != state:
            yield step, back


def _back(ctx: Context, state: State, name: str, content: Content) -> State:
    state = _without_sessions(ctx, state, name)
    names = ctx.remembered[name]
    now = _content(names, state)
    for spot in {*now.rows, *content.rows}:
        if version(state, spot) != version(_restored(state, names, content), spot):
            state = key_changed(ctx, state, spot, None)
    kept = [x.name for x in ctx.design.locks.values() if x.name in names]
    state = _restored(state, names, content)
    tied = {s for w in state.workers for s in w.locks if s[0] in names and s not in state.held}
    workers = tuple(w._replace(locks=minus(w.locks, *tied)) for w in state.workers)
    unsure = tuple(sorted({*state.unsure, *kept}))
    return state._replace(workers=workers, unsure=unsure)


def _restored(state: State, names: frozenset[str], content: Content) -> State:
    rows = [x for x in state.rows if x[0] not in names]
    columns = [x for x in state.columns if x[0][0] not in names]
    counts = [x for x in state.counts if x[0][0] not in names]
    held = [x for x in state.held if x[0] not in names]
    return state._replace(
        rows=tuple(sorted((*rows, *content.rows))),
        columns=tuple(sorted((*columns, *content.columns))),
        counts=tuple(sorted((*counts, *content.counts))),
        held=tuple(sorted((*held, *content.held))),
    )


def _without_sessions(ctx: Context, state: State, name: str) -> State:
    """All sessions of a database are cut: their locks are free, open blocks are rolled back, and
    requests in flight are lost.
    """
    session_locks = [
        spot
        for spot in state.held
        if ctx.design.locks[spot[0]].database == name
        and ctx.design.locks[spot[0]].kind is LockKind.SESSION
    ]
    for worker in state.workers:
        if worker.underway:
            if ctx.request_in(worker) == name:
                state = state.without_worker(worker.number)
                state = state._replace(held=minus(state.held, *worker.locks))
        elif _is_open(ctx, worker, name) or set(worker.locks) & set(session_locks):
            over = isolation.part_over(ctx, worker, name)
            over = over._replace(
                locks=minus(over.locks, *session_locks),
                lost=tuple(sorted({*over.lost, name})),
            )
            state = state.with_worker(over)
    return state._replace(held=minus(state.held, *session_locks))


def _is_open(ctx: Context, worker: Worker, name: str) -> bool:
    """Whether a worker's block has an open transaction in a database."""
    if ctx.level(worker, name) in (None, Isolation.SINGLE_REQUESTS):
        return False
    rows = (*worker.locked, *worker.shared, *worker.wrote, *worker.read)
    return (
        any(ctx.home(x[0]) == name for x in rows)
        or any(ctx.home(w.name) == name for w in worker.collected)
        or bool(ctx.posted_in(worker, name))
        or isolation.snapshot_of(worker, name) is not None
        or any(ctx.design.locks[x[0]].database == name for x in worker.block_locks)
    )
