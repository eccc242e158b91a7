"""A design under one choice of semantics, with the questions the interpreter asks about it again
and again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from onceproof.interpreter.state import Frame, Spot, State, Worker, Write
from onceproof.lang import design as d
from onceproof.lang.syntax import ast as n
from onceproof.lang.syntax import visit
from onceproof.machine.delivery import Delivery
from onceproof.machine.system import Cause, Level

ATOMIC = "atomic"
"""Kind of the block of an atomic step; a serializable one is ``atomic serializable``, a section is
``section NAME``.
"""

WRITES = (n.SetColumn, n.Add, n.Insert, n.UpdateIf, n.Increment, n.Delete)


_HOLD_LOSSES = (
    ("lease", Cause.LEASE_EXPIRED, "within-lease"),
    ("disconnect", Cause.CONNECTION_LOST, "no-lost-connections"),
    ("rebalance", Cause.FENCED, "no-rebalance"),
    ("shutdown", Cause.REQUEUED, "no-shutdown"),
)


class Context(Struct, frozen=True):
    """A design, read once.

    ``blocks``: every block of every handler, numbered so that continuations are small values;
    ``headers``: the lines above them. ``counted``: stores and columns that claims speak about.
    ``named_crashes``: processes killed only at named places. ``loose``: consumers of whose messages
    the broker remembers only the status. ``deaths_free``: deaths let others go on.
    """

    design: d.Design
    choice: Delivery
    processes: dict[str, d.Process]
    blocks: tuple[tuple[n.Step, ...], ...]
    headers: tuple[int, ...]
    numbers: dict[int, int]
    counted: frozenset[str]
    named_crashes: frozenset[str]
    loose: frozenset[str]
    deaths_free: bool = False

    @staticmethod
    def of(design: d.Design, semantics: Delivery) -> Context:
        """Read a design once."""
        blocks: list[tuple[n.Step, ...]] = []
        headers: list[int] = []
        for process in design.processes:
            for block, header in ((process.body, process.span), *visit.blocks(process.body)):
                blocks.append(block)
                headers.append(header.line)
        targets = {
            t.name.text + (f".{t.column.text}" if t.column else "")
            for c in design.claims
            for t in c.targets
        }
        crashes = {
            p.name
            for p in design.processes
            if any(isinstance(s, n.CrashHere) for s in visit.walk(p.body))
        }
        if design.assumes("crash-only-after"):
            crashes |= {p.name for p in design.processes}
        loose = {p.name for p in design.processes if p.queue and _is_loose(design, p, semantics)}
        numbers = {id(b): i for i, b in enumerate(blocks)}
        ctx = Context(
            design,
            semantics,
            {p.name: p for p in design.processes},
            tuple(blocks),
            tuple(headers),
            numbers,
            frozenset(targets - set(design.effects)),
            frozenset(crashes),
            frozenset(loose),
        )
        freed = any(ctx.holder_matters(x) for x in design.locks.values()) or any(
            p.workers for p in design.processes
        )
        return replace(ctx, deaths_free=freed or any(_keeps_rows(ctx, p) for p in design.processes))

    # -- queues

    def semantics(self, queue: str) -> Delivery:
        """What a queue promises in this reading of the design."""
        return self.design.queues[queue].semantics or self.choice

    def promises(self, process: str) -> Delivery | None:
        """What the queue of a consumer promises; None for a relay."""
        queue = self.processes[process].queue
        return self.semantics(queue) if queue else None

    def groups(self, queue: str) -> Iterator[d.Process]:
        """The consumers that read a queue."""
        return (p for p in self.design.processes if p.queue == queue)

    def tracks_holders(self, process: str) -> bool:
        """Whether the broker tracks this consumer's messages by holder (see "held" in
        docs/semantics.md).
        """
        return (
            self.promises(process) is not None
            and not self.settles_at_delivery(process)
            and process not in self.loose
        )

    def settles_at_delivery(self, process: str) -> bool:
        """Whether a consumer's message is settled when a worker gets it."""
        return (
            self.promises(process) is Delivery.AT_MOST_ONCE
            or self.processes[process].ack == "delivery"
        )

    def holds(self, process: str) -> bool:
        """Whether this consumer's workers hold their messages: its deaths set something going."""
        return self.tracks_holders(process)

    def holder_matters(self, lock: d.Lock) -> bool:
        """Whether a lock is tied to its holder's life: it is freed by its end, or may expire only
        after it.
        """
        return not lock.expires or self.design.assumes("within-lock")

    def death_matters(self, process: str) -> bool:
        """Whether the death of one of its workers lets others go on, or may settle its message."""
        return self.deaths_free or self.holds(process) or self._settled_by_death(process)

    def _settled_by_death(self, process: str) -> bool:
        """Whether a dead worker's message may be acknowledged for it."""
        return (
            self.processes[process].ack == "kill"
            and self.promises(process) is not Delivery.AT_MOST_ONCE
        )

    def drops_copies(self, queue: str) -> bool:
        """Whether a second message about an event is always dropped."""
        if self.design.queues[queue].dedup is not None:
            return self.design.assumes("within-dedup-window")
        return (
            self.semantics(queue) is Delivery.EXACTLY_ONCE and not self.design.queues[queue].keeps
        )

    def losses_of_hold(self, process: d.Process) -> Iterator[Cause]:
        """Why a living worker that holds a message may lose it."""
        queue = self.design.queues[process.queue or ""]
        for word, cause, assumption in _HOLD_LOSSES:
            safe = (
                self.design.within_lease(process)
                if word == "lease"
                else self.design.assumes(assumption)
            )
            if word in queue.loses_hold and not safe:
                yield cause

    def again(self, process: str) -> str:
        """The status of a message that comes back from a worker."""
        queue = self.processes[process].queue
        limited = queue and self.design.queues[queue].limit and self.tracks_holders(process)
        return "returned" if limited else "ready"

    # -- keys

    def spot(self, name: str, level: Level, state: State, event: int) -> Spot:
        """The place of ``name`` for an event: its own, or its business key's."""
        return (name, level.value, event if level is Level.EVENT else state.events[event].component)

    def row(self, store: str, state: State, event: int) -> Spot:
        """An event's row in a store."""
        return self.spot(store, self.design.stores[store].level, state, event)

    def is_payload(self, process: str | None, name: str) -> bool:
        """Whether a name in a condition of this process (None: of a claim) is a payload field; else
        it is a local variable.
        """
        types = self.processes[process].events if process else tuple(self.design.events)
        return any(name == f for t in types for f, _ in self.design.events[t].payload)

    # -- handlers

    def at(self, worker: Worker) -> n.Step | None:
        """The line a worker is at; None at the end of a block."""
        frame = worker.todo[-1]
        block = self.blocks[frame.block]
        return block[frame.at] if frame.at < len(block) else None

    def enter(self, block: tuple[n.Step, ...], kind: str = "") -> tuple[Frame, ...]:
        """The frame for executing a block (none for an empty one)."""
        return (Frame(self.numbers[id(block)], 0, kind),) if block else ()

    def into(self, worker: Worker, block: tuple[n.Step, ...], kind: str = "") -> Worker:
        """Go on with a block of the current line, then with what follows the line."""
        worker = worker.next_line()
        return worker._replace(todo=(*worker.todo, *self.enter(block, kind)))

    def entered(self, worker: Worker, step: n.Section | n.Atomic) -> Worker:
        """Enter a section or an atomic block."""
        kind = (
            f"section {step.name.text}"
            if isinstance(step, n.Section)
            else ATOMIC + " serializable" * step.serializable
        )
        return self.into(worker, step.body, kind)

    def stopped(self, worker: Worker) -> Worker:
        """Nothing left to do but to leave the open blocks (and commit)."""
        return worker._replace(
            todo=tuple(f._replace(at=len(self.blocks[f.block])) for f in worker.todo), part=0
        )

    def turned_down(self, worker: Worker, step: n.Step, outcome: str) -> Worker | None:
        """The worker after a line that did not succeed; None if the handler fails."""
        if isinstance(step, n.Insert | n.UpdateIf | n.Delete | n.Do):
            for clause in step.clauses:
                if clause.outcome.text == outcome or isinstance(step, n.Do):
                    return self.into(worker, clause.body)
        match getattr(step, "or_else", None):
            case n.OnConflict.STOP:
                return self.stopped(worker)
            case n.OnConflict.CONTINUE:
                return worker.next_line()
            case _:
                return self.failed(worker)

    def failed(self, worker: Worker) -> Worker | None:
        """The worker of a handler that fails: only its ack is left, if failures are acknowledged;
        else None.
        """
        if not self.processes[worker.process].acks_failures:
            return None
        return worker._replace(todo=(), part=0, collected=(), locked=(), boxed=())

    def parts(self, block: tuple[n.Step, ...]) -> tuple[str, ...]:
        """The databases that a block writes, in the order of the first line that writes each."""
        stores = [store for store in map(self.store_of, visit.walk(block)) if store]
        return tuple(dict.fromkeys(self.design.stores[s].database for s in stores))

    def home(self, name: str) -> str:
        """The database of a store, or of an effect in a store."""
        store = self.design.effects[name].store if name in self.design.effects else name
        return self.design.stores[store or ""].database

    def passes_crash(self, worker: Worker) -> bool:
        """Whether the run of collected lines that starts here may pass a crash point."""
        if not worker.todo or not worker.block_kind(ATOMIC):
            return False
        step = self.at(worker)
        if step is not None and not self.is_collected(worker, step):
            return False
        seen: set[Worker] = set()
        ways = [worker]
        while ways:
            now = ways.pop()
            step = self.at(now) if now.todo else None
            if now in seen or not now.block_kind(ATOMIC):
                continue
            seen.add(now)
            if isinstance(step, n.CrashHere):
                return True
            if step is None or self.is_collected(now, step) or self.is_silent(now, step):
                ways += self.ways(now)
        return False

    def ways(self, worker: Worker) -> list[Worker]:
        """Where a worker can be after the line where it stands, whatever comes of it; not counting
        what is collected and locked.
        """
        step = self.at(worker)
        match step:
            case None:
                return [worker._replace(todo=worker.todo[:-1])] if len(worker.todo) > 1 else []
            case n.Fail():
                return []
            case n.Stop():
                return [self.stopped(worker)]
            case n.Section() | n.Atomic():
                return [self.entered(worker, step)]
            case n.CrashHere():
                return [worker.next_line()]
            case n.If(_, body, otherwise):
                return [self.into(worker, body), self.into(worker, otherwise)]
            case _:
                outcome = {n.Insert: "duplicate", n.UpdateIf: "conflict", n.Delete: "missing"}.get(
                    type(step), ""
                )
                refused = self.turned_down(worker, step, outcome)
                return [worker.next_line(), *([refused] if refused and refused.todo else [])]

    def line(self, worker: Worker) -> int:
        """The line of a worker's next step: the consumer's for an ack on return, the block's for a
        commit after a stop point.
        """
        if not worker.todo:
            return self.processes[worker.process].span.line
        step = self.at(worker)
        return step.span.line if step else self.headers[worker.todo[-1].block]

    def is_boxed(self, worker: Worker, step: n.Step) -> bool:
        """Whether a line is collected by the broker until the ack: it takes no step of its own."""
        if self.promises(worker.process) is not Delivery.EXACTLY_ONCE or not self.holds(
            worker.process
        ):
            return False
        store = self.store_of(step)
        if isinstance(step, n.Publish):
            return (
                "publish" in self.design.queues[self.processes[worker.process].queue or ""].boundary
            )
        return store is not None and self.design.stores[store].inside is not None

    def store_of(self, step: n.Step) -> str | None:
        """The store a line writes to; an effect ``in`` a store writes to it."""
        if isinstance(step, WRITES):
            return step.store.text
        return self.design.effects[step.effect.text].store if isinstance(step, n.Do) else None

    def is_silent(self, worker: Worker, step: n.Step) -> bool:
        """Whether a line takes no step: it happens together with the step before it."""
        return isinstance(
            step, n.Stop | n.Fail | n.Section | n.Atomic | n.CrashHere
        ) or self.is_boxed(worker, step)

    def touches(self, step: n.Step) -> bool:
        """Whether a collected line locks a row."""
        match step:
            case n.If(condition):
                return any(self._looks(t) for row in conjunctions(condition) for t in row)
            case n.Let(_, value):
                return not isinstance(value, n.Constant)
            case _:
                return self.store_of(step) is not None

    def _looks(self, test: n.Condition) -> bool:
        """Whether a single test looks at a row."""
        if isinstance(test, n.Happened):
            return self.design.effects[test.effect.text].store is not None
        return isinstance(test, n.InStore | n.ColumnIs)

    def is_collected(self, worker: Worker, step: n.Step) -> bool:
        """Whether a line is part of a run of lines of an atomic block."""
        kind = worker.block_kind(ATOMIC)
        if not kind or self.is_boxed(worker, step):
            return False
        if kind != ATOMIC and isinstance(step, n.If | n.Let):
            return True
        return self.store_of(step) is not None or (
            isinstance(step, n.Let) and isinstance(step.value, n.Constant)
        )

    def answers_at_once(self, worker: Worker, step: n.Step) -> bool:
        """Whether a conditional write whose condition is false of the committed row does not wait
        for whoever has locked it.
        """
        if not isinstance(step, n.UpdateIf | n.Delete):
            return False
        database = self.design.database_of(step.store.text)
        waits = database is not None and database.waits_to_decide
        return not waits and worker.block_kind(ATOMIC) in ("", ATOMIC)

    def exposes(self, effect: str) -> bool:
        """Whether workers may be killed right after this effect although they may not elsewhere."""
        return any(
            a.kind == "crash-only-after" and a.effect == effect for a in self.design.assumptions
        )

    def exposed_by(self, writes: Iterable[Write]) -> bool:
        """Whether an effect that is counted with these writes exposes its worker."""
        return any(w.kind == "count" and self.exposes(w.name) for w in writes)


def _is_loose(design: d.Design, process: d.Process, choice: Delivery) -> bool:
    """Whether the broker remembers only a status. Late acks settle unless the queue says ``late ack
    refused``.
    """
    assert process.queue is not None
    queue = design.queues[process.queue]
    return (
        (queue.semantics or choice) is Delivery.AT_LEAST_ONCE
        and queue.late_ack != "refused"
        and queue.limit is None
        and queue.redelivers
        and "lease" in queue.loses_hold
        and not design.within_lease(process)
        and process.ack != "any-time"
        and not any(_looks_at_hold(s) for s in visit.walk(process.body))
    )


def _looks_at_hold(step: n.Step) -> bool:
    """Whether a line depends on whether the worker still holds its message."""
    asks = isinstance(step, n.Ack) or (isinstance(step, n.Renew) and step.lock is None)
    return asks and getattr(step, "or_else", None) is not None


def may_commit(ctx: Context, worker: Worker) -> bool:
    """Whether the next run can be a commit: some way through its lines meets no stop point and
    writes something.
    """
    step = ctx.at(worker)
    if isinstance(step, n.Stop) or (step is None and worker.todo[-1].kind.startswith(ATOMIC)):
        return bool(worker.collected)
    if step is not None and not ctx.is_collected(worker, step) and not ctx.is_silent(worker, step):
        return False
    for number, way in enumerate(ctx.ways(worker)):
        if (
            number == 0
            and step is not None
            and ctx.is_collected(worker, step)
            and ctx.store_of(step)
        ):
            way = way._replace(collected=(*worker.collected, Write("some", "")))
        if may_commit(ctx, way):
            return True
    return False


def _keeps_rows(ctx: Context, process: d.Process) -> bool:
    """Whether a transaction of this handler can have rows locked at a stop point: tries out every
    path through the handler.
    """
    seen: set[Worker] = set()
    ways = [Worker(0, process.name, 0, ctx.enter(process.body))]
    while ways:
        worker = ways.pop()
        step = ctx.at(worker) if worker.todo else None
        if worker in seen or not worker.todo:
            continue
        seen.add(worker)
        collected = step is not None and ctx.is_collected(worker, step)
        if worker.locked and step is not None and not collected and not ctx.is_silent(worker, step):
            return True
        if step is None and len({w.name for w in worker.collected}) > 1:
            return True
        for number, way in enumerate(ctx.ways(worker)):
            locks = (
                collected
                and step is not None
                and ctx.touches(step)
                and (number == 0 or isinstance(step, n.If))
            )
            locked = (("some", "", 0),) if locks else worker.locked
            written = worker.collected
            store = ctx.store_of(step) if step is not None and collected and not number else None
            if store and (write := Write("some", ctx.design.stores[store].database)) not in written:
                written = (*written, write)
            inside = bool(way.block_kind(ATOMIC))
            ways.append(
                way._replace(locked=locked if inside else (), collected=written if inside else ())
            )
    return False


def conjunctions(condition: n.Condition) -> list[tuple[n.Condition, ...]]:
    """A condition as alternatives, each a row of single tests."""
    alternatives = condition.parts if isinstance(condition, n.AnyOf) else (condition,)
    return [a.parts if isinstance(a, n.AllOf) else (a,) for a in alternatives]
