"""What keeps open blocks apart: the rows that they have locked, the snapshots that they read, and
what fails a block whose rows others have changed (docs/semantics.md, "Isolation").
"""

from __future__ import annotations

from collections.abc import Iterable

from onceproof.interpreter.context import Context
from onceproof.interpreter.state import Snapshot, Spot, State, Worker, union
from onceproof.lang.design import Isolation, Snapshots
from onceproof.machine.system import Level


class Waits(Exception):
    """A line cannot be executed now: others have locked ``spot``, a row that it needs.
    ``exclusive``: it does not even share it.
    """

    def __init__(self, spot: Spot, exclusive: bool) -> None:
        super().__init__()
        self.spot = spot
        self.exclusive = exclusive


class Begins(Exception):
    """A run cannot be executed yet: it is to see ``database`` as it is when it starts."""

    def __init__(self, database: str) -> None:
        super().__init__()
        self.database = database


class SessionLost(Exception):
    """A step on ``database`` (or a lock service) finds that its session is gone."""

    def __init__(self, database: str | None) -> None:
        super().__init__()
        self.database = database


class SerializationFailure(Exception):
    """The database rolls the block back, because of what others have done."""


# ---------------------------------------------------------------- sessions and row locks


def check_session(worker: Worker, session: str | None) -> None:
    """Raise ``SessionLost`` if the worker's session with a database or service is lost."""
    if session in worker.lost:
        raise SessionLost(session)


def check_locks(state: State, worker: Worker, spots: Iterable[Spot], exclusive: bool) -> None:
    """Raise ``Waits`` if another worker has locked one of these rows (``exclusive``: or shares
    it).
    """
    others = [w for w in state.workers if w.number != worker.number]
    for spot in spots:
        if any(spot in w.locked or (exclusive and spot in w.shared) for w in others):
            raise Waits(spot, exclusive)


# ---------------------------------------------------------------- snapshots


def snapshot_of(worker: Worker, database: str) -> Snapshot | None:
    """The open snapshot of a database."""
    return next((s for s in worker.snapshots if s.database == database), None)


def fails_on_changes(ctx: Context, worker: Worker, database: str) -> bool:
    """Whether a write to a row that changed since the snapshot can fail the block."""
    if not takes_snapshot(ctx, worker, database):
        return False
    return _snapshots(ctx, worker, database) is not Snapshots.MYSQL


def takes_snapshot(ctx: Context, worker: Worker, database: str) -> bool:
    """Whether the open block reads a database as of one moment."""
    return ctx.level(worker, database) in (Isolation.SNAPSHOT, Isolation.OPTIMISTIC)


def at_first_statement(ctx: Context, worker: Worker, database: str) -> bool:
    """Whether this moment is when the first statement starts, whatever it is; else when the first
    test or ``let`` reads.
    """
    return (
        takes_snapshot(ctx, worker, database)
        and _snapshots(ctx, worker, database) is Snapshots.POSTGRESQL
    )


def _snapshots(ctx: Context, worker: Worker, database: str) -> Snapshots:
    optimistic = ctx.level(worker, database) is Isolation.OPTIMISTIC
    return Snapshots.POSTGRESQL if optimistic else ctx.design.databases[database].snapshots


def opened(ctx: Context, state: State, worker: Worker, database: str) -> Worker:
    """The worker with a snapshot of a database, taken now unless there is one."""
    if not takes_snapshot(ctx, worker, database) or snapshot_of(worker, database):
        return worker

    def own(spot: Spot) -> bool:
        return _shows(ctx, state, worker.event, database, spot)

    taken = Snapshot(
        database,
        tuple(x for x in state.rows if own(x)),
        tuple(x for x in state.columns if own(x[0])),
        tuple(x for x in state.counts if own(x[0])),
    )
    return worker._replace(snapshots=tuple(sorted((*worker.snapshots, taken))))


def as_of_snapshots(ctx: Context, state: State, worker: Worker) -> State:
    """The state with the rows that the worker's snapshots show, except those that its open block
    has changed: these are as they are now.
    """
    for taken in worker.snapshots:
        state = _as_of(ctx, state, worker, taken)
    return state


def _as_of(ctx: Context, state: State, worker: Worker, taken: Snapshot) -> State:
    event = worker.event

    def old(spot: Spot) -> bool:
        inside = _shows(ctx, state, event, taken.database, spot)
        return inside and _row_of(ctx, state, event, spot) not in worker.wrote

    rows = [x for x in state.rows if not old(x)] + [x for x in taken.rows if old(x)]
    columns = [x for x in state.columns if not old(x[0])] + [x for x in taken.columns if old(x[0])]
    counts = [x for x in state.counts if not old(x[0])] + [x for x in taken.counts if old(x[0])]
    return state._replace(
        rows=tuple(sorted(rows)), columns=tuple(sorted(columns)), counts=tuple(sorted(counts))
    )


def _shows(ctx: Context, state: State, event: int, database: str, spot: Spot) -> bool:
    """Whether a row, a column or a counter is one of an event's in a database."""
    name, level, number = spot
    mine = event if level == Level.EVENT.value else state.events[event].component
    return number == mine and _store_of(ctx, name) in ctx.stores_in(database)


def _store_of(ctx: Context, name: str) -> str | None:
    """The store that a row, a column or an effect belongs to; None of an external effect."""
    effect = ctx.design.effects.get(name)
    return effect.store if effect is not None else name.split(".", 1)[0]


def _row_of(ctx: Context, state: State, event: int, spot: Spot) -> Spot:
    return ctx.row(_store_of(ctx, spot[0]) or "", state, event)


# ---------------------------------------------------------------- what others do meanwhile


def row_changed(ctx: Context, state: State, spot: Spot, by: int) -> State:
    """A row was changed; workers but ``by`` that will be asked about it note it."""
    database = ctx.home(spot[0])
    for worker in state.workers:
        taken = snapshot_of(worker, database)
        if worker.number == by or taken is None or spot in taken.changed:
            continue
        if fails_on_changes(ctx, worker, database) and spot == ctx.row(
            spot[0], state, worker.event
        ):
            noted = taken._replace(changed=union(taken.changed, spot))
            state = state.with_worker(_with(worker, noted))
    return state


def lock_acquired(state: State, lock: Spot, by: int) -> State:
    """A lock was acquired; the others' snapshots are of a time before."""
    for worker in state.workers:
        if worker.number != by and worker.snapshots:
            noted = tuple(s._replace(acquired=union(s.acquired, lock)) for s in worker.snapshots)
            state = state.with_worker(worker._replace(snapshots=noted))
    return state


def part_committed(ctx: Context, state: State, worker: Worker, database: str) -> State:
    """A serializable part of a block has committed: what others have seen or changed since their
    snapshots may not fit together with it any more.
    """
    if ctx.level(worker, database) is not Isolation.OPTIMISTIC:
        return state
    wrote = [x for x in worker.wrote if ctx.home(x[0]) == database]
    read = [y for y in worker.read if ctx.home(y[0]) == database]
    for other in state.workers:
        taken = snapshot_of(other, database)
        if (
            other.number == worker.number
            or taken is None
            or ctx.level(other, database) is not Isolation.OPTIMISTIC
        ):
            continue
        pairs = {
            (x, y)
            for x in wrote
            for y in read
            if all(z == ctx.row(z[0], state, other.event) for z in (x, y))
        }
        noted = taken._replace(doomed=tuple(sorted({*taken.doomed, *pairs})))
        state = state.with_worker(_with(other, noted))
    return state


def is_doomed(worker: Worker, database: str | None = None) -> bool:
    """Whether an open block (its part in ``database``) has read and changed what a committed one
    has changed and read.
    """
    return any(
        x in worker.read and y in worker.wrote
        for taken in worker.snapshots
        if database in (None, taken.database)
        for x, y in taken.doomed
    )


def _with(worker: Worker, taken: Snapshot) -> Worker:
    others = [s for s in worker.snapshots if s.database != taken.database]
    return worker._replace(snapshots=tuple(sorted((*others, taken))))


# ---------------------------------------------------------------- the end of a block


def part_over(ctx: Context, worker: Worker, database: str) -> Worker:
    """The worker whose block has nothing left to do in a database."""

    def rest(spots: tuple[Spot, ...]) -> tuple[Spot, ...]:
        return tuple(x for x in spots if ctx.home(x[0]) != database)

    return worker._replace(
        locked=rest(worker.locked),
        shared=rest(worker.shared),
        block_locks=tuple(
            x for x in worker.block_locks if ctx.design.locks[x[0]].database != database
        ),
        wrote=rest(worker.wrote),
        read=rest(worker.read),
        snapshots=tuple(s for s in worker.snapshots if s.database != database),
    )
