"""A handler's program to rules: follows every path, remembers what is collected, and gives each
stopping place a value of ``pc``.

One class, in this order: the paths and their names, moving on without a step, one rule, the
operations that take a step, the collected lines of an atomic block, and death.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from onceproof.base import allowance
from onceproof.lang import design as d
from onceproof.lang.syntax import ast as n
from onceproof.lower import modelled, own_queue, providers
from onceproof.lower import program as op
from onceproof.lower import variables as v
from onceproof.lower.case import (
    DEAD,
    Case,
    Changes,
    Location,
    ProgramPoint,
    Sink,
    Table,
    compose_all,
)
from onceproof.lower.effects import Meaning, freed, only
from onceproof.lower.failures import Failures, is_database_step, is_kept_in_a_database
from onceproof.lower.isolation import Isolated, Rows, lock_acquired
from onceproof.lower.past import Past
from onceproof.lower.program import Place, Program
from onceproof.lower.queues import Group, Tracking
from onceproof.lower.sessions import Sessions
from onceproof.machine.delivery import Delivery
from onceproof.machine.system import (
    Action,
    Broadcast,
    Cause,
    Rule,
    RuleKind,
    Test,
    Variable,
    put,
)

MOST_STEPS = 20_000
"""Lines followed in one handler: along every way through what is collected, each line again."""

MOST_CHANGES = 500_000
"""Conditions and changes in all rules of one handler: a serializable block has a bit for each pair
of rows, so that each way through it costs more.
"""

LOOKS = 500
"""Lines after which the clock is looked at."""


ACKED = "acknowledged"
"""The outcome of a death after which the message was acknowledged all the same."""


class World(Struct, frozen=True):
    """What all handlers of a lowering share. ``lockable``: stores whose rows some transaction keeps
    locked over a stop. ``aborting``: queues in which messages of aborted transactions may appear.
    ``rows``: what blocks do with rows. ``released_unheld``: locks that some worker may release
    without holding them. ``semantics``: of
    the queues that declare none.
    """

    design: d.Design
    groups: Mapping[str, Group]
    domains: Mapping[str, Variable]
    lockable: frozenset[str]
    rows: Rows
    aborting: frozenset[str] = frozenset()
    released_unheld: frozenset[str] = frozenset()
    semantics: Delivery = Delivery.AT_LEAST_ONCE


class Lowering:
    """Lowers one handler. ``rules``, ``points`` and ``stores_to_lock`` are its results; conditions
    on ``pc`` are added by name.
    """

    def __init__(self, world: World, program: Program) -> None:
        self.world = world
        self.design = world.design
        self.lockable = world.lockable
        self.program = program
        self.process = program.process
        self.domains = world.domains
        self.group = world.groups.get(self.process.name)
        self.meaning = Meaning(world.design, self.process, world.domains)
        self.rules: list[Rule] = []
        self.points: dict[str, ProgramPoint] = {}
        self.stores_to_lock: set[str] = set()
        self.names: dict[Location, str] = {}
        self.queue: list[Location] = []
        crash_after = [a.effect for a in world.design.assumptions if a.kind == "crash-only-after"]
        self.crash_after = set(crash_after)
        self.too_slow = modelled.BROKERS and self.process.killed is not None
        # whoever is killed for being slow is killed anywhere
        self.restricted = (program.marked or bool(crash_after)) and not self.too_slow
        self.starting = False
        self.steps = 0
        self.changes = 0
        self.home = _homes(world.design) | own_queue.homes(self.process, world.groups.values())
        self.failures = Failures(self)
        self.blocks = Isolated(self, self.failures, world.rows)
        self.sessions = Sessions(self, self.failures, self.blocks)
        self.past = Past(self)

    # -- driver

    def lower(self) -> None:
        """Follow every path from the entry."""
        start = Location(self.program.entry, marked=not self.restricted)
        self.starting = True
        ways = [way for case in self._starts() for way in self._advance(case, start)]
        self.starting = False
        for ready, at in ways:
            assert at is not None
            self._spawn(ready, at)
        while self.queue:
            at = self.queue.pop(0)
            self._place(at)
            self._kill(at)
            self.sessions.lose(at)
            self.past.lose(at)

    def _starts(self) -> list[Case]:
        base = Case(self.domains)
        if self.group is not None:
            return self.group.deliver(base)
        assert self.process.condition is not None
        return self.past.starts(self.process.condition, base)[0]

    def _spawn(self, case: Case, at: Location) -> None:
        cause = Cause.DELIVERY if self.group else Cause.START
        action = Action(
            cause, self.process.name, self.process.queue or "", line=self.process.span.line
        )
        rule = case.rule(RuleKind.SPAWN, action)
        self.rules.append(replace(rule, updates=(*rule.updates, put(v.PC, self.name(at)))))

    def _pause(self, end: int) -> int:
        """The only step of a handler that takes none: to its end."""
        pause = Place(op.Pause(end), self.process.span.line, ())
        if pause not in self.program.places:
            self.program = replace(self.program, places=(*self.program.places, pause))
        return self.program.places.index(pause)

    def name(self, at: Location) -> str:
        """The value of ``pc`` for a place; new places are followed later."""
        if at not in self.names:
            place = self.program.places[at.place]
            base = f"{self.process.name}:{place.line}"
            same = sum(1 for n in self.points if n == base or n.startswith(base + "#"))
            self.names[at] = base if not same else f"{base}#{same + 1}"
            self.points[self.names[at]] = ProgramPoint(
                self.process.name, place.line, place.sections
            )
            self.queue.append(at)
        return self.names[at]

    def base(self, at: Location) -> Case:
        """The case of a worker at ``at``, before anything is decided."""
        transaction = None if at.transaction is None else dict(at.transaction)
        views = self.blocks.views(at)
        return Case(self.domains, transaction=transaction, inside=dict(at.inside), views=views)

    def _count_step(self, index: int) -> None:
        """Count a line that is followed. Raises TooLarge and Exhausted."""
        self.steps += 1
        if self.steps > MOST_STEPS or self.changes > MOST_CHANGES:
            line = self.program.places[index].line
            raise allowance.TooLarge(
                self.process.span.path,
                f"line {line}: `{self.process.name}` goes on in too many ways: each choice inside a"
                " transaction doubles them; split the transaction, or make fewer choices in it",
            )
        if self.steps % LOOKS == 0:
            allowance.demand()

    # -- moving on

    def _advance(self, case: Case, at: Location) -> list[tuple[Case, Location | None]]:
        """Run what takes no step, from ``at`` on; None: the handler is over (the case then includes
        what its end does).
        """
        self._count_step(at.place)
        place = self.program.places[at.place]
        match place.operation:
            case op.Mark(then):
                # No step of its own: it only allows a kill at the next stop.
                return self._advance(case, replace(at, place=then, marked=True))
            case op.Enter(serializable, then):
                # BEGIN asks nothing of the store: nobody can see that it happened.
                entered = replace(case, transaction={})
                return self._advance(
                    entered, replace(at, place=then, transaction=(), serializable=serializable)
                )
            case op.Leave(then) if not case.transaction:
                # A commit that writes nothing changes nothing for others but the locks it frees,
                # so it happens together with the step before it. One that writes is a step.
                left = replace(self.blocks.close(case, at), transaction=None)
                left = self._unlock(left, at.locks)
                return self._advance(left, outside(at, then))
            case op.Write(step, then) if self._is_inside(self.meaning.written(step)[0]):
                # The broker buffers it until its own commit: others see it only then.
                return self._advance(
                    case.hold_inside(self.meaning.written(step)[1]), replace(at, place=then)
                )
            case op.Attempt(step, ok, down) if self._is_inside(self.meaning.written(step)[0]):
                # As above. The answer comes from what the worker sees, its own buffer included.
                written, rejected = self.meaning.attempt(step, case)
                ways = []
                for fitting in written:
                    ways += self._advance(
                        fitting.hold_inside(self.meaning.written(step)[1]), replace(at, place=ok)
                    )
                for turned_down in rejected:
                    ways += self._advance(turned_down, replace(at, place=down))
                return ways
            case op.Send(queue, then, _, None) if self._collects_publishing():
                # A publish inside the broker's transaction: the message appears with the commit.
                for group in self.readers(queue):
                    case = group.receive(case, inside=True)
                return self._advance(case, replace(at, place=then))
            case op.Rollback(then):
                # The failed block is over; what the broker has collected is none of its business.
                case = self.blocks.close(self._unlock(case, at.locks), at)
                return self._advance(replace(case, transaction=None), outside(at, then))
            case op.Discard(then):
                # The failed handler rolls back. Nothing of it was visible, so others see only that
                # the locks are free.
                case = self._drop_inside(self._unlock(self.blocks.close(case, at), at.locks))
                dropped = replace(case, transaction=None, inside={})
                return self._advance(dropped, Location(then, marked=at.marked))
            case op.Ended() if self.starting:
                # A handler that takes no step: its end is one, so that a worker comes and goes.
                case = replace(self._unlock(case, at.locks), transaction=None)
                ended = Location(self._pause(at.place), marked=at.marked)
                return [(case, self._remember(case, ended))]
            case op.Ended(failed):
                # The worker goes with its last step: no state has a worker with nothing left to do.
                ends = self._leak(self.blocks.close(case, at))
                return [(c, None) for e in ends for c in self.end(e, at.locks, failed=failed)]
            case _:
                # Everything else is a step that others can come before: the worker stops here.
                return self._stop(case, at)

    def _stop(self, case: Case, at: Location) -> list[tuple[Case, Location | None]]:
        """The worker stops here, and remembers what the rest of its block needs."""
        at = self._remember(case, at)
        return [(self.blocks.forget(case, at) if at.transaction is not None else case, at)]

    def _remember(self, case: Case, at: Location) -> Location:
        transaction = None if case.transaction is None else tuple(sorted(case.transaction.items()))
        return replace(at, transaction=transaction, inside=tuple(sorted(case.inside.items())))

    def _is_inside(self, store: str | None) -> bool:
        if store is None or self.group is None or not self.group.transactional:
            return False
        return self.world.design.stores[store].inside == self.process.queue

    def _collects_publishing(self) -> bool:
        return self.group is not None and self.group.collects_publishing

    def readers(self, queue: str) -> list[Group]:
        """The groups that read a queue."""
        return [g for g in self.world.groups.values() if g.queue.name == queue]

    def end(
        self,
        case: Case,
        locks: Iterable[str],
        kept: frozenset[str] = frozenset(),
        *,
        failed: bool | None = None,
    ) -> list[Case]:
        """The worker is gone: its message comes back if it still holds it; its locks are free.
        ``kept``: those whose session lives on until a request is done. ``failed``: how its handler
        has ended (None: it is killed).
        """
        case = self._drop_inside(self._unlock(case, locks))
        ends = [case]
        if self.group:
            if failed is None:
                ends = self.group.let_go(case)
            else:
                ends = self.group.left(case, failed=failed)
        for lock in self.world.design.locks.values():
            if v.holding(lock.name) in self.domains and lock.name not in kept:
                ends = [x for c in ends for x in self._leave_lock(c, lock)]
        return ends

    def _unlock(self, case: Case, locks: Iterable[str]) -> Case:
        """Rows that the open transaction has locked are free."""
        for name, table in freed(self.domains, (v.busy(s) for s in sorted(locks))).items():
            case = case.change(name, table)
        return case

    def _drop_inside(self, case: Case) -> Case:
        """What was collected inside the broker is not written; a message of it may be seen later
        all the same.
        """
        source = self.group.queue if self.group else None
        for queue in self.world.aborting if case.inside and source else ():
            readers = [g for g in self.readers(queue) if g.status in case.inside]
            if source and any(d.leaks(source, reader.queue) for reader in readers):
                case = case.put(v.aborted(queue), "yes")
        return case

    def _leak(self, case: Case) -> list[Case]:
        """A handler that ends without releasing leaves its locks held in a pooled session."""
        ends = [case]
        for lock in self.world.design.locks.values():
            if lock.pooled is not d.Pooled.NO and v.holding(lock.name) in self.domains:
                own = v.holding(lock.name)
                kept = only([c.test(own, {"no"}) for c in ends])
                left = only([c.test(own, {"yes"}) for c in ends])
                ends = [*kept, *(c.put(lock.name, "leaked").put(own, "no") for c in left)]
        return ends

    def _leave_lock(self, case: Case, lock: d.Lock) -> list[Case]:
        """The lock of a worker that is gone: free, or (with ``work ends within the lock``) free
        some time later.
        """
        holder = case.test(v.holding(lock.name), {"yes"})
        other = case.test(v.holding(lock.name), {"no"})
        return only(
            [
                holder.put(lock.name, "orphaned" if lock.expires else "free") if holder else None,
                other,
            ]
        )

    def go(
        self,
        at: Location,
        case: Case,
        then: int,
        action: Action,
        block: Location | None = None,
    ) -> None:
        """Emit the rules of one outcome of the step at ``at`` that leads to place ``then``.
        ``block``: what the block around remembers afterwards, if that is something else.
        """
        called = isinstance(self.program.places[at.place].operation, op.Call)
        happened = action.outcome in ("done", "answer lost")
        asked = called and action.subject in self.crash_after and happened
        marked = not self.restricted or asked or self._counts_marked(case)
        target = replace(block or at, place=then, marked=marked)
        for ready, after in self._advance(case, target):
            self.emit(at, ready, after, action)

    def _counts_marked(self, case: Case) -> bool:
        """Whether an effect after which workers may be killed is counted in this step: by a write,
        a commit, or an ack with which it appears.
        """
        return not self.crash_after.isdisjoint(case.changes)

    def leave_block(
        self,
        at: Location,
        case: Case,
        then: int,
        action: Action,
        locks: frozenset[str] | None = None,
        wider: str = "",
    ) -> None:
        """Emit the rules of a step at ``at`` that ends the block around it without a commit, if
        there is one, and leads to place ``then``. ``locks``: the stores whose rows the block still
        has locked (None: as at ``at``). ``wider``: the name of the wider rule.
        """
        case = self.blocks.close(self._unlock(case, at.locks if locks is None else locks), at)
        marked = not self.restricted or self._counts_marked(case)
        target = replace(outside(at, then), marked=marked)
        for ready, after in self._advance(replace(case, transaction=None), target):
            self.emit(at, ready, after, action, wider)

    def emit(
        self, at: Location, case: Case, after: Location | None, action: Action, wider: str = ""
    ) -> None:
        """One rule: from ``at`` to ``after``. ``wider``: the name of the wider rule."""
        case = self.wait_for_locks(at, case)
        if action.cause is not Cause.KILLED:
            case = self.blocks.unless_victim(case, at)
            case = self.sessions.working(case, at) or case
        ends = after is None
        for rule in self.blocks.told(case, case.rule(RuleKind.WORKER, action, ends=ends), at):
            guard = (Test(v.PC, frozenset({self.name(at)})), *rule.guard)
            updates = rule.updates
            if after is not None:
                updates = (*updates, put(v.PC, self.name(after)))
            wide = wider or rule.approximate
            self.changes += len(guard) + len(case.changes)
            self.rules.append(replace(rule, guard=guard, updates=updates, approximate=wide))

    def wait_for_locks(self, at: Location, case: Case) -> Case:
        """A write to a locked row waits for the lock; not one that the broker collects."""
        for store in sorted(s for s in self.world.lockable - at.locks if not self._is_inside(s)):
            if v.busy(store) in case.changes or any(
                self.world.rows.row_of(name) == store for name in case.changes
            ):
                waiting = case.where(v.busy(store), {"free"})
                assert waiting is not None
                case = waiting
        return case

    # -- one place

    def action(
        self, at: Location, cause: Cause = Cause.HANDLER, *, subject: str = "", outcome: str = ""
    ) -> Action:
        """What the step at ``at`` is to a reader."""
        place = self.program.places[at.place]
        return Action(
            cause,
            self.process.name,
            self.process.queue or "",
            subject,
            place.line,
            at.place,
            outcome,
        )

    def _place(self, at: Location) -> None:
        case = self.base(at)
        operation = self.program.places[at.place].operation
        self.sessions.fail_if_lost(at)
        begun = self.blocks.to_begin(at)
        if begun is not None:
            self._begin(at, case, begun)
            return
        self.blocks.fail_as_victim(at)
        self.sessions.fall_victim(at)
        if at.transaction is not None and self.collected(operation, at):
            self.run_collected(
                case,
                (lambda c, after, outcome: self._leave(at, c, after, outcome)),
                at.place,
                replace(at, marked=False),
            )
            self.failures.fail(at)
            return
        if is_database_step(self.world.design, operation) or self._settles_in_a_row(at):
            self.failures.fail(at, self.subject(operation))
        match operation:
            case op.Decide(test, yes, no):
                if isinstance(test, n.Happened) and not self.meaning.stores_read(test):
                    providers.query(self, at, operation, test.effect.text)
                case, block = self._look(case, at, self.meaning.stores_read(test))
                answers = self.meaning.decide(test, case)
                stale = self.past.decide(test, case, at)
                for index, then, outcome in ((0, yes, "yes"), (1, no, "no")):
                    for c in (*answers[index], *stale[index]):
                        self.go(at, c, then, self.action(at, outcome=outcome), block)
            case op.Read(step, then):
                case, block = self._look(case, at, self.world.rows.uses(operation).looks)
                for c in (self.meaning.read(step, case), *self.past.read(step, case, at)):
                    self.go(at, c, then, self.action(at), block)
            case op.Write():
                self._write(at, case, operation)
            case op.Attempt():
                self._attempt(at, case, operation)
            case op.Call():
                providers.call(self, at, case, operation)
            case op.Send():
                self._publish(at, case, operation)
            case op.Settle():
                self._ack(at, case, operation)
            case op.GiveBack(then):
                for c in self.group.nack(case) if self.group else [case]:
                    self.go(at, c, then, self.action(at))
            case op.Take():
                self._acquire(at, case, operation)
            case op.LetGo():
                self._release(at, case, operation)
            case op.Extend():
                self._renew(at, case, operation)
            case op.Pause(then):
                self.go(at, case, then, self.action(at))
            case _:
                raise AssertionError(f"{operation} takes no step")

    # -- collected lines of an atomic block

    def collected(self, operation: op.Operation, at: Location) -> bool:
        """Whether an operation inside a block is part of a run of lines, and no stop point."""
        match operation:
            case op.Write() | op.Attempt() | op.Leave():
                return True
            case op.Send() | op.Settle():
                return operation.database is not None
            case op.Read(step):
                stores = self.world.rows.uses(operation).looks
                return isinstance(step.value, n.Constant) or self._all_optimistic(stores, at)
            case op.Decide(test, rows=rows, asks=asks):
                if asks:
                    # Asking a provider is a step that others can come before, with all of its `if`.
                    return False
                if rows:
                    return self._all_optimistic(rows, at)
                return at.serializable and not isinstance(test, n.Happened)
            case _:
                return False

    def _all_optimistic(self, stores: Iterable[str], at: Location) -> bool:
        rows, name = self.world.rows, self.process.name
        return all(rows.is_optimistic(store, at.serializable, name) for store in stores)

    def run_collected(self, case: Case, sink: Sink, index: int, at: Location) -> None:
        """From the collected line ``index`` to the next stop, the commit or a failure; every way
        through goes to ``sink``.
        """
        self._count_step(index)
        operation = self.program.places[index].operation
        match operation:
            case op.Leave(then, parts):
                self._commit(case, sink, replace(at, place=index), then, parts)
            case op.Write(step, then) if self._is_inside(self.meaning.written(step)[0]):
                # Rows in the broker are not the database's: its transaction does not lock them.
                held = case.hold_inside(self.meaning.written(step)[1])
                self.run_collected(held, sink, then, at)
            case op.Attempt(step, ok, down) if self._is_inside(self.meaning.written(step)[0]):
                written, rejected = self.meaning.attempt(step, case)
                for fitting in written:
                    held = fitting.hold_inside(self.meaning.written(step)[1])
                    self.run_collected(held, sink, ok, at)
                for turned_down in rejected:
                    self.run_collected(turned_down, sink, down, at)
            case op.Write() | op.Attempt():
                self._collect_write(case, sink, index, at)
            case op.Decide(test, yes, no) if self.collected(operation, at):
                case, at = self._look(
                    case, replace(at, place=index), self.meaning.stores_read(test)
                )
                answers = self.meaning.decide(test, case)
                for c, then in [*((c, yes) for c in answers[0]), *((c, no) for c in answers[1])]:
                    self.run_collected(c, sink, then, at)
            case op.Read(step, then) if self.collected(operation, at):
                looks = self.world.rows.uses(operation).looks
                case, at = self._look(case, replace(at, place=index), looks)
                self.run_collected(self.meaning.read(step, case), sink, then, at)
            case op.Send(queue, then, _, str()):
                for c in own_queue.published(case, self.readers(queue)):
                    self.run_collected(c, sink, then, at)
            case op.Settle(then, refused, str()):
                assert self.group is not None
                for c, holds in own_queue.acknowledged(case, self.group, asked=refused is not None):
                    self.run_collected(c, sink, then if holds or refused is None else refused, at)
            case op.Send(queue, then, _, None) if self._collects_publishing():
                for group in self.readers(queue):
                    case = group.receive(case, inside=True)
                self.run_collected(case, sink, then, at)
            case op.Mark(then):
                # A kill between two collected lines loses the same writes as one before the first;
                # if the run ends without a commit, also the same as one behind it.
                self.run_collected(case, sink, then, replace(at, marked=True))
            case op.Ended() | op.Discard() | op.Rollback():
                # A failure rolls back: the collected writes never appear.
                sink(
                    replace(case, transaction=None), replace(at, place=index, transaction=None), ""
                )
            case _:
                # A step that others can see, such as a call: the transaction stays open over it.
                sink(self._keep_locked(case, at), replace(at, place=index), "")
                for failing in self.blocks.doomed(case, at)[1]:
                    sink(failing, at, SERIALIZATION_FAILURE)

    def _commit(
        self, case: Case, sink: Sink, at: Location, then: int, parts: tuple[str, ...]
    ) -> None:
        """The run is at the end of its block: the first database that has something commits."""
        pending = [p for p in parts if self._changes_of(p, case.transaction or {})]
        outcome = "commit"
        if len(parts) > 1 and pending:
            outcome += f" of {self.world.design.part_words(pending[0])}"
        fine: list[Case] = [case]
        if pending:
            fine = []
            settled = own_queue.settled(case, self.group, self.home, pending[0])
            looks = [x for c in settled for x in self.blocks.look_again(c, at, pending[0])]
            for looked, way in looks:
                safe, doomed = (
                    self.blocks.doomed(looked, at, pending[0])
                    if way == "written"
                    else (None, [looked])
                )
                fine += only([safe])
                for failing in doomed:
                    sink(failing, at, SERIALIZATION_FAILURE)
        for ready in fine:
            if pending:
                changes = self._changes_of(pending[0], ready.transaction or {})
                ready = self.blocks.dooms(ready, at, pending[0], changes)
            if len(pending) > 1:
                # No transaction spans them: others act, and the worker dies, in between.
                done, locks = self._commit_part(ready, pending[0], at.locks)
                rest = self._remember(done, replace(at, locks=locks, marked=False))
                locks_there = self.sessions.locks.get(pending[0], [])
                rest = replace(
                    rest,
                    begun=rest.begun - {pending[0]},
                    tied=rest.tied - frozenset(locks_there),
                )
                done = self.blocks.close(done, at, [pending[0]])
                sink(self._keep_locked(done, rest), rest, outcome)
                continue
            done = self._unlock(self.blocks.close(ready.commit(), at), at.locks)
            # Locks go in the same step as the writes appear: nobody reads in between. A crash
            # point in the block is before its commit.
            marked = at.marked and not ready.transaction
            sink(done, replace(outside(at, then), marked=marked), outcome)

    def _collect_write(self, case: Case, sink: Sink, index: int, at: Location) -> None:
        """A write inside a block: what it finds, and what is locked by it."""
        operation = self.program.places[index].operation
        assert isinstance(operation, op.Write | op.Attempt)
        store, changes = self.meaning.written(operation.step)
        assert store is not None
        if self.blocks.is_single(store, at):
            # The request writes it whatever the row is by then: one that is gone is made again.
            changes = self.meaning.makes(operation.step, changes)
        for c, way in self.blocks.decide(case, operation, at):
            following = operation.next if isinstance(operation, op.Write) else operation.ok
            match way:
                case "written":
                    written, after = self.blocks.wrote(c.collect(changes), at, store, index)
                    if not self.blocks.is_single(store, at):
                        after = self._touch(after, store)
                    self.run_collected(written, sink, following, after)
                case "same":
                    self.run_collected(c.collect(changes), sink, following, self._touch(at, store))
                case "nothing":
                    # A write that changed no row holds no lock, but it has waited for one.
                    self.run_collected(self._waited(at, store, c), sink, following, at)
                case "down":
                    assert isinstance(operation, op.Attempt)
                    c = self._decided(at, operation.step, c)
                    c, after = self.blocks.turned_down(c, at, store)
                    self.run_collected(c, sink, operation.down, after)
                case _:
                    sink(self._waited(at, store, c), at, SERIALIZATION_FAILURE)

    def _look(self, case: Case, at: Location, stores: Iterable[str]) -> tuple[Case, Location]:
        """A line looks at rows; where that locks them, it waits for them."""
        stores = sorted(stores)
        for store in stores:
            if self.blocks.locks_shared(store, at):
                case = self._waited(at, store, case)
        return self.blocks.look(case, at, stores)

    def _waited(self, at: Location, store: str, case: Case) -> Case:
        """The case in which no other worker has the row locked."""
        if store not in self.world.lockable - at.locks or self._is_inside(store):
            return case
        waiting = case.where(v.busy(store), {"free"})
        assert waiting is not None
        return waiting

    def _begin(self, at: Location, case: Case, database: str) -> None:
        """The transaction in a database begins: its snapshot is taken."""
        taken, block = self.blocks.take(case, at, database)
        begun = self.blocks.block[at.place].line
        action = replace(self.action(at, outcome="begin"), line=begun)
        for ready, after in self._stop(taken, block):
            self.emit(at, ready, after, action)

    def _changes_of(self, database: str, changes: Changes) -> dict[str, Table]:
        """Those of a transaction's changes that belong to one database."""
        return {name: t for name, t in changes.items() if self.home[name] == database}

    def _commit_part(
        self, case: Case, database: str, locks: frozenset[str]
    ) -> tuple[Case, frozenset[str]]:
        """One database commits; the rest stays collected, and its rows locked."""
        collected = case.transaction or {}
        writes = self._changes_of(database, collected)
        rest = {name: table for name, table in collected.items() if name not in writes}
        done = replace(case, changes=compose_all(case.changes, writes), transaction=rest)
        stores = self.world.design.stores
        own = {s for s in locks if stores[s].database == database}
        return self._unlock(done, own), locks - own

    def _touch(self, at: Location, store: str | None) -> Location:
        return replace(at, locks=at.locks | {store}) if store else at

    def _keep_locked(self, case: Case, at: Location) -> Case:
        """A stop inside the block: the rows touched so far stay locked until it ends."""
        self.stores_to_lock |= at.locks
        for store in sorted(at.locks):
            if v.busy(store) in self.domains:
                case = case.put(v.busy(store), "taken")
        return case

    def _leave(self, start: Location, case: Case, at: Location, outcome: str) -> None:
        if outcome == SERIALIZATION_FAILURE:
            failed = Case(
                self.domains, guard=case.guard, inside=dict(start.inside), wider=case.wider
            )
            self.failures.after(start, failed, self.action(start, outcome=outcome))
            return
        if outcome.startswith("commit") and not self.home.keys().isdisjoint(case.changes):
            self.failures.lose_answer(start, case, at.locks, "")
        marked = not self.restricted or at.marked or self._counts_marked(case)
        at = replace(at, marked=marked)
        for ready, after in self._advance(case, at):
            self.emit(start, ready, after, self.action(start, outcome=outcome))

    # -- one step, by its kind

    def subject(self, operation: op.Operation) -> str:
        """What the step of an operation is about, as its action names it."""
        match operation:
            case op.Write(step):
                subject = getattr(step, "effect", None) or getattr(step, "store", None)
                return subject.text if subject else ""
            case op.Attempt(step):
                return self.meaning.written(step)[0] or ""
            case op.Take(lock) | op.LetGo(lock):
                return lock
            case op.Extend(lock):
                return lock or ""
            case op.Send(queue):
                return queue
            case _:
                return ""

    def _write(self, at: Location, case: Case, operation: op.Write) -> None:
        """A write that cannot be turned down."""
        subject, step = self.subject(operation), operation.step
        store, changes = self.meaning.written(step)
        action = self.action(at, subject=subject)
        for c, way in self.blocks.alone(case, operation, at, store):
            if way != "written":
                assert store is not None
                self.go(at, self._waited(at, store, c), operation.next, action)
                continue
            written = c.collect(changes)
            self.go(at, written, operation.next, action)
            self.failures.lose_answer(at, written, at.locks, subject)
            if isinstance(step, n.Increment | n.Do | n.Insert):
                self.failures.own_retry(at, written.collect(changes), operation.next, subject)

    def _attempt(self, at: Location, case: Case, operation: op.Attempt) -> None:
        """A conditional write goes through, or is turned down."""
        ok, turned_down = self.meaning.attempt(operation.step, case)
        store, changes = self.meaning.written(operation.step)
        outcome = {
            n.Insert: "duplicate",
            n.UpdateIf: "conflict",
            n.Delete: "missing",
            n.Do: "rejected",
        }[type(operation.step)]
        subject = store or ""
        for fitting in ok:
            written = fitting.collect(changes)
            self.go(at, written, operation.ok, self.action(at, subject=subject))
            self.failures.lose_answer(at, written, at.locks, subject)
            if isinstance(operation.step, n.Do):
                # Its token is as good the second time.
                self.failures.own_retry(at, written.collect(changes), operation.ok, subject)
            else:
                self.failures.own_retry(at, written, operation.down, subject)
        for down in turned_down:
            down = self._decided(at, operation.step, down)
            self.go(at, down, operation.down, self.action(at, subject=store or "", outcome=outcome))

    def _decided(self, at: Location, step: n.Step, down: Case) -> Case:
        """A conditional write that is turned down: it waits for a locked row before, too, unless
        the database answers from the committed row at once.
        """
        store = self.meaning.written(step)[0]
        if store is None:
            return down
        database = self.world.rows.database(store)
        waits = database.waits_to_decide or self.blocks.locks_shared(store, at)
        if isinstance(step, n.UpdateIf | n.Delete) and not waits:
            return down
        return self._waited(at, store, down)

    def _publish(self, at: Location, case: Case, operation: op.Send) -> None:
        """A message enters a queue, is dropped as a copy, is refused, or vanishes where nobody
        confirms it.
        """
        design, subject = self.world.design, operation.queue
        readers = self.readers(operation.queue)
        sent, lost = case, case
        for group in readers:
            sent, lost = group.receive(sent), group.lose(lost)
        arrivals = [
            (sent, "done"),
            *((dropped, "dropped") for dropped in _copies_dropped(case, readers)),
        ]
        for c, outcome in arrivals:
            self.go(at, c, operation.next, self.action(at, subject=subject, outcome=outcome))
        promised = design.queues[subject].semantics or self.world.semantics
        unconfirmed = promised is Delivery.AT_MOST_ONCE
        if unconfirmed or design.queues[subject].unconfirmed:
            self.go(
                at,
                lost,
                operation.next,
                self.action(at, Cause.VANISHED, subject=subject, outcome="lost"),
            )
        if is_kept_in_a_database(design, subject):
            self.failures.lose_answer(at, sent, at.locks, subject)
        if unconfirmed:
            return
        if not design.assumes("no-lost-answers"):
            for c, outcome in arrivals:
                unanswered = "answer lost" if outcome == "done" else "dropped, answer lost"
                self.go(
                    at,
                    c,
                    operation.failed,
                    self.action(at, Cause.ANSWER_LOST, subject=subject, outcome=unanswered),
                )
        if not design.assumes("no-refusals"):
            self.go(
                at,
                case,
                operation.failed,
                self.action(at, Cause.REFUSED, subject=subject, outcome="refused"),
            )

    def _ack(self, at: Location, case: Case, operation: op.Settle) -> None:
        """The acknowledgement arrives, is refused, or is lost on the way; or its answer is."""
        assert self.group is not None
        design, checked = self.world.design, operation.refused
        silent = self.group.tracking is Tracking.GONE
        for c, outcome in self.group.ack(case):
            if outcome == "done" and self._settles_in_a_row(at):
                self.failures.lose_answer(at, c, at.locks, "")
            then = checked if outcome == "refused" and checked is not None else operation.next
            self.go(at, c, then, self.action(at, outcome=outcome))
            if (
                checked is not None
                and outcome == "done"
                and not silent
                and not design.assumes("no-lost-answers")
            ):
                self.go(at, c, checked, self.action(at, Cause.ANSWER_LOST, outcome="answer lost"))
        if not silent and not design.assumes("no-lost-acks"):
            then = operation.next if checked is None else checked
            self.go(at, case, then, self.action(at, Cause.ACK_LOST, outcome="lost"))

    def _settles_in_a_row(self, at: Location) -> bool:
        """Whether the step at a place is an ``ack`` that is a step on a database. The end of a
        handler is none: it has no clause that an answer could lead to.
        """
        place = self.program.places[at.place]
        silent = self.group is None or self.group.tracking is Tracking.GONE
        if silent or place.failed < 0 or not isinstance(place.operation, op.Settle):
            return False
        return is_kept_in_a_database(self.world.design, self.process.queue)

    def _release(self, at: Location, case: Case, operation: op.LetGo) -> None:
        """A session lock is free if this worker's session holds it; any other is free whoever held
        it, unless only its owner frees it.
        """
        lock, action = operation.lock, self.action(at, subject=operation.lock)
        declared = self.world.design.locks[lock]
        if lock in at.tied:
            self.go(at, case, operation.next, action)
            return
        if declared.pooled is d.Pooled.TRANSACTION:
            # The proxy sends it over any connection.
            self.go(at, case.put(lock, "free"), operation.next, action)
            held = case.test(lock, {"held", "leaked"})
            if held:
                self.go(at, held, operation.next, replace(action, outcome="nothing"))
            return
        own, owner, stays = (v.holding(lock), "yes", "no")
        if declared.kind is not d.LockKind.SESSION:
            own, owner, stays = (v.token(lock), "fresh", "")
        owned = declared.kind is d.LockKind.SESSION or declared.owner_releases
        if owned:
            holder = case.test(own, {owner})
            if holder:
                freed = holder.put(lock, "free")
                freed = freed.put(own, stays) if stays else freed
                if own != v.holding(lock) and v.holding(lock) in self.domains:
                    freed = freed.put(v.holding(lock), "no")
                self.go(at, freed, operation.next, action)
            other = case.test(own, set(self.domains[own].domain) - {owner})
            if other:
                self.go(at, other, operation.next, action)
            return
        freed = case.put(lock, "free")
        if v.holding(lock) in self.domains:
            freed = freed.put(v.holding(lock), "no")
            if lock in self.world.released_unheld:
                told = (Test(v.holding(lock), frozenset({"yes"})),)
                broadcast = Broadcast(declared.level, told, (put(v.holding(lock), "no"),))
                freed = replace(freed, others=(broadcast,))
        self.go(at, freed, operation.next, action)

    def _acquire(self, at: Location, case: Case, operation: op.Take) -> None:
        """Take a free lock, and with it the newest token; wait or go elsewhere while it is held."""
        lock = operation.lock
        pooled = self.world.design.locks[lock].pooled
        if pooled is d.Pooled.TRANSACTION and at.transaction is None:
            # The proxy gives any connection, which keeps the lock when the handler goes on.
            taken = case.put(lock, "leaked")
            self.go(at, taken, operation.next, self.action(at, subject=lock))
            self.failures.lose_answer(at, taken, at.locks, lock)
            return
        if pooled is d.Pooled.YES:
            leaked = case.test(lock, {"leaked"})
            if leaked:
                block = at
                if self.sessions.is_tied(lock, at):
                    block = replace(at, tied=at.tied | {lock})
                given = leaked.put(lock, "held").put(v.holding(lock), "yes")
                action = self.action(at, subject=lock, outcome="reacquired")
                self.go(at, given, operation.next, action, block)
        free, held = (
            case.test(lock, {"free"}),
            case.test(lock, set(self.domains[lock].domain) - {"free"}),
        )
        if free:
            acquired = free.put(lock, "held")
            acquired = (
                acquired.put(v.holding(lock), "yes")
                if v.holding(lock) in self.domains
                else acquired
            )
            if v.token(lock) in self.domains:
                told = lock_acquired(self.world.design.locks[lock], self.domains)
                acquired = replace(acquired.put(v.token(lock), "fresh"), others=told)
            tied = self.sessions.is_tied(lock, at)
            block = replace(at, tied=at.tied | {lock}) if tied else at
            self.go(at, acquired, operation.next, self.action(at, subject=lock), block)
            if not tied:  # else it ends with the transaction, as if it had not been taken
                self.failures.lose_answer(at, acquired, at.locks, lock)
        if held and operation.held is not None:
            self.go(at, held, operation.held, self.action(at, subject=lock, outcome="held"))

    def _renew(self, at: Location, case: Case, operation: op.Extend) -> None:
        """The lease of the message or of a lock is extended, unless it is over."""
        checked, subject = operation.refused, operation.lock or ""
        if operation.lock is None:
            assert self.group is not None
            answers = self.group.renew(case)
        else:
            answers = _renewed(case, operation.lock)
        for c, outcome in answers:
            then = checked if outcome == "refused" and checked is not None else operation.next
            self.go(at, c, then, self.action(at, subject=subject, outcome=outcome))
            if (
                checked is not None
                and outcome == "done"
                and not self.world.design.assumes("no-lost-answers")
            ):
                unanswered = self.action(
                    at, Cause.ANSWER_LOST, subject=subject, outcome="answer lost"
                )
                self.go(at, c, checked, unanswered)

    # -- death

    def _kill(self, at: Location) -> None:
        """The rules of a worker that is killed at ``at``, where the design allows it."""
        if self.world.design.assumes("no-crash") and not self.too_slow:
            return
        killable = at.marked or not self.restricted
        if not killable and not self._runs_over_mark(at):
            return
        line = self.program.places[at.place].line
        action = Action(
            Cause.KILLED, self.process.name, self.process.queue or "", line=line, step=at.place
        )
        for start, outcome in self._deaths(at):
            for end in self.end(start, at.locks):
                self.emit(at, end, None, replace(action, outcome=outcome))
        if self._lets_others_go_on() and killable:
            requests = self._late_requests(at) if self.blocks.to_begin(at) is None else []
            if requests:
                self._outlive(at, requests, action)

    def _runs_over_mark(self, at: Location) -> bool:
        """Whether the run of collected lines that starts here may pass a crash point: a worker that
        is killed there has written nothing of it.
        """
        first = self.program.places[at.place].operation
        if at.transaction is None or not self.collected(first, at):
            return False
        seen: set[int] = set()
        ways = [at.place]
        while ways:
            index = ways.pop()
            operation = self.program.places[index].operation
            if isinstance(operation, op.Mark):
                return True
            passed = self.collected(operation, at) or self._is_collected_inside(operation)
            if index in seen or isinstance(operation, op.Leave) or not passed:
                continue
            seen.add(index)
            ways += op.after(operation)
        return False

    def _is_collected_inside(self, operation: op.Operation) -> bool:
        sent = isinstance(operation, op.Send) and operation.database is None
        return sent and self._collects_publishing()

    def _deaths(self, at: Location) -> list[tuple[Case, str]]:
        """A worker that is dead; with ``acks on return or kill``, its message may be acknowledged
        for it.
        """
        plain = Case(self.domains, inside=dict(at.inside))
        cases = [(plain, "")]
        if self.group is not None and self._is_settled_by_death():
            cases += [(case, ACKED) for case in self.group.settled_for(plain)]
        return cases

    def _is_settled_by_death(self) -> bool:
        """Whether a dead worker's message may be acknowledged for it."""
        return (
            self.process.ack == "kill"
            and self.group is not None
            and self.group.tracking is not Tracking.GONE
        )

    def _lets_others_go_on(self) -> bool:
        """Whether a worker's death lets others go on: its message (also one settled for it), its
        lock, its locked rows, or its place among ``workers N``.

        Only then can a request that outlives it meet them (theory T6); otherwise a dead worker is
        one that is merely slow (T5).
        """
        design = self.world.design
        freed_by_death = self.world.lockable or any(
            v.holding(lock) in self.domains for lock in design.locks
        )
        settled = self._is_settled_by_death()
        limited = any(process.workers is not None for process in design.processes)
        return (
            bool(freed_by_death)
            or limited
            or settled
            or (self.group is not None and self.group.tracking is Tracking.HELD)
        )

    def _late_requests(self, at: Location) -> list[tuple[Case, Action]]:
        """What the step at ``at`` asks of others, which can take effect after its sender died
        (theory T6).
        """
        case, operation = self.base(at), self.program.places[at.place].operation
        subject, outcome = "", ""
        if at.transaction is not None and self.collected(operation, at):
            cases: list[Case] = []
            self.run_collected(
                case,
                (lambda c, _, o: cases.append(self._alone(c)) if o.startswith("commit") else None),
                at.place,
                at,
            )
            outcome = "commit"
        elif isinstance(operation, op.Write):
            store, changes = self.meaning.written(operation.step)
            ways, subject = self.blocks.alone(case, operation, at, store), store or ""
            cases = [c.collect(changes) for c, way in ways if way == "written"]
        elif isinstance(operation, op.Attempt):
            store, changes = self.meaning.written(operation.step)
            ok = self.meaning.attempt(operation.step, case)[0]
            cases, subject = [c.collect(changes) for c in ok], store or ""
        elif isinstance(operation, op.Call):
            subject, outcome = operation.effect, "done"
            cases = self.meaning.happen(subject, case)
        elif isinstance(operation, op.Send):
            subject, outcome = operation.queue, "done"
            for group in self.readers(subject):
                case = group.receive(case)
            cases = [case]
        elif isinstance(operation, op.LetGo):
            subject = operation.lock
            lock = self.world.design.locks[subject]
            if lock.kind is d.LockKind.SESSION:
                return []
            owner = case.test(v.token(subject), {"fresh"}) if lock.owner_releases else case
            cases = [owner.put(subject, "free")] if owner else []
        else:
            return []
        return [
            (c, self.action(at, Cause.LATE_EFFECT, subject=subject, outcome=outcome))
            for c in cases
            if c.changes
        ]

    def _alone(self, case: Case) -> Case:
        """The commit of one part whose worker is dead: the parts after it are rolled back."""
        busy = {v.busy(s) for s in self.world.design.stores} & set(case.changes)
        free = freed(self.domains, busy)
        return replace(case, changes={**case.changes, **free}, transaction=None)

    def _outlive(self, at: Location, requests: list[tuple[Case, Action]], killed: Action) -> None:
        """The dead worker's request goes on without it: it takes effect later, or never.

        A commit in flight keeps the rows locked until then; any other request leaves the
        transaction behind, which is rolled back.
        """
        name = self.name(at) + DEAD
        self.points[name] = ProgramPoint(self.process.name, killed.line, ())
        # The store decides about a commit it has received; until then nobody may see the rows. Any
        # other request is alone: the store rolls the transaction back when the connection closes.
        commits = requests[0][1].outcome == "commit"
        kept = self._kept(at)
        for start, acked in self._deaths(at):
            outcome = f"request under way, {acked}" if acked else "request under way"
            for end in self.end(start, () if commits else at.locks, kept):
                sent = self.sessions.working(end, at)
                assert sent is not None
                rule = sent.rule(RuleKind.WORKER, replace(killed, outcome=outcome))
                guard = (Test(v.PC, frozenset({self.name(at)})), *rule.guard)
                self.rules.append(
                    replace(rule, guard=guard, updates=(*rule.updates, put(v.PC, name)))
                )
        locks = freed(self.domains, (v.busy(s) for s in sorted(at.locks))) if commits else {}
        lost = Case(self.domains, changes=locks)
        for case, action in [*requests, (lost, replace(killed, outcome="request lost"))]:
            free = {**case.changes, **{k: t for k, t in locks.items() if k not in case.changes}}
            after = at if commits else replace(at, locks=frozenset())
            ends = [self.wait_for_locks(after, replace(case, changes=free))]
            for name_ in sorted(kept):
                lock = self.world.design.locks[name_]
                ends = [x for c in ends for x in self._leave_lock(c, lock)]
            for late in ends:
                rule = late.rule(RuleKind.WORKER, action, ends=True)
                for told in self.blocks.told(late, rule, at):
                    guard = (Test(v.PC, frozenset({name})), *told.guard)
                    self.rules.append(replace(told, guard=guard))

    def _kept(self, at: Location) -> frozenset[str]:
        """The locks whose session lives until the request at a place is done."""
        operation = self.program.places[at.place].operation
        writes = isinstance(operation, op.Write | op.Attempt) or (
            at.transaction is not None and self.collected(operation, at)
        )
        databases = self.blocks.touched(at) if writes else set()
        return frozenset(
            lock.name
            for lock in self.world.design.locks.values()
            if lock.kind is d.LockKind.SESSION and lock.database in databases
        )


SERIALIZATION_FAILURE = "serialization failure"


def outside(at: Location, then: int) -> Location:
    """A place behind the block of a worker."""
    return Location(then, inside=at.inside, marked=at.marked)


def _homes(design: d.Design) -> dict[str, str]:
    """The database of each variable that a transaction changes."""
    homes: dict[str, str] = {}
    for store in design.stores.values():
        names = [store.name, v.writes(store.name)]
        for column in store.columns:
            names += [v.column(store.name, column), v.writes(f"{store.name}.{column}")]
        names += [e.name for e in design.effects.values() if e.store == store.name]
        names += [
            v.record(e.name)
            for e in design.effects.values()
            if e.key_row is not None and e.key_row[0] == store.name
        ]
        homes |= dict.fromkeys(names, store.database)
    return homes


def _copies_dropped(case: Case, readers: list[Group]) -> list[Case]:
    """The case of a message that the broker takes for a copy, if it may: every group has had one
    before.
    """
    if not readers or not readers[0].may_drop:
        return []
    known: Case | None = case
    for group in readers:
        known = known.test(group.status, set(group.variable.domain) - {"absent"}) if known else None
    return only([known])


def _renewed(case: Case, lock: str) -> list[tuple[Case, str]]:
    """A lock is renewed by whoever took it last, as long as it is held."""
    newest, older = case.test(v.token(lock), {"fresh"}), case.test(v.token(lock), {"none", "stale"})
    cases = [(older, "refused")]
    if newest:
        cases += [(newest.test(lock, {"held"}), "done"), (newest.test(lock, {"free"}), "refused")]
    return [(c, outcome) for c, outcome in cases if c is not None]
