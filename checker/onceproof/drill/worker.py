"""A handler, walked line by line in a process of its own: each line is a real request to a real
product.

The worker stops before every step that docs/semantics.md counts, and before every single statement
inside one, and goes on when the director says so. It decides nothing by itself but what a client
library would: a failed statement fails the handler, a failed handler rolls back, and what happens
to its message is the product's affair.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator
from typing import Any

from msgspec import Struct

from onceproof.drill.adapters import (
    LOOPBACK,
    Address,
    DatabaseSession,
    LockSession,
    Message,
    QueueSession,
    Term,
    Trouble,
    Unanswered,
    server,
)
from onceproof.drill.plan import Plan, key_of
from onceproof.drill.provider import NoAnswer, request
from onceproof.interpreter.context import Context
from onceproof.interpreter.trace import EventOf
from onceproof.lang.design import UNSET, Process
from onceproof.lang.source import Span
from onceproof.lang.syntax import ast as n
from onceproof.machine.delivery import Delivery

STEP, STATEMENT = "step", "statement"


class Pause(Struct, frozen=True):
    """Where a worker stands: before a line of a file, and within it before a test or an attempt.
    ``kind``: whether the language counts it.
    """

    span: Span
    part: int = 0
    kind: str = STEP


class Stopped(Exception):
    """The handler returns."""


class Failed(Exception):
    """The handler throws."""


class DatabaseFailed(Failed):
    """A statement, or a commit, of the handler fails."""


class Sessions:
    """The worker's connections, opened when they are first needed. ``links``: the ports of its own
    proxies.
    """

    def __init__(self, plan: Plan, links: dict[str, int]) -> None:
        self.plan = plan
        self._servers: dict[str, Any] = {}
        self._databases: dict[str, DatabaseSession] = {}
        self._queues: dict[str, QueueSession] = {}
        self._locks: dict[str, LockSession] = {}
        self._links = links

    def _server(self, product: str) -> Any:
        if product not in self._servers:
            settings = self.plan.settings(product)
            if product in self._links:
                a = settings.address
                settings = self.plan.settings(
                    product, Address(LOOPBACK, self._links[product], a.user, a.password, a.database)
                )
            self._servers[product] = server(product, settings)
        return self._servers[product]

    def database(self, product: str) -> DatabaseSession:
        """The session with a product that keeps stores."""
        if product not in self._databases:
            self._databases[product] = self._server(product).session()
        return self._databases[product]

    def queue(self, product: str) -> QueueSession:
        """The session with a broker."""
        if product not in self._queues:
            self._queues[product] = self._server(product).queue_session()
        return self._queues[product]

    def locks(self, product: str) -> LockSession:
        """The session with what keeps locks: that of the database, where it is one."""
        if product not in self._locks:
            session = self.database(product) if product in self.plan.databases else None
            self._locks[product] = self._server(product).lock_session(session)
        return self._locks[product]

    def open(self, process: Process) -> None:
        """Connect to everything before the first line, as a service does when it starts."""
        for product in self.plan.databases:
            self.database(product)
        for product in set(self.plan.queues.values()):
            self.queue(product)

    @property
    def identities(self) -> dict[str, str]:
        """How the servers call these sessions."""
        return {p: s.identity for p, s in self._databases.items() if s.identity}

    def close(self) -> None:
        """Say goodbye to everybody who still listens."""
        ends = [s.close for s in self._databases.values()] + [
            s.close for s in self._queues.values()
        ]
        for close in ends:
            with contextlib.suppress(Exception):
                close()


class Walker:
    """One run of a handler. ``outcome``: what came of the last step, and the product's own
    words.
    """

    def __init__(
        self,
        plan: Plan,
        process: Process,
        sessions: Sessions,
        events: tuple[EventOf, ...],
        provider: int,
        number: int,
    ) -> None:
        self.plan = plan
        self.design = plan.design
        self.process = process
        self.sessions = sessions
        self.events = events
        self.provider = provider
        self.number = number
        self.context = Context.of(plan.design, plan.semantics)
        self.event = -1
        self.message: Message | None = None
        self.locals: dict[str, str] = {}
        self.tokens: dict[str, int] = {}
        self.sections: list[str] = []
        self.boxed: list[tuple[str, int]] = []
        self.outcome = ("", "")
        self.block: n.Atomic | None = None
        self.begun: list[str] = []
        self.wrote = False
        self.in_run = False

    # -- beginning and end

    def receive(self, wanted: int | None, seconds: float) -> bool:
        """Get a message."""
        queue = self.process.queue
        assert queue is not None
        self.message = self._queue(queue).take(queue, self.process.name, wanted, seconds)
        if self.message is not None:
            self.event = self.message.event
        return self.message is not None

    def poll(self, event: int) -> bool:
        """Whether a relay has something to do for an event."""
        assert self.process.condition is not None
        self.event = event
        return self._holds(self.process.condition)

    def run(self) -> Iterator[Pause]:
        """The handler. Raises ``Failed`` at its end if it failed."""
        try:
            with contextlib.suppress(Stopped):
                yield from self._steps(self.process.body)
        except Failed:
            self._roll_back()
            if not self.process.acks_failures:
                raise
            self.boxed.clear()
        if self.process.acks_at_end and self.message is not None:
            yield from self._before(self.process.span)
            self._settle()

    def _roll_back(self) -> None:
        for product in self.begun:
            with contextlib.suppress(Trouble):
                self.sessions.database(product).rollback()
        self.begun, self.block, self.in_run = [], None, False

    # -- stops

    def _before(self, span: Span, part: int = 0, collected: bool = False) -> Iterator[Pause]:
        """Stop before a step, or before a statement of one that has begun."""
        kind = STATEMENT if collected and self.in_run else STEP
        self.in_run = collected
        yield Pause(span, part, kind)
        if kind is STEP:
            self.outcome = ("", "")

    @contextlib.contextmanager
    def _asking(self) -> Iterator[None]:
        """A statement that the database refuses fails the handler."""
        try:
            yield
        except Unanswered as error:
            self.outcome = ("no answer", str(error))
            raise DatabaseFailed from error
        except Trouble as error:
            self.outcome = ("failed", str(error))
            raise DatabaseFailed from error

    # -- steps

    def _steps(self, steps: tuple[n.Step, ...]) -> Iterator[Pause]:
        for step in steps:
            yield from self._step(step)

    def _step(self, step: n.Step) -> Iterator[Pause]:
        match step:
            case n.Stop():
                raise Stopped
            case n.Fail():
                raise Failed
            case n.CrashHere():
                return
            case n.Section(name, body):
                self.sections.append(name.text)
                try:
                    yield from self._steps(body)
                finally:
                    self.sections.pop()
            case n.Atomic():
                yield from self._atomic(step)
            case n.If():
                yield from self._if(step)
            case n.Let():
                yield from self._let(step)
            case n.Do() if self.context.store_of(step) is None:
                yield from self._call(step)
            case n.Publish(queue):
                yield from self._publish(step.span, queue.text)
            case n.Ack(or_else):
                yield from self._before(step.span)
                answer = self._settle()
                if or_else and answer not in ("done", "sent"):
                    yield from self._turned_down(step, answer)
            case n.Nack():
                yield from self._before(step.span)
                self._give_back()
            case n.Acquire():
                yield from self._acquire(step)
            case n.Release(lock):
                yield from self._before(step.span)
                self._release(lock.text)
            case n.Renew():
                yield from self._renew(step)
            case n.Wait():
                yield from self._before(step.span)
            case _:
                yield from self._write(step)

    def _turned_down(self, step: n.Step, outcome: str) -> Iterator[Pause]:
        """What a line that did not succeed leads to."""
        clauses = {c.outcome.text: c.body for c in getattr(step, "clauses", ())}
        for name in (outcome, *(("failure",) if isinstance(step, n.Do) else ())):
            if name in clauses:
                yield from self._steps(clauses[name])
                return
        yield from self._or_else(getattr(step, "or_else", None))

    def _or_else(self, then: n.OnConflict | None) -> Iterator[Pause]:
        match then:
            case n.OnConflict.STOP:
                raise Stopped
            case n.OnConflict.CONTINUE:
                yield from ()
            case _:
                raise Failed

    # -- keys

    def _key(self, level: Any, field: str) -> str:
        return key_of(self.design, level, field, self.event, self.events[self.event].component)

    def _row(self, store: str) -> str:
        declared = self.design.stores[store]
        return self._key(declared.level, declared.key)

    def _store(self, store: str) -> DatabaseSession:
        """The session that keeps a store, with its transaction open where the line stands in a
        block.
        """
        product = self.plan.stores[store]
        session = self.sessions.database(product)
        if self.block is not None and product not in self.begun:
            stores = frozenset(s for s, p in self.plan.stores.items() if p == product)
            session.begin(self.plan.isolation(stores, self.block.serializable))
            self.begun.append(product)
        return session

    def _queue(self, queue: str) -> QueueSession:
        return self.sessions.queue(self.plan.queues[queue])

    # -- conditions and values

    def _tests(self, condition: n.Condition) -> list[tuple[int, list[n.Condition]]]:
        """Alternatives as rows of single tests, each row with the number of its first test."""
        rows = condition.parts if isinstance(condition, n.AnyOf) else (condition,)
        alternatives: list[tuple[int, list[n.Condition]]] = []
        start = 0
        for row in rows:
            tests: list[n.Condition] = list(row.parts) if isinstance(row, n.AllOf) else [row]
            alternatives.append((start, tests))
            start += len(tests)
        return alternatives

    def _holds(self, condition: n.Condition) -> bool:
        """Whether a condition is true now, looked at without a stop."""
        return any(all(self._look(t) for t in tests) for _, tests in self._tests(condition))

    def _if(self, step: n.If) -> Iterator[Pause]:
        collected = self._collects(step)
        truth = False
        for start, tests in self._tests(step.condition):
            truth = True
            for number, test in enumerate(tests, start):
                yield from self._before(step.span, number, collected)
                with self._asking():
                    truth = self._look(test)
                self.outcome = (self.outcome[0] if collected else "yes" if truth else "no", "")
                if not truth:
                    break
            if truth:
                break
        yield from self._steps(step.body if truth else step.otherwise)

    def _collects(self, step: n.Step) -> bool:
        """Whether a line is part of a run of lines of the open block."""
        return self.block is not None and self.context.collects(self.block.serializable, step)

    def _look(self, test: n.Condition) -> bool:
        """One single test, asked of the product."""
        match test:
            case n.InStore(_, store, negated):
                return self._store(store.text).present(store.text, self._row(store.text)) != negated
            case n.ColumnIs(store, column, value, negated):
                return (self._column(store.text, column.text) == value.text) != negated
            case n.NameIs(name, value, negated):
                payload = dict(self.events[self.event].payload)
                known = (
                    payload
                    if self.context.is_payload(self.process.name, name.text)
                    else self.locals
                )
                return (known.get(name.text, UNSET) == value.text) != negated
            case n.Happened(effect, negated):
                return (self._happened(effect.text) > 0) != negated
            case _:
                raise AssertionError(f"not a single test: {test}")

    def _column(self, store: str, column: str) -> str:
        value = self._store(store).read(store, column, self._row(store))
        return self.design.stores[store].columns[column][0] if value is None else value

    def _happened(self, effect: str) -> int:
        declared = self.design.effects[effect]
        owner = self._key(declared.level, declared.key)
        if declared.store is not None:
            return self._store(declared.store).recorded(effect, owner)
        try:
            _, data = request(self.provider, "GET", f"/effects/{effect}?for={owner}")
        except NoAnswer as error:
            raise Unanswered(str(error)) from error
        return int(data["happened"])

    def _let(self, step: n.Let) -> Iterator[Pause]:
        collected = self._collects(step)
        yield from self._before(step.span, 0, collected)
        with self._asking():
            match step.value:
                case n.ReadPresence(_, store):
                    value = (
                        "yes"
                        if self._store(store.text).present(store.text, self._row(store.text))
                        else "no"
                    )
                case n.ReadColumn(store, column):
                    value = self._column(store.text, column.text)
                case n.Constant(name):
                    value = name.text
        self.locals[step.name.text] = value

    # -- writes and transactions

    def _atomic(self, step: n.Atomic) -> Iterator[Pause]:
        """A block, with what stands below it for when it fails."""
        for attempt in range(step.retries + 1):
            try:
                yield from self._transaction(step)
            except Failed as failed:
                self._roll_back()
                if isinstance(failed, DatabaseFailed) and attempt < step.retries:
                    continue
                if step.clauses:
                    yield from self._steps(step.clauses[0].body)
                elif step.or_else is None:
                    raise
                else:
                    yield from self._or_else(step.or_else)
            return

    def _transaction(self, step: n.Atomic) -> Iterator[Pause]:
        self.block, self.begun, self.wrote, self.in_run = step, [], False, False
        stops: Stopped | None = None
        try:
            yield from self._steps(step.body)
        except Stopped as stopped:
            stops = stopped
        if self.in_run:
            yield from self._before(step.span, 0, collected=True)
        elif self.wrote:
            yield from self._before(step.span)
        with self._asking():
            while self.begun:
                self.sessions.database(self.begun[0]).commit()
                del self.begun[0]
                if self.begun:
                    yield Pause(step.span, 0, STATEMENT)
        if self.wrote:
            self.outcome = ("commit", "")
        self.block, self.in_run = None, False
        if stops is not None:
            raise stops

    def _write(self, step: n.Step) -> Iterator[Pause]:
        store = self.context.store_of(step)
        assert store is not None
        try:
            outcome = yield from self._attempts(store, step)
        except DatabaseFailed:
            if self.block is not None:
                raise
            yield from self._failed(step)
            return
        if outcome:
            if self.block is None:
                self.outcome = (outcome, "")
            yield from self._turned_down(step, outcome)
        else:
            self.wrote = True

    def _attempts(self, store: str, step: n.Step) -> Generator[Pause, None, str]:
        """A write, repeated as often as the line says where it fails outside a block."""
        most = getattr(step, "retries", 0) if self.block is None else 0
        attempt = 0
        while True:
            yield from self._before(step.span, attempt, self.block is not None)
            try:
                with self._asking():
                    return self._written(self._store(store), store, step)
            except DatabaseFailed:
                if attempt == most:
                    raise
                attempt += 1

    def _failed(self, step: n.Step) -> Iterator[Pause]:
        """What a write leads to that fails for good."""
        clauses = {c.outcome.text: c.body for c in getattr(step, "clauses", ())}
        if "failure" in clauses:
            yield from self._steps(clauses["failure"])
            return
        blind = isinstance(step, n.SetColumn | n.Add | n.Increment) or (
            isinstance(step, n.Do) and self.design.effects[step.effect.text].token_of is None
        )
        yield from self._or_else(getattr(step, "or_else", None) if blind else None)

    def _written(self, session: DatabaseSession, store: str, step: n.Step) -> str:
        row = self._row(store)
        match step:
            case n.SetColumn(_, column, value):
                session.set(store, column.text, row, value.text)
            case n.Add():
                session.add(store, row)
            case n.Insert():
                return "" if session.insert(store, row) else "duplicate"
            case n.UpdateIf(_, column, old, new):
                return (
                    ""
                    if session.update(store, column.text, row, (old.text, new.text))
                    else "conflict"
                )
            case n.Increment(_, column):
                session.increment(store, column.text, row, self.event)
            case n.Delete():
                return "" if session.delete(store, row) or not step.conditional else "missing"
            case n.Do(_, effect):
                return "" if self._recorded(session, effect.text) else "rejected"
            case _:
                raise AssertionError(f"not a write: {step}")
        return ""

    def _recorded(self, session: DatabaseSession, effect: str) -> bool:
        declared = self.design.effects[effect]
        fence = None
        if declared.token_of is not None:
            lock = self.design.locks[declared.token_of]
            fence = (lock.name, self._key(lock.level, lock.key), self.tokens.get(lock.name, -1))
        return session.record(effect, self._key(declared.level, declared.key), self.event, fence)

    # -- effects and messages

    def _call(self, step: n.Do) -> Iterator[Pause]:
        for attempt in range(step.retries + 1):
            yield from self._before(step.span, attempt)
            outcome = self._called(step.effect.text)
            if outcome == "done":
                return
        yield from self._turned_down(step, self.outcome[0])

    def _called(self, effect: str) -> str:
        declared = self.design.effects[effect]
        key = None
        if declared.key_level is not None:
            key = self._key(declared.key_level, declared.key_field or "")
        data = {"for": self._key(declared.level, declared.key), "key": key, "worker": self.number}
        try:
            status, _ = request(self.provider, "POST", f"/effects/{effect}", data)
        except NoAnswer as error:
            self.outcome = ("no answer", str(error))
        else:
            self.outcome = ("done", "") if status == 201 else ("refused", f"status {status}")
        return self.outcome[0]

    def _is_boxed(self) -> bool:
        """Whether what is published waits for the acknowledgement."""
        queue = self.process.queue
        if queue is None or self.context.promises(self.process.name) is not Delivery.EXACTLY_ONCE:
            return False
        return (
            self.context.holds(self.process.name)
            and "publish" in self.design.queues[queue].boundary
        )

    def _publish(self, span: Span, queue: str) -> Iterator[Pause]:
        if self._is_boxed():
            self.boxed.append((queue, self.event))
            return
        yield from self._before(span)
        try:
            self._queue(queue).publish(queue, self.event)
        except Unanswered as error:
            self.outcome = ("no answer", str(error))
            if self._is_confirmed(queue):
                raise Failed from error
        except Trouble as error:
            self.outcome = ("refused", str(error))
            if self._is_confirmed(queue):
                raise Failed from error
        else:
            self.outcome = ("done", "")

    def _is_confirmed(self, queue: str) -> bool:
        """Whether the publisher waits for the broker's answer; else it fires and forgets."""
        unconfirmed = self.design.queues[queue].unconfirmed
        return not unconfirmed and self.context.semantics(queue) is not Delivery.AT_MOST_ONCE

    def _settle(self) -> str:
        """Acknowledge; whatever the broker says, the handler goes on."""
        queue = self.process.queue
        assert queue is not None
        assert self.message is not None
        try:
            if self.boxed:
                answer = self._queue(queue).ack_with(
                    queue, self.process.name, self.message, self.boxed
                )
                self.boxed = []
            else:
                answer = self._queue(queue).ack(queue, self.process.name, self.message)
            self.outcome = (answer, "")
        except Unanswered as error:
            self.outcome = ("no answer", str(error))
        except Trouble as error:
            self.outcome = ("failed", str(error))
        return self.outcome[0]

    def _give_back(self) -> None:
        queue = self.process.queue
        assert queue is not None
        assert self.message is not None
        with contextlib.suppress(Trouble):
            self._queue(queue).nack(queue, self.process.name, self.message)

    # -- locks

    def _acquire(self, step: n.Acquire) -> Iterator[Pause]:
        lock = self.design.locks[step.lock.text]
        yield from self._before(step.span)
        key = self._key(lock.level, lock.key)
        with self._asking():
            session = self.sessions.locks(self.plan.locks[lock.name])
            fenced = any(e.token_of == lock.name for e in self.design.effects.values())
            token = session.acquire(
                lock.name, key, Term(step.or_else is None, self.plan.lock_seconds(lock), fenced)
            )
        if token is None:
            self.outcome = ("held", "")
            yield from self._turned_down(step, "held")
        else:
            self.tokens[lock.name] = token

    def _release(self, name: str) -> None:
        lock = self.design.locks[name]
        with self._asking():
            self.sessions.locks(self.plan.locks[name]).release(
                name, self._key(lock.level, lock.key), lock.expires
            )

    def _renew(self, step: n.Renew) -> Iterator[Pause]:
        yield from self._before(step.span)
        try:
            if step.lock is None:
                queue = self.process.queue
                assert queue is not None
                assert self.message is not None
                answer = self._queue(queue).renew(queue, self.process.name, self.message)
            else:
                lock = self.design.locks[step.lock.text]
                renewed = self.sessions.locks(self.plan.locks[lock.name]).renew(
                    lock.name,
                    self._key(lock.level, lock.key),
                    self.tokens.get(lock.name, -1),
                    self.plan.lock_seconds(lock),
                )
                answer = "done" if renewed else "refused"
            self.outcome = (answer, "")
        except Unanswered as error:
            self.outcome = ("no answer", str(error))
        except Trouble as error:
            self.outcome = ("refused", str(error))
        if step.or_else and self.outcome[0] != "done":
            yield from self._turned_down(step, self.outcome[0])
