"""What a certified invariant allows, as tables that answer at once whether a cube is outside it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import combinations, permutations, product

from onceproof.explain.proof.space import Cube, Masks, Profile, Space
from onceproof.machine.invariant import Invariant, Row, Shape

MOST_CONFIGURATIONS = 300_000
"""Configurations of one profile that are put into a table."""

_Key = tuple[int, tuple[tuple[int, tuple[int, ...]], ...]]
"""A configuration in numbers of rows, sorted."""


class TooBig(Exception):
    """A table would be too big; nothing is explained then."""


class Allowed:
    """The configurations that satisfy an invariant, by profile; each table has one set of
    configurations per value of each column.

    Sets of configurations are bits of one large number, so a conjunction of value sets is a few
    operations on numbers.
    """

    __slots__ = ("_beside", "_events", "_known", "_rows", "_shapes", "_tables", "_tick", "space")

    def __init__(self, space: Space, invariant: Invariant, tick: Callable[[], None]) -> None:
        self.space = space
        self._tick = tick  # raises when the time is over
        events, workers = (
            sorted({e for _, e in invariant.events}),
            sorted({w for _, _, w in invariant.workers}),
        )
        rows = [sorted(invariant.components), events, workers]
        self._rows = [[self._bits(level, row) for row in some] for level, some in enumerate(rows)]
        number = [{row: i for i, row in enumerate(some)} for some in rows]
        self._shapes: set[_Key] = set()
        for shape in invariant.excluded:
            known = shape.component in number[0] and all(
                e in number[1] and all(w in number[2] for w in workers)
                for e, workers in shape.events
            )
            if known:
                parts = [
                    (number[1][e], tuple(sorted(number[2][w] for w in workers)))
                    for e, workers in shape.events
                ]
                self._shapes.add((number[0][shape.component], tuple(sorted(parts))))
        self._events: dict[int, list[int]] = {c: [] for c in range(len(rows[0]))}
        self._beside: dict[tuple[int, int], list[int]] = defaultdict(list)
        self._known: dict[tuple[int, int, int], list[tuple[int, ...]]] = {}
        for component, event in sorted(invariant.events):
            self._events[number[0][component]].append(number[1][event])
        for component, event, worker in sorted(invariant.workers):
            self._beside[number[0][component], number[1][event]].append(number[2][worker])
        self._tables: dict[Profile, tuple[list[dict[int, int]], int]] = {}

    def _bits(self, level: int, row: Row) -> Masks:
        return tuple(
            1 << v.domain.index(value)
            for v, value in zip(self.space.variables[level], row, strict=True)
        )

    def outside(self, cube: Cube) -> bool:
        """No configuration that satisfies the invariant contains the cube."""
        return self.empty(
            cube.profile, [(i, m) for i, (m, every) in enumerate(self._limits(cube)) if m != every]
        )

    def _limits(self, cube: Cube) -> Iterator[tuple[int, int]]:
        return zip(cube.flat, self.space.width(cube.profile), strict=True)

    def empty(self, profile: Profile, literals: list[tuple[int, int]]) -> bool:
        """No configuration of that profile has its columns in these value sets."""
        table, left = self._table(profile)
        for position, bits in literals:
            left &= _either(table[position], bits)
            if not left:
                return True
        return not left

    def _table(self, profile: Profile) -> tuple[list[dict[int, int]], int]:
        if profile not in self._tables:
            table = []
            for row in self._configurations(profile):
                table.append(row)
                self._tick()
                if len(table) > MOST_CONFIGURATIONS:
                    raise TooBig(
                        f"more than {MOST_CONFIGURATIONS} configurations with {profile} workers"
                    )
            self._tables[profile] = (
                _columns(table, len(self.space.width(profile))),
                (1 << len(table)) - 1,
            )
        return self._tables[profile]

    def _configurations(self, profile: Profile) -> Iterator[Masks]:
        """The configurations of a profile as flat rows: workers and events in every order."""
        components, events, workers = self._rows
        wide = {shape for shape in self._shapes if len(shape[1]) > 1}
        for c, row in enumerate(components):
            if (c, ()) in self._shapes:
                continue
            for chosen in product(self._events[c], repeat=len(profile)):
                crews = [self._crews(c, e, count) for e, count in zip(chosen, profile, strict=True)]
                for picks in product(*crews):
                    if wide and _contains(wide, c, tuple(zip(chosen, picks, strict=True))):
                        continue
                    flat = row
                    for e, crew in zip(chosen, picks, strict=True):
                        flat += events[e]
                        for w in crew:
                            flat += workers[w]
                    yield flat

    def _crews(self, component: int, event: int, count: int) -> list[tuple[int, ...]]:
        """The workers, in every order, that an event may have as far as shapes of one event say."""
        key = (component, event, count)
        if key not in self._known:
            if not count:
                self._known[key] = [] if (component, ((event, ()),)) in self._shapes else [()]
            else:
                self._known[key] = [
                    (*crew, worker)
                    for crew in self._crews(component, event, count - 1)
                    for worker in self._beside[component, event]
                    if not any(
                        (component, ((event, tuple(sorted((*some, worker)))),)) in self._shapes
                        for some in _some(crew)
                    )
                ]
        return self._known[key]


def _contains(
    shapes: set[_Key], component: int, events: tuple[tuple[int, tuple[int, ...]], ...]
) -> bool:
    """The configuration contains one of the shapes."""
    choices = [[None, *((e, crew) for crew in _some(workers))] for e, workers in events]
    return any(
        (component, tuple(sorted(p for p in picks if p is not None))) in shapes
        for picks in product(*choices)
    )


class Reached(Allowed):
    """The configurations that a small search has reached: a guess, to be used only where what comes
    of it is checked.

    Only for one event and as many workers as were searched; of more, nothing is known.
    """

    __slots__ = ("_most", "_states")

    def __init__(
        self, space: Space, states: Iterable[tuple[Shape, ...]], most: int, tick: Callable[[], None]
    ) -> None:
        super().__init__(space, Invariant(frozenset(), frozenset(), frozenset(), ()), tick)
        self._states = list(states)
        self._most = most

    def _configurations(self, profile: Profile) -> Iterator[Masks]:
        if len(profile) > 1 or sum(profile) > self._most:
            raise TooBig(f"{profile} workers were not searched")
        rows: dict[Masks, None] = {}
        for shape in (shape for state in self._states for shape in state):
            row = self._bits(0, shape.component)
            if not profile:
                rows[row] = None
            for event, workers in shape.events:
                for crew in permutations(workers, profile[0]) if profile else ():
                    rows[sum((self._bits(2, w) for w in crew), row + self._bits(1, event))] = None
        yield from rows


def _some(workers: tuple[int, ...]) -> list[tuple[int, ...]]:
    """All sub-multisets, sorted."""
    ordered = sorted(workers)
    return [
        picks
        for count in range(len(ordered) + 1)
        for picks in dict.fromkeys(combinations(ordered, count))
    ]


def _columns(rows: list[Masks], width: int) -> list[dict[int, int]]:
    """For each column and each single value: the rows that have it, as bits of a number."""
    columns = []
    for position in range(width):
        members: dict[int, bytearray] = {}
        for number, row in enumerate(rows):
            if row[position] not in members:
                members[row[position]] = bytearray(len(rows) // 8 + 1)
            members[row[position]][number >> 3] |= 1 << (number & 7)
        columns.append({value: int.from_bytes(bits, "little") for value, bits in members.items()})
    return columns


def _either(column: dict[int, int], bits: int) -> int:
    """The rows with one of the values."""
    either = 0
    for value, rows in column.items():
        if value & bits:
            either |= rows
    return either
