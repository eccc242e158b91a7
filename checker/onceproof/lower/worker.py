"""A handler's program to rules: follows every path, remembers what is collected, and gives each
stopping place a value of ``pc``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from onceproof.lang import design as d
from onceproof.lang.syntax import ast as n
from onceproof.lower import program as op
from onceproof.lower import steps
from onceproof.lower import variables as v
from onceproof.lower.case import Case
from onceproof.lower.death import kill
from onceproof.lower.effects import Meaning, freed, only
from onceproof.lower.places import At, Sink, Spot
from onceproof.lower.program import Place, Program
from onceproof.lower.queues import Group
from onceproof.machine.system import Action, Cause, Rule, RuleKind, Test, Variable, put


class World(Struct, frozen=True):
    """What all handlers of a lowering share. ``lockable``: stores whose rows some transaction keeps
    locked over a stop. ``aborting``: queues in which messages of aborted transactions may appear.
    ``careless``: locks that somebody may release without holding them.
    """

    design: d.Design
    groups: Mapping[str, Group]
    domains: Mapping[str, Variable]
    lockable: frozenset[str]
    aborting: frozenset[str] = frozenset()
    careless: frozenset[str] = frozenset()


class Lowering:
    """Lowers one handler. ``rules``, ``spots`` and ``needs_lock`` are its results; conditions on
    ``pc`` are added by name.
    """

    def __init__(self, world: World, program: Program) -> None:
        self.world = world
        self.program = program
        self.process = program.process
        self.domains = world.domains
        self.group = world.groups.get(self.process.name)
        self.meaning = Meaning(world.design, self.process, world.domains)
        self.rules: list[Rule] = []
        self.spots: dict[str, Spot] = {}
        self.needs_lock: set[str] = set()
        self.names: dict[At, str] = {}
        self.queue: list[At] = []
        crash_after = [a.effect for a in world.design.assumptions if a.kind == "crash-only-after"]
        self.crash_after = set(crash_after)
        self.restricted = program.marked or bool(crash_after)

    # -- driver

    def lower(self) -> None:
        """Follow every path from the entry."""
        start = At(self.program.entry, marked=not self.restricted)
        for case in self._starts():
            for ready, at in self._advance(case, start):
                self._spawn(ready, at)
        while self.queue:
            at = self.queue.pop(0)
            self._place(at)
            kill(self, at)

    def _starts(self) -> list[Case]:
        base = Case(self.domains)
        if self.group is not None:
            return self.group.deliver(base)
        assert self.process.condition is not None
        return self.meaning.split(self.process.condition, base)[0]

    def _spawn(self, case: Case, at: At | None) -> None:
        cause = Cause.DELIVERY if self.group else Cause.START
        action = Action(
            cause, self.process.name, self.process.queue or "", line=self.process.span.line
        )
        if at is None:  # a handler that does nothing: still a worker that comes and goes
            at = At(self._pause(), marked=not self.restricted)
        rule = case.rule(RuleKind.SPAWN, action)
        self.rules.append(replace(rule, updates=(*rule.updates, put(v.PC, self.name(at)))))

    def _pause(self) -> int:
        end = next(i for i, p in enumerate(self.program.places) if p.operation == op.Ended(False))
        self.program = replace(
            self.program,
            places=(*self.program.places, Place(op.Pause(end), self.process.span.line, ())),
        )
        return len(self.program.places) - 1

    def name(self, at: At) -> str:
        """The value of ``pc`` for a place; new places are followed later."""
        if at not in self.names:
            place = self.program.places[at.place]
            base = f"{self.process.name}:{place.line}"
            same = sum(1 for n in self.spots if n == base or n.startswith(base + "#"))
            self.names[at] = base if not same else f"{base}#{same + 1}"
            self.spots[self.names[at]] = Spot(self.process.name, place.line, place.sections)
            self.queue.append(at)
        return self.names[at]

    def base(self, at: At) -> Case:
        """The case of a worker at ``at``, before anything is decided."""
        transaction = None if at.transaction is None else dict(at.transaction)
        return Case(self.domains, transaction=transaction, inside=dict(at.inside))

    # -- moving on

    def _advance(self, case: Case, at: At) -> list[tuple[Case, At | None]]:
        """Run what takes no step, from ``at`` on; None: the handler is over (the case then includes
        what its end does).
        """
        place = self.program.places[at.place]
        match place.operation:
            case op.Mark(then):
                return self._advance(case, replace(at, place=then, marked=True))
            case op.Enter(serializable, then):
                entered = replace(case, transaction={})
                return self._advance(
                    entered, replace(at, place=then, transaction=(), serializable=serializable)
                )
            case op.Leave(then) if not case.transaction:
                left = replace(case, transaction=None)
                left = self._unlock(left, at.locks)
                outside = replace(
                    at, place=then, transaction=None, serializable=False, locks=frozenset()
                )
                return self._advance(left, outside)
            case op.Write(step, then) if self._is_inside(self.meaning.written(step)[0]):
                return self._advance(
                    case.hold_inside(self.meaning.written(step)[1]), replace(at, place=then)
                )
            case op.Attempt(step, ok, down) if self._is_inside(self.meaning.written(step)[0]):
                through, turned = self.meaning.attempt(step, case)
                found = []
                if through:
                    found += self._advance(
                        through.hold_inside(self.meaning.written(step)[1]), replace(at, place=ok)
                    )
                if turned:
                    found += self._advance(turned, replace(at, place=down))
                return found
            case op.Send(queue, then, _) if self._collects_publishing():
                for group in self.readers(queue):
                    case = group.receive(case, inside=True)
                return self._advance(case, replace(at, place=then))
            case op.Discard(then):
                case = self._drop_inside(self._unlock(case, at.locks))
                dropped = replace(case, transaction=None, inside={})
                return self._advance(dropped, At(then, marked=at.marked))
            case op.Ended():
                return [(c, None) for c in self.end(case, at.locks)]
            case _:
                return [(case, self._remember(case, at))]

    def _remember(self, case: Case, at: At) -> At:
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

    def end(self, case: Case, locks: Iterable[str]) -> list[Case]:
        """The worker is gone: its message comes back if it still holds it; its locks are free."""
        case = self._drop_inside(self._unlock(case, locks))
        ends = self.group.let_go(case) if self.group else [case]
        for lock in self.world.design.locks.values():
            if v.holding(lock.name) in self.domains:
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
        for queue in self.world.aborting if case.inside else ():
            if any(group.status in case.inside for group in self.readers(queue)):
                case = case.put(v.aborted(queue), "yes")
        return case

    def _leave_lock(self, case: Case, lock: d.Lock) -> list[Case]:
        """The lock of a worker that is gone: free, or (with ``work ends within the lock``) free
        some time later.
        """
        mine = case.test(v.holding(lock.name), {"yes"})
        other = case.test(v.holding(lock.name), {"no"})
        return only(
            [mine.put(lock.name, "orphaned" if lock.expires else "free") if mine else None, other]
        )

    def go(self, at: At, case: Case, then: int, action: Action) -> None:
        """Emit the rules of one outcome of the step at ``at`` that leads to place ``then``."""
        marked = not self.restricted or (
            action.subject in self.crash_after and action.cause is not Cause.REFUSED
        )
        target = replace(at, place=then, marked=marked, locks=at.locks)
        for ready, after in self._advance(case, target):
            self.emit(at, ready, after, action)

    def emit(self, at: At, case: Case, after: At | None, action: Action) -> None:
        """One rule: from ``at`` to ``after``."""
        case = self.wait_for_locks(at, case)
        rule = case.rule(RuleKind.WORKER, action, ends=after is None)
        guard = (Test(v.PC, frozenset({self.name(at)})), *rule.guard)
        updates = rule.updates if after is None else (*rule.updates, put(v.PC, self.name(after)))
        self.rules.append(replace(rule, guard=guard, updates=updates))

    def wait_for_locks(self, at: At, case: Case) -> Case:
        """A write to a locked row waits for the lock; not one that the broker collects."""
        for store in sorted(s for s in self.world.lockable - at.locks if not self._is_inside(s)):
            own = {store, *(v.column(store, c) for c in self.world.design.stores[store].columns)}
            own |= {e.name for e in self.world.design.effects.values() if e.store == store}
            if v.busy(store) in case.changes or own & set(case.changes):
                waiting = case.where(v.busy(store), {"free"})
                assert waiting is not None
                case = waiting
        return case

    # -- one place

    def action(
        self, at: At, cause: Cause = Cause.HANDLER, *, subject: str = "", outcome: str = ""
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

    def _place(self, at: At) -> None:
        case = self.base(at)
        operation = self.program.places[at.place].operation
        if at.transaction is not None and self.collected(operation, at):
            self.run_collected(
                case, (lambda c, after, outcome: self._leave(at, c, after, outcome)), at.place, at
            )
            return
        match operation:
            case op.Decide(test, yes, no):
                answers = self.meaning.decide(test, case)
                for cases, then, outcome in ((answers[0], yes, "yes"), (answers[1], no, "no")):
                    for c in cases:
                        self.go(at, c, then, self.action(at, outcome=outcome))
            case op.Read(step, then):
                self.go(at, self.meaning.read(step, case), then, self.action(at))
            case op.Write(step, then):
                subject = getattr(step, "effect", None) or getattr(step, "store", None)
                action = self.action(at, subject=subject.text if subject else "")
                self.go(at, case.collect(self.meaning.written(step)[1]), then, action)
            case op.Attempt():
                steps.attempt(self, at, case, operation)
            case op.Call():
                steps.call(self, at, case, operation)
            case op.Send():
                steps.publish(self, at, case, operation)
            case op.Settle():
                steps.ack(self, at, case, operation)
            case op.GiveBack(then):
                for c in self.group.nack(case) if self.group else [case]:
                    self.go(at, c, then, self.action(at))
            case op.Take():
                steps.acquire(self, at, case, operation)
            case op.LetGo():
                steps.release(self, at, case, operation)
            case op.Extend():
                steps.renew(self, at, case, operation)
            case op.Pause(then):
                self.go(at, case, then, self.action(at))
            case _:
                raise AssertionError(f"{operation} takes no step")

    # -- collected lines of an atomic block

    def collected(self, operation: op.Operation, at: At) -> bool:
        """Whether an operation inside a block is part of a run of lines, and no stop point."""
        match operation:
            case op.Write() | op.Attempt() | op.Leave():
                return True
            case op.Read(step):
                return at.serializable or isinstance(step.value, n.Constant)
            case op.Decide():
                return at.serializable
            case _:
                return False

    def run_collected(self, case: Case, sink: Sink, index: int, at: At) -> None:
        """From the collected line ``index`` to the next stop, the commit or a failure; every way
        through goes to ``sink``.
        """
        operation = self.program.places[index].operation
        match operation:
            case op.Leave(then):
                done = case.commit()
                for name, table in freed(
                    self.domains, (v.busy(s) for s in sorted(at.locks))
                ).items():
                    done = done.change(name, table)
                after = replace(at, transaction=None, serializable=False, locks=frozenset())
                sink(done, replace(after, place=then), "commit")
            case op.Write(step, then):
                store, changes = self.meaning.written(step)
                if self._is_inside(store):
                    self.run_collected(case.hold_inside(changes), sink, then, at)
                else:
                    self.run_collected(case.collect(changes), sink, then, self._touch(at, store))
            case op.Attempt(step, ok, down):
                through, turned = self.meaning.attempt(step, case)
                store, changes = self.meaning.written(step)
                if through and self._is_inside(store):
                    self.run_collected(through.hold_inside(changes), sink, ok, at)
                elif through:
                    self.run_collected(through.collect(changes), sink, ok, self._touch(at, store))
                if turned:
                    self.run_collected(turned, sink, down, at)
            case op.Decide(test, yes, no) if at.serializable:
                answers = self.meaning.decide(test, case)
                for store in self.meaning.stores_read(test):
                    at = self._touch(at, store)
                for c, then in [*((c, yes) for c in answers[0]), *((c, no) for c in answers[1])]:
                    self.run_collected(c, sink, then, at)
            case op.Read(step, then) if self.collected(operation, at):
                store = getattr(getattr(step.value, "store", None), "text", None)
                self.run_collected(
                    self.meaning.read(step, case), sink, then, self._touch(at, store)
                )
            case op.Send(queue, then, _) if self._collects_publishing():
                for group in self.readers(queue):
                    case = group.receive(case, inside=True)
                self.run_collected(case, sink, then, at)
            case op.Mark(then):
                self.run_collected(case, sink, then, at)
            case op.Ended() | op.Discard():
                sink(
                    replace(case, transaction=None), replace(at, place=index, transaction=None), ""
                )
            case _:
                sink(self._keep_locked(case, at), replace(at, place=index), "")

    def _touch(self, at: At, store: str | None) -> At:
        return replace(at, locks=at.locks | {store}) if store else at

    def _keep_locked(self, case: Case, at: At) -> Case:
        """A stop inside the block: the rows touched so far stay locked until it ends."""
        self.needs_lock |= at.locks
        for store in sorted(at.locks):
            if v.busy(store) in self.domains:
                case = case.put(v.busy(store), "taken")
        return case

    def _leave(self, start: At, case: Case, at: At, outcome: str) -> None:
        at = replace(at, marked=not self.restricted)
        for ready, after in self._advance(case, at):
            self.emit(start, ready, after, self.action(start, outcome=outcome))
