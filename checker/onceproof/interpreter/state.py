"""The state of a running design as plain values: comparable, hashable, small enough to print.

A *spot* is a name with the key it is for: ``("processed", "event", 0)``, or ``("order",
"component", 1)`` for business key 1. Tables hold only what differs from the start, sorted, so that
equal situations are equal values.
"""

from __future__ import annotations

from typing import NamedTuple, TypeVar

from onceproof.interpreter.trace import EventOf

Spot = tuple[str, str, int]
"""A name, the level of its key (``event`` or ``component``), and the number of that event or
component.
"""

K = TypeVar("K", bound=tuple[object, ...] | str)
V = TypeVar("V", bound=str | int)
Pairs = tuple[tuple[K, V], ...]


class Frame(NamedTuple):
    """A block being executed: its number in the context, the next line in it, and what its end
    means (see ``Context.enter``). Of an atomic block: how often it was repeated (``tries``), and
    whether the handler stops when it has committed (``stops``).
    """

    block: int
    at: int
    kind: str = ""
    tries: int = 0
    stops: bool = False


class Write(NamedTuple):
    """A write that was decided and not made yet. ``kind``: set, add, insert, increment, delete,
    count (an effect) or publish. ``wants``: the condition under which it was: ``absent`` or
    ``present`` (the row), ``is V`` (the column), ``token``; empty: none.
    """

    kind: str
    name: str
    column: str = ""
    value: str = ""
    wants: str = ""


class Snapshot(NamedTuple):
    """The rows of a database as one worker's open block sees them: those of its event, with their
    columns and effects, as they were at one moment.

    Since then, others have ``changed`` these rows and ``acquired`` these locks. ``doomed``: pairs
    of rows; the block cannot commit if it has read the first and changed the second.
    """

    database: str
    rows: tuple[Spot, ...]
    columns: Pairs[Spot, str]
    counts: Pairs[Spot, int]
    changed: tuple[Spot, ...] = ()
    acquired: tuple[Spot, ...] = ()
    doomed: tuple[tuple[Spot, Spot], ...] = ()


class Content(NamedTuple):
    """What is in a database, with the locks that are kept in its rows."""

    rows: tuple[Spot, ...]
    columns: Pairs[Spot, str]
    counts: Pairs[Spot, int]
    held: tuple[Spot, ...]


class Version(NamedTuple):
    """A row as it was at one time, or an effect: whether it was ``present``, the columns that were
    not at their first value, whether it had ``happened``.
    """

    present: bool
    columns: tuple[tuple[str, str], ...]
    happened: bool


class Worker(NamedTuple):
    """One run of a handler. ``todo`` is its continuation, innermost block last; if empty, only the
    ack on return is left.

    ``part`` counts single tests passed, or attempts made, within the next line. ``collected`` are
    the writes of the open atomic block and ``locked`` its rows; ``boxed`` waits inside the broker
    for an ack. ``locks`` are the session locks it would free by ending, ``tokens`` the locks of
    which it has the newest token. ``exposed``: it stands at a crash point the design names.
    ``underway``: it was killed, and its last request is still on the way. ``idle``: its handler
    takes no step, only the end is left; ``failed``: that end is a failure. ``in_hand``: on a log,
    its process still has the record's partition, so that it can seek back to it.
    ``in_lane``: there, no other worker gets a record of its key. ``again``: its message had come
    back before, where it asks.

    Of the open atomic block, besides: ``shared`` are the rows that it has locked for others' writes
    only, ``wrote`` and ``read`` those that it has changed and looked at, where that matters.
    ``beaten``: it waited for a row while a worker that shared it went on to change it.

    ``drawn``: relays with a cursor, for whose rows it has drawn a number, and whether a later one
    was read already. ``posted``: what it publishes and acknowledges in queues that live in a
    database of the block (kind publish or ack, named after the queue). ``block_locks``: transaction
    locks that end with the open block. ``lost``: databases and lock services to which it has lost
    its session, without knowing.
    """

    number: int
    process: str
    event: int
    todo: tuple[Frame, ...]
    part: int = 0
    locals: Pairs[str, str] = ()
    holds: bool = False
    collected: tuple[Write, ...] = ()
    locked: tuple[Spot, ...] = ()
    boxed: tuple[Write, ...] = ()
    locks: tuple[Spot, ...] = ()
    tokens: tuple[Spot, ...] = ()
    exposed: bool = False
    underway: bool = False
    idle: bool = False
    shared: tuple[Spot, ...] = ()
    wrote: tuple[Spot, ...] = ()
    read: tuple[Spot, ...] = ()
    snapshots: tuple[Snapshot, ...] = ()
    beaten: bool = False
    block_locks: tuple[Spot, ...] = ()
    lost: tuple[str, ...] = ()
    failed: bool = False
    in_hand: bool = False
    in_lane: bool = False
    again: bool = False
    posted: tuple[Write, ...] = ()
    drawn: tuple[tuple[str, bool], ...] = ()

    def block_over(self) -> Worker:
        """This worker without anything of an open block."""
        without = self._replace(collected=(), posted=(), locked=(), shared=(), block_locks=())
        return without._replace(wrote=(), read=(), snapshots=())

    def block_kind(self, prefix: str) -> str:
        """The kind of the innermost open block that starts with ``prefix``, or ``""``."""
        return next((f.kind for f in reversed(self.todo) if f.kind.startswith(prefix)), "")

    def next_line(self) -> Worker:
        """This worker with its current line behind it."""
        top = self.todo[-1]
        return self._replace(todo=(*self.todo[:-1], top._replace(at=top.at + 1)), part=0)


class State(NamedTuple):
    """Everything that exists at one moment; absent rows, initial columns and zeros are left out.

    ``statuses``: where each consumer's copy of each event's message is. ``counts``: how often
    effects happened and what claims speak about was written (2: more than once). ``closed``:
    records and rows that are gone because their window is over. ``aborted``: queues in which a
    message of an aborted transaction may still appear. ``errors``: records in which the provider
    keeps a failed answer. ``pending``: requests for an effect that are still on their way, per
    event.

    ``past``: of databases that fail over, what they contained before, the latest last.
    ``versions``: of databases with stale reads or several regions, rows and effects as they were
    before. ``unsure``: locks whose tokens a failover has taken back. ``acted``: the events that a
    worker was ever on. ``ahead``: messages, by consumer and event, that came back and go before
    others of their key.

    ``overtaken``, ``passed_by``: rows, under the name of a relay with a cursor, that it never reads
    any more, and that it has read. ``notified``: events of which a relay has been notified.
    """

    events: tuple[EventOf, ...]
    statuses: Pairs[Spot, str]
    rows: tuple[Spot, ...] = ()
    columns: Pairs[Spot, str] = ()
    counts: Pairs[Spot, int] = ()
    records: tuple[Spot, ...] = ()
    held: tuple[Spot, ...] = ()
    closed: tuple[Spot, ...] = ()
    aborted: tuple[Spot, ...] = ()
    errors: tuple[Spot, ...] = ()
    pending: Pairs[Spot, int] = ()
    past: tuple[tuple[str, tuple[Content, ...]], ...] = ()
    versions: tuple[tuple[Spot, Version], ...] = ()
    unsure: tuple[str, ...] = ()
    workers: tuple[Worker, ...] = ()
    acted: tuple[int, ...] = ()
    ahead: tuple[tuple[str, int], ...] = ()
    overtaken: tuple[Spot, ...] = ()
    passed_by: tuple[Spot, ...] = ()
    notified: tuple[Spot, ...] = ()

    def status(self, consumer: str, event: int) -> str:
        """The status of a consumer's copy of an event's message."""
        return look(self.statuses, (consumer, "event", event), "absent")

    def with_status(self, consumer: str, event: int, status: str) -> State:
        """This state with one message copy elsewhere in its life."""
        return self._replace(statuses=put(self.statuses, (consumer, "event", event), status))

    def raised(self, spot: Spot, most: int = 2) -> State:
        """This state with one more at a counter, but not more than ``most`` by this."""
        before = look(self.counts, spot, 0)
        return self._replace(counts=put(self.counts, spot, max(before, min(before + 1, most))))

    def with_worker(self, worker: Worker) -> State:
        """This state with a worker added or replaced (by number). A transaction lock that it has no
        more is free.
        """
        others = [w for w in self.workers if w.number != worker.number]
        before = next((w.block_locks for w in self.workers if w.number == worker.number), ())
        return self._replace(
            workers=tuple(sorted([*others, worker], key=lambda w: w.number)),
            held=minus(self.held, *minus(before, *worker.block_locks)),
            acted=tuple(sorted({*self.acted, worker.event})),
        )

    def without_worker(self, number: int) -> State:
        """This state without a worker and its transaction locks."""
        own = next((w.block_locks for w in self.workers if w.number == number), ())
        others = tuple(w for w in self.workers if w.number != number)
        return self._replace(workers=others, held=minus(self.held, *own))

    def at_work(self, event: int) -> bool:
        """Whether somebody is at work on an event: a worker, dead or alive, or a provider whom a
        request has not reached yet.
        """
        return any(w.event == event for w in self.workers) or any(
            spot[2] == event for spot, _ in self.pending
        )

    def free_number(self) -> int:
        """The lowest number no worker uses."""
        used = {w.number for w in self.workers}
        return next(i for i in range(len(used) + 1) if i not in used)

    def canonical(self) -> State:
        """The same situation with workers renumbered by what they are: worker numbers mean nothing
        but identity.
        """
        ordered = sorted(self.workers, key=lambda w: w[1:])
        return self._replace(workers=tuple(w._replace(number=i) for i, w in enumerate(ordered)))


def look(pairs: Pairs[K, V], key: K, default: V) -> V:
    """The value of ``key`` in a table."""
    return next((v for k, v in pairs if k == key), default)


def put(pairs: Pairs[K, V], key: K, value: V) -> Pairs[K, V]:
    """The table with one value changed."""
    return tuple(sorted([*((k, v) for k, v in pairs if k != key), (key, value)]))


def drop(pairs: Pairs[K, V], key: K) -> Pairs[K, V]:
    """The table with one value back at its start."""
    return tuple((k, v) for k, v in pairs if k != key)


def union(spots: tuple[Spot, ...], *more: Spot) -> tuple[Spot, ...]:
    """The set with some spots added."""
    return tuple(sorted({*spots, *more}))


def minus(spots: tuple[Spot, ...], *less: Spot) -> tuple[Spot, ...]:
    """The set with some spots removed."""
    return tuple(s for s in spots if s not in less)
