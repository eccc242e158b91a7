"""The bad patterns of a property as shapes inside R."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from msgspec import Struct

from onceproof.engines.coverability.names import LEVELS, Tests
from onceproof.engines.coverability.preimage import Preimage
from onceproof.engines.coverability.rows import passes
from onceproof.engines.coverability.verdict import Meter
from onceproof.engines.coverability.wqo import EventPart, Part
from onceproof.machine.system import EventPattern, Level, Pattern, Property


class Target(Struct, frozen=True):
    """A smallest configuration that contains a bad pattern, if ``exact``: else its ``absent`` part
    had to be dropped.
    """

    shape: Part
    workers: int
    events: int
    exact: bool


class _EventTests(Struct, frozen=True):
    """An event pattern in numbers."""

    event: Tests
    workers: tuple[Tests, ...]
    absent: Tests | None


def targets(prop: Property, preimage: Preimage, meter: Meter) -> Iterator[Target]:
    """The bad patterns expanded over R: every choice of rows that R allows.

    A worker that ``absent`` forbids is not chosen; that there be no *other* such worker is not
    upward-closed and is dropped. This changes nothing where every such worker may silently crash.
    """
    for pattern in prop.bad:
        for target in _expand(prop, pattern, preimage):
            meter.tick()
            yield target


def _expand(prop: Property, pattern: Pattern, preimage: Preimage) -> Iterator[Target]:
    reach = preimage.reach
    names = reach.encoded.names
    what = f"property {prop.name!r}"
    component_tests = names.tests(pattern.component, LEVELS[:1], what)[0]
    event_tests = [_event_tests(preimage, event, what) for event in pattern.events]
    for component in reach.components:
        if passes(reach.encoded.components.rows[component], component_tests):
            choices = [list(_choices(preimage, component, event)) for event in event_tests]
            for picks in product(*choices):
                parts = [part for part, _ in picks]
                workers = sum(len(part[1]) for part in parts)
                exact = all(each for _, each in picks)
                yield Target(preimage.normal(component, parts), workers, len(parts), exact)


def _event_tests(preimage: Preimage, pattern: EventPattern, what: str) -> _EventTests:
    names = preimage.reach.encoded.names
    own = (Level.WORKER,)
    absent = None if pattern.absent is None else names.tests(pattern.absent, own, what)[2]
    workers = tuple(names.tests(guard, own, what)[2] for guard in pattern.workers)
    return _EventTests(names.tests(pattern.guard, LEVELS[1:2], what)[1], workers, absent)


def _choices(
    preimage: Preimage, component: int, tests: _EventTests
) -> Iterator[tuple[EventPart, bool]]:
    """The events beside a component row that match a pattern, with whether nothing was dropped."""
    reach = preimage.reach
    rows = reach.encoded.workers.rows
    for event in reach.events_of[component]:
        if not passes(reach.encoded.events.rows[event], tests.event):
            continue
        present = reach.workers_of[component, event]
        forbidden = [
            w for w in present if tests.absent is not None and passes(rows[w], tests.absent)
        ]
        exact = all(preimage.removable(component, event, w) for w in forbidden)
        fitting = [
            [w for w in present if passes(rows[w], guard) and w not in forbidden]
            for guard in tests.workers
        ]
        for workers in dict.fromkeys(tuple(sorted(pick)) for pick in product(*fitting)):
            yield (event, workers), exact
