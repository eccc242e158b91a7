"""What rows may have been before: the values from which a design's writes lead to those that are
there, and conditions that are looked at on earlier rows (docs/semantics.md, "Stale reads", "Unique
keys per region").

A machine does not remember what a row has been. Rules that rest on what it *may* have been are
wider than the truth.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from onceproof.lang import design as d
from onceproof.lang.design import Isolation
from onceproof.lang.syntax import ast as n
from onceproof.lang.syntax.visit import walk
from onceproof.lower import variables as v
from onceproof.lower.case import Case, Changes
from onceproof.machine.system import Variable

T = TypeVar("T", str, tuple[str, ...])

STALE_READ = "stale-read"
"""The wider rule of reads: any value that leads to the current one."""
Ways = tuple[list[Case], list[Case]]
"""The cases in which a condition is true, and those in which it is false."""


def failing_over(design: d.Design) -> list[d.Database]:
    """The databases that may go back to an earlier state."""
    if design.assumes("no-failover"):
        return []
    return [database for database in design.databases.values() if database.fails_over]


def is_per_region(design: d.Design, store: str) -> bool:
    """Whether conditions on rows of the store are looked at in one region."""
    return design.databases[design.stores[store].database].per_region


def row_variables(
    design: d.Design, store: str, domains: Mapping[str, Variable]
) -> dict[str, Variable]:
    """The variables of a row: presence, columns, effects in it, and what claims count of it."""
    columns = design.stores[store].columns
    names = [store, *(v.column(store, c) for c in columns)]
    names += [effect.name for effect in design.effects.values() if effect.store == store]
    names += [v.writes(store), *(v.writes(f"{store}.{c}") for c in columns)]
    return {name: domains[name] for name in names if name in domains}


class Writes(Protocol):
    """What the writes of a design mean (``effects.Meaning``)."""

    design: d.Design
    domains: Mapping[str, Variable]

    def written(self, step: n.Step) -> tuple[str | None, Changes]:
        """The store whose row a write touches, and the changes that it makes."""

    def makes(self, step: n.Step, changes: Changes) -> Changes:
        """What a write changes that makes the row, if it is not there."""

    def erased(self, store: str, value: str = "absent") -> Changes:
        """The row and its columns are as at the start."""


class Change(Struct, frozen=True):
    """Something that is done to a row: when, and what it changes."""

    guard: Mapping[str, frozenset[str]]
    changes: Changes


class Earlier:
    """What rows may have been before they came to be as they are."""

    def __init__(self, meaning: Writes) -> None:
        self.meaning = meaning
        self.design = meaning.design
        self.domains = meaning.domains
        self._changes: dict[str, list[Change]] = {}
        self._values: dict[str, dict[str, frozenset[str]]] = {}

    def values(self, name: str, store: str) -> dict[str, frozenset[str]]:
        """For each value of a variable of the store's row, those that it may have had before."""
        if name not in self._values:
            variable = self.domains[name]
            edges: dict[str, set[str]] = defaultdict(set)
            for change in self.changes(store):
                if name in change.changes:
                    allowed = change.guard.get(name, frozenset(variable.domain))
                    for old, new in change.changes[name]:
                        edges[old] |= {new} if old in allowed else set()
            first = variable.initial[0]
            later = {value: reached([value], edges) for value in variable.domain}
            if any(x.name == self.design.stores[store].database for x in failing_over(self.design)):
                # What a failover undoes was there before, too.
                every = later[first]
                later = dict.fromkeys(variable.domain, every)
            self._values[name] = {
                value: frozenset({x for x in variable.domain if value in later[x]} | {first})
                for value in variable.domain
            }
        return self._values[name]

    def changes(self, store: str) -> list[Change]:
        """What the design does to a row of the store, and what happens to it by itself."""
        if store not in self._changes:
            steps = [s for p in self.design.processes for s in walk(p.body)]
            found = [x for step in steps for x in self._of_step(step, store)]
            loses = self.design.stores[store].loses
            gone = ["gone"] if "expires" in loses else []
            gone += ["absent"] if "cache" in loses else []
            found += [Change({}, self.meaning.erased(store, word)) for word in gone]
            self._changes[store] = found
        return self._changes[store]

    def _of_step(self, step: n.Step, store: str) -> Iterator[Change]:
        kinds = (n.SetColumn, n.UpdateIf, n.Add, n.Insert, n.Increment, n.Delete, n.Do)
        if not isinstance(step, kinds) or self.meaning.written(step)[0] != store:
            return
        changes = self.meaning.written(step)[1]
        database = self.design.databases[self.design.stores[store].database]
        if isinstance(step, n.UpdateIf):
            if database.isolation is Isolation.SINGLE_REQUESTS:
                # A request may write it whatever the row is by then.
                yield Change({}, self.meaning.makes(step, changes))
            column = v.column(store, step.column.text)
            yield Change(
                {store: frozenset({"present"}), column: frozenset({step.old.text})}, changes
            )
        else:
            yield Change({}, changes)


def reached(starts: Iterable[T], edges: Mapping[T, set[T]]) -> frozenset[T]:
    """What is reached from some values over edges, they themselves included."""
    found = dict.fromkeys(starts)
    queue = list(found)
    for value in queue:
        fresh = [x for x in sorted(edges.get(value, ())) if x not in found]
        found.update(dict.fromkeys(fresh))
        queue += fresh
    return frozenset(found)


# -- conditions that are looked at elsewhere


def token_checked(design: d.Design, effect: str, case: Case) -> Ways:
    """A token is checked. In one region, or after a failover of the lock's database, it is decided
    either way.
    """
    declared = design.effects[effect]
    assert declared.token_of is not None
    assert declared.store is not None
    if is_per_region(design, declared.store):
        return [case], [case]
    token, restored = v.token(declared.token_of), v.restored(declared.token_of)
    newest, older = case.test(token, {"fresh"}), case.test(token, {"none", "stale"})
    ok, down = _ways(newest), _ways(older)
    if restored in case.domains:
        ok += _ways(older.test(restored, {"yes"}) if older else None)
        down += _ways(newest.test(restored, {"yes"}) if newest else None)
    return ok, down


def in_one_region(
    earlier: Earlier, step: n.Insert | n.UpdateIf | n.Delete, case: Case, ways: Ways
) -> Ways:
    """A condition that is looked at in one region: on the row as it is, or as it was before.
    ``ways``: those on the row as it is.
    """
    store = step.store.text
    own = row_variables(earlier.design, store, case.domains)
    if not own.keys().isdisjoint(case.transaction or {}):
        return ways
    ok, down = ways
    wider = replace(case, wider=STALE_READ)
    if isinstance(step, n.Insert):
        # A row that is there was not there before.
        return [*ok, *_ways(wider.test(store, {"present"}))], down
    seen = {store: earlier.values(store, store)}
    wanted = {store: "present"}
    if isinstance(step, n.UpdateIf):
        column = v.column(store, step.column.text)
        seen[column] = earlier.values(column, store)
        wanted[column] = step.old.text
    may = {
        name: {x for x in case.domains[name].domain if x == value or value in seen[name][x]}
        for name, value in wanted.items()
    }
    written: list[Case] = []
    rest: Case | None = wider
    for name, value in wanted.items():
        other = rest.test(name, may[name] - {value}) if rest else None
        for later in wanted:
            other = other.test(later, may[later]) if other and later != name else other
        written += _ways(other)
        rest = rest.test(name, {value}) if rest else None
    differed = any(seen[name][value] - {value} for name, value in wanted.items())
    conflicts = _ways(rest) if differed else []
    return [*ok, *written], [*down, *conflicts]


def _ways(case: Case | None) -> list[Case]:
    return [] if case is None else [case]
