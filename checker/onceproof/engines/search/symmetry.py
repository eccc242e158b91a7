"""The graph of configurations up to symmetry: workers, events and components that differ only in
identity are interchangeable.

An event's row with the multiset of its workers' rows is a *cell*, numbered as it is met; a *shape*
is a component row followed by its cells, sorted; a *state* is the sorted tuple of the shapes.
Workers and cells are sorted by their values, so that the steps out of a state come in the same
order whatever was met before. What can happen within a cell is worked out once per component row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations_with_replacement, product
from math import factorial, prod

from onceproof.engines.search.bounds import Bounds
from onceproof.engines.search.compiled import GONE, Local, LocalMove
from onceproof.machine.system import Machine, RuleKind, Variable

Cell = tuple[int, tuple[int, ...]]
Shape = tuple[int, ...]
State = tuple[Shape, ...]

Edge = tuple[int, State, int]
"""Rule, next state, and how many actions of the full graph this is in each of the configurations
that the state stands for.
"""

_CellMove = tuple[int, int, int, int, tuple[int, ...] | None]
"""Rule, component row after, cell after, how many actors, and for a spawn the limits that count the
new worker.
"""

_ShapeMove = tuple[int, Shape, int, tuple[int, ...] | None]
"""Rule, shape after, how many actors, and for a spawn the limits that count the new worker."""


class Orbits:
    """The states of a machine within bounds, and the edges between them.

    ``local``: of this machine, if another search has worked out some of it. With one component, its
    numbering does not show.
    """

    def __init__(self, machine: Machine, bounds: Bounds, local: Local | None = None) -> None:
        self.local = local or Local(machine)
        self.bounds = bounds
        self.cells: list[Cell] = []
        self._ranks: list[
            tuple[tuple[int, ...], tuple[tuple[int, ...], ...]]
        ] = []  # per cell: its place among others
        self._numbers: dict[Cell, int] = {}
        self._alive: list[int] = []  # per cell: its workers
        self._weights: list[int] = []  # per cell: permutations of its workers that change nothing
        self._counted: list[
            tuple[int, ...]
        ] = []  # per cell: how many of its workers each limit counts
        self._permutations = factorial(bounds.events)
        self._dealt = [
            factorial(bounds.workers) // factorial(bounds.workers - n)
            for n in range(bounds.workers + 1)
        ]
        self._cell_moves: dict[tuple[int, int], tuple[_CellMove, ...]] = {}
        self._shape_moves: dict[Shape, list[_ShapeMove]] = {}
        self._cells_after: dict[tuple[int, int], int] = {}

    def number(self, event: int, workers: Sequence[int]) -> int:
        """The number of the cell with this event row and these workers, in any order."""
        ranks = self.local.workers.ranks
        cell = (
            event,
            tuple(sorted(workers, key=ranks.__getitem__) if len(workers) > 1 else workers),
        )
        known = self._numbers.get(cell)
        if known is None:
            known = self._numbers[cell] = len(self.cells)
            self.cells.append(cell)
            self._ranks.append((self.local.events.ranks[event], tuple(ranks[w] for w in cell[1])))
            self._alive.append(len(workers))
            self._weights.append(prod(factorial(cell[1].count(w)) for w in set(cell[1])))
            hits = [i for worker in workers for i in self.local.limited(worker)]
            self._counted.append(
                tuple(hits.count(i) for i in range(len(self.local.machine.limits)))
            )
        return known

    def ordered(self, cells: Iterable[int]) -> list[int]:
        """Cells in the order in which they stand in a shape."""
        return sorted(cells, key=self._ranks.__getitem__)

    def initial(self) -> list[State]:
        """The states without workers in which each event and each component has chosen its initial
        row.
        """
        local = self.local
        cells = self.ordered(
            self.number(local.events.number(row), ()) for row in choices(local.events.variables)
        )
        rows = [local.components.number(row) for row in choices(local.components.variables)]
        shapes = [
            (row, *chosen)
            for row in rows
            for chosen in combinations_with_replacement(cells, self.bounds.events)
        ]
        return list(combinations_with_replacement(shapes, self.bounds.keys))

    def size(self, state: State) -> int:
        """How many configurations with identities the state stands for."""
        # Deal the shapes to the components, the cells of each shape to its events, then the workers
        # of the pool to their places.
        size, alive = factorial(len(state)), 0
        last_shape, same = None, 0
        for shape in state:
            same = same + 1 if shape == last_shape else 1
            last_shape = shape
            size = size * self._permutations // same
            last_cell, equal = -1, 0
            for cell in shape[1:]:
                equal = equal + 1 if cell == last_cell else 1
                last_cell = cell
                size //= equal
                alive += self._alive[cell]
        size *= self._dealt[alive]
        for shape in state:
            for cell in shape[1:]:
                if self._alive[cell] > 1:
                    size //= self._weights[cell]
        return size

    def edges(self, state: State) -> list[Edge]:
        """The enabled actions of a state, one for each class of interchangeable actors, in a fixed
        order.
        """
        free, room = self._slack(state)
        edges: list[Edge] = []
        for i, shape in enumerate(state):
            if i and shape == state[i - 1]:
                continue
            rest = state[:i] + state[i + 1 :]
            same = state.count(shape)
            for rule, after, times, spawn in self._moves_of_shape(shape):
                if spawn is not None:
                    if not free or any(room[limit] <= 0 for limit in spawn):
                        continue
                    times *= free
                target = tuple(sorted((*rest, after))) if rest else (after,)
                edges.append((rule, target, times * same))
        return edges

    def _slack(self, state: State) -> tuple[int, list[int]]:
        """The free workers of the pool, and how many more workers each limit lets in."""
        present = [cell for shape in state for cell in shape[1:]]
        free = self.bounds.workers - sum([self._alive[cell] for cell in present])
        limits = self.local.machine.limits
        if not limits:
            return free, []
        return free, [
            limit.count - sum(self._counted[cell][i] for cell in present)
            for i, limit in enumerate(limits)
        ]

    def _moves_of_shape(self, shape: Shape) -> list[_ShapeMove]:
        """What can happen within a component; kept only where several components will meet the same
        shape again.
        """
        if self.bounds.keys == 1:
            return self._find_shape_moves(shape)
        known = self._shape_moves.get(shape)
        if known is None:
            known = self._shape_moves[shape] = self._find_shape_moves(shape)
        return known

    def _find_shape_moves(self, shape: Shape) -> list[_ShapeMove]:
        row, cells = shape[0], shape[1:]
        component_wide = self.local.component_wide
        moves: list[_ShapeMove] = []
        for i, cell in enumerate(cells):
            if i and cell == cells[i - 1]:
                continue
            rest = cells[:i] + cells[i + 1 :]
            equal = cells.count(cell)
            for rule, component, after, times, spawn in self.moves_of_cell(row, cell):
                others = (
                    [self._cell_after(rule, other) for other in rest]
                    if rule in component_wide
                    else rest
                )
                moves.append(
                    (
                        rule,
                        (component, *(self.ordered((*others, after)) if rest else (after,))),
                        times * equal,
                        spawn,
                    )
                )
        for move in self.local.moves(RuleKind.COMPONENT, row):
            changed = (
                [self._cell_after(move.rule, cell) for cell in cells]
                if move.rule in component_wide
                else cells
            )
            moves.append((move.rule, (move.component, *self.ordered(changed)), 1, None))
        return moves

    def _cell_after(self, rule: int, cell: int) -> int:
        """What the broadcasts of a rule make of another event's cell."""
        known = self._cells_after.get((rule, cell))
        if known is None:
            event, workers = self.cells[cell]
            changed = [self.local.after_broadcasts(rule, worker, False) for worker in workers]
            known = self._cells_after[rule, cell] = self.number(
                event, [w for w in changed if w != GONE]
            )
        return known

    def moves_of_cell(self, row: int, cell: int) -> tuple[_CellMove, ...]:
        """What can happen within a cell under a component row: rule, component row and cell after,
        actors, limits of a spawn.
        """
        known = self._cell_moves.get((row, cell))
        if known is None:
            known = self._cell_moves[row, cell] = tuple(self._find_cell_moves(row, cell))
        return known

    def _find_cell_moves(self, row: int, cell: int) -> Iterator[_CellMove]:
        """What the event of a cell and its workers can do under a component row."""
        event, workers = self.cells[cell]
        for kind in (RuleKind.SPAWN, RuleKind.EVENT):
            for move in self.local.moves(kind, row, event):
                spawn = self.local.limited(move.worker) if kind is RuleKind.SPAWN else None
                yield from self._settle(move, workers, 1, spawn)
        for i, worker in enumerate(workers):
            if not i or worker != workers[i - 1]:
                for move in self.local.moves(RuleKind.WORKER, row, event, worker):
                    yield from self._settle(
                        move, workers[:i] + workers[i + 1 :], workers.count(worker), None
                    )

    def _settle(
        self, move: LocalMove, others: tuple[int, ...], times: int, spawn: tuple[int, ...] | None
    ) -> Iterator[_CellMove]:
        """The move with what it needs of and does to the other workers of its event; nothing if one
        of them disables it.
        """
        rule = move.rule
        if rule in self.local.rules_with_alone and any(
            self.local.disables(rule, other) for other in others
        ):
            return
        changed = (
            [self.local.after_broadcasts(rule, other, True) for other in others]
            if rule in self.local.rules_with_broadcast
            else others
        )
        after = [worker for worker in (*changed, move.worker) if worker != GONE]
        yield rule, move.component, self.number(move.event, after), times, spawn


def choices(variables: tuple[Variable, ...]) -> list[tuple[str, ...]]:
    """The initial rows of a level."""
    return list(product(*(variable.initial for variable in variables)))
