"""A handler's steps as a graph of operations: structured text becomes places and jumps.

Nothing here knows about queues' semantics or variables; ``worker.py`` turns operations into rules.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from onceproof.lang.design import Design, Process
from onceproof.lang.syntax import ast as n
from onceproof.lang.syntax.visit import walk


class Decide(Struct, frozen=True):
    """A single test: go to ``yes`` or ``no``."""

    test: n.Condition
    yes: int
    no: int


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
    """An external effect: ``done``, or ``failed`` when it is refused or its answer is lost."""

    effect: str
    done: int
    failed: int


class Send(Struct, frozen=True):
    """``publish``: to ``next``, or to ``failed`` when it is refused or its answer is lost."""

    queue: str
    next: int
    failed: int


class Settle(Struct, frozen=True):
    """``ack``; ``refused`` is None if the handler does not look at the answer."""

    next: int
    refused: int | None


class GiveBack(Struct, frozen=True):
    """``nack``."""

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


class Mark(Struct, frozen=True):
    """``crash here``."""

    next: int


class Ended(Struct, frozen=True):
    """The handler is over: normally, or by a failure."""

    failed: bool


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
    | Mark
    | Ended
)


class Place(Struct, frozen=True):
    """An operation with its line and the sections it stands in."""

    operation: Operation
    line: int
    sections: tuple[str, ...]


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
    """Where ``stop`` and ``fail`` lead from here, and the sections around."""

    stop: int
    fail: int
    sections: tuple[str, ...] = ()


class _Compiler:
    def __init__(self, design: Design) -> None:
        self.design = design
        self.places: list[Place] = []

    def place(self, operation: Operation, line: int, sections: tuple[str, ...] = ()) -> int:
        self.places.append(Place(operation, line, sections))
        return len(self.places) - 1

    def block(self, steps: tuple[n.Step, ...], then: int, context: _Context) -> int:
        """The place where ``steps`` start, going on at ``then``."""
        for step in reversed(steps):
            then = self.step(step, then, context)
        return then

    def step(self, step: n.Step, then: int, context: _Context) -> int:
        put, line, within = self.place, step.span.line, context.sections
        match step:
            case n.If(condition, body, otherwise):
                yes, no = self.block(body, then, context), self.block(otherwise, then, context)
                return self.condition(condition, (yes, no), line, within)
            case n.Stop():
                return context.stop
            case n.Fail():
                return context.fail
            case n.Ack(or_else):
                return put(
                    Settle(then, self.turned_down(or_else, then, context) if or_else else None),
                    line,
                    within,
                )
            case n.Nack():
                return put(GiveBack(then), line, within)
            case n.Let():
                return put(Read(step, then), line, within)
            case n.Insert() | n.UpdateIf():
                return self.attempt(step, then, context)
            case n.Delete() if step.conditional:
                return self.attempt(step, then, context)
            case n.Do():
                return self.call(step, then, context)
            case n.Publish(queue):
                return put(Send(queue.text, then, context.fail), line, within)
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
                    within,
                )
            case n.Release(lock):
                return put(LetGo(lock.text, then), line, within)
            case n.Renew(lock, or_else):
                refused = self.turned_down(or_else, then, context) if or_else else None
                return put(Extend(lock.text if lock else None, then, refused), line, within)
            case n.Section(name, body):
                return self.block(
                    body, then, _Context(context.stop, context.fail, (*within, name.text))
                )
            case n.CrashHere():
                return put(Mark(then), line, within)
            case n.Wait():
                return put(Pause(then), line, within)
            case _:
                return put(Write(step, then), line, within)

    def condition(
        self, condition: n.Condition, targets: tuple[int, int], line: int, within: tuple[str, ...]
    ) -> int:
        """Short-circuit tests, from left to right."""
        yes, no = targets
        match condition:
            case n.AllOf(parts):
                for part in reversed(parts):
                    yes = self.condition(part, (yes, no), line, within)
                return yes
            case n.AnyOf(parts):
                for part in reversed(parts):
                    no = self.condition(part, (yes, no), line, within)
                return no
            case _:
                return self.place(Decide(condition, yes, no), line, within)

    def turned_down(self, or_else: n.OnConflict | None, then: int, context: _Context) -> int:
        match or_else:
            case n.OnConflict.STOP:
                return context.stop
            case n.OnConflict.CONTINUE:
                return then
            case _:
                return context.fail

    def clause(
        self, step: n.Insert | n.UpdateIf | n.Delete | n.Do, then: int, context: _Context
    ) -> int:
        """Where a failed step leads: its clause, its ``or``, or failure of the handler."""
        if step.clauses:
            return self.block(step.clauses[0].body, then, context)
        return self.turned_down(step.or_else, then, context)

    def attempt(self, step: n.Insert | n.UpdateIf | n.Delete, then: int, context: _Context) -> int:
        if isinstance(step, n.Insert) and not self.design.stores[step.store.text].unique:
            return self.place(Write(step, then), step.span.line, context.sections)
        return self.place(
            Attempt(step, then, self.clause(step, then, context)), step.span.line, context.sections
        )

    def call(self, step: n.Do, then: int, context: _Context) -> int:
        line, within = step.span.line, context.sections
        effect = self.design.effects[step.effect.text]
        if effect.store is not None and effect.token_of is None:
            return self.place(Write(step, then), line, within)
        failed = self.clause(step, then, context)
        if effect.store is not None:
            return self.place(Attempt(step, then, failed), line, within)
        for _ in range(step.retries + 1):
            failed = self.place(Call(step.effect.text, then, failed), line, within)
        return failed

    def written(self, step: n.Step) -> str | None:
        """The store that a line writes to."""
        match step:
            case n.Do(_, effect):
                return self.design.effects[effect.text].store
            case (
                n.SetColumn(store)
                | n.UpdateIf(store)
                | n.Increment(store)
                | n.Add(_, store)
                | n.Insert(_, store)
                | n.Delete(_, store)
            ):
                return store.text
            case _:
                return None

    def atomic(self, step: n.Atomic, then: int, context: _Context) -> int:
        line, within = step.span.line, context.sections
        stores = [x for x in map(self.written, walk(step.body)) if x is not None]
        parts = tuple(dict.fromkeys(self.design.stores[x].database for x in stores))
        leave, stop = (
            self.place(Leave(then, parts), line, within),
            self.place(Leave(context.stop, parts), line, within),
        )
        body = self.block(step.body, leave, _Context(stop, context.fail, within))
        return self.place(Enter(step.serializable, body), line, within)


def compile_process(design: Design, process: Process) -> Program:
    """The program of one consumer or relay."""
    compiler = _Compiler(design)
    done = compiler.place(Ended(False), process.span.line)
    failed = compiler.place(Ended(True), process.span.line)
    stop = compiler.place(Settle(done, None), process.span.line) if process.acks_at_end else done
    if process.acks_failures:
        failed = compiler.place(
            Discard(compiler.place(Settle(failed, None), process.span.line)), process.span.line
        )
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
    return False


def after(operation: Operation) -> list[int]:
    """Where an operation may lead."""
    places = ("next", "yes", "no", "ok", "down", "done", "failed", "refused", "held")
    values = (getattr(operation, name) for name in operation.__struct_fields__ if name in places)
    return [x for x in values if isinstance(x, int) and not isinstance(x, bool)]
