"""A handler's steps as a graph of operations: structured text becomes places and jumps.

Nothing here knows about queues' semantics or variables; ``worker.py`` turns operations into rules.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from onceproof.lang.design import Design, Process
from onceproof.lang.syntax import ast as n
from onceproof.lang.syntax.visit import condition_parts, store_written, walk
from onceproof.lower import modelled


class Decide(Struct, frozen=True):
    """A single test: go to ``yes`` or ``no``. ``rows``: the stores that its ``if`` looks at;
    ``asks``: it asks a provider.
    """

    test: n.Condition
    yes: int
    no: int
    rows: tuple[str, ...] = ()
    asks: bool = False


class Read(Struct, frozen=True):
    """``let``."""

    step: n.Let
    next: int


class Write(Struct, frozen=True):
    """A write that cannot be turned down (including an effect in a store, and an insert into a
    store that is not unique).
    """

    step: n.Step
    next: int


class Attempt(Struct, frozen=True):
    """A unique insert, a compare-and-set, a conditional delete, a write that checks a token:
    ``ok``, or ``down`` if turned down.
    """

    step: n.Insert | n.UpdateIf | n.Delete | n.Do
    ok: int
    down: int


class Call(Struct, frozen=True):
    """An external effect: ``done``, ``refused``, or ``silent`` if there is no answer."""

    effect: str
    done: int
    refused: int
    silent: int


class Send(Struct, frozen=True):
    """``publish``: to ``next``, or to ``failed`` when it is refused or its answer is lost.
    ``database``: of the block around, if the queue lives there.
    """

    queue: str
    next: int
    failed: int
    database: str | None = None


class Settle(Struct, frozen=True):
    """``ack``; ``refused`` is None if the handler does not look at the answer. ``database``: of the
    block around, if the queue lives there.
    """

    next: int
    refused: int | None
    database: str | None = None


class GiveBack(Struct, frozen=True):
    """``nack``, or ``seek back`` on a log."""

    next: int


class Take(Struct, frozen=True):
    """``acquire``; ``held`` is None if the worker waits."""

    lock: str
    next: int
    held: int | None


class LetGo(Struct, frozen=True):
    """``release``."""

    lock: str
    next: int


class Extend(Struct, frozen=True):
    """``renew`` the lease of the message (``lock`` is None) or a lock; ``refused`` is None if the
    handler does not look at the answer.
    """

    lock: str | None
    next: int
    refused: int | None


class Discard(Struct, frozen=True):
    """A handler that failed and is acknowledged all the same: what it has collected is dropped."""

    next: int


class Pause(Struct, frozen=True):
    """``wait``."""

    next: int


class Enter(Struct, frozen=True):
    """Into an atomic block."""

    serializable: bool
    next: int


class Leave(Struct, frozen=True):
    """Out of an atomic block: commit. ``parts``: the databases that it writes, in the order of the
    first line that writes each; each commits by itself.
    """

    next: int
    parts: tuple[str, ...] = ()


class Rollback(Struct, frozen=True):
    """Out of an atomic block that failed: what it has collected is dropped, and its clause runs."""

    next: int


class Mark(Struct, frozen=True):
    """``crash here``."""

    next: int


class Ended(Struct, frozen=True):
    """The handler is over: normally, or by a failure."""

    failed: bool


Writing = n.SetColumn | n.Add | n.Increment | n.Insert | n.UpdateIf | n.Delete | n.Do | n.Atomic
"""Steps that write to a database, and can have clauses."""

Operation = (
    Decide
    | Read
    | Write
    | Attempt
    | Call
    | Send
    | Settle
    | GiveBack
    | Take
    | LetGo
    | Extend
    | Discard
    | Pause
    | Enter
    | Leave
    | Rollback
    | Mark
    | Ended
)


class Place(Struct, frozen=True):
    """An operation with its line and the sections it stands in.

    ``failed``: where it leads if it is a step on a database that fails (inside a block: outside of
    it). ``again``: where it is repeated before that; None if it has no retries.
    """

    operation: Operation
    line: int
    sections: tuple[str, ...]
    failed: int = -1
    again: int | None = None

    @property
    def failures(self) -> list[int]:
        """Where a failed step may lead."""
        return [x for x in (self.failed, self.again) if x is not None and x >= 0]


class Program(Struct, frozen=True):
    """``places[entry]`` is where a delivery starts."""

    process: Process
    places: tuple[Place, ...]
    entry: int

    @property
    def marked(self) -> bool:
        """Whether the handler has explicit crash points."""
        return any(isinstance(p.operation, Mark) for p in self.places)


class _Context(Struct, frozen=True):
    """Where ``stop`` and ``fail`` lead from here, and the sections around. ``broken`` and
    ``again``: of the block around, as ``Place`` has them; outside, a failed step fails the handler.
    ``rows``, ``asks``: of the condition around. ``parts``: the databases of the block around.
    """

    stop: int
    fail: int
    sections: tuple[str, ...] = ()
    broken: int | None = None
    again: int | None = None
    rows: tuple[str, ...] = ()
    asks: bool = False
    parts: tuple[str, ...] = ()

    @property
    def failed(self) -> int:
        """Where a failed step without a clause leads."""
        return self.fail if self.broken is None else self.broken


class _Compiler:
    def __init__(self, design: Design, process: Process) -> None:
        self.design = design
        self.process = process
        self.places: list[Place] = []

    def place(self, operation: Operation, line: int, sections: tuple[str, ...] = ()) -> int:
        self.places.append(Place(operation, line, sections))
        return len(self.places) - 1

    def put(self, operation: Operation, line: int, context: _Context) -> int:
        """The place of an operation that may be a step on a database."""
        place = Place(operation, line, context.sections, context.failed, context.again)
        self.places.append(place)
        return len(self.places) - 1

    def block(self, steps: tuple[n.Step, ...], then: int, context: _Context) -> int:
        """The place where ``steps`` start, going on at ``then``."""
        for step in reversed(steps):
            then = self.step(step, then, context)
        return then

    def step(self, step: n.Step, then: int, context: _Context) -> int:
        put, line = self.put, step.span.line
        match step:
            case n.If(condition, body, otherwise):
                yes, no = self.block(body, then, context), self.block(otherwise, then, context)
                around = replace(
                    context, rows=self.rows_of(condition), asks=self.asks_provider(condition)
                )
                return self.condition(condition, (yes, no), line, around)
            case n.Stop():
                return context.stop
            case n.Fail():
                return context.fail
            case n.Ack(or_else):
                refused = self.turned_down(or_else, then, context) if or_else else None
                kept_in = self.kept_in(step)
                there = kept_in if kept_in in context.parts else None
                return put(Settle(then, refused, there), line, context)
            case n.Nack() | n.SeekBack():
                return put(GiveBack(then), line, context)
            case n.Let():
                return put(Read(step, then), line, context)
            case n.Do():
                return self.call(step, then, context)
            case n.Publish(queue):
                kept_in = self.kept_in(step)
                there = kept_in if kept_in in context.parts else None
                return put(Send(queue.text, then, context.fail, there), line, context)
            case n.Atomic():
                return self.atomic(step, then, context)
            case n.Acquire(lock, or_else):
                return put(
                    Take(
                        lock.text,
                        then,
                        self.turned_down(or_else, then, context) if or_else else None,
                    ),
                    line,
                    context,
                )
            case n.Release(lock):
                return put(LetGo(lock.text, then), line, context)
            case n.Renew(lock, or_else):
                refused = self.turned_down(or_else, then, context) if or_else else None
                return put(Extend(lock.text if lock else None, then, refused), line, context)
            case n.Section(name, body):
                within = (*context.sections, name.text)
                return self.block(body, then, replace(context, sections=within))
            case n.CrashHere():
                return put(Mark(then), line, context)
            case n.Wait():
                return put(Pause(then), line, context)
            case n.SetColumn() | n.Add() | n.Increment() | n.Insert() | n.UpdateIf() | n.Delete():
                return self.write(step, then, context)
            case _:
                raise AssertionError(f"not a step of a checked design: {step}")

    def condition(
        self, condition: n.Condition, targets: tuple[int, int], line: int, context: _Context
    ) -> int:
        """Short-circuit tests, from left to right."""
        yes, no = targets
        match condition:
            case n.AllOf(parts):
                for part in reversed(parts):
                    yes = self.condition(part, (yes, no), line, context)
                return yes
            case n.AnyOf(parts):
                for part in reversed(parts):
                    no = self.condition(part, (yes, no), line, context)
                return no
            case _:
                return self.put(
                    Decide(condition, yes, no, context.rows, context.asks), line, context
                )

    def turned_down(self, or_else: n.OnConflict | None, then: int, context: _Context) -> int:
        match or_else:
            case n.OnConflict.STOP:
                return context.stop
            case n.OnConflict.CONTINUE:
                return then
            case _:
                return context.fail

    def clause(self, step: Writing, outcome: str, then: int, context: _Context) -> int | None:
        """Where the clause of an outcome leads; None if the line has none."""
        for clause in step.clauses:
            if clause.outcome.text == outcome:
                return self.block(clause.body, then, context)
        return None

    def write(self, step: Writing, then: int, context: _Context) -> int:
        """A write of a row: one that may be turned down, or one that may not."""
        match step:
            case n.Insert(_, store) if self.design.stores[store.text].unique:
                outcome = "duplicate"
            case n.UpdateIf():
                outcome = "conflict"
            case n.Delete() if step.conditional:
                outcome = "missing"
            case _:
                return self.database_step(step, Write(step, then), then, context)
        down = self.clause(step, outcome, then, context)
        if down is None:
            down = self.turned_down(step.or_else, then, context)
        return self.database_step(step, Attempt(step, then, down), then, context, asked=True)

    def database_step(
        self,
        step: Writing,
        operation: Write | Attempt,
        then: int,
        context: _Context,
        *,
        asked: bool = False,
    ) -> int:
        """A write with its clause for a failure, and its retries. ``asked``: its ``or`` speaks of
        another outcome. Inside a block, only the block has them.
        """
        if context.broken is not None:
            return self.put(operation, step.span.line, context)
        failed = self.clause(step, "failure", then, context)
        if failed is None:
            or_else = None if asked else step.or_else
            failed = self.turned_down(or_else, then, context)
        again = len(self.places) if step.retries else None
        self.places.append(Place(operation, step.span.line, context.sections, failed, again))
        return len(self.places) - 1

    def call(self, step: n.Do, then: int, context: _Context) -> int:
        effect = self.design.effects[step.effect.text]
        if effect.store is not None and effect.token_of is None:
            return self.database_step(step, Write(step, then), then, context)
        failed = self.clause(step, "failure", then, context)
        if failed is None:
            failed = self.turned_down(step.or_else, then, context)
        if effect.store is not None:
            attempt = Attempt(step, then, failed)
            return self.database_step(step, attempt, then, context, asked=True)
        refused = self.clause(step, "refused", then, context)
        silent = self.clause(step, "no answer", then, context)
        refused = failed if refused is None else refused
        silent = failed if silent is None else silent
        for _ in range(step.retries + 1):
            attempt_ = Call(step.effect.text, then, refused, silent)
            refused = silent = self.put(attempt_, step.span.line, context)
        return refused

    def asks_provider(self, condition: n.Condition) -> bool:
        """Whether a condition asks whether an external effect happened."""
        return any(
            isinstance(part, n.Happened) and self.design.effects[part.effect.text].store is None
            for part in condition_parts(condition)
        )

    def rows_of(self, condition: n.Condition) -> tuple[str, ...]:
        """The stores whose rows a condition looks at."""
        stores: list[str] = []
        for part in condition_parts(condition):
            match part:
                case n.InStore(_, store) | n.ColumnIs(store):
                    stores.append(store.text)
                case n.Happened(effect):
                    store_of = self.design.effects[effect.text].store
                    stores += [store_of] if store_of else []
                case _:
                    pass
        return tuple(dict.fromkeys(stores))

    def written(self, step: n.Step) -> str | None:
        """The store that a line writes to."""
        match step:
            case n.Do(_, effect):
                return self.design.effects[effect.text].store
            case _:
                store = store_written(step)
                return store.text if store else None

    def kept_in(self, step: n.Step) -> str | None:
        """The database in which a line works, or keeps a message."""
        queue: str | None = None
        match step:
            case n.Publish(name):
                queue = name.text
            case n.Ack():
                queue = self.process.queue
            case _:
                store = self.written(step)
                return self.design.stores[store].database if store else None
        kept_in = self.design.queues[queue].database if queue else None
        return kept_in if modelled.OWN_DATABASE else None

    def atomic(self, step: n.Atomic, then: int, context: _Context) -> int:
        line, within = step.span.line, context.sections
        parts = tuple(dict.fromkeys(x for x in map(self.kept_in, walk(step.body)) if x))
        failed, fail = context.fail, context.fail
        if step.clauses or step.or_else:
            clause = self.clause(step, "failure", then, context)
            failed = self.turned_down(step.or_else, then, context) if clause is None else clause
            fail = self.place(Rollback(failed), line, within)
        # The block is entered again where it is repeated, so its entry has a place before its body.
        enter = self.place(Enter(step.serializable, -1), line, within)
        again = enter if step.retries else None
        around = _Context(context.stop, fail, within, failed, again, parts=parts)
        leave, stop = (
            self.put(Leave(then, parts), line, around),
            self.put(Leave(context.stop, parts), line, around),
        )
        body = self.block(step.body, leave, replace(around, stop=stop))
        self.places[enter] = replace(self.places[enter], operation=Enter(step.serializable, body))
        return enter


def compile_process(design: Design, process: Process) -> Program:
    """The program of one consumer or relay."""
    compiler = _Compiler(design, process)
    done = compiler.place(Ended(False), process.span.line)
    failed = compiler.place(Ended(True), process.span.line)
    stop = compiler.place(Settle(done, None), process.span.line) if process.acks_at_end else done
    if process.acks_failures:
        # The acknowledgement of a handler that returns does the same, so they share a place.
        failed = compiler.place(Discard(stop), process.span.line)
    entry = compiler.block(process.body, stop, _Context(stop, failed))
    return Program(process, tuple(compiler.places), entry)


def released_unheld(programs: Iterable[Program]) -> frozenset[str]:
    """The locks that some program releases on a way on which it has not acquired them."""
    locks: set[str] = set()
    for program in programs:
        for lock in {p.operation.lock for p in program.places if isinstance(p.operation, LetGo)}:
            if _may_release(program, lock):
                locks.add(lock)
    return frozenset(locks)


def _may_release(program: Program, lock: str) -> bool:
    """Whether some way through the program comes to a release of the lock without holding it."""
    seen: set[tuple[int, bool]] = set()
    ways = [(program.entry, False)]
    while ways:
        index, holds = ways.pop()
        if (index, holds) in seen:
            continue
        seen.add((index, holds))
        operation = program.places[index].operation
        if isinstance(operation, LetGo) and operation.lock == lock:
            if not holds:
                return True
            ways.append((operation.next, False))
        elif isinstance(operation, Take) and operation.lock == lock:
            ways.append((operation.next, True))
            ways += [(operation.held, holds)] if operation.held is not None else []
        else:
            ways += [(then, holds) for then in after(operation)]
        ways += [(then, holds) for then in program.places[index].failures]
    return False


def after(operation: Operation) -> list[int]:
    """Where an operation may lead."""
    places = ("next", "yes", "no", "ok", "down", "done", "failed", "refused", "silent", "held")
    values = (getattr(operation, name) for name in operation.__struct_fields__ if name in places)
    return [x for x in values if isinstance(x, int) and not isinstance(x, bool)]
