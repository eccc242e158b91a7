"""An inductive invariant of a machine, as data: found by ``cover``, checked by ``smt``, worded by
``report``.

A *row* is the tuple of a level's values in the order of ``Machine.level(level)``.

The invariant says of a configuration, in this order:

* its component row is in ``components``; each of its events makes a pair in ``events``, each of its
  workers a triple in ``workers``;
* it does not contain any of the ``excluded`` shapes (component row equal, distinct events with
  equal rows, distinct workers with equal rows).

Both parts are downward closed: removing a worker or an event keeps them true. That is what makes a
check on few slots enough (theory: Abdulla et al., LICS 1996; Finkel and Schnoebelen, TCS 2001).
"""

from __future__ import annotations

from msgspec import Struct

Row = tuple[str, ...]


class Shape(Struct, frozen=True):
    """A part of a configuration: a component row and some events with some of their workers
    (sorted, so equal shapes are equal values).
    """

    component: Row
    events: tuple[tuple[Row, tuple[Row, ...]], ...]

    @property
    def worker_count(self) -> int:
        """How many workers the shape has."""
        return sum(len(workers) for _, workers in self.events)


class Invariant(Struct, frozen=True):
    """See the module docstring."""

    components: frozenset[Row]
    events: frozenset[tuple[Row, Row]]
    workers: frozenset[tuple[Row, Row, Row]]
    excluded: tuple[Shape, ...]
