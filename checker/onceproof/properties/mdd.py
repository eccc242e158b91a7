"""Sets of rows as decision diagrams: many combinations of values, few nodes.

A node asks for one variable and has one child per value; no node has all children equal, and equal
nodes are one. So a set has one diagram, and it is large only if much has to be remembered between
the variables, in the order in which they are asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from onceproof.machine.system import Variable

NOTHING, EVERYTHING = 0, 1

Cube = Mapping[str, frozenset[str]]
"""Rows: for each variable named, its values."""

Moves = tuple[tuple[int, tuple[int, ...]], ...]
"""What a step makes of some variables: for each position, the value after by the value before; -1
where there is no such step.
"""


class TooManyNodes(Exception):
    """The sets are too large to be worked with."""


class Diagrams:
    """Sets of rows of the given variables, asked for in this order."""

    def __init__(self, variables: Sequence[Variable], most: int = 1_000_000) -> None:
        self.variables = tuple(variables)
        self.most = most
        self._position = {v.name: i for i, v in enumerate(self.variables)}
        self._nodes: list[tuple[int, tuple[int, ...]]] = [
            (len(self.variables), ()),
            (len(self.variables), ()),
        ]
        self._numbers: dict[tuple[int, tuple[int, ...]], int] = {}
        self._joined: dict[tuple[int, int], int] = {}
        self._inverse: dict[int, int] = {NOTHING: EVERYTHING, EVERYTHING: NOTHING}
        self._pulled: dict[tuple[Moves, int], int] = {}

    def _node(self, position: int, children: tuple[int, ...]) -> int:
        if len(set(children)) == 1:
            return children[0]
        key = (position, children)
        number = self._numbers.get(key)
        if number is None:
            if len(self._nodes) > self.most:
                raise TooManyNodes
            number = self._numbers[key] = len(self._nodes)
            self._nodes.append(key)
        return number

    def cube(self, tests: Cube) -> int:
        """The rows that pass all the tests."""
        node = EVERYTHING
        for position in reversed(range(len(self.variables))):
            variable = self.variables[position]
            if variable.name in tests:
                allowed = tests[variable.name]
                node = self._node(
                    position,
                    tuple(node if value in allowed else NOTHING for value in variable.domain),
                )
        return node

    def either(self, first: int, second: int) -> int:
        """The rows of the one set or the other."""
        if first == second or second == NOTHING:
            return first
        if first == NOTHING:
            return second
        if EVERYTHING in (first, second):
            return EVERYTHING
        key = (min(first, second), max(first, second))
        union = self._joined.get(key)
        if union is None:
            position = min(self._nodes[first][0], self._nodes[second][0])
            pairs = zip(
                self._children(first, position), self._children(second, position), strict=True
            )
            union = self._joined[key] = self._node(
                position, tuple(self.either(a, b) for a, b in pairs)
            )
        return union

    def _children(self, node: int, position: int) -> tuple[int, ...]:
        """The children of a node, as if it asked at this position."""
        at, children = self._nodes[node]
        return children if at == position else (node,) * len(self.variables[position].domain)

    def others(self, node: int) -> int:
        """The rows that are not in the set."""
        complement = self._inverse.get(node)
        if complement is None:
            position, children = self._nodes[node]
            complement = self._inverse[node] = self._node(
                position, tuple(map(self.others, children))
            )
        return complement

    def both(self, first: int, second: int) -> int:
        """The rows of both sets."""
        return self.others(self.either(self.others(first), self.others(second)))

    def before(self, node: int, moves: Moves) -> int:
        """The rows from which a step leads into the set; ``moves`` in the order of positions."""
        if node == NOTHING:
            return NOTHING
        if not moves:
            return node
        key = (moves, node)
        preimage = self._pulled.get(key)
        if preimage is None:
            at = self._nodes[node][0]
            position, table = moves[0]
            if at < position:
                children = tuple(self.before(child, moves) for child in self._nodes[node][1])
                preimage = self._node(at, children)
            else:
                then = [self.before(child, moves[1:]) for child in self._children(node, position)]
                preimage = self._node(
                    position, tuple(NOTHING if value < 0 else then[value] for value in table)
                )
            self._pulled[key] = preimage
        return preimage

    def moves(self, guard: Cube, tables: Mapping[str, Mapping[str, str]]) -> Moves:
        """A step that is possible where the guard holds, and gives variables new values by their
        tables.
        """
        moves = []
        for position, variable in enumerate(self.variables):
            allowed, table = guard.get(variable.name), tables.get(variable.name)
            if allowed is not None or table is not None:
                index = {value: i for i, value in enumerate(variable.domain)}
                row = (
                    -1
                    if allowed is not None and value not in allowed
                    else index[value if table is None else table[value]]
                    for value in variable.domain
                )
                moves.append((position, tuple(row)))
        return tuple(moves)

    def cubes(self, node: int) -> Iterator[dict[str, frozenset[str]]]:
        """The rows of a set as products that have nothing in common."""
        if node == EVERYTHING:
            yield {}
        if node <= EVERYTHING:
            return
        position, children = self._nodes[node]
        variable = self.variables[position]
        for child in dict.fromkeys(children):
            values = frozenset(
                v for v, c in zip(variable.domain, children, strict=True) if c == child
            )
            yield from ({variable.name: values, **rest} for rest in self.cubes(child))
