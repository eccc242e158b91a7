"""From a cube outside the invariant to a simple and wide one that is outside too."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

from checker.lower import variables as v
from checker.machine import Variable
from checker.why.allowed import Allowed
from checker.why.space import Cube, Masks, Part, Profile, Space, cube, values

MOST_LITERALS = 4
"""Literals of the facts that are tried one by one, simplest first; wider ones are found by leaving out what is not needed."""


@dataclass(frozen=True, slots=True)
class Taste:
    """How hard each variable of a fact is on its reader: on shared rows, on a broker status, on a place, on other locals."""

    name: str
    row: float = 1.0
    status: float = 1.4
    place: float = 1.3
    local: float = 1.6
    more_workers: float = 1.5


TASTES = (
    Taste("rows"),
    Taste("status", row=1.4, status=1.0),
    Taste("places", row=1.3, status=1.6, place=0.8, local=0.9, more_workers=0.8),
    Taste("loner", row=1.0, status=1.1, place=1.3, local=1.6, more_workers=4.0),
)


class Generaliser:
    """Finds for a cube outside the invariant the simplest part of it that is outside by itself, and widens that."""

    def __init__(self, space: Space, allowed: Allowed, statuses: frozenset[str], groups: dict[str, str]) -> None:
        self.space = space
        self.allowed = allowed
        self._statuses = statuses
        self._groups = groups  # value of pc -> process and line

    def weight(self, taste: Taste, variable: Variable) -> float:
        """What a literal on this variable costs."""
        if variable.name == v.PC:
            return taste.place
        if variable.name in self._statuses:
            return taste.status
        return taste.local if variable.level.value == "worker" else taste.row

    def cost(self, taste: Taste, one: Cube) -> float:
        """What a fact costs its reader."""
        rows = [(0, one.component)]
        for event, workers in one.events:
            rows += [(1, event), *((2, worker) for worker in workers)]
        literals = [
            self.weight(taste, variable)
            for level, row in rows
            for variable, bits, every in zip(self.space.variables[level], row, self.space.full[level], strict=True)
            if bits != every
        ]
        return sum(literals) + taste.more_workers * max(0, one.workers - 1) + 2 * max(0, len(one.events) - 1)

    def simplest(self, taste: Taste, one: Cube) -> Cube | None:
        """The cheapest part of the cube that is outside the invariant, widened; None if the cube itself is not outside."""
        if not self.allowed.outside(one):
            return None
        for _, part in sorted(self._parts(taste, one), key=lambda found: found[0]):
            if self.allowed.outside(part):
                return self._widened(part)
        return self._widened(self._thinned(one))

    def _parts(self, taste: Taste, one: Cube) -> Iterator[tuple[tuple[float, int], Cube]]:
        """The cubes made of some literals of the cube and some of its elements, each with its cost."""
        columns, width, flat = self.space.columns(one.profile), self.space.width(one.profile), one.flat
        literals = [(i, columns[i][2], columns[i][3]) for i, bits in enumerate(flat) if bits != width[i]]
        bare = [(-1, e, w) for e, count in enumerate(one.profile) for w in range(-1, count)]
        seen = set()
        number = 0
        for size in range(MOST_LITERALS + 1):
            for chosen in combinations([*literals, *bare], size):
                part = _part(self.space, one, chosen)
                if part not in seen:
                    seen.add(part)
                    number += 1
                    yield (self.cost(taste, part), number), part

    def _thinned(self, one: Cube) -> Cube:
        """Leave out literals, then elements, as long as it stays outside."""
        profile = one.profile
        columns, width, flat = self.space.columns(profile), self.space.width(profile), one.flat
        kept = [(i, columns[i][2], columns[i][3]) for i, bits in enumerate(flat) if bits != width[i]]
        kept += [(-1, e, w) for e, count in enumerate(profile) for w in range(-1, count)]
        for item in reversed(list(kept)):
            fewer = [x for x in kept if x != item]
            if self.allowed.outside(_part(self.space, one, tuple(fewer))):
                kept = fewer
        return _part(self.space, one, tuple(kept))

    def _widened(self, one: Cube) -> Cube:
        """Add values as long as it stays outside: shared rows first, places last; lines as a whole."""
        profile = one.profile
        columns, width, row = self.space.columns(profile), self.space.width(profile), list(one.flat)
        order = sorted((i for i, bits in enumerate(row) if bits != width[i]), key=lambda i: (columns[i][0], i))
        for position in order:
            level, i, _, _ = columns[position]
            variable = self.space.variables[level][i]
            for more in self._more(variable, row[position], width[position]):
                wider = [*row[:position], row[position] | more, *row[position + 1 :]]
                if self.allowed.empty(profile, [(p, m) for p, m in enumerate(wider) if m != width[p]]):
                    row = wider
        return self.space.unflat(tuple(row), profile)

    def _more(self, variable: Variable, bits: int, every: int) -> Iterator[int]:
        """Sets of values to add to a literal, one after the other."""
        inside = values(variable, bits)
        if variable.domain == v.COUNTS:
            yield from _counts(variable, bits)
        elif variable.name == v.PC:
            lines: dict[str, int] = {}
            for number, value in enumerate(variable.domain):
                lines[self._groups[value]] = lines.get(self._groups[value], 0) | 1 << number
            mine = {self._groups[value].split(":")[0] for value in inside}
            for line, places in lines.items():
                if line.split(":")[0] in mine:
                    yield places & every
            for number, value in enumerate(variable.domain):
                if self._groups[value].split(":")[0] in mine:
                    yield (1 << number) & every
        else:
            for number in range(len(variable.domain)):
                yield (1 << number) & every


def _counts(variable: Variable, bits: int) -> Iterator[int]:
    """Counts grow or shrink from where they are: never, at most once; at least once, twice."""
    order = {"0": ("1",), "1": ("2",), "2": ("1",)}
    for value in values(variable, bits)[:1]:
        for more in order[value]:
            yield 1 << variable.domain.index(more)


def _part(space: Space, one: Cube, chosen: tuple[tuple[int, int, int], ...]) -> Cube:
    """The literals at some positions of the flat row (-1: none), and the elements they belong to."""
    width, flat = space.width(one.profile), one.flat
    positions = {i for i, _, _ in chosen}
    row = tuple(bits if i in positions else width[i] for i, bits in enumerate(flat))
    whole = _split(space, row, one.profile)
    kept = {(e, w) for _, e, w in chosen}
    parts: list[Part] = []
    for e, (event, workers) in enumerate(whole):
        if any(e == x for x, _ in kept):
            parts.append((event, tuple(worker for w, worker in enumerate(workers) if (e, w) in kept)))
    return cube(row[: len(space.full[0])], parts)


def _split(space: Space, row: Masks, profile: Profile) -> list[Part]:
    """The parts of a flat row, in its order."""
    sizes, position = tuple(map(len, space.full)), len(space.full[0])
    parts: list[Part] = []
    for count in profile:
        event, position = row[position : position + sizes[1]], position + sizes[1]
        workers = []
        for _ in range(count):
            workers.append(row[position : position + sizes[2]])
            position += sizes[2]
        parts.append((event, tuple(workers)))
    return parts
