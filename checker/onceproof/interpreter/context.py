"""A design under one choice of semantics, with the questions the interpreter asks about it again
and again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from onceproof.interpreter import modelled
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

SERVICE = "lock service"
"""The session of session locks that live in no database."""

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
    the broker remembers only the status. ``several``: those for which messages that wait are
    counted. ``fed_back``: those whose work may lead to another message for them. ``watched``:
    effects that somebody may find not to have happened yet. ``remembered``: databases whose past
    matters, each with the names of what is in it. ``deaths_free``: deaths let others go on.
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
    several: frozenset[str]
    fed_back: frozenset[str]
    watched: frozenset[str] = frozenset()
    remembered: Mapping[str, frozenset[str]] = {}
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
        consumers = [p for p in design.processes if p.queue]
        several = {p.name for p in consumers if _is_counted(design, p, semantics)}
        fed_back = {p.name for p in consumers if p.queue in _follow(design, p.queue or "")}
        loose = {p.name for p in consumers if _is_loose(design, p, semantics)}
        loose -= several | fed_back
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
            frozenset(several),
            frozenset(fed_back),
            frozenset(_watched(design)),
            {
                x.name: _names_in(design, x.name)
                for x in design.databases.values()
                if x.fails_over or x.stale_reads or x.per_region
            },
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

    def is_log(self, process: str) -> bool:
        """Whether a consumer reads a queue that commits positions, after the delivery."""
        queue = self.processes[process].queue
        is_log = queue is not None and self.design.queues[queue].log
        return is_log and not self.settles_at_delivery(process)

    def after_failures(self, process: str) -> str:
        """What becomes of the position when a handler fails: ``stop``, ``seek`` or ``pass``."""
        exactly = self.promises(process) is Delivery.EXACTLY_ONCE
        return self.processes[process].failures or ("seek" if exactly else "pass")

    def seeks(self, process: str) -> bool:
        """Whether a worker of a log can go back to its record."""
        return self.is_log(process) and (
            self.after_failures(process) == "seek"
            or any(isinstance(s, n.SeekBack) for s in visit.walk(self.processes[process].body))
        )

    @staticmethod
    def later_commits(process: d.Process) -> bool:
        """Whether the commit of another record can cover one of this consumer: some line, the end
        of the handler or a timer commits.
        """
        return process.acks_at_end or any(
            isinstance(step, n.Ack) for step in visit.walk(process.body)
        )

    def has_last_step(self, process: str) -> bool:
        """Whether a handler that has reached its end takes one more step: an acknowledgement, or
        the note of a relay that its row is read.
        """
        reads = modelled.RELAYS and self.processes[process].cursor is not None
        return reads or self.processes[process].acks_at_end

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
        leased = lock.expires and self.design.assumes("within-lock")
        return leased or self.ends_with_session(lock)

    @staticmethod
    def ends_with_session(lock: d.Lock) -> bool:
        """Whether a lock is free when the session of its holder ends."""
        return lock.kind is d.LockKind.SESSION

    def is_of_block(self, worker: Worker, lock: d.Lock) -> bool:
        """Whether a lock that the worker acquires now ends with its open block."""
        in_database = lock.kind is d.LockKind.SESSION and lock.database is not None
        return in_database and self.open_block(worker) is not None

    def session(self, lock: str) -> str | None:
        """The database, or the service, whose session a line about a lock needs."""
        declared = self.design.locks[lock]
        service = SERVICE if declared.kind is d.LockKind.SESSION else None
        return declared.database or service

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

    def is_polite(self, process: str) -> bool:
        """Whether a late acknowledgement is always told that it is done."""
        queue = self.design.queues[self.processes[process].queue or ""]
        return modelled.BROKERS and queue.ack_answer is d.AckAnswer.POLITE

    def forgets_acks(self, queue: d.Queue) -> bool:
        """Whether the broker forgets acknowledgements when it is started again."""
        return _forgets_acks(self.design, queue)

    @property
    def fails_few_times(self) -> bool:
        """Whether no event fails as often as a delivery limit says."""
        return modelled.BROKERS and self.design.assumes("fails-fewer")

    def may_be_killed(self, process: str) -> bool:
        """Whether workers of this process are killed at all."""
        return self.has_time_limit(process) or not self.design.assumes("no-crash")

    def has_time_limit(self, process: str) -> bool:
        """Whether workers of this process are killed when they take too long."""
        return modelled.BROKERS and self.processes[process].killed is not None

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
        limited = queue and self.design.queues[queue].limit
        told = limited or self.asks_redelivered(self.processes[process])
        return "returned" if told and self.tracks_holders(process) else "ready"

    @staticmethod
    def asks_redelivered(process: d.Process) -> bool:
        """Whether a handler asks whether its message came again."""
        return _asks_redelivered(process)

    def one_more(self, process: str, status: str) -> str:
        """The status with one more message that waits."""
        if process not in self.several:
            return "ready"
        return {"ready": "two", "two": "three", "three": "three"}.get(status, "ready")

    def given_back(self, process: str, status: str) -> str:
        """The status after a message has come back from a worker."""
        return self.one_more(process, status) if process in self.several else self.again(process)

    @staticmethod
    def ever_acks(process: d.Process) -> bool:
        """Whether some line of a handler acknowledges."""
        return any(isinstance(s, n.Ack) for s in visit.walk(process.body))

    # -- keys

    def lane(self, process: str, state: State, event: int) -> Spot | None:
        """The lane of an event's messages to a consumer, named after the queue; None: it has none,
        or nothing is kept under its key.
        """
        level = self.lane_level(process)
        name = self.processes[process].queue or ""
        return self.spot(name, level, state, event) if level is not None else None

    def lane_level(self, process: str) -> Level | None:
        """Whether this consumer's lanes are those of events or of business keys; None: it has
        none.
        """
        queue = self.design.queues.get(self.processes[process].queue or "")
        if queue is None or not self.has_lanes(process):
            return None
        if queue.lane in self.design.business_keys:
            return Level.COMPONENT
        own = any(queue.lane == e.id_field for e in self.design.events.values())
        return Level.EVENT if own else None

    def has_lanes(self, process: str) -> bool:
        """Whether this consumer gets messages of one key one after the other."""
        queue = self.design.queues.get(self.processes[process].queue or "")
        if queue is None or queue.lane is None:
            return False
        return not (queue.log and self.processes[process].parallel)

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
        """Nothing left to do but to leave the open blocks. An atomic block commits first, and the
        handler stops if that succeeds.
        """
        inner = self.open_block(worker)
        first = 0 if inner is None else inner
        todo = tuple(
            f if i < first else f._replace(at=len(self.blocks[f.block]), stops=i == inner)
            for i, f in enumerate(worker.todo)
        )
        return worker._replace(todo=todo, part=0)

    def left(self, worker: Worker) -> Worker:
        """The worker with the innermost block behind it."""
        outside = worker._replace(todo=worker.todo[:-1], part=0)
        return self.stopped(outside) if worker.todo[-1].stops else outside

    @staticmethod
    def open_block(worker: Worker) -> int | None:
        """Which of its frames is that of the open atomic block; None outside of any."""
        return next((i for i, f in enumerate(worker.todo) if f.kind.startswith(ATOMIC)), None)

    def turned_down(self, worker: Worker, step: n.Step, outcome: str) -> Worker | None:
        """The worker after a line with an outcome that is not the wanted one; None if the handler
        fails.
        """
        clauses = {c.outcome.text: c for c in getattr(step, "clauses", ())}
        others = ("failure",) if isinstance(step, n.Do) else ()
        for name in (outcome, *others):
            if name in clauses:
                return self.into(worker, clauses[name].body)
        return self._or_else(worker, getattr(step, "or_else", None))

    def _or_else(self, worker: Worker, then: n.OnConflict | None) -> Worker | None:
        match then:
            case n.OnConflict.STOP:
                return self.stopped(worker)
            case n.OnConflict.CONTINUE:
                return worker.next_line()
            case _:
                return self.failed(worker)

    def after_failure(self, worker: Worker, step: n.Step | None) -> Worker | None:
        """The worker after a database step that failed, or whose answer was lost; None if the
        handler fails. ``step`` None: the end of a block.
        """
        if self.open_block(worker) is not None:
            return self.rolled_back(worker, again=True)
        if worker.part < getattr(step, "retries", 0):
            return worker._replace(part=worker.part + 1)
        for clause in getattr(step, "clauses", ()):
            if clause.outcome.text == "failure":
                return self.into(worker, clause.body)
        blind = isinstance(step, n.SetColumn | n.Add | n.Increment) or (
            isinstance(step, n.Do) and self.design.effects[step.effect.text].token_of is None
        )
        return self._or_else(worker, getattr(step, "or_else", None) if blind else None)

    def failed(self, worker: Worker) -> Worker | None:
        """The worker after ``fail``, or an outcome that no clause of its line handles; None if the
        handler fails.
        """
        if self.open_block(worker) is not None:
            return self.rolled_back(worker, again=False)
        if not self.processes[worker.process].acks_failures:
            return None
        return worker._replace(todo=(), part=0, boxed=()).block_over()

    def rolled_back(self, worker: Worker, again: bool) -> Worker | None:
        """The worker whose open block failed; None if the handler fails. ``again``: in a way after
        which a block is repeated.
        """
        at = self.open_block(worker)
        assert at is not None
        frame, outer = worker.todo[at], worker.todo[:at]
        block = self.blocks[outer[-1].block][outer[-1].at - 1]
        assert isinstance(block, n.Atomic)
        outside = worker._replace(todo=outer, part=0).block_over()
        if again and frame.tries < block.retries:
            return outside._replace(
                todo=(*outer, Frame(frame.block, 0, frame.kind, frame.tries + 1))
            )
        for clause in block.clauses:
            return outside._replace(todo=(*outer, *self.enter(clause.body)))
        match block.or_else:
            case n.OnConflict.STOP:
                return self.stopped(outside)
            case n.OnConflict.CONTINUE:
                return outside
            case _:
                return self.failed(outside)

    def parts(self, process: str, block: tuple[n.Step, ...]) -> tuple[str, ...]:
        """The databases that a block writes, in the order of the first line that writes each; a
        message that is published or acknowledged in one is written there, too.
        """
        written: dict[str, None] = {}
        for step in visit.walk(block):
            store = self.store_of(step)
            home = self.design.stores[store].database if store is not None else None
            if isinstance(step, n.Publish | n.Ack):
                home = self.queue_database(process, step)
            written |= {home: None} if home is not None else {}
        return tuple(written)

    def request_in(self, worker: Worker) -> str | None:
        """The database that a worker's next step is a request in; None of a request elsewhere."""
        step = self.at(worker) if worker.todo else None
        if worker.todo and (step is None or self.is_collected(worker, step)):
            return self.next_part(worker)
        return self.database_at(worker, step) if step is not None else None

    def next_part(self, worker: Worker) -> str:
        """The database whose part of the open block commits next."""
        at = self.open_block(worker)
        assert at is not None
        parts = self.parts(worker.process, self.blocks[worker.todo[at].block])
        pending = {self.home(w.name) for w in worker.collected}
        pending |= {p for p in parts if self.posted_in(worker, p)}
        return next((p for p in parts if p in pending or self.may_write(worker, p)), parts[0])

    def home(self, name: str) -> str:
        """The database of a store, or of an effect in a store."""
        store = self.design.effects[name].store if name in self.design.effects else name
        return self.design.stores[store or ""].database

    def queue_at(self, process: str, step: n.Step) -> str | None:
        """The queue that a line is about."""
        match step:
            case n.Publish(queue):
                return queue.text
            case n.Ack() | n.Nack():
                return self.processes[process].queue
            case _:
                return None

    def queue_database(self, process: str, step: n.Step) -> str | None:
        """The database of the queue that a line is about, if it lives in one."""
        queue = self.queue_at(process, step) if modelled.OWN_DATABASE else None
        return self.design.queues[queue].database if queue is not None else None

    def posts_in(self, worker: Worker, step: n.Step) -> str | None:
        """The database with whose part of the open block a message is published or acknowledged;
        None if the line is a step of its own.
        """
        at = self.open_block(worker)
        if at is None or isinstance(step, n.Nack):
            return None
        return self.queue_database(worker.process, step)

    def posted_in(self, worker: Worker, database: str) -> tuple[Write, ...]:
        """What an open block publishes and acknowledges in a database."""
        queues = self.design.queues
        return tuple(w for w in worker.posted if queues[w.name].database == database)

    def stores_in(self, database: str) -> frozenset[str]:
        """The stores that live in a database."""
        return frozenset(s.name for s in self.design.stores.values() if s.database == database)

    def level(self, worker: Worker, database: str) -> d.Isolation | None:
        """The level of the worker's open block in a database; None outside of blocks."""
        kind = worker.block_kind(ATOMIC)
        return self.design.databases[database].level(kind != ATOMIC) if kind else None

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
                return [self.left(worker)] if len(worker.todo) > 1 else []
            case n.Fail():
                failure = self.failed(worker)
                return [failure] if failure and failure.todo else []
            case n.Stop():
                return [self.stopped(worker)]
            case n.Section() | n.Atomic():
                return [self.entered(worker, step)]
            case n.CrashHere():
                return [worker.next_line()]
            case n.If(_, body, otherwise):
                return [self.into(worker, body), self.into(worker, otherwise)]
            case _:
                ways = [worker.next_line()]
                for outcome in self.unwanted_of(step):
                    refused = self.turned_down(worker, step, outcome)
                    ways += [refused] if refused and refused.todo else []
                return ways

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
        if self.posts_in(worker, step) is not None:
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

    def store_written(self, name: str) -> str:
        """The store of a write to a store, or to an effect in one."""
        effect = self.design.effects.get(name)
        return effect.store or "" if effect is not None else name

    def is_silent(self, worker: Worker, step: n.Step) -> bool:
        """Whether a line takes no step: it happens together with the step before it."""
        return isinstance(
            step, n.Stop | n.Fail | n.Section | n.Atomic | n.CrashHere
        ) or self.is_boxed(worker, step)

    def keeps_row(self, worker: Worker, step: n.Step) -> bool:
        """Whether a line of a block can lock a row, until the block ends."""
        if isinstance(step, n.If | n.Let):
            levels = [self.level(worker, x) for x in self.databases_read(step)]
            return d.Isolation.LOCKING in levels
        store = self.store_of(step)
        if store is None or self.is_boxed(worker, step):
            return False
        return self.level(worker, self.home(store)) is not d.Isolation.SINGLE_REQUESTS

    def is_collected(self, worker: Worker, step: n.Step) -> bool:
        """Whether a line is part of a run of lines of an atomic block."""
        kind = worker.block_kind(ATOMIC)
        if not kind or self.is_boxed(worker, step):
            return False
        return self.posts_in(worker, step) is not None or self.collects(kind != ATOMIC, step)

    def collects(self, serializable: bool, step: n.Step) -> bool:
        """Whether a block ``atomic``, or ``atomic serializable``, collects a line."""
        if not isinstance(step, n.If | n.Let):
            return self.store_of(step) is not None
        if isinstance(step, n.Let) and isinstance(step.value, n.Constant):
            return True
        read = self.databases_read(step)
        if isinstance(step, n.If) and self._asks_provider(step):
            return False
        if not read:
            return serializable
        levels = [self.design.databases[x].level(serializable) for x in read]
        return all(level is d.Isolation.OPTIMISTIC for level in levels)

    def _asks_provider(self, step: n.If) -> bool:
        """Whether a condition has a test that is a request to a provider."""
        tests = (t for row in conjunctions(step.condition) for t in row)
        asked = (t.effect.text for t in tests if isinstance(t, n.Happened))
        return any(self.design.effects[name].store is None for name in asked)

    def databases_read(self, step: n.If | n.Let) -> tuple[str, ...]:
        """The databases whose rows a line looks at, in the order in which it does."""
        parts: list[n.Condition | n.Value] = [step.value] if isinstance(step, n.Let) else []
        if isinstance(step, n.If):
            parts = [t for row in conjunctions(step.condition) for t in row]
        return tuple(dict.fromkeys(x for p in parts if (x := self.database_read(p)) is not None))

    @staticmethod
    def part_at(worker: Worker, step: n.If | n.Let) -> n.Condition | n.Value:
        """The single test, or the value, that a worker is at."""
        if isinstance(step, n.Let):
            return step.value
        return [t for row in conjunctions(step.condition) for t in row][worker.part]

    def database_read(self, part: n.Condition | n.Value) -> str | None:
        """The database whose row a single test or a value looks at."""
        match part:
            case (
                n.InStore(_, store)
                | n.ColumnIs(store)
                | n.ReadPresence(_, store)
                | n.ReadColumn(store)
            ):
                return self.home(store.text)
            case n.Happened(effect) if self.design.effects[effect.text].store is not None:
                return self.home(effect.text)
            case _:
                return None

    def collected_ahead(self, worker: Worker) -> Iterator[tuple[Worker, n.Step]]:
        """The lines that some way through the run that starts here collects, each with the worker
        that stands at it.
        """
        seen: set[Worker] = set()
        ways = [worker]
        while ways:
            now = ways.pop()
            if now in seen or self.open_block(now) is None:
                continue
            seen.add(now)
            step = self.at(now)
            if step is not None and self.is_collected(now, step):
                yield now, step
            elif step is not None and not self.is_silent(now, step):
                continue
            ways += self.ways(now)

    def may_write(self, worker: Worker, database: str) -> bool:
        """Whether some way through the run that starts here writes a row of a database."""
        for now, step in self.collected_ahead(worker):
            store = self.store_of(step)
            home = self.home(store) if store is not None else self.posts_in(now, step)
            if home == database:
                return True
        return False

    @staticmethod
    def unwanted(step: n.Step) -> str:
        """What a write reports whose condition is false."""
        words = {n.Insert: "duplicate", n.UpdateIf: "conflict", n.Delete: "missing"}
        return words.get(type(step), "")

    def unwanted_of(self, step: n.Step) -> tuple[str, ...]:
        """What a line can report that has a clause."""
        if not isinstance(step, n.Do):
            return (self.unwanted(step),)
        inside = self.design.effects[step.effect.text].store is not None
        return ("rejected",) if inside else ("refused", "no answer")

    def finds_own(self, step: n.Insert | n.UpdateIf | n.Delete) -> bool:
        """Whether a write that is repeated finds its condition false, because of its own first
        request.
        """
        if isinstance(step, n.Insert):
            return self.design.stores[step.store.text].unique
        return isinstance(step, n.UpdateIf) or step.conditional

    def database_at(self, worker: Worker, step: n.Step) -> str | None:
        """The database, or the lock service, that a line is a step on, outside of runs."""
        match step:
            case n.If() | n.Let():
                return self.database_read(self.part_at(worker, step))
            case n.Acquire(lock) | n.Release(lock):
                return self.session(lock.text)
            case n.Renew(lock):
                return self.session(lock.text) if lock is not None else None
            case n.Publish() | n.Ack() | n.Nack():
                return self.queue_database(worker.process, step)
            case _:
                store = self.store_of(step)
                return self.home(store) if store is not None else None

    def asks_database(self, worker: Worker, step: n.Step) -> bool:
        """Whether a line, outside of runs, is a step on a database or a lock service."""
        match step:
            case n.If() | n.Let():
                return self.database_read(self.part_at(worker, step)) is not None
            case n.Acquire() | n.Release():
                return True
            case n.Renew(lock):
                return lock is not None
            case n.Publish() | n.Ack() | n.Nack():
                return self.queue_database(worker.process, step) is not None
            case _:
                return self.store_of(step) is not None

    def answers_at_once(self, worker: Worker, step: n.Step) -> bool:
        """Whether a conditional write whose condition is false does not wait for whoever has locked
        the row.
        """
        if not isinstance(step, n.UpdateIf | n.Delete):
            return False
        return not self.design.databases[self.home(step.store.text)].waits_to_decide

    def exposes(self, effect: str) -> bool:
        """Whether workers may be killed right after this effect although they may not elsewhere."""
        return any(
            a.kind == "crash-only-after" and a.effect == effect for a in self.design.assumptions
        )

    def exposed_by(self, writes: Iterable[Write]) -> bool:
        """Whether an effect that is counted with these writes exposes its worker."""
        return any(w.kind == "count" and self.exposes(w.name) for w in writes)


def _follow(design: d.Design, queue: str) -> set[str]:
    """The queues that get a message when one of this queue is handled, and so on."""
    reached: set[str] = set()
    before: set[str] | None = None
    while reached != before:
        before = set(reached)
        for process in design.processes:
            if process.queue == queue or process.queue in before:
                steps = visit.walk(process.body)
                reached |= {s.queue.text for s in steps if isinstance(s, n.Publish)}
        if modelled.FED:
            given_up = (design.queues[name].limit_to for name in {queue, *reached})
            reached |= {name for name in given_up if name is not None}
    return reached


def _is_counted(design: d.Design, process: d.Process, choice: Delivery) -> bool:
    """Whether the messages that wait for a consumer are counted: they come from handlers of the
    design only, there is no delivery limit, and the queue is no log with positions.
    """
    queue = design.queues[process.queue or ""]
    promised = queue.semantics or choice
    from_outside = queue.is_root and not (modelled.FED and queue.also_fed)
    if from_outside or queue.limit is not None:
        return False
    at_delivery = promised is Delivery.AT_MOST_ONCE or process.ack == "delivery"
    if queue.log and not at_delivery:
        return False
    if _asks_redelivered(process):
        return False
    generous = promised is Delivery.AT_LEAST_ONCE
    if queue.dedup is not None:
        drops = design.assumes("within-dedup-window")
    else:
        drops = promised is Delivery.EXACTLY_ONCE and not queue.keeps
    retries = (
        promised is not Delivery.AT_MOST_ONCE
        and queue.publishing not in ("once", "new-id")
        and not design.assumes("no-publisher-retries")
        and (generous or queue.dedup is not None or queue.keeps)
    )
    copies = generous and queue.copies and not design.assumes("no-broker-copies")
    replayed = queue.replays or (generous if queue.replay is None else queue.replay)
    copies |= _forgets_acks(design, queue)
    return not (drops or retries or copies or (replayed and not design.assumes("no-replay")))


def _asks_redelivered(process: d.Process) -> bool:
    """Whether a handler asks whether its message came again."""
    conditions = [s.condition for s in visit.walk(process.body) if isinstance(s, n.If)]
    tests = (t for c in conditions for row in conjunctions(c) for t in row)
    return modelled.REDELIVERED and any(isinstance(t, n.Redelivered) for t in tests)


def _forgets_acks(design: d.Design, queue: d.Queue) -> bool:
    """Whether a restart of the broker can make a settled message available again."""
    return modelled.BROKERS and queue.unsynced_acks and not design.assumes("broker-loses-nothing")


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
        and not queue.log
        and queue.lane is None
        and not _asks_redelivered(process)
        and queue.redelivers
        and "lease" in queue.loses_hold
        and not design.within_lease(process)
        and process.ack != "any-time"
        and process.ack != "cumulative"
        and not any(_looks_at_hold(s) for s in visit.walk(process.body))
    )


def _names_in(design: d.Design, database: str) -> frozenset[str]:
    """The stores, columns, effects, and locks kept in rows of a database."""
    stores = {s.name for s in design.stores.values() if s.database == database}
    columns = {f"{name}.{column}" for name in stores for column in design.stores[name].columns}
    effects = {e.name for e in design.effects.values() if e.store in stores}
    kept = (x for x in design.locks.values() if x.kind is not d.LockKind.SESSION)
    locks = {x.name for x in kept if x.database == database}
    return frozenset(stores | columns | effects | locks)


def _watched(design: d.Design) -> set[str]:
    """Effects of which it shows whether they have happened already."""
    named = {t.name.text for c in design.claims if c.kind == "before" for t in c.targets}
    tests = [
        t
        for c in design.claims
        if c.condition is not None and "never" in c.kind
        for row in conjunctions(c.condition)
        for t in row
    ]
    named |= {t.effect.text for t in tests if isinstance(t, n.Happened)}
    named |= {e.name for e in design.effects.values() if e.queryable}
    return {name for name in named if name in design.effects and not design.effects[name].store}


def _looks_at_hold(step: n.Step) -> bool:
    """Whether a line depends on whether the worker still holds its message."""
    asks = isinstance(step, n.Ack) or (isinstance(step, n.Renew) and step.lock is None)
    return asks and getattr(step, "or_else", None) is not None


def may_commit(ctx: Context, worker: Worker) -> bool:
    """Whether the next run can be a commit: some way through its lines meets no stop point and
    writes something.
    """
    if ctx.open_block(worker) is None:
        return False
    step = ctx.at(worker)
    if isinstance(step, n.Stop) or (step is None and worker.todo[-1].kind.startswith(ATOMIC)):
        return bool(worker.collected or worker.posted)
    if step is not None and not ctx.is_collected(worker, step) and not ctx.is_silent(worker, step):
        return False
    for number, way in enumerate(ctx.ways(worker)):
        if (
            number == 0
            and step is not None
            and ctx.is_collected(worker, step)
            and (ctx.store_of(step) or ctx.posts_in(worker, step))
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
        inside = ctx.open_block(worker) is not None
        keeps = inside and step is not None and ctx.keeps_row(worker, step)
        if keeps and isinstance(step, n.If | n.Let):
            return True
        if inside or (step is not None and ctx.store_of(step)):
            failure = ctx.after_failure(worker, step)
            ways += [failure] if failure is not None and failure.todo else []
        for number, way in enumerate(ctx.ways(worker)):
            locked = (("some", "", 0),) if keeps and not number else worker.locked
            written = worker.collected
            store = ctx.store_of(step) if step is not None and collected and not number else None
            if store and (write := Write("some", ctx.design.stores[store].database)) not in written:
                written = (*written, write)
            still = ctx.open_block(way) is not None
            ways.append(
                way._replace(locked=locked if still else (), collected=written if still else ())
            )
    return False


def conjunctions(condition: n.Condition) -> list[tuple[n.Condition, ...]]:
    """A condition as alternatives, each a row of single tests."""
    alternatives = condition.parts if isinstance(condition, n.AnyOf) else (condition,)
    return [a.parts if isinstance(a, n.AllOf) else (a,) for a in alternatives]
