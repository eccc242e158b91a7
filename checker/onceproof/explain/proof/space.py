"""Products of value sets: the shape in which facts are found, before they are put into words.

A *cube* stands for every configuration that contains its elements: a component row, distinct events
beside it, distinct workers of theirs, each row with its values in the given sets. Sets of values
are bit masks over the domain of a variable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from itertools import pairwise, permutations, product

from msgspec import Struct

from onceproof.machine.system import EventPattern, Guard, Level, Machine, Pattern, Test, Variable

LEVELS = (Level.COMPONENT, Level.EVENT, Level.WORKER)

Masks = tuple[int, ...]
"""One mask per variable of a level, in the order of ``Machine.level``; or the rows of a whole cube
one after the other.
"""

Profile = tuple[int, ...]
"""How many workers each event of a cube has."""

Part = tuple[Masks, tuple[Masks, ...]]
"""An event and some of its workers."""

Term = tuple[tuple[int, int], ...]
"""What a cube demands of a flat row: positions with the masks allowed there."""


class Cube(Struct, frozen=True):
    """See the module's text. Made by ``cube``, which sorts, so that equal cubes are equal
    values.
    """

    component: Masks
    events: tuple[Part, ...]

    @property
    def profile(self) -> Profile:
        """How many workers each event has."""
        return tuple(len(workers) for _, workers in self.events)

    @property
    def workers(self) -> int:
        """How many workers it speaks of."""
        return sum(self.profile)

    @property
    def flat(self) -> Masks:
        """Component, then each event followed by its workers."""
        row = self.component
        for event, workers in self.events:
            row += event
            for worker in workers:
                row += worker
        return row


def cube_of(component: Masks, events: Iterator[Part] | list[Part]) -> Cube:
    """A cube with its parts sorted: events with more workers first."""
    parts = [(event, tuple(sorted(workers))) for event, workers in events]
    return Cube(component, tuple(sorted(parts, key=lambda part: (-len(part[1]), part))))


class Space:
    """The variables of a machine with the values each can take at all, and the way from guards to
    masks and back.
    """

    __slots__ = ("_where", "full", "machine", "variables")

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.variables: tuple[tuple[Variable, ...], ...] = tuple(
            machine.level(level) for level in LEVELS
        )
        self._where = {
            v.name: (number, i)
            for number, row in enumerate(self.variables)
            for i, v in enumerate(row)
        }
        possible_values = possible(machine)
        self.full: tuple[Masks, ...] = tuple(
            tuple(mask(v, possible_values[v.name]) for v in row) for row in self.variables
        )

    def at(self, name: str) -> tuple[int, int]:
        """The level (0, 1, 2) and position of a variable."""
        return self._where[name]

    def guard(self, guard: Guard) -> tuple[Masks, ...]:
        """A guard as one row of masks per level."""
        rows = [list(row) for row in self.full]
        for test in guard:
            level, position = self._where[test.variable]
            rows[level][position] &= mask(self.variables[level][position], test.allowed)
        return tuple(tuple(row) for row in rows)

    def tests(self, level: int, row: Masks) -> Guard:
        """A row of masks as a guard: only what is less than everything possible."""
        pairs = zip(self.variables[level], row, self.full[level], strict=True)
        return tuple(Test(v.name, frozenset(values(v, m))) for v, m, every in pairs if m != every)

    def pattern(self, cube: Cube) -> Pattern:
        """A cube as a pattern of configurations."""
        events = (
            EventPattern(self.tests(1, e), tuple(self.tests(2, w) for w in workers))
            for e, workers in cube.events
        )
        return Pattern(self.tests(0, cube.component), tuple(events))

    def cubes(self, pattern: Pattern) -> Iterator[Cube]:
        """A pattern as cubes. Of ``absent`` only what it says of the workers the pattern names is
        kept, as in certificates.
        """
        component = self.guard(pattern.component)[0]
        choices: list[list[Part]] = []
        for event in pattern.events:
            picks_of = [[self.guard(guard)[2]] for guard in event.workers]
            if event.absent is not None:
                outside = self.guard(event.absent)[2]
                picks_of = [list(subtract(workers, outside)) for (workers,) in picks_of]
            choices.append([(self.guard(event.guard)[1], picks) for picks in product(*picks_of)])
        for parts in product(*choices):
            cube = cube_of(component, list(parts))
            if all(cube.flat):
                yield cube

    def width(self, profile: Profile) -> Masks:
        """The flat row of everything possible."""
        return Cube(
            self.full[0], tuple((self.full[1], (self.full[2],) * count) for count in profile)
        ).flat

    def columns(self, profile: Profile) -> list[tuple[int, int, int, int]]:
        """For each position of a flat row: level, position in the level, event, worker (-1 where
        there is none).
        """
        columns = [(0, i, -1, -1) for i in range(len(self.full[0]))]
        for event, count in enumerate(profile):
            columns += [(1, i, event, -1) for i in range(len(self.full[1]))]
            for worker in range(count):
                columns += [(2, i, event, worker) for i in range(len(self.full[2]))]
        return columns

    def term(
        self, cube: Cube, into: Profile, events: tuple[int, ...], crews: tuple[tuple[int, ...], ...]
    ) -> Term:
        """What a cube demands of a flat row when its parts are put at these places of the row."""
        starts = _starts(tuple(map(len, self.full)), into)
        term = [(i, m) for i, m in enumerate(cube.component) if m != self.full[0][i]]
        for (row, workers), event, crew in zip(cube.events, events, crews, strict=True):
            first = starts[event][0]
            term += [(first + i, m) for i, m in enumerate(row) if m != self.full[1][i]]
            for worker, place in zip(workers, crew, strict=True):
                first = starts[event][place + 1]
                term += [(first + i, m) for i, m in enumerate(worker) if m != self.full[2][i]]
        return tuple(term)

    def terms(self, cube: Cube, into: Profile) -> list[Term]:
        """What the cube demands of a flat row of that profile, for every way to find its parts
        there.
        """
        return list(
            dict.fromkeys(
                self.term(cube, into, events, crews) for events, crews in places(cube.profile, into)
            )
        )

    def split(self, row: Masks, profile: Profile) -> list[Part]:
        """The events and workers of a flat row, in its order."""
        sizes, position = tuple(map(len, self.full)), len(self.full[0])
        parts: list[Part] = []
        for count in profile:
            event, position = row[position : position + sizes[1]], position + sizes[1]
            ends = (
                range(position, position + sizes[2] * count + 1, sizes[2])
                if sizes[2]
                else [position] * (count + 1)
            )
            parts.append((event, tuple(row[a:b] for a, b in pairwise(ends))))
            position += sizes[2] * count
        return parts

    def unflat(self, row: Masks, profile: Profile) -> Cube:
        """A flat row as a cube."""
        return cube_of(row[: len(self.full[0])], self.split(row, profile))


def mask(variable: Variable, allowed: frozenset[str] | set[str]) -> int:
    """The mask of some values."""
    return sum(1 << i for i, value in enumerate(variable.domain) if value in allowed)


def values(variable: Variable, bits: int) -> tuple[str, ...]:
    """The values of a mask, in the order of the domain."""
    return tuple(value for i, value in enumerate(variable.domain) if bits >> i & 1)


def subtract(row: Masks, minus: Masks) -> Iterator[Masks]:
    """What is left of one product without another, as disjoint products."""
    rest = list(row)
    for i, bits in enumerate(minus):
        if rest[i] & ~bits:
            yield (*rest[:i], rest[i] & ~bits, *rest[i + 1 :])
            rest[i] &= bits
        if not rest[i]:
            return


def possible(machine: Machine) -> dict[str, set[str]]:
    """The values each variable starts with or is given by some rule: no other value can ever be
    there, whatever happens.
    """
    values = {v.name: set(v.initial) for v in machine.variables}
    updates = [
        u for r in machine.rules for u in (*r.updates, *(x for b in r.others for x in b.updates))
    ]
    changed = True
    while changed:
        changed = False
        for update in updates:
            new = {
                after
                for before, after in update.table
                if update.source is None or before in values[update.source]
            }
            changed = changed or not new <= values[update.target]
            values[update.target] |= new
    return values


@cache
def _starts(sizes: tuple[int, ...], profile: Profile) -> tuple[tuple[int, ...], ...]:
    """Where the row of each event and of each of its workers begins in a flat row."""
    starts, position = [], sizes[0]
    for count in profile:
        starts.append((position, *(position + sizes[1] + sizes[2] * i for i in range(count))))
        position += sizes[1] + sizes[2] * count
    return tuple(starts)


@cache
def places(
    small: Profile, large: Profile
) -> tuple[tuple[tuple[int, ...], tuple[tuple[int, ...], ...]], ...]:
    """Every way to put events with so many workers into distinct places among ``large``."""
    places = []
    for events in permutations(range(len(large)), len(small)):
        crews = [
            permutations(range(large[event]), count)
            for event, count in zip(events, small, strict=True)
        ]
        places += [(events, crew) for crew in product(*crews)]
    return tuple(places)


def uncovered(
    row: Masks, terms: list[tuple[int, Term]], used: Callable[[int], None], start: int = 0
) -> Masks | None:
    """A part of ``row`` that none of the terms holds of; None if together they cover it. ``used``:
    told which terms mattered.
    """
    for number in range(start, len(terms)):
        owner, term = terms[number]
        outside = []
        for position, bits in term:
            if not row[position] & bits:
                break
            if row[position] & ~bits:
                outside.append((position, bits))
        else:
            used(owner)
            rest = list(row)
            for position, bits in outside:
                piece = (*rest[:position], rest[position] & ~bits, *rest[position + 1 :])
                left = uncovered(piece, terms, used, number + 1)
                if left is not None:
                    return left
                rest[position] &= bits
            return None
    return row
