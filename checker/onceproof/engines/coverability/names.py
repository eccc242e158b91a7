"""Where each variable lives; guards and updates translated to positions and value numbers.

Everything that the contract in ``onceproof.machine.system`` forbids and that can be seen in the
text of a machine is refused here or in ``encode`` with ``MachineError``: a wrong table must never
become a wrong proof.
"""

from __future__ import annotations

from msgspec import Struct

from onceproof.machine.system import Guard, Level, Machine, Update, Variable

GONE = -1
"""No such row: no worker, no event, or no source."""

LEVELS = (Level.COMPONENT, Level.EVENT, Level.WORKER)

Tests = tuple[tuple[int, frozenset[int]], ...]
"""Position in the row, and the values allowed there."""


class Assign(Struct, frozen=True):
    """One update: the value at ``target`` becomes ``table`` of the value at ``source`` in the row
    of ``level``.

    With ``level`` ``GONE`` it becomes ``constant``.
    """

    target: int
    level: int
    source: int
    table: dict[int, int]
    constant: int

    def read(self, rows: tuple[tuple[int, ...], ...]) -> int:
        """The new value, from the three rows before the step."""
        return self.constant if self.level == GONE else self.table[rows[self.level][self.source]]


class MachineError(ValueError):
    """The machine or the property is not well-formed: a bug of whoever built it."""


class Names:
    """Where each variable lives, and the translation of guards and updates to positions and value
    numbers.
    """

    __slots__ = ("_level", "_position", "_values", "levels")

    def __init__(self, machine: Machine) -> None:
        self.levels: tuple[tuple[Variable, ...], ...] = tuple(
            machine.level(level) for level in LEVELS
        )
        self._level: dict[str, int] = {}
        self._position: dict[str, int] = {}
        self._values: dict[str, dict[str, int]] = {}
        for number, variables in enumerate(self.levels):
            for position, variable in enumerate(variables):
                if variable.name in self._level:
                    raise MachineError(f"variable {variable.name!r} is declared twice")
                self._level[variable.name] = number
                self._position[variable.name] = position
                self._values[variable.name] = {value: i for i, value in enumerate(variable.domain)}
                for value in variable.initial:
                    self._value(variable.name, value)

    def _value(self, variable: str, value: str) -> int:
        if value not in self._values[variable]:
            raise MachineError(f"{value!r} is not in the domain of {variable!r}")
        return self._values[variable][value]

    def _see(self, variable: str, visible: tuple[Level, ...], what: str) -> int:
        if variable not in self._level:
            raise MachineError(f"{what}: there is no variable {variable!r}")
        number = self._level[variable]
        if LEVELS[number] not in visible:
            raise MachineError(
                f"{what}: the {LEVELS[number].value} variable {variable!r} may not be used here"
            )
        return number

    def tests(
        self, guard: Guard, visible: tuple[Level, ...], what: str
    ) -> tuple[Tests, Tests, Tests]:
        """The guard's tests, split by level."""
        levels: tuple[list[tuple[int, frozenset[int]]], ...] = ([], [], [])
        seen: set[str] = set()
        for test in guard:
            level = self._see(test.variable, visible, what)
            if test.variable in seen:
                raise MachineError(f"{what}: {test.variable!r} is tested twice")
            seen.add(test.variable)
            allowed = frozenset(self._value(test.variable, value) for value in test.allowed)
            levels[level].append((self._position[test.variable], allowed))
        return tuple(levels[0]), tuple(levels[1]), tuple(levels[2])

    def assigns(
        self,
        updates: tuple[Update, ...],
        guard: Guard,
        targets: tuple[Level, ...],
        sources: tuple[Level, ...],
        what: str,
    ) -> tuple[tuple[Assign, ...], ...]:
        """The updates, split by the level of their target."""
        levels: tuple[list[Assign], ...] = ([], [], [])
        allowed = {test.variable: test.allowed for test in guard}
        seen: set[str] = set()
        for update in updates:
            level = self._see(update.target, targets, what)
            if update.target in seen:
                raise MachineError(f"{what}: {update.target!r} is updated twice")
            seen.add(update.target)
            levels[level].append(
                self._assign(update, allowed.get(update.source or ""), sources, what)
            )
        return tuple(tuple(level) for level in levels)

    def _assign(
        self, update: Update, allowed: frozenset[str] | None, sources: tuple[Level, ...], what: str
    ) -> Assign:
        position = self._position[update.target]
        if update.source is None:
            if len(update.table) != 1:
                raise MachineError(
                    f"{what}: the constant written to {update.target!r} must be one value"
                )
            return Assign(position, GONE, 0, {}, self._value(update.target, update.table[0][1]))
        level = self._see(update.source, sources, what)
        written = dict(update.table)
        if len(written) != len(update.table):
            raise MachineError(
                f"{what}: the table for {update.target!r} has a value of {update.source!r} twice"
            )
        table: dict[int, int] = {}
        for value, number in self._values[update.source].items():
            if value in written:
                table[number] = self._value(update.target, written[value])
            elif allowed is None or value in allowed:
                raise MachineError(
                    f"{what}: the table for {update.target!r} lacks {update.source!r} = {value!r}"
                )
        return Assign(position, level, self._position[update.source], table, 0)
