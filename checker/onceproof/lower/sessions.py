"""Sessions and the locks that live in them: a connection that is lost, locks that end with a
transaction, and deadlocks that a database ends (docs/semantics.md, "Sessions", "Waiting and
deadlock").
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product

from msgspec.structs import replace

from onceproof.lang import design as d
from onceproof.lang.design import LockKind, Pooled
from onceproof.lower import program as op
from onceproof.lower import variables as v
from onceproof.lower.case import Case, Location
from onceproof.lower.failures import Failures, reads_a_row
from onceproof.lower.handler import Handler
from onceproof.lower.isolation import Isolated
from onceproof.machine.system import (
    Action,
    Broadcast,
    Cause,
    Level,
    Rule,
    RuleKind,
    Test,
    Variable,
    put,
)

DEADLOCK_VICTIM = "deadlock-victim"
"""The wider rule of deadlocks: whoever has something and needs something may be the victim."""


class Sessions:
    """The sessions of the workers of one handler."""

    def __init__(self, handler: Handler, failures: Failures, blocks: Isolated) -> None:
        self.handler = handler
        self.failures = failures
        self.blocks = blocks
        self.design = handler.design
        self.locks: dict[str, list[str]] = {}
        for lock in self.design.locks.values():
            if lock.kind is LockKind.SESSION:
                self.locks.setdefault(v.service(lock), []).append(lock.name)

    def is_tied(self, lock: str, at: Location) -> bool:
        """Whether a lock that is taken here ends with the transaction."""
        declared = self.design.locks[lock]
        in_database = declared.database is not None and declared.kind is LockKind.SESSION
        return at.transaction is not None and in_database

    def used(self, at: Location) -> list[str]:
        """The databases and lock services with sessions on which the step at a place is one."""
        operation = self.handler.program.places[at.place].operation
        services: set[str] = set()
        if at.transaction is not None and self.handler.collected(operation, at):
            services = self.blocks.touched(at)
        else:
            match operation:
                case op.Take(lock) | op.LetGo(lock):
                    services = {v.service(self.design.locks[lock])}
                case op.Extend(lock) if lock is not None:
                    services = {v.service(self.design.locks[lock])}
                case op.Decide(test) if reads_a_row(self.design, test):
                    services = self.blocks.touched(at)
                case op.Read() | op.Write() | op.Attempt():
                    services = self.blocks.touched(at)
                case _:
                    pass
        return sorted(s for s in services if v.session(s) in self.handler.domains)

    def working(self, case: Case, at: Location) -> Case | None:
        """The case in which the sessions that the step needs are not lost."""
        found: Case | None = case
        for service in self.used(at):
            found = found.where(v.session(service), {"ok"}) if found else None
        return found

    def fail_if_lost(self, at: Location) -> None:
        """The first step after a lost session fails; then there is a new one."""
        handler = self.handler
        earlier: list[str] = []
        operation = handler.program.places[at.place].operation
        inside = at.transaction is not None and handler.collected(operation, at)
        for service in self.used(at):
            case: Case | None = Case(handler.domains, inside=dict(at.inside))
            for other in earlier:
                case = case.where(v.session(other), {"ok"}) if case else None
            case = case.where(v.session(service), {"lost"}) if case else None
            assert case is not None
            subject = "" if inside else handler.subject(operation)
            action = handler.action(at, subject=subject, outcome="failed")
            self.failures.after(at, case.put(v.session(service), "ok"), action)
            earlier.append(service)

    def lose(self, at: Location) -> None:
        """A worker that holds a lock of a session loses the session: its locks are free, and its
        block there is rolled back.
        """
        handler = self.handler
        for service, locks in self.locks.items():
            if v.session(service) not in handler.domains or self.design.assumes(
                "no-lost-connections"
            ):
                continue
            rows = {s for s in at.locks if self.design.stores[s].database == service}
            after = replace(at, locks=at.locks - rows, tied=at.tied - frozenset(locks))
            for holds in product(("yes", "no"), repeat=len(locks)):
                if "yes" not in holds:
                    continue
                case: Case | None = Case(handler.domains).where(v.session(service), {"ok"})
                for lock, held in zip(locks, holds, strict=True):
                    case = case.where(v.holding(lock), {held}) if case else None
                    if case and held == "yes":
                        case = case.put(lock, "free").put(v.holding(lock), "no")
                assert case is not None
                for store in sorted(rows):
                    if v.busy(store) in handler.domains:
                        case = case.put(v.busy(store), "free")
                case = case.put(v.session(service), "lost")
                process = handler.process
                action = Action(Cause.CONNECTION_LOST, process.name, process.queue or "", service)
                rule = case.rule(RuleKind.WORKER, action)
                guard = (Test(v.PC, frozenset({handler.name(at)})), *rule.guard)
                moved = (put(v.PC, handler.name(after)),) if after != at else ()
                handler.rules.append(replace(rule, guard=guard, updates=(*rule.updates, *moved)))

    def fall_victim(self, at: Location) -> None:
        """A step that may wait for a row or lock of a database, of a worker that has one there, may
        be the victim of a deadlock.
        """
        handler = self.handler
        operation = handler.program.places[at.place].operation
        inside = at.transaction is not None and handler.collected(operation, at)
        needed: set[str] = set()
        if isinstance(operation, op.Take) and operation.held is None:
            lock = self.design.locks[operation.lock]
            if lock.kind is LockKind.SESSION and lock.database:
                needed = {lock.database}
        elif inside or isinstance(operation, op.Write | op.Attempt):
            written = self.blocks.written_here(at)
            needed = {
                self.design.stores[s].database for s in written if s in handler.lockable - at.locks
            }
        for name in sorted(needed):
            if not self.design.databases[name].picks_victims:
                continue
            cases: list[Case] = []
            plain = Case(handler.domains, inside=dict(at.inside))
            if any(self.design.stores[s].database == name for s in at.locks):
                cases = [plain]
            else:
                for lock_name in self.locks.get(name, []):
                    mine = plain.where(v.holding(lock_name), {"yes"})
                    cases += [mine] if mine is not None else []
            for case in cases:
                subject = "" if inside else handler.subject(operation)
                action = handler.action(at, subject=subject, outcome="deadlock victim")
                self.failures.after(at, case, action, wider=DEADLOCK_VICTIM)


def leaked_locks(design: d.Design, domains: Mapping[str, Variable]) -> Iterator[Rule]:
    """A connection of a pool ends some day, and with it the locks that nobody has released."""
    for lock in design.locks.values():
        if lock.pooled is Pooled.NO or design.assumes("no-lost-connections"):
            continue
        leaked = Case(domains).where(lock.name, {"leaked"})
        assert leaked is not None
        kind = RuleKind.COMPONENT if lock.level is Level.COMPONENT else RuleKind.EVENT
        action = Action(Cause.CONNECTION_LOST, subject=lock.name)
        yield leaked.put(lock.name, "free").rule(kind, action)


def forgotten_locks(design: d.Design, domains: Mapping[str, Variable]) -> Iterator[Rule]:
    """A lock service fails over and forgets a lock, while its holder goes on."""
    for lock in design.locks.values():
        if not lock.replicated or design.assumes("no-failover"):
            continue
        held = Case(domains).where(lock.name, set(domains[lock.name].domain) - {"free"})
        assert held is not None
        kind = RuleKind.COMPONENT if lock.level is Level.COMPONENT else RuleKind.EVENT
        rule = held.put(lock.name, "free").rule(kind, Action(Cause.FAILOVER, subject=lock.name))
        if v.holding(lock.name) in domains:
            holder = (Test(v.holding(lock.name), frozenset({"yes"})),)
            told = Broadcast(lock.level, holder, (put(v.holding(lock.name), "no"),))
            rule = replace(rule, others=(told,))
        yield rule
