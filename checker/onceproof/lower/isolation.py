"""Levels of isolation inside blocks: snapshots and their copies, rows that have changed since,
conflicts between serializable blocks, shared locks, requests whose conditions are looked at again
(docs/semantics.md, "Isolation").

A block is an ``atomic`` of one handler. What is asked here of a place is worked out once from the
program: the variables and rows that are still to be read and written from there to the block's end.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import cache

from msgspec import Struct
from msgspec.structs import replace

from onceproof.lang import design as d
from onceproof.lang.design import Isolation, Snapshots
from onceproof.lang.syntax import ast as n
from onceproof.lower import program as op
from onceproof.lower import variables as v
from onceproof.lower.case import Case, Location
from onceproof.lower.effects import Meaning, only
from onceproof.lower.failures import Failures
from onceproof.lower.handler import Handler
from onceproof.lower.program import Program
from onceproof.lower.queues import Group
from onceproof.machine.system import Broadcast, Level, Rule, Test, Update, Variable

LOCKING_VICTIM = "locking-victim"
"""The wider rule of shared locks: who has one fails, where the writer would have waited."""

OFF, UNCHANGED, CHANGED = "off", "no", "yes"
"""Values of the bits of a snapshot: none is open; nothing happened; it did."""

Decided = tuple[Case, str]
"""A way through a write: ``written``, ``nothing``, ``down`` (turned down) or ``failure`` (a
serialization failure).
"""


class Block(Struct, frozen=True):
    """One ``atomic`` of a program. ``places``: those inside it."""

    enter: int
    line: int
    serializable: bool
    places: tuple[int, ...]


def blocks_of(program: Program) -> list[Block]:
    """The blocks of a program."""
    blocks = []
    for index, place in enumerate(program.places):
        if isinstance(place.operation, op.Enter):
            inside: dict[int, None] = {}
            ways = [place.operation.next]
            while ways:
                at = ways.pop()
                operation = program.places[at].operation
                if at in inside or isinstance(operation, op.Ended | op.Discard | op.Rollback):
                    continue
                inside[at] = None
                if not isinstance(operation, op.Leave):
                    ways += op.after(operation)
            blocks.append(
                Block(index, place.line, place.operation.serializable, tuple(sorted(inside)))
            )
    return blocks


class Uses(Struct, frozen=True):
    """What an operation does with rows: ``reads``: variables that are read as of the snapshot,
    ``looks``: stores whose rows it looks at, ``writes``: the store it writes to, ``checks``: the
    lock whose token it checks.
    """

    reads: frozenset[str] = frozenset()
    looks: frozenset[str] = frozenset()
    writes: str | None = None
    checks: str | None = None


class Rows:
    """What the blocks of a design do with rows, and the worker variables that this takes."""

    def __init__(
        self,
        design: d.Design,
        domains: Mapping[str, Variable],
        programs: Mapping[str, Program],
        groups: Mapping[str, Group],
    ) -> None:
        self.design = design
        self.groups = groups
        self.domains = domains
        self.meaning = Meaning(design, None, domains)
        self.blocks = {name: blocks_of(program) for name, program in programs.items()}
        self.programs = programs
        self.variables: dict[str, Variable] = {}
        self.pairs: set[tuple[str, str]] = set()
        for name, blocks in self.blocks.items():
            for block in blocks:
                self._declare(programs[name], block)
        self._declare_pairs()

    def level(self, store: str, serializable: bool) -> Isolation:
        """The level at which a block works on the rows of a store."""
        return self.database(store).level(serializable)

    def database(self, store: str) -> d.Database:
        """The database of a store."""
        return self.design.databases[self.design.stores[store].database]

    def has_snapshot(self, store: str, serializable: bool) -> bool:
        """Whether such a block sees the rows as of one moment."""
        return self.level(store, serializable) in (Isolation.SNAPSHOT, Isolation.OPTIMISTIC)

    def uses(self, operation: op.Operation) -> Uses:
        """What an operation does with rows."""
        meaning = self.meaning
        match operation:
            case op.Decide(test):
                stores = meaning.stores_read(test)
                match test:
                    case n.ColumnIs(table, column):
                        names = {v.column(table.text, column.text)}
                    case n.InStore(_, table):
                        names = {table.text}
                    case n.Happened(effect) if stores:
                        names = {effect.text}
                    case _:
                        names = set()
                return Uses(frozenset(names), frozenset(stores))
            case op.Read(step):
                match step.value:
                    case n.ReadColumn(table, column):
                        name = v.column(table.text, column.text)
                        return Uses(frozenset({name}), frozenset({table.text}))
                    case n.ReadPresence(_, table):
                        return Uses(frozenset({table.text}), frozenset({table.text}))
                    case _:
                        return Uses()
            case op.Write(step) | op.Attempt(step):
                store = meaning.written(step)[0]
                if store is None:
                    return Uses()
                names = set()
                if self.database(store).snapshots is Snapshots.POSTGRESQL:
                    match step:
                        case n.UpdateIf(_, column):
                            names = {store, v.column(store, column.text)}
                        case n.Delete():
                            names = {store}
                        case _:
                            pass
                asked = isinstance(operation, op.Attempt)
                asked_of = step.effect.text if isinstance(step, n.Do) else ""
                checks = self.design.effects[asked_of].token_of if asked_of else None
                return Uses(frozenset(names), frozenset({store} if asked else ()), store, checks)
            case _:
                return Uses()

    def _declare(self, program: Program, block: Block) -> None:
        for place in block.places:
            uses = self.uses(program.places[place].operation)
            stores = [*uses.looks, *([uses.writes] if uses.writes else [])]
            for store in stores:
                if self.is_boxed(store, program.process.name):
                    continue
                level = self.level(store, block.serializable)
                if level is Isolation.LOCKING and store in uses.looks:
                    self._add(v.shared(store), ("no", "yes", "victim"))
                if level not in (Isolation.SNAPSHOT, Isolation.OPTIMISTIC):
                    continue
                for name in uses.reads:
                    domain = self.domains[name]
                    self._add(v.as_of(name), domain.domain, domain.initial[0])
                checked = self.database(store).snapshots is not Snapshots.MYSQL
                if store == uses.writes and checked:
                    self._add(v.changed(store), (OFF, UNCHANGED, CHANGED))
                if uses.checks and self.database(store).snapshots is Snapshots.POSTGRESQL:
                    self._add(v.changed(uses.checks), (OFF, UNCHANGED, CHANGED))

    def _add(self, name: str, domain: tuple[str, ...], first: str = "") -> None:
        variable = Variable(name, Level.WORKER, domain, (first or domain[0],))
        self.variables.setdefault(name, variable)

    def is_boxed(self, store: str, process: str) -> bool:
        """Whether what a process writes to the store is collected by the broker."""
        group = self.groups.get(process)
        inside = self.design.stores[store].inside
        return group is not None and group.transactional and inside == group.queue.name

    def _declare_pairs(self) -> None:
        """The pairs that occur in two blocks with opposite directions."""
        sets: list[tuple[set[str], set[str]]] = []
        for name, blocks in self.blocks.items():
            for block in blocks:
                looks: set[str] = set()
                writes: set[str] = set()
                for place in block.places:
                    uses = self.uses(self.programs[name].places[place].operation)
                    looks |= uses.looks
                    writes |= {uses.writes} if uses.writes else set()
                sets.append(
                    (
                        {s for s in looks if self.is_optimistic(s, block.serializable, name)},
                        {s for s in writes if self.is_optimistic(s, block.serializable, name)},
                    )
                )
        for looks, writes in sets:
            for their_looks, their_writes in sets:
                self.pairs |= {
                    (x, y)
                    for x in writes & their_looks
                    for y in looks & their_writes
                    if self.database(x).name == self.database(y).name
                }
        for x, y in sorted(self.pairs):
            self._add(v.doomed(x, y), (OFF, UNCHANGED, CHANGED))

    def is_optimistic(self, store: str, serializable: bool, process: str) -> bool:
        """Whether such a block counts among the serializable ones that hold nobody up."""
        boxed = self.is_boxed(store, process)
        return not boxed and self.level(store, serializable) is Isolation.OPTIMISTIC

    # -- what others notice

    def row_of(self, name: str) -> str | None:
        """The store whose row a variable belongs to."""
        return _rows(self.design).get(name)

    def announcements(
        self,
        changed: Iterable[str],
        pairs: Iterable[tuple[str, str]] = (),
        victims: Iterable[str] = (),
    ) -> tuple[Broadcast, ...]:
        """What a step that changes these variables tells other workers. ``pairs``: that it dooms
        blocks; ``victims``: stores whose shared locks it breaks.
        """
        stores = sorted({s for s in map(self.row_of, changed) if s is not None})
        here: list[Update] = []
        everywhere: list[Update] = []

        def add(name: str, old: str, new: str, levels: Iterable[str]) -> None:
            variable = self.variables.get(name)
            if variable is None:
                return
            table = tuple((x, new if x == old else x) for x in variable.domain)
            near = any(self.design.stores[s].level is Level.EVENT for s in levels)
            (here if near else everywhere).append(Update(name, name, table))

        for store in stores:
            add(v.changed(store), UNCHANGED, CHANGED, [store])
        for x, y in sorted(set(pairs)):
            add(v.doomed(x, y), UNCHANGED, CHANGED, [x, y])
        for store in sorted(set(victims)):
            add(v.shared(store), "yes", "victim", [store])
        if not here:
            return (_broadcast(Level.COMPONENT, everywhere),) if everywhere else ()
        if not everywhere:
            return (_broadcast(Level.EVENT, here),)
        return (
            _broadcast(Level.EVENT, [*here, *everywhere]),
            replace(_broadcast(Level.COMPONENT, everywhere), rest=True),
        )


def lock_acquired(lock: d.Lock, variables: Mapping[str, Variable]) -> tuple[Broadcast, ...]:
    """What the step that acquires a lock tells other workers: their tokens are old, and so are
    their snapshots of it.
    """
    steps = {v.token(lock.name): ("fresh", "stale"), v.changed(lock.name): (UNCHANGED, CHANGED)}
    updates = [
        Update(name, name, tuple((x, new if x == old else x) for x in variables[name].domain))
        for name, (old, new) in steps.items()
        if name in variables
    ]
    return (_broadcast(lock.level, updates),) if updates else ()


def _broadcast(scope: Level, updates: list[Update]) -> Broadcast:
    """Several bits go through tables; one is asked for first, so that most workers are left
    alone.
    """
    if len(updates) == 1:
        (update,) = updates
        old, new = next((old, new) for old, new in update.table if old != new)
        constant = Update(update.target, None, (("", new),))
        return Broadcast(scope, (Test(update.target, frozenset({old})),), (constant,))
    return Broadcast(scope, (), tuple(updates))


_KNOWN: dict[int, tuple[d.Design, dict[str, str]]] = {}


def _rows(design: d.Design) -> dict[str, str]:
    known = _KNOWN.get(id(design))
    if known is None or known[0] is not design:
        rows: dict[str, str] = {}
        for store in design.stores.values():
            rows[store.name] = store.name
            rows |= {v.column(store.name, c): store.name for c in store.columns}
            rows[v.writes(store.name)] = store.name
            rows |= {v.writes(f"{store.name}.{c}"): store.name for c in store.columns}
            rows |= {e.name: store.name for e in design.effects.values() if e.store == store.name}
        _KNOWN.clear()
        _KNOWN[id(design)] = known = (design, rows)
    return known[1]


class Isolated:
    """The blocks of one handler, step by step."""

    def __init__(self, handler: Handler, failures: Failures, rows: Rows) -> None:
        self.rows = rows
        self.design = rows.design
        self.handler = handler
        self.failures = failures
        self._touched: dict[Location, set[str]] = {}
        self.process = handler.process.name
        self.block = {
            place: block
            for block in rows.blocks.get(handler.process.name, [])
            for place in block.places
        }
        self._live = cache(self._uses_from)
        self._of = cache(self._bits_of)
        self._looked: dict[int, frozenset[str]] = {}

    def _uses_from(self, place: int) -> tuple[frozenset[str], frozenset[str]]:
        """The variables that are still read as of the snapshot from a place on, and the stores that
        are still written.
        """
        inside = set(self.block[place].places) if place in self.block else set()
        seen: set[int] = set()
        ways = [place]
        reads: set[str] = set()
        writes: set[str] = set()
        while ways:
            at = ways.pop()
            if at in seen or at not in inside:
                continue
            seen.add(at)
            operation = self.program.places[at].operation
            uses = self.rows.uses(operation)
            reads |= uses.reads
            writes |= {uses.writes} if uses.writes else set()
            if not isinstance(operation, op.Leave):
                ways += op.after(operation)
        return frozenset(reads), frozenset(writes)

    def _copies(self, database: str, place: int) -> list[str]:
        """The variables of a database of which copies are needed from a place on."""
        return sorted(
            name
            for name in self._live(place)[0]
            if v.as_of(name) in self.rows.variables and self._home(name) == database
        )

    def _home(self, name: str) -> str:
        return self.design.stores[self.rows.row_of(name) or ""].database

    def _bits(self, database: str, place: int) -> list[str]:
        """The bits that are needed from a place on: rows that change before they are written, and
        pairs that doom the block.
        """
        bits = [
            v.changed(store)
            for store in sorted(self._live(place)[1])
            if self.design.stores[store].database == database
        ]
        if (
            place in self.block
            and self.rows.design.databases[database].level(self.block[place].serializable)
            is Isolation.OPTIMISTIC
        ):
            bits += [
                v.doomed(x, y)
                for x, y in sorted(self.rows.pairs)
                if self.design.stores[x].database == database
            ]
        bits += [v.changed(lock) for lock in sorted(self._checked(place, database))]
        return [bit for bit in bits if bit in self.rows.variables]

    def _checked(self, place: int, database: str) -> set[str]:
        """The locks in a database whose tokens the block around a place checks."""
        inside = self.block[place].places if place in self.block else ()
        uses = (self.rows.uses(self.program.places[i].operation) for i in inside)
        return {
            u.checks
            for u in uses
            if u.checks and u.writes and self.design.stores[u.writes].database == database
        }

    def _bits_of(self, database: str) -> list[str]:
        """All worker variables of the snapshot of a database."""
        names = []
        for name in self.rows.variables:
            for store in self.design.stores.values():
                if store.database != database:
                    continue
                own = [v.changed(store.name), v.as_of(store.name)]
                own += [v.as_of(v.column(store.name, c)) for c in store.columns]
                own += [
                    v.as_of(e.name) for e in self.design.effects.values() if e.store == store.name
                ]
                own += [v.doomed(store.name, y) for y in self.design.stores]
                if name in own:
                    names.append(name)
        locks = (x for x in self.design.locks.values() if x.database == database)
        names += [v.changed(x.name) for x in locks if v.changed(x.name) in self.rows.variables]
        return sorted(set(names))

    @property
    def program(self) -> Program:
        """The program of the handler, with the places that were added while it was followed."""
        return self.handler.program

    # -- snapshots

    def serializable(self, at: Location) -> bool:
        """Whether the block around is ``atomic serializable``."""
        return at.serializable

    def has_snapshot(self, store: str, at: Location) -> bool:
        """Whether the block around sees the store's rows as of one moment."""
        return at.transaction is not None and self.rows.has_snapshot(store, at.serializable)

    def views(self, at: Location) -> dict[str, str]:
        """What the worker sees through copies."""
        views = {}
        for database in at.begun:
            mysql = self.design.databases[database].snapshots is not Snapshots.POSTGRESQL
            for name in self._copies(database, at.place):
                if not (mysql and self.rows.row_of(name) in at.own):
                    views[name] = v.as_of(name)
        return views

    def take(self, case: Case, at: Location, database: str) -> tuple[Case, Location]:
        """The snapshot of a database is taken at a place; once."""
        if database in at.begun:
            return case, at
        mysql = self.design.databases[database].snapshots is not Snapshots.POSTGRESQL
        views = dict(case.views)
        for name in self._copies(database, at.place):
            if mysql and self.rows.row_of(name) in at.own:
                continue
            domain = self.handler.domains[name].domain
            plain = replace(case, transaction=None, inside={}, views={})
            copied = plain.copy(v.as_of(name), name, {x: x for x in domain})
            case = replace(case, copies=copied.copies, changes=copied.changes)
            views[name] = v.as_of(name)
        for bit in self._bits(database, at.place):
            case = case.put(bit, UNCHANGED)
        return replace(case, views=views), replace(at, begun=at.begun | {database})

    def to_begin(self, at: Location) -> str | None:
        """The database whose transaction begins before the step at a place: a snapshot that is
        taken when the first statement starts.
        """
        if at.transaction is None:
            return None
        operation = self.program.places[at.place].operation
        if isinstance(operation, op.Take):
            database = self.design.locks[operation.lock].database
            databases = {database} if database else set()
        elif self.handler.collected(operation, at):
            databases = self._written_in_run(at)
        else:
            return None
        for name in sorted(databases - at.begun):
            database_ = self.design.databases[name]
            level = database_.level(at.serializable)
            if (
                level in (Isolation.SNAPSHOT, Isolation.OPTIMISTIC)
                and database_.snapshots is Snapshots.POSTGRESQL
            ):
                return name
        return None

    def _written_in_run(self, at: Location) -> set[str]:
        """The databases that the run starting at a place may write to."""
        return {self.design.stores[store].database for store in self.written_here(at)}

    def forget(self, case: Case, at: Location) -> Case:
        """Copies and bits that the rest of the block does not need are as outside it."""
        for database in sorted(at.begun):
            needed = {v.as_of(name) for name in self._copies(database, at.place)}
            mysql = self.design.databases[database].snapshots is not Snapshots.POSTGRESQL
            if mysql:
                needed -= {
                    v.as_of(name)
                    for name in self._copies(database, at.place)
                    if self.rows.row_of(name) in at.own
                }
            needed |= set(self._bits(database, at.place))
            case = self._reset(case, [x for x in self._of(database) if x not in needed])
        return case

    def close(self, case: Case, at: Location, databases: Collection[str] | None = None) -> Case:
        """The block is over, or its part in some databases."""
        for database in sorted(at.begun if databases is None else at.begun & set(databases)):
            case = self._reset(case, self._of(database))
        for store in self.shared(at):
            if databases is None or self.design.stores[store].database in databases:
                case = self._reset(case, [v.shared(store)])
        for lock in sorted(at.tied):
            if databases is None or self.design.locks[lock].database in databases:
                case = case.put(lock, "free").put(v.holding(lock), "no")
        return replace(case, views={})

    def _reset(self, case: Case, names: Iterable[str]) -> Case:
        return case.put_all({name: self.rows.variables[name].initial[0] for name in names})

    # -- reads and writes

    def look(self, case: Case, at: Location, stores: Iterable[str]) -> tuple[Case, Location]:
        """A line of a block looks at rows: the snapshot is taken, a shared lock is taken, the block
        has read them.
        """
        for store in stores:
            if at.transaction is None or self.rows.is_boxed(store, self.process):
                continue
            if self.has_snapshot(store, at):
                case, at = self.take(case, at, self.design.stores[store].database)
            if v.shared(store) in self.rows.variables and self.locks_shared(store, at):
                case = case.put(v.shared(store), "yes")
            at = self.has_read(at, store)
        return case, at

    def has_read(self, at: Location, store: str) -> Location:
        """The block around has read a row, where that may matter to others."""
        matters = any(store in pair for pair in self.rows.pairs)
        if matters and self.rows.is_optimistic(store, at.serializable, self.process):
            return replace(at, reads=at.reads | {store})
        return at

    def locks_shared(self, store: str, at: Location) -> bool:
        """Whether reading a row of the store locks it for writers."""
        level = self.rows.level(store, at.serializable)
        return at.transaction is not None and level is Isolation.LOCKING

    def shared(self, at: Location) -> list[str]:
        """The stores whose rows the block around may have locked for writers."""
        if at.transaction is None or at.place not in self.block:
            return []
        looks = self._looks(self.block[at.place])
        return sorted(
            s for s in looks if v.shared(s) in self.rows.variables and self.locks_shared(s, at)
        )

    def _looks(self, block: Block) -> frozenset[str]:
        """The stores whose rows a block looks at. Asked with every rule of the block, and a block
        may have thousands.
        """
        if block.enter not in self._looked:
            operations = (self.program.places[place].operation for place in block.places)
            looks = (self.rows.uses(operation).looks for operation in operations)
            self._looked[block.enter] = frozenset().union(*looks)
        return self._looked[block.enter]

    def decide(self, case: Case, operation: op.Write | op.Attempt, at: Location) -> list[Decided]:
        """The ways through a write inside a block."""
        meaning, step = self.handler.meaning, operation.step
        store = meaning.written(step)[0]
        assert store is not None
        database = self.rows.database(store)
        if not (self.has_snapshot(store, at) and database.name in at.begun):
            return self._now(case, operation, at, store)
        if database.snapshots is Snapshots.POSTGRESQL:
            return self._as_of(case, operation, store)
        fine, failing = self._parted(case, store)
        ways = self._now(fine, operation, at, store) if fine else []
        return [*ways, *((c, "failure") for c in only([failing]))]

    def alone(
        self, case: Case, operation: op.Write, at: Location, store: str | None
    ) -> list[Decided]:
        """The ways through a write outside blocks: one that writes nothing tells nobody that the
        row has changed.
        """
        if store is None or v.changed(store) not in self.rows.variables:
            return [(case, "written")]
        if isinstance(operation.step, n.Delete):
            absent = set(self.handler.domains[store].domain) - {"present"}
            ways: list[Decided] = [(c, "written") for c in only([case.test(store, {"present"})])]
            return ways + [(c, "nothing") for c in only([case.test(store, absent)])]
        return self._now(case, operation, at, store)

    def _now(
        self, case: Case, operation: op.Write | op.Attempt, at: Location, store: str
    ) -> list[Decided]:
        """Decided on the row as it is."""
        meaning, step = self.handler.meaning, operation.step
        plain = replace(case, views={})
        if isinstance(operation, op.Attempt):
            ok, down = meaning.attempt(operation.step, plain)
            ways = [(c, "written") for c in ok] + [(c, "down") for c in down]
        elif isinstance(step, n.Add) and self._tells_presence(store):
            absent = set(self.handler.domains[store].domain) - {"present"}
            ways = [(c, "written") for c in only([plain.test(store, absent)])]
            ways += [(c, "nothing") for c in only([plain.test(store, {"present"})])]
        elif isinstance(step, n.SetColumn) and self._keeps(store, at):
            # In MySQL, what leaves everything as it is does not change the row.
            column = v.column(store, step.column.text)
            same = plain.test(column, {step.value.text})
            same = same.test(store, {"present"}) if same else None
            others = set(self.handler.domains[column].domain) - {step.value.text}
            absent = set(self.handler.domains[store].domain) - {"present"}
            other = plain.test(column, {step.value.text})
            other = other.test(store, absent) if other else None
            ways = [(c, "written") for c in only([plain.test(column, others), other])]
            ways += [(c, "same") for c in only([same])]
        else:
            ways = [(plain, "written")]
        return [(replace(c, views=case.views), way) for c, way in ways]

    def _tells_presence(self, store: str) -> bool:
        return v.changed(store) in self.rows.variables or store in self.handler.lockable

    def _keeps(self, store: str, at: Location) -> bool:
        database = self.rows.database(store)
        names = [
            v.as_of(store),
            *(v.as_of(v.column(store, c)) for c in self.design.stores[store].columns),
        ]
        matters = v.changed(store) in self.rows.variables or any(
            x in self.rows.variables for x in names
        )
        return matters and not database.same_value_changes

    def _parted(self, case: Case, store: str) -> tuple[Case | None, Case | None]:
        """Where the row has not changed since the snapshot, and where it has."""
        bit = v.changed(store)
        own = any(self.rows.row_of(name) == store for name in case.transaction or {})
        if own or bit not in self.rows.variables:
            return case, None
        return case.test(bit, {OFF, UNCHANGED}), case.test(bit, {CHANGED})

    def _as_of(self, case: Case, operation: op.Write | op.Attempt, store: str) -> list[Decided]:
        """The table of writes after a snapshot of PostgreSQL."""
        meaning, step = self.handler.meaning, operation.step
        absent = set(self.handler.domains[store].domain) - {"present"}
        ways: list[Decided] = []
        match step:
            case n.Insert() if isinstance(operation, op.Write):
                return [(case, "written")]
            case n.Insert() | n.Add():
                ways += [(c, "written") for c in only([case.test_now(store, absent)])]
                there = case.test_now(store, {"present"})
                fine, failing = self._parted(there, store) if there else (None, None)
                ways += [
                    (c, "down" if isinstance(step, n.Insert) else "nothing") for c in only([fine])
                ]
                return ways + [(c, "failure") for c in only([failing])]
            case n.UpdateIf() | n.Delete():
                conditional = step if isinstance(operation, op.Attempt) else replace(step)
                ok, down = meaning.attempt(conditional, case)
                turned = "down" if isinstance(operation, op.Attempt) else "nothing"
                ways += [(c, turned) for c in down]
                for allowed in ok:
                    fine, failing = self._parted(allowed, store)
                    ways += [(c, "written") for c in only([fine])]
                    ways += [(c, "failure") for c in only([failing])]
            case _:
                ok = [case]
                checks = self.rows.uses(operation).checks
                if checks and v.changed(checks) in self.rows.variables:
                    # Somebody has acquired the lock since the snapshot: its row has changed.
                    newer = case.test(v.changed(checks), {CHANGED})
                    ways += [(c, "failure") for c in only([newer])]
                    ok = only([case.test(v.changed(checks), {OFF, UNCHANGED})])
                if isinstance(operation, op.Attempt):
                    answers = [meaning.attempt(operation.step, c) for c in ok]
                    ok = [c for written, _ in answers for c in written]
                    down = [c for _, turned_down in answers for c in turned_down]
                    ways += [(c, "down") for c in down]
                for allowed in ok:
                    fine, changed = self._parted(allowed, store)
                    ways += [(c, "written") for c in only([fine])]
                    if changed is not None:
                        ways += [(c, "written") for c in only([changed.test_now(store, absent)])]
                        ways += [
                            (c, "failure") for c in only([changed.test_now(store, {"present"})])
                        ]
        return ways

    def wrote(self, case: Case, at: Location, store: str, index: int) -> tuple[Case, Location]:
        """A line of a block was written to a row."""
        database = self.rows.database(store)
        if self.has_snapshot(store, at) and database.snapshots is not Snapshots.POSTGRESQL:
            at = replace(at, own=at.own | {store})
            views = {k: x for k, x in case.views.items() if self.rows.row_of(k) != store}
            case = replace(case, views=views)
        if database.rechecks and self.is_single(store, at):
            at = replace(at, asked=(*at.asked, index))
            case = replace(case, decided=case.decided | {index})
        return case, at

    def turned_down(self, case: Case, at: Location, store: str) -> tuple[Case, Location]:
        """A line of a block found its condition false: it has looked at the row."""
        if self.locks_shared(store, at):
            case = case.put(v.shared(store), "yes")
        return case, self.has_read(at, store)

    def is_single(self, store: str, at: Location) -> bool:
        """Whether the block around locks nothing there, and asks everything at its end."""
        return self.rows.level(store, at.serializable) is Isolation.SINGLE_REQUESTS

    def look_again(self, case: Case, at: Location, database: str) -> list[Decided]:
        """The request at the end of a block looks at the conditions again."""
        mine = [
            i
            for i in at.asked
            if self.design.stores[
                self.rows.uses(self.program.places[i].operation).writes or ""
            ].database
            == database
        ]
        if not mine:
            return [(case, "written")]
        rest = {
            name: table
            for name, table in (case.transaction or {}).items()
            if self.handler.home[name] != database
        }
        cases, ways = [replace(case, transaction=rest)], []
        for index in mine:
            operation = self.program.places[index].operation
            assert isinstance(operation, op.Write | op.Attempt)
            changes = self.handler.meaning.written(operation.step)[1]
            after: list[Case] = []
            for c in cases:
                if isinstance(operation, op.Attempt) and index not in c.decided:
                    ok, down = self.handler.meaning.attempt(operation.step, c)
                    ways += [(x, "failure") for x in down]
                    after += [x.collect(changes) for x in ok]
                else:
                    after.append(c.collect(changes))
            cases = after
        return [*((c, "written") for c in cases), *ways]

    # -- shared locks, and what others notice

    def unless_victim(self, case: Case, at: Location) -> Case:
        """A worker whose shared lock was broken does nothing but fail (or die)."""
        for store in self.shared(at):
            case = case.where(v.shared(store), {"no", "yes"}) or case
        return case

    def fail_as_victim(self, at: Location) -> None:
        """A worker whose shared lock was broken fails; and a line that writes a row which others
        may have shared may be the victim itself.
        """
        handler = self.handler
        earlier: list[str] = []
        for store in self.shared(at):
            case: Case | None = Case(handler.domains, inside=dict(at.inside))
            for other in earlier:
                case = case.where(v.shared(other), {"no", "yes"}) if case else None
            case = case.where(v.shared(store), {"victim"}) if case else None
            assert case is not None
            action = handler.action(at, outcome="serialization failure")
            self.failures.after(at, case, action, wider=LOCKING_VICTIM)
            earlier.append(store)
        if any(v.shared(s) in self.rows.variables for s in self.written_here(at)):
            case = Case(handler.domains, inside=dict(at.inside))
            operation = handler.program.places[at.place].operation
            subject = "" if at.transaction is not None else handler.subject(operation)
            action = handler.action(at, subject=subject, outcome="deadlock victim")
            self.failures.after(at, case, action, wider=LOCKING_VICTIM)

    def written_here(self, at: Location) -> set[str]:
        """The stores that the step at a place may write to."""
        first = self.program.places[at.place].operation
        if at.transaction is None or not self.handler.collected(first, at):
            store = self.rows.uses(first).writes
            return {store} if store else set()
        seen: set[int] = set()
        ways, written = [at.place], set()
        while ways:
            index = ways.pop()
            operation = self.program.places[index].operation
            passed = self.handler.collected(operation, at) or isinstance(operation, op.Mark)
            if index in seen or not passed:
                continue
            seen.add(index)
            store = self.rows.uses(operation).writes
            written |= {store} if store else set()
            if not isinstance(operation, op.Leave):
                ways += op.after(operation)
        return {s for s in written if not self.rows.is_boxed(s, self.process)}

    def touched(self, at: Location) -> set[str]:
        """The databases that the step at a place is one on. Asked for every way through a block."""
        if at not in self._touched:
            self._touched[at] = self._databases(at)
        return self._touched[at]

    def _databases(self, at: Location) -> set[str]:
        first = self.program.places[at.place].operation
        run = at.transaction is not None and self.handler.collected(first, at)
        seen: set[int] = set()
        ways = [at.place]
        stores: set[str] = set()
        databases: set[str] = set()
        while ways:
            index = ways.pop()
            operation = self.program.places[index].operation
            if index in seen or (run and index != at.place and not self._passes(operation, at)):
                continue
            seen.add(index)
            uses = self.rows.uses(operation)
            stores |= uses.looks | ({uses.writes} if uses.writes else set())
            if isinstance(operation, op.Send | op.Settle) and operation.database:
                databases.add(operation.database)
            if isinstance(operation, op.Leave):
                databases |= {self.handler.home[name] for name, _ in at.transaction or ()}
            elif run:
                ways += op.after(operation)
        kept = {s for s in stores if not self.rows.is_boxed(s, self.process)}
        return databases | {self.design.stores[s].database for s in kept}

    def _passes(self, operation: op.Operation, at: Location) -> bool:
        return self.handler.collected(operation, at) or isinstance(operation, op.Mark)

    def told(self, case: Case, rule: Rule, at: Location) -> list[Rule]:
        """The rules of a step with what other workers are told by it: rows have changed, a
        serializable block has committed, shared locks are broken.
        """
        locked = {
            s
            for s in self.design.stores
            if v.shared(s) in self.rows.variables
            and s not in at.locks
            and (
                any(self.rows.row_of(name) == s for name in case.changes)
                or (
                    case.changes.get(v.busy(s)) is not None
                    and dict(case.changes[v.busy(s)])["free"] == "taken"
                )
            )
        }
        others = self.rows.announcements(case.changes, case.pairs)
        plain = replace(rule, others=(*rule.others, *others)) if others else rule
        if not locked:
            return [plain]
        rules = []
        if len(locked) == 1 and rule.alone is None:
            (store,) = locked
            if self.design.stores[store].level is Level.EVENT:
                sharing = (Test(v.shared(store), frozenset({"yes"})),)
                rules.append(replace(plain, alone=sharing))
        broken = self.rows.announcements(case.changes, case.pairs, locked)
        wider = replace(rule, others=(*rule.others, *broken), approximate=LOCKING_VICTIM)
        return [*rules, wider]

    # -- conflicts of serializable blocks

    def dooms(self, case: Case, at: Location, database: str, changes: Iterable[str]) -> Case:
        """The commit of a serializable block tells others what it has read and written."""
        written = {s for s in map(self.rows.row_of, changes) if s is not None}
        pairs = {
            (x, y)
            for x, y in self.rows.pairs
            if x in written
            and y in at.reads
            and self.rows.is_optimistic(x, at.serializable, self.process)
            and self.design.stores[x].database == database
        }
        return replace(case, pairs=case.pairs | pairs)

    def doomed(
        self, case: Case, at: Location, database: str | None = None
    ) -> tuple[Case | None, list[Case]]:
        """Where no pair dooms the block, and where one does. ``database``: of one part only."""
        written = {s for s in map(self.rows.row_of, case.transaction or {}) if s is not None}
        fine: Case | None = case
        failing: list[Case] = []
        for x, y in sorted(self.rows.pairs):
            home = self.design.stores[x].database
            if x not in at.reads or y not in written or database not in (None, home):
                continue
            bit = v.doomed(x, y)
            if fine is not None:
                failing += only([fine.test(bit, {CHANGED})])
                fine = fine.test(bit, {OFF, UNCHANGED})
        return fine, failing
