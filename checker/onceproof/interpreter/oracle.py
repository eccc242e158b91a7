"""A toy checker: breadth-first search through the interpreter, without any cleverness, for tests
and second opinions.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from itertools import combinations_with_replacement, product

from msgspec import Struct

from onceproof.interpreter.claims import Judge
from onceproof.interpreter.context import Context
from onceproof.interpreter.interpreter import choices, initial
from onceproof.interpreter.state import State
from onceproof.interpreter.trace import EventOf, Step, Trace
from onceproof.lang.design import Design
from onceproof.machine.delivery import Delivery


class Explored(Struct, frozen=True):
    """What a search found. ``states``: all it reached, workers renumbered; ``complete``: the limit
    was not hit.

    ``violations``: a shortest trace per index of a violated claim.
    """

    states: frozenset[State]
    violations: Mapping[int, Trace]
    complete: bool

    def shortest(self, claim: int) -> int | None:
        """The number of steps of the shortest violation of a claim."""
        return len(self.violations[claim].steps) if claim in self.violations else None


def explore(
    design: Design,
    semantics: Delivery,
    events: tuple[EventOf, ...],
    pool: int,
    limit: int = 200_000,
) -> Explored:
    """Visit every state with at most ``pool`` workers (at most ``limit`` states) and judge every
    claim in each.
    """
    ctx = Context.of(design, semantics)
    judge = Judge(ctx)
    start = initial(design, semantics, events)
    parents: dict[State, tuple[State, Step] | None] = {start: None}
    seen = {start.canonical()}
    violations: dict[int, Trace] = {}
    queue = deque([start])
    while queue:
        state = queue.popleft()
        for index, claim in enumerate(design.claims):
            if index not in violations and judge.violated(claim, state):
                violations[index] = Trace(semantics, events, _path(parents, state))
        for step, after in choices(ctx, state, pool):
            same = after.canonical()
            if same in seen:
                continue
            if len(seen) >= limit:
                return Explored(frozenset(seen), violations, complete=False)
            seen.add(same)
            parents[after] = (state, step)
            queue.append(after)
    return Explored(frozenset(seen), violations, complete=True)


def _path(parents: Mapping[State, tuple[State, Step] | None], state: State) -> tuple[Step, ...]:
    steps: list[Step] = []
    while (parent := parents[state]) is not None:
        state = parent[0]
        steps.append(parent[1])
    return tuple(reversed(steps))


def kinds_of_events(design: Design) -> tuple[EventOf, ...]:
    """Every type and payload an event entering the design can have (business key 0)."""
    roots = {q.event for q in design.queues.values() if q.is_root} or set(design.events)
    return tuple(
        kind for name in design.events if name in roots for kind in _payloads(design, name, roots)
    )


def _payloads(design: Design, name: str, roots: set[str]) -> Iterator[EventOf]:
    """Values for its own fields and for those of the types that do not enter the design."""
    fields = list(design.events[name].payload)
    for other in design.events.values():
        if other.name not in roots:
            known = {f for f, _ in fields}
            fields += [(f, values) for f, values in other.payload if f not in known]
    for values in product(*(values for _, values in fields)):
        yield EventOf(0, name, tuple(zip((f for f, _ in fields), values, strict=True)))


def event_sets(design: Design, count: int) -> list[tuple[EventOf, ...]]:
    """Every choice of ``count`` events that share a business key."""
    return list(combinations_with_replacement(kinds_of_events(design), count))
