"""An invariant with nothing superfluous in it: what it says is unchanged, fewer shapes say it."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from onceproof.engines.coverability.wqo import Basis
from onceproof.machine.invariant import Invariant, Row, Shape


def needed(invariant: Invariant) -> Invariant:
    """The same set of configurations: without shapes that R excludes already or that contain
    another excluded shape; sorted.
    """
    shapes = [shape for shape in invariant.excluded if _possible(shape, invariant)]
    components = sorted({shape.component for shape in shapes})
    events = sorted({event for shape in shapes for event, _ in shape.events})
    workers = sorted(
        {worker for shape in shapes for _, present in shape.events for worker in present}
    )
    c_number, e_number, w_number = _numbers(components), _numbers(events), _numbers(workers)
    basis = Basis()
    for shape in shapes:
        parts = (
            (e_number[event], tuple(sorted(w_number[worker] for worker in present)))
            for event, present in shape.events
        )
        basis.add((c_number[shape.component], tuple(sorted(parts))))
    smallest = (
        Shape(
            components[c],
            tuple((events[e], tuple(workers[w] for w in present)) for e, present in parts),
        )
        for c, parts in basis.minimal()
    )
    return replace(invariant, excluded=tuple(smallest))


def _numbers(rows: Iterable[Row]) -> dict[Row, int]:
    return {row: number for number, row in enumerate(rows)}


def _possible(shape: Shape, invariant: Invariant) -> bool:
    """R does not exclude the shape."""
    c = shape.component
    return c in invariant.components and all(
        (c, event) in invariant.events
        and all((c, event, worker) in invariant.workers for worker in workers)
        for event, workers in shape.events
    )
