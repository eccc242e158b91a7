"""One way through a step: what must hold before it, what it changes, and where a worker can be.

A case is a conjunction of tests on the state before the step together with changes of variables.
Changes of a shared variable are functions of its own old value, so changes can be composed, and a
test *after* a change becomes a test *before* it by taking the preimage.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from onceproof.machine.system import Action, Broadcast, Level, Rule, RuleKind, Test, Update
from onceproof.machine.system import Variable as MachineVariable

Table = tuple[tuple[str, str], ...]
"""A total function on a domain, as pairs in the order of the domain."""


def constant(variable: MachineVariable, value: str) -> Table:
    """The function that forgets the old value."""
    assert value in variable.domain, (variable, value)
    return tuple((old, value) for old in variable.domain)


def mapping(variable: MachineVariable, changes: Mapping[str, str]) -> Table:
    """The function that changes the listed values and keeps the others."""
    return tuple((old, changes.get(old, old)) for old in variable.domain)


def counting(variable: MachineVariable) -> Table:
    """One more: 0, 1, 2 (two or more)."""
    return mapping(variable, {"0": "1", "none now": "1", "1": "2", "2": "2"})


def at_least_once(variable: MachineVariable) -> Table:
    """A write that repeats without effect: 0 becomes 1."""
    return mapping(variable, {"0": "1", "none now": "1"})


def compose(first: Table | None, then: Table) -> Table:
    """``then`` after ``first``."""
    if first is None:
        return then
    after = dict(then)
    return tuple((old, after[mid]) for old, mid in first)


Changes = Mapping[str, Table]


def compose_all(first: Changes, then: Changes) -> dict[str, Table]:
    """Compose variable by variable."""
    result = dict(first)
    for name, table in then.items():
        result[name] = compose(result.get(name), table)
    return result


class Case(Struct, frozen=True):
    """``guard`` tests the state before; ``changes`` apply to it.

    ``transaction`` (None outside a block) and ``inside`` are writes collected but not yet visible
    to others; the worker itself sees them. ``copies`` are worker variables that take a value
    computed from another variable. ``views``: variables of rows that the worker sees as of its
    snapshot, with the worker variables that hold the copies. ``pairs``: rows that a serializable
    block has written and read, as others learn at its commit. ``wider``: the name of the wider rule
    that this way is (docs/semantics_world.md, "Wider rules"). ``decided``: lines whose conditions
    are looked at in this step.
    """

    domains: Mapping[str, MachineVariable]
    guard: Mapping[str, frozenset[str]] = field(default_factory=dict)
    changes: Changes = field(default_factory=dict)
    transaction: Changes | None = None
    inside: Changes = field(default_factory=dict)
    copies: Mapping[str, tuple[str, Table]] = field(default_factory=dict)
    others: tuple[Broadcast, ...] = ()
    views: Mapping[str, str] = field(default_factory=dict)
    pairs: frozenset[tuple[str, str]] = frozenset()
    wider: str = ""
    decided: frozenset[int] = frozenset()

    def seen(self, name: str) -> tuple[str, Table]:
        """What the worker sees of a variable: as a function of which variable before the step."""
        source = self.views.get(name, name)
        if source in self.copies:
            source, table = self.copies[source]
        else:
            table = tuple((v, v) for v in self.domains[source].domain)
            if source in self.changes:
                table = compose(table, self.changes[source])
        for layer in (self.transaction or {}, self.inside):
            if name in layer:
                table = compose(table, layer[name])
        return source, table

    def test(self, name: str, allowed: Iterable[str]) -> Case | None:
        """This case where the worker sees ``name`` among ``allowed``; None if that cannot be."""
        wanted = set(allowed)
        source, table = self.seen(name)
        return self.where(source, {old for old, now in table if now in wanted})

    def test_now(self, name: str, allowed: Iterable[str]) -> Case | None:
        """The same, of the row as it is now, whatever the snapshot of the worker's block says."""
        found = replace(self, views={}).test(name, allowed)
        return None if found is None else replace(found, views=self.views)

    def widened(self, name: str) -> Case:
        """This case as one that is wider than the truth, if ``name`` says why."""
        return replace(self, wider=self.wider or name)

    def where(self, name: str, before: Iterable[str]) -> Case | None:
        """This case where ``name`` was among ``before`` before the step; None if that cannot be."""
        now = self.guard.get(name, frozenset(self.domains[name].domain)) & frozenset(before)
        return replace(self, guard={**self.guard, name: now}) if now else None

    def change(self, name: str, table: Table) -> Case:
        """Change a variable at once."""
        copies = {k: v for k, v in self.copies.items() if k != name}
        return replace(self, changes=compose_all(self.changes, {name: table}), copies=copies)

    def put(self, name: str, value: str) -> Case:
        """Set a variable at once."""
        return self.change(name, constant(self.domains[name], value))

    def put_all(self, values: Mapping[str, str]) -> Case:
        """Set several variables at once: the same as ``put`` for each."""
        changes = {name: constant(self.domains[name], value) for name, value in values.items()}
        copies = {k: v for k, v in self.copies.items() if k not in changes}
        return replace(self, changes={**self.changes, **changes}, copies=copies)

    def collect(self, changes: Changes) -> Case:
        """Write inside the open transaction, or at once where none is open."""
        if self.transaction is None:
            return replace(self, changes=compose_all(self.changes, changes))
        return replace(self, transaction=compose_all(self.transaction, changes))

    def hold_inside(self, changes: Changes) -> Case:
        """Collect a write for the broker's own commit."""
        return replace(self, inside=compose_all(self.inside, changes))

    def commit(self) -> Case:
        """The open transaction's writes appear."""
        return replace(
            self, changes=compose_all(self.changes, self.transaction or {}), transaction=None
        )

    def commit_inside(self) -> Case:
        """What was collected inside the broker appears."""
        return replace(self, changes=compose_all(self.changes, self.inside), inside={})

    def copy(self, local: str, source: str, table: Mapping[str, str]) -> Case:
        """Give a local variable a value computed from what the worker sees of ``source``."""
        before, seen = self.seen(source)
        computed = tuple((old, table[now]) for old, now in seen)
        changes = {k: v for k, v in self.changes.items() if k != local}
        return replace(self, changes=changes, copies={**self.copies, local: (before, computed)})

    def rule(
        self,
        kind: RuleKind,
        action: Action,
        *,
        ends: bool = False,
        alone: tuple[Test, ...] | None = None,
    ) -> Rule:
        """The machine rule of this case."""
        guard = tuple(
            Test(name, allowed)
            for name, allowed in sorted(self.guard.items())
            if len(allowed) < len(self.domains[name].domain)
        )
        written = [(name, name, table) for name, table in sorted(self.changes.items())]
        written += [(name, *copied) for name, copied in sorted(self.copies.items())]
        if ends:  # the worker's variables go with it
            written = [w for w in written if self.domains[w[0]].level is not Level.WORKER]
        updates = tuple(u for u in (self._update(*w) for w in written) if u is not None)
        return Rule(kind, action, guard, updates, ends, alone, self.others, self.wider)

    def _update(self, target: str, source: str, table: Table) -> Update | None:
        allowed = self.guard.get(source)
        pairs = tuple((old, new) for old, new in table if allowed is None or old in allowed)
        values = {new for _, new in pairs}
        if target == source and all(old == new for old, new in pairs):
            return None
        if len(values) == 1:
            return Update(target, None, (("", values.pop()),))
        return Update(target, source, pairs)


Frozen = tuple[tuple[str, Table], ...]


DEAD = "!"
"""Ends the name of a place where a worker is dead and its last request still under way."""


class Location(Struct, frozen=True, cache_hash=True):
    """Where a worker is: about to run a place, with what it has collected. ``marked``: it may be
    killed here.

    Of its block: ``begun``: the databases whose snapshot is taken; ``own``: the stores whose row it
    has changed; ``reads``: those whose row it has read where that matters (serializable,
    optimistic); ``asked``: the lines collected for databases that look at conditions again;
    ``tied``: the locks that end with it.
    """

    place: int
    transaction: Frozen | None = None
    serializable: bool = False
    locks: frozenset[str] = frozenset()
    inside: Frozen = ()
    marked: bool = True
    begun: frozenset[str] = frozenset()
    own: frozenset[str] = frozenset()
    reads: frozenset[str] = frozenset()
    asked: tuple[int, ...] = ()
    tied: frozenset[str] = frozenset()


Sink = Callable[[Case, Location, str], None]
"""Takes one way through a run of collected lines: the case, where it stops, ``commit`` if it
committed.
"""


class ProgramPoint(Struct, frozen=True):
    """A value of ``pc``: the process, its line, the sections around."""

    process: str
    line: int
    sections: tuple[str, ...]
