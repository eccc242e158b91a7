"""From a cube outside the invariant to a simple and wide one that is outside too."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from msgspec import Struct

from onceproof.explain.proof.allowed import Allowed
from onceproof.explain.proof.space import Cube, Part, Space, cube_of, values
from onceproof.lower import Lowered
from onceproof.lower import variables as v
from onceproof.machine.system import Level, Variable

MOST_LITERALS = 4
"""Literals of the facts that are tried one by one, simplest first; wider ones are found by leaving
out what is not needed.
"""

_Item = tuple[int, int, int]
"""A literal (its position in the flat row, its event, its worker), or a bare element (position -1).
"""


class Taste(Struct, frozen=True):
    """How hard each kind of variable is on a reader: shared rows, broker statuses, places in a
    handler, other locals.
    """

    row: float = 1.0
    status: float = 1.4
    place: float = 1.3
    local: float = 1.6
    second_worker: float = 1.5


READER = Taste()
"""The taste by which explanations are compared."""

TASTES = (
    READER,
    Taste(row=1.4, status=1.0),
    Taste(row=1.3, status=1.2, place=0.5, local=0.9, second_worker=0.5),
    Taste(status=1.1, second_worker=4.0),
)
"""The tastes by which facts are chosen; what one finds may be simpler in the end than what another
does.
"""


class Generaliser:
    """Finds for a cube outside the invariant the simplest part of it that is outside by itself, and
    widens that.
    """

    __slots__ = ("_lines", "_statuses", "allowed", "space")

    def __init__(self, space: Space, allowed: Allowed, lowered: Lowered) -> None:
        self.space = space
        self.allowed = allowed
        self._statuses = frozenset(group.status for group in lowered.groups.values())
        self._lines = {pc: (spot.process, spot.line) for pc, spot in lowered.points.items()}

    def weight(self, taste: Taste, variable: Variable) -> float:
        """What a literal on this variable costs."""
        if variable.name == v.PC:
            return taste.place
        if variable.name in self._statuses:
            return taste.status
        return taste.local if variable.level is Level.WORKER else taste.row

    def cost(self, taste: Taste, cube: Cube) -> float:
        """What a fact costs its reader."""
        rows = [(0, cube.component)]
        for event, workers in cube.events:
            rows += [(1, event), *((2, worker) for worker in workers)]
        literals = [self._row_cost(taste, level, row) for level, row in rows]
        return (
            sum(literals)
            + taste.second_worker * max(0, cube.workers - 1)
            + 2 * max(0, len(cube.events) - 1)
        )

    def _row_cost(self, taste: Taste, level: int, row: tuple[int, ...]) -> float:
        cells = zip(self.space.variables[level], row, self.space.full[level], strict=True)
        return sum(self.weight(taste, variable) for variable, bits, every in cells if bits != every)

    def simplest(self, taste: Taste, cube: Cube) -> Cube | None:
        """The cheapest part of the cube that is outside the invariant, widened; None if the cube
        itself is not outside.
        """
        if not self.allowed.outside(cube):
            return None
        for chosen in self._parts(taste, cube):
            part = self._part(cube, chosen)
            if self.allowed.outside(part):
                return self._widened(part)
        return self._widened(self._thinned(cube))

    def _items(self, cube: Cube) -> list[_Item]:
        """The literals and elements of a cube."""
        columns, width = self.space.columns(cube.profile), self.space.width(cube.profile)
        literals = [
            (i, columns[i][2], columns[i][3])
            for i, bits in enumerate(cube.flat)
            if bits != width[i]
        ]
        return literals + [
            (-1, e, w) for e, count in enumerate(cube.profile) for w in range(-1, count)
        ]

    def _parts(self, taste: Taste, cube: Cube) -> Iterator[tuple[_Item, ...]]:
        """Choices of a few literals and elements of the cube, simplest first."""
        columns = self.space.columns(cube.profile)
        items = self._items(cube)
        weights = {
            x: self.weight(taste, self.space.variables[columns[x[0]][0]][columns[x[0]][1]])
            for x in items
            if x[0] >= 0
        }
        choices: list[tuple[float, int, tuple[_Item, ...]]] = []
        for size in range(min(MOST_LITERALS, len(items)) + 1):
            for chosen in combinations(items, size):
                workers = len({(e, w) for _, e, w in chosen if w >= 0})
                events = len({e for _, e, _ in chosen if e >= 0})
                cost = sum(weights.get(x, 0) for x in chosen)
                cost += taste.second_worker * max(0, workers - 1) + 2 * max(0, events - 1)
                choices.append((cost, len(choices), chosen))
        return (chosen for _, _, chosen in sorted(choices))

    def _thinned(self, cube: Cube) -> Cube:
        """Leave out elements, then literals, as long as it stays outside."""
        items = self._items(cube)
        for item in reversed(items):
            fewer = [x for x in items if x != item]
            if self.allowed.outside(self._part(cube, tuple(fewer))):
                items = fewer
        return self._part(cube, tuple(items))

    def _part(self, cube: Cube, chosen: tuple[_Item, ...]) -> Cube:
        """Some literals of a cube, and the elements they belong to."""
        width, positions = self.space.width(cube.profile), {i for i, _, _ in chosen}
        row = tuple(bits if i in positions else width[i] for i, bits in enumerate(cube.flat))
        elements = {(e, w) for _, e, w in chosen}
        parts: list[Part] = []
        for e, (event, workers) in enumerate(self.space.split(row, cube.profile)):
            if any(e == x for x, _ in elements):
                parts.append(
                    (event, tuple(worker for w, worker in enumerate(workers) if (e, w) in elements))
                )
        return cube_of(row[: len(self.space.full[0])], parts)

    def _widened(self, cube: Cube) -> Cube:
        """Add values as long as it stays outside: shared rows first, workers last; lines as a
        whole.
        """
        profile, row = cube.profile, list(cube.flat)
        columns, width = self.space.columns(profile), self.space.width(profile)
        order = sorted(
            (i for i, bits in enumerate(row) if bits != width[i]), key=lambda i: (columns[i][0], i)
        )
        for position in order:
            level, i, _, _ = columns[position]
            for more in self._more(self.space.variables[level][i], row[position]):
                wider = [
                    *row[:position],
                    row[position] | (more & width[position]),
                    *row[position + 1 :],
                ]
                if self.allowed.empty(
                    profile, [(p, m) for p, m in enumerate(wider) if m != width[p]]
                ):
                    row = wider
        return self.space.unflat(tuple(row), profile)

    def _more(self, variable: Variable, bits: int) -> Iterator[int]:
        """Sets of values to add to a literal, one after the other."""
        if variable.domain == v.COUNTS:
            # counts grow or shrink from where they are: "never" to "at most once", "once" to "at
            # least once"
            order = {"0": "1", "1": "2", "2": "1"}
            yield from (
                1 << variable.domain.index(order[value]) for value in values(variable, bits)[:1]
            )
        elif variable.name == v.PC:
            lines = {self._lines[value][0] for value in values(variable, bits)}
            near = [
                (i, self._lines[value])
                for i, value in enumerate(variable.domain)
                if self._lines[value][0] in lines
            ]
            for line in dict.fromkeys(line for _, line in near):
                yield sum(1 << i for i, other in near if other == line)
            yield from (1 << i for i, _ in near)
        else:
            yield from (1 << i for i in range(len(variable.domain)))
