"""The local tables of a machine: what one actor can do to its own component row, event row and
worker.

Rows (valuations of one level) are numbered as they are met, and what a rule does to a numbered
triple is worked out once and kept. Everything that looks at other workers (``alone``, ``others``)
is given here per worker; whoever holds the configuration puts it together.

A value outside its domain and a table without the value it is asked for are bugs of the lowering:
they raise, they never disable a rule.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from onceproof.machine.system import (
    Broadcast,
    Guard,
    Level,
    Machine,
    Rule,
    RuleKind,
    Update,
    Variable,
)

Row = tuple[str, ...]

GONE = -1
"""In place of a worker's number: there is no such worker (any more)."""


class MachineError(Exception):
    """The machine breaks the contract of ``onceproof.machine.system``: an internal error, not the
    user's.
    """


class LocalMove(NamedTuple):
    """A rule that is enabled here, and the three rows after it, numbered; ``worker`` is the actor
    or the new worker, or GONE.
    """

    rule: int
    component: int
    event: int
    worker: int


class Rows:
    """The numbered valuations of one level. ``ranks``: their order by values, which does not depend
    on when they were met.
    """

    def __init__(self, variables: tuple[Variable, ...]) -> None:
        self.variables = variables
        self.rows: list[Row] = []
        self.ranks: list[tuple[int, ...]] = []
        self._numbers: dict[Row, int] = {}

    def number(self, row: Row) -> int:
        """The row's number; a row not met before is checked against the domains."""
        known = self._numbers.get(row)
        if known is not None:
            return known
        for variable, value in zip(self.variables, row, strict=True):
            if value not in variable.domain:
                raise MachineError(
                    f"{variable.name} became {value!r}, which is not in its domain"
                    f" {variable.domain}"
                )
        self._numbers[row] = len(self.rows)
        self.rows.append(row)
        self.ranks.append(
            tuple(v.domain.index(value) for v, value in zip(self.variables, row, strict=True))
        )
        return self._numbers[row]

    def known(self, row: Row) -> int | None:
        """The row's number, if it was met."""
        return self._numbers.get(row)


class _Masks:
    """For each row of one level, the rules whose tests of this level it passes, as the bits of a
    number.
    """

    def __init__(self, rows: Rows, tests: list[list[tuple[int, frozenset[str]]]]) -> None:
        self._rows = rows
        self._by_value = [
            dict.fromkeys(variable.domain, (1 << len(tests)) - 1) for variable in rows.variables
        ]
        for number, of_rule in enumerate(tests):
            for position, allowed in of_rule:
                for value in self._by_value[position].keys() - allowed:
                    self._by_value[position][value] &= ~(1 << number)
        self._all = (1 << len(tests)) - 1
        self._known: list[int] = []

    def of(self, number: int) -> int:
        """The rules that a row lets through."""
        for row in self._rows.rows[len(self._known) : number + 1]:
            mask = self._all
            for position, value in enumerate(row):
                mask &= self._by_value[position][value]
            self._known.append(mask)
        return self._known[number]


class _Place(NamedTuple):
    """Where a variable stands: the position of its level in a triple of rows, and its position in
    the row.
    """

    level: int
    position: int


class _Command:
    """A guard and its updates, with every name resolved to a place."""

    def __init__(
        self, guard: Guard, updates: tuple[Update, ...], places: dict[str, _Place]
    ) -> None:
        self.tests = tuple((places[t.variable], t.allowed) for t in guard)
        self.updates = tuple(
            (
                places[u.target],
                None if u.source is None else places[u.source],
                u.constant,
                dict(u.table),
            )
            for u in updates
        )

    def allows(self, rows: tuple[Row, ...]) -> bool:
        """Do the rows satisfy the guard?"""
        return all(rows[at.level][at.position] in allowed for at, allowed in self.tests)

    def apply(self, rows: tuple[Row, ...]) -> tuple[Row, ...]:
        """The rows after the updates; all sources are read before."""
        new = [list(row) for row in rows]
        for target, source, constant, table in self.updates:
            value = constant
            if source is not None:
                value = table.get(rows[source.level][source.position])
            if value is None:
                raise MachineError(
                    f"an update table has no entry for the value it meets; the rows are {rows}, the"
                    f" table {table}"
                )
            new[target.level][target.position] = value
        return tuple(tuple(row) for row in new)


class Local:
    """A machine compiled for searching; see the module docstring."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        levels = tuple(
            machine.level(level) for level in (Level.COMPONENT, Level.EVENT, Level.WORKER)
        )
        self.components, self.events, self.workers = (Rows(variables) for variables in levels)
        places = _places(levels)
        for rule in machine.rules:
            _check_rule(rule, places)
        if any(len(v.initial) != 1 for v in levels[2]):
            raise MachineError("a worker variable has exactly one initial value")
        self.newborn = tuple(v.initial[0] for v in levels[2])
        self._commands = tuple(_Command(rule.guard, rule.updates, places) for rule in machine.rules)
        self._kinds = dict.fromkeys(RuleKind, 0)  # the rules of each kind, as the bits of a number
        for i, rule in enumerate(machine.rules):
            self._kinds[rule.kind] |= 1 << i
        self._masks = tuple(
            _Masks(
                rows,
                [
                    [(at.position, allowed) for at, allowed in c.tests if at.level == level]
                    for c in self._commands
                ],
            )
            for level, rows in enumerate((self.components, self.events, self.workers))
        )
        alone = ((i, rule.alone) for i, rule in enumerate(machine.rules))
        self._alone = {i: _Command(guard, (), places) for i, guard in alone if guard is not None}
        self._others = {
            i: tuple((b, _Command(b.guard, b.updates, places)) for b in rule.others)
            for i, rule in enumerate(machine.rules)
            if rule.others
        }
        self._limits = tuple(_Command(limit.guard, (), places) for limit in machine.limits)
        self.rules_with_alone = frozenset(self._alone)
        self.rules_with_broadcast = frozenset(self._others)
        self.component_wide = frozenset(
            i
            for i, broadcasts in self._others.items()
            if any(b.scope is Level.COMPONENT for b, _ in broadcasts)
        )
        self._moves: dict[tuple[RuleKind, int, int, int], tuple[LocalMove, ...]] = {}
        self._after_broadcasts: dict[tuple[int, int, bool], int] = {}
        self._disables: dict[tuple[int, int], bool] = {}
        self._limited: dict[int, tuple[int, ...]] = {}

    @property
    def size(self) -> int:
        """How many places have their moves worked out."""
        return len(self._moves)

    def moves(
        self, kind: RuleKind, component: int, event: int = GONE, worker: int = GONE
    ) -> tuple[LocalMove, ...]:
        """The rules of one kind enabled for these rows, not yet looking at any other worker.

        A SPAWN is asked for without a worker and answers with the new one; EVENT rules have no
        worker, COMPONENT rules no event.
        """
        key = (kind, component, event, worker)
        known = self._moves.get(key)
        if known is None:
            known = self._moves[key] = tuple(self._find(key))
        return known

    def _find(self, key: tuple[RuleKind, int, int, int]) -> Iterable[LocalMove]:
        kind, component, event, worker = key
        before = (
            self.components.rows[component],
            () if event == GONE else self.events.rows[event],
            self.newborn if worker == GONE else self.workers.rows[worker],
        )
        enabled = self._kinds[kind]
        for masks, row in zip(self._masks, (component, event, worker), strict=True):
            enabled &= masks.of(row) if row != GONE else -1
        while enabled:
            number = (enabled & -enabled).bit_length() - 1
            enabled &= enabled - 1
            command = self._commands[number]
            after = command.apply(before)
            worker_ends = (
                kind in (RuleKind.EVENT, RuleKind.COMPONENT) or self.machine.rules[number].ends
            )
            yield LocalMove(
                number,
                self.components.number(after[0]),
                GONE if event == GONE else self.events.number(after[1]),
                GONE if worker_ends else self.workers.number(after[2]),
            )

    def disables(self, rule: int, worker: int) -> bool:
        """Does this worker, standing next to the actor of an ``alone`` rule, disable it?"""
        known = self._disables.get((rule, worker))
        if known is None:
            known = self._disables[rule, worker] = self._alone[rule].allows(
                ((), (), self.workers.rows[worker])
            )
        return known

    def after_broadcasts(self, rule: int, worker: int, near: bool) -> int:
        """What the broadcasts of a rule make of another worker of the component: its new number, or
        GONE.

        ``near``: it works on the same event as the actor.
        """
        key = (rule, worker, near)
        known = self._after_broadcasts.get(key)
        if known is None:
            known = self._after_broadcasts[key] = self._hear(key)
        return known

    def _hear(self, key: tuple[int, int, bool]) -> int:
        rule, worker, near = key
        before: tuple[Row, ...] = ((), (), self.workers.rows[worker])
        matching = [
            (broadcast, command)
            for broadcast, command in self._others.get(rule, ())
            if broadcast.reaches(near) and command.allows(before)
        ]
        if not matching:
            return worker
        if len(matching) > 1:
            raise MachineError(f"two broadcasts of rule {rule} match the worker {before[2]}")
        broadcast, command = matching[0]
        return GONE if broadcast.removes else self.workers.number(command.apply(before)[2])

    def limited(self, worker: int) -> tuple[int, ...]:
        """The limits (by position) that count this worker."""
        known = self._limited.get(worker)
        if known is None:
            rows: tuple[Row, ...] = ((), (), self.workers.rows[worker])
            known = self._limited[worker] = tuple(
                i for i, limit in enumerate(self._limits) if limit.allows(rows)
            )
        return known


def _places(levels: tuple[tuple[Variable, ...], ...]) -> dict[str, _Place]:
    """Where each variable stands; names are unique over all levels."""
    places: dict[str, _Place] = {}
    for level, variables in enumerate(levels):
        for position, variable in enumerate(variables):
            if variable.name in places or not variable.initial:
                raise MachineError(
                    f"variable {variable.name} is declared twice or has no initial value"
                )
            places[variable.name] = _Place(level, position)
    return places


def _check_rule(rule: Rule, places: dict[str, _Place]) -> None:
    """Raise if the rule reads or writes what its kind may not, so that no engine has to guess what
    it would mean.
    """
    reads, writes = _scope(rule.kind)
    _check_names(rule, rule.guard, rule.updates, places)
    used = {t.variable for t in rule.guard} | {
        u.source for u in rule.updates if u.source is not None
    }
    if any(places[name].level not in reads for name in used):
        raise MachineError(
            f"a {rule.kind.value} rule reads a variable out of its reach: {rule.action}"
        )
    if any(places[u.target].level not in writes for u in rule.updates):
        raise MachineError(
            f"a {rule.kind.value} rule writes a variable out of its reach: {rule.action}"
        )
    if rule.ends and rule.kind is not RuleKind.WORKER:
        raise MachineError(f"only a worker can end: {rule.action}")
    if rule.kind is RuleKind.COMPONENT and (
        rule.alone is not None or any(b.scope is Level.EVENT for b in rule.others)
    ):
        raise MachineError(
            f"a component rule has no event whose workers it could mean: {rule.action}"
        )
    if rule.alone is not None:
        _check_words(rule, Broadcast(Level.EVENT, rule.alone, ()), places)
    for broadcast in rule.others:
        _check_words(rule, broadcast, places)


def _scope(kind: RuleKind) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The levels a rule of this kind may read, and those it may write."""
    match kind:
        case RuleKind.WORKER:
            return (0, 1, 2), (0, 1, 2)
        case RuleKind.SPAWN:
            return (0, 1), (0, 1, 2)
        case RuleKind.EVENT:
            return (0, 1), (0, 1)
        case RuleKind.COMPONENT:
            return (0,), (0,)


def _check_words(rule: Rule, broadcast: Broadcast, places: dict[str, _Place]) -> None:
    """Raise if a broadcast (or an ``alone`` guard) speaks of more than the other worker's own
    variables.
    """
    _check_names(rule, broadcast.guard, broadcast.updates, places)
    names = (
        {t.variable for t in broadcast.guard}
        | {u.target for u in broadcast.updates}
        | {u.source for u in broadcast.updates if u.source}
    )
    if broadcast.scope is Level.WORKER or any(places[name].level != 2 for name in names):
        raise MachineError(f"another worker is addressed by its own variables only: {rule.action}")


def _check_names(
    rule: Rule, guard: Guard, updates: tuple[Update, ...], places: dict[str, _Place]
) -> None:
    """Raise on a name that is not declared, is tested twice, or is written twice."""
    tested = [t.variable for t in guard]
    written = [u.target for u in updates]
    read = [u.source for u in updates if u.source is not None]
    unknown = [name for name in (*tested, *written, *read) if name not in places]
    if unknown or len(set(tested)) < len(tested) or len(set(written)) < len(written):
        raise MachineError(
            f"unknown variable, or one tested or written twice: {unknown or tested + written} in"
            f" {rule.action}"
        )
