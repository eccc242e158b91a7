"""An invariant with nothing superfluous in it: what it says is unchanged, fewer shapes say it."""

from __future__ import annotations

from dataclasses import replace

from checker.invariant import Invariant, Row, Shape


def needed(invariant: Invariant) -> Invariant:
    """The same set of configurations: without shapes that R excludes already or that contain another excluded shape; sorted."""
    rest = [shape for shape in sorted(set(invariant.excluded), key=_size) if _possible(shape, invariant)]
    kept: dict[Row, list[Shape]] = {}
    for shape in rest:
        smaller = kept.setdefault(shape.component, [])
        if not any(includes(shape, other) for other in smaller):
            smaller.append(shape)
    found = [shape for shapes in kept.values() for shape in shapes]
    return replace(invariant, excluded=tuple(sorted(found, key=lambda shape: (shape.component, shape.events))))


def includes(large: Shape, small: Shape) -> bool:
    """The larger shape contains the smaller one: equal component row, distinct events with equal rows and at least the workers."""
    return large.component == small.component and _embeds(small.events, large.events)


def _embeds(small: tuple[tuple[Row, tuple[Row, ...]], ...], large: tuple[tuple[Row, tuple[Row, ...]], ...]) -> bool:
    if not small:
        return True
    row, workers = small[-1]
    for i, (other, others) in enumerate(large):
        if row == other and all(workers.count(w) <= others.count(w) for w in workers):
            if _embeds(small[:-1], large[:i] + large[i + 1 :]):
                return True
    return False


def _size(shape: Shape) -> tuple[int, int, Row, tuple[tuple[Row, tuple[Row, ...]], ...]]:
    return len(shape.events), shape.worker_count, shape.component, shape.events


def _possible(shape: Shape, invariant: Invariant) -> bool:
    """R does not exclude the shape."""
    c = shape.component
    return c in invariant.components and all(
        (c, event) in invariant.events and all((c, event, worker) in invariant.workers for worker in workers)
        for event, workers in shape.events
    )
