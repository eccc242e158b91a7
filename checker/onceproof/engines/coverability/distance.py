"""How much it costs at least to come from a configuration to a bad one: a guide for searches within
bounds.

From the bad shapes back, cheapest first (Dijkstra over shapes, with a price for every rule). A
configuration that contains a shape has at most its distance to go in the machine as it is read
here, which can do all that the machine can and perhaps more (``alone`` removes, limits and
``absent`` are ignored). So no run to a bad configuration is cheaper than the cheapest shape that
its start contains, and whoever contains none can never come to one.

The estimate is consistent: it falls by no more than the price of a step. For if the configuration
after a step contains a shape, the one before contains a predecessor of that shape, which is as far
as the shape and the price together, or nearer.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from itertools import product

from onceproof.engines.coverability.names import MachineError
from onceproof.engines.coverability.preimage import Preimage
from onceproof.engines.coverability.rows import Rows
from onceproof.engines.coverability.targets import targets
from onceproof.engines.coverability.thread_modular import Reach
from onceproof.engines.coverability.verdict import Budget, BudgetExceeded, Meter
from onceproof.engines.coverability.wqo import Basis, EventPart, Part, submultisets
from onceproof.machine.invariant import Row
from onceproof.machine.system import Property

Pieces = tuple[EventPart | None, ...]
"""What a shape may have of one event: nothing, or its row with some of its workers."""


class Distance:
    """The least costs up to some limit (``settle``). ``workers`` and ``events``: larger shapes do
    not matter.
    """

    def __init__(
        self, prop: Property, reach: Reach, prices: Sequence[int], within: tuple[int, int]
    ) -> None:
        self._prop, self._reach = prop, reach
        self._preimage = Preimage(reach, prices)
        self._workers, self._events = within
        self._basis = Basis()
        self._costs: dict[Part, int] = {}
        self._best: dict[Part, int] = {}
        self._queue: list[tuple[int, Part]] = []
        self._present: dict[int, set[EventPart]] = {}
        self._numbers = tuple(_Numbers(rows) for rows in reach.encoded.tables())
        self._is_started = False

    def settle(self, most: int, budget: Budget) -> bool:
        """Find the shapes from which a bad one costs at most so much; False if the budget does not
        suffice: nothing is known.
        """
        meter = Meter(budget, "shapes of the backward search")
        try:
            if not self._is_started:
                self._is_started = True
                for target in targets(self._prop, self._preimage, meter):
                    self._push(target.shape, 0, meter)
            while self._queue and self._queue[0][0] <= most:
                cost, shape = heapq.heappop(self._queue)
                meter.tick()
                if self._best[shape] < cost or self._basis.below(shape):
                    continue
                self._add(shape, cost)
                for back in self._preimage.before(shape, self._basis.below):
                    meter.tick()
                    self._push(back.shape, cost + back.price, meter)
        except BudgetExceeded:
            return False
        return True

    def _push(self, shape: Part, cost: int, meter: Meter) -> None:
        if (
            len(shape[1]) > self._events
            or sum(len(workers) for _, workers in shape[1]) > self._workers
        ):
            return
        known = self._best.get(shape)
        if (known is not None and known <= cost) or self._basis.below(shape):
            return
        if known is None:
            meter.element()
        self._best[shape] = cost
        heapq.heappush(self._queue, (cost, shape))

    def _add(self, shape: Part, cost: int) -> None:
        self._basis.add(shape)
        self._costs[shape] = cost
        self._present.setdefault(shape[0], set()).update(shape[1])

    # -- what a search asks

    def component(self, row: Row) -> int:
        """The number of a component row."""
        return self._numbers[0].of(row)

    def pieces(self, event: Row, workers: Iterable[Row]) -> Pieces:
        """What shapes may have of an event with these workers."""
        number = self._numbers[1].of(event)
        crew = tuple(sorted(self._numbers[2].of(row) for row in workers))
        return (None, *((number, some) for some in ([()] if not crew else submultisets(crew))))

    def least(self, component: int, events: Sequence[Pieces]) -> int | None:
        """What it costs at least to come to something bad; None if it cannot, or costs more than
        was settled.
        """
        present = self._present.get(component)
        if present is None:
            return None
        choices = [
            [piece for piece in pieces if piece is None or piece in present] for pieces in events
        ]
        costs = (
            self._costs.get((component, tuple(sorted(filter(None, chosen)))))
            for chosen in product(*choices)
        )
        return min((cost for cost in costs if cost is not None), default=None)


class _Numbers:
    """The numbers of rows by their values."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._known: dict[Row, int] = {}

    def of(self, row: Row) -> int:
        """The number of a row. Raises MachineError if the fixpoint says that there is no such
        row.
        """
        if row not in self._known:
            self._known |= {
                self._rows.words(n): n for n in range(len(self._known), len(self._rows.rows))
            }
        if row not in self._known:
            raise MachineError(f"a search reached the row {row}, which the fixpoint excludes")
        return self._known[row]
