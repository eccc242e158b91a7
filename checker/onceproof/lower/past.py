"""Rows as they were: reads that see an earlier value, databases that fail over to an earlier state
(docs/semantics.md, "Stale reads", "Failover that goes back").
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import product

from msgspec.structs import replace

from onceproof.lang import design as d
from onceproof.lang.design import Isolation, LockKind
from onceproof.lang.syntax import ast as n
from onceproof.lower import variables as v
from onceproof.lower.case import Case, Location
from onceproof.lower.earlier import STALE_READ, Ways, failing_over, reached, row_variables
from onceproof.lower.effects import Meaning, only
from onceproof.lower.handler import Handler
from onceproof.machine.system import (
    Action,
    Broadcast,
    Cause,
    Level,
    Rule,
    RuleKind,
    Test,
    Update,
    Variable,
    put,
)

ROW_ALONE = "row-alone"
"""The wider rule of failovers: the rows of each event, and of each business key, by themselves."""
MOST_ROWS = 300
"""Rows that are told apart where they go back together; if there are more, each store's row goes
back by itself, or each of its variables.
"""

Row = tuple[str, ...]


class Past:
    """What one handler has to do with earlier rows. ``opened``: by database, the places at which a
    block is open there. ``lost``: the databases whose sessions a failover may end.
    """

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.design = handler.design
        self.opened: dict[str, set[str]] = {}
        self.lost: set[str] = set()

    def is_stale(self, store: str, case: Case, at: Location | None) -> bool:
        """Whether a read of the store's row may see an earlier one. ``at``: None for the condition
        of a relay.
        """
        database = self.design.databases[self.design.stores[store].database]
        if not database.stale_reads:
            return False
        own = row_variables(self.design, store, case.domains)
        if not own.keys().isdisjoint({**(case.transaction or {}), **case.inside}):
            return False
        views = (Isolation.READ_COMMITTED, Isolation.SINGLE_REQUESTS)
        return at is None or at.transaction is None or database.level(at.serializable) in views

    def decide(self, test: n.Condition, case: Case, at: Location | None) -> Ways:
        """The cases in which a test says yes, and no, because it sees an earlier row."""
        meaning = self.handler.meaning
        stores = meaning.stores_read(test)
        if not stores or not self.is_stale(stores[0], case, at):
            return [], []
        name, wanted, negated = meaning.tested(test)
        before = meaning.earlier.values(name, stores[0])
        wider = replace(case, wider=STALE_READ)
        yes = wider.test(name, {x for x in before if x not in wanted and before[x] & wanted})
        no = wider.test(name, {x for x in before if x in wanted and before[x] - wanted})
        return (only([no]), only([yes])) if negated else (only([yes]), only([no]))

    def read(self, step: n.Let, case: Case, at: Location) -> list[Case]:
        """``let``, where it sees an earlier value."""
        match step.value:
            case n.ReadPresence(_, store):
                name, table = store.text, {"present": "yes", "absent": "no", "gone": "no"}
            case n.ReadColumn(store, column):
                name = v.column(store.text, column.text)
                table = {x: x for x in case.domains[name].domain}
            case _:
                return []
        if not self.is_stale(store.text, case, at):
            return []
        before = self.handler.meaning.earlier.values(name, store.text)
        local = v.local(self.handler.process.name, step.name.text)
        cases: list[Case] = []
        for seen in dict.fromkeys(table[x] for x in before):
            froms = {
                now
                for now in before
                if table[now] != seen
                if any(table[old] == seen for old in before[now])
            }
            found = replace(case, wider=STALE_READ).test(name, froms)
            cases += only([found.put(local, seen) if found else None])
        return cases

    def starts(self, condition: n.Condition, case: Case) -> Ways:
        """The cases in which a relay's condition is true, also if it sees earlier rows; and those
        in which it is false of the rows as they are.
        """
        match condition:
            case n.AllOf(parts):
                yes, no = [case], []
                for part in parts:
                    answers = [self.starts(part, c) for c in yes]
                    yes = [c for a in answers for c in a[0]]
                    no += [c for a in answers for c in a[1]]
            case n.AnyOf(parts):
                yes, no = [], [case]
                for part in parts:
                    answers = [self.starts(part, c) for c in no]
                    yes += [c for a in answers for c in a[0]]
                    no = [c for a in answers for c in a[1]]
            case _:
                yes, no = self.handler.meaning.decide(condition, case)
                yes = [*yes, *self.decide(condition, case, None)[0]]
        return yes, no

    def lose(self, at: Location) -> None:
        """A database fails over: the block of a worker there is rolled back, its session locks are
        free, and its next step there fails.
        """
        handler = self.handler
        for database in failing_over(self.design):
            name = database.name
            if database.isolation is Isolation.SINGLE_REQUESTS:
                continue
            rows = {s for s in at.locks if self.design.stores[s].database == name}
            locks = [
                lock.name
                for lock in self.design.locks.values()
                if lock.kind is LockKind.SESSION
                and lock.database == name
                and v.holding(lock.name) in handler.domains
            ]
            tied = at.tied & frozenset(locks)
            opened = at.transaction is not None and bool(rows or tied or name in at.begun)
            if not opened and not locks:
                continue
            self.lost.add(name)
            if opened:
                self.opened.setdefault(name, set()).add(handler.name(at))
            if v.session(name) not in handler.domains:
                continue
            after = replace(at, locks=at.locks - rows, tied=at.tied - tied)
            for holds in product(("yes", "no"), repeat=len(locks)):
                held = [lock for lock, x in zip(locks, holds, strict=True) if x == "yes"]
                for session in ("ok", "lost"):
                    if not held and not (opened if session == "ok" else rows):
                        continue
                    case: Case | None = Case(handler.domains, wider=ROW_ALONE)
                    case = case.where(v.session(name), {session}) if case else None
                    for lock, answer in zip(locks, holds, strict=True):
                        case = case.where(v.holding(lock), {answer}) if case else None
                    assert case is not None
                    for lock in held:
                        case = case.put(lock, "free").put(v.holding(lock), "no")
                    for store in sorted(rows):
                        if v.busy(store) in handler.domains:
                            case = case.put(v.busy(store), "free")
                    case = case.put(v.session(name), "lost")
                    rule = case.rule(RuleKind.WORKER, Action(Cause.FAILOVER, subject=name))
                    guard = (Test(v.PC, frozenset({handler.name(at)})), *rule.guard)
                    moved = (put(v.PC, handler.name(after)),) if after != at else ()
                    handler.rules.append(
                        replace(rule, guard=guard, updates=(*rule.updates, *moved))
                    )


# -- failovers


def failovers(
    meaning: Meaning, rules: Iterable[Rule], opened: Mapping[str, set[str]]
) -> Iterator[Rule]:
    """The rows and locks of databases that fail over go back. ``rules``: everything else that
    happens; ``opened``: by database, the places at which a block is open there.

    The rows of one event go back together, and so do those of one business key; each event and each
    key by itself.
    """
    rules = tuple(rules)
    for database in failing_over(meaning.design):
        name = database.name
        places = frozenset(opened.get(name, ()) if v.session(name) in meaning.domains else ())
        for level in (Level.COMPONENT, Level.EVENT):
            for rule in _rows_back(meaning, rules, name, level):
                told = Broadcast(level, (Test(v.PC, places),), (put(v.session(name), "lost"),))
                yield replace(rule, others=(told,)) if places else rule
        for lock in meaning.design.locks.values():
            if lock.database == name:
                yield from _lock_back(lock, meaning.domains)


def _rows_back(
    meaning: Meaning, rules: tuple[Rule, ...], database: str, level: Level
) -> Iterator[Rule]:
    design = meaning.design
    stores = [s.name for s in design.stores.values() if s.database == database]
    rows = [row_variables(design, store, meaning.domains) for store in stores]
    groups = [[x.name for x in row.values() if x.level is level] for row in rows]
    action = Action(Cause.FAILOVER, subject=database)
    for names in _split(meaning, rules, groups):
        later = _later(meaning.domains, rules, names)
        assert later is not None
        for row, after in later.items():
            case: Case | None = Case(meaning.domains, wider=ROW_ALONE)
            for index, name in enumerate(names):
                case = case.where(name, {x[index] for x in after}) if case else None
            if case is None:
                continue
            for name, value in zip(names, row, strict=True):
                case = case.put(name, value)
            for known in _known(meaning, {name.split(".")[0] for name in names}, level, case):
                yield known.rule(_kind(level), action)


def _split(
    meaning: Meaning, rules: tuple[Rule, ...], groups: list[list[str]]
) -> Iterator[list[str]]:
    """The variables that go back together: all of a database, or if these have too many
    combinations of values, those of each row, or each by itself.
    """
    every = [name for names in groups for name in names]
    if not every:
        return
    if _later(meaning.domains, rules, every) is not None:
        yield every
    elif len(groups) > 1:
        for names in groups:
            yield from _split(meaning, rules, [names])
    else:
        yield from ([name] for name in every)


def _later(
    domains: Mapping[str, Variable], rules: Iterable[Rule], names: list[str]
) -> dict[Row, frozenset[Row]] | None:
    """Each row, as values of ``names``, that there can be, with those that may come after it; None:
    too many.
    """
    steps = {
        (tuple(t for t in rule.guard if t.variable in names), written)
        for rule in rules
        if (written := tuple(u for u in rule.updates if u.target in names))
    }
    first = tuple(domains[name].initial[0] for name in names)
    edges: dict[Row, set[Row]] = {}
    queue = [first]
    for row in queue:
        if row in edges:
            continue
        if len(edges) >= MOST_ROWS:
            return None
        now = dict(zip(names, row, strict=True))
        edges[row] = set()
        for guard, updates in steps:
            if all(now[t.variable] in t.allowed for t in guard):
                after = {u.target: _value(u, now) for u in updates}
                edges[row].add(tuple({**now, **after}[name] for name in names))
        queue += sorted(edges[row])
    return {row: reached([row], edges) - {row} for row in edges}


def _value(update: Update, now: Mapping[str, str]) -> str:
    """What an update of a shared variable writes: a function of its own old value."""
    assert update.source in (None, update.target)
    return update.table[0][1] if update.source is None else dict(update.table)[now[update.target]]


def _known(meaning: Meaning, stores: set[str], level: Level, case: Case) -> list[Case]:
    """A key that is kept in a row which goes back is another one, unless the row is as it was."""
    cases = [case]
    for effect in meaning.design.effects.values():
        record = v.record(effect.name)
        if effect.key_row is None or effect.key_row[0] not in stores:
            continue
        variable = meaning.domains.get(record)
        if variable is not None and variable.level is level:
            cases += [c.put(record, "absent") for c in cases]
    return cases


def _lock_back(lock: d.Lock, domains: Mapping[str, Variable]) -> Iterator[Rule]:
    """A lock that is kept in a row is free or held, as it was; one of a session that nobody has any
    more is free.
    """
    action, variable = Action(Cause.FAILOVER, subject=lock.database or ""), domains[lock.name]
    case = Case(domains, wider=ROW_ALONE)
    taken = case.where(lock.name, set(variable.domain) - {"free"})
    free = case.where(lock.name, {"free"})
    kind = _kind(lock.level)
    if lock.kind is LockKind.SESSION:
        left = case.where(lock.name, {"leaked"}) if "leaked" in variable.domain else None
        if left is not None:
            yield left.put(lock.name, "free").rule(kind, action)
        return
    assert taken is not None
    assert free is not None
    flag = v.restored(lock.name) in domains
    ended = taken.put(lock.name, "free")
    held = [free.put(lock.name, x) for x in ("held", "orphaned") if x in variable.domain]
    for one in [ended, *held, *([case] if flag else [])]:
        rule = (one.put(v.restored(lock.name), "yes") if flag else one).rule(kind, action)
        if one is ended and v.holding(lock.name) in domains:
            mine = v.holding(lock.name)
            told = Broadcast(lock.level, (Test(mine, frozenset({"yes"})),), (put(mine, "no"),))
            rule = replace(rule, others=(told,))
        yield rule


def _kind(level: Level) -> RuleKind:
    return RuleKind.COMPONENT if level is Level.COMPONENT else RuleKind.EVENT
