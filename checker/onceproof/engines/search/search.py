"""Explicit search: explore everything within bounds, or find the simplest run that breaks a
property.

The search goes over orbits; the run it hands back has identities again and can be replayed by
anyone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from heapq import heappop, heappush

from msgspec import Struct

from onceproof.engines.search import reference
from onceproof.engines.search.bounds import Bounds, Budget
from onceproof.engines.search.compiled import Local, MachineError, Rows
from onceproof.engines.search.meter import Exploration, Meter, Progress
from onceproof.engines.search.order import Cost, cost_of, free
from onceproof.engines.search.symmetry import Orbits, State
from onceproof.engines.search.watch import Watch
from onceproof.machine.system import Machine, Move, Property, Run


class Found(Struct, frozen=True):
    """A violation: the cheapest run (see ``order``) from an initial to a bad configuration, within
    the bounds of the search.

    ``states`` and ``transitions`` tell how much of the graph up to symmetry was looked at,
    ``peak_workers`` how many workers are alive at once in the run (where fewer would do at the same
    cost, smaller bounds show it).
    """

    run: Run
    cost: Cost
    states: int
    transitions: int
    peak_workers: int


def explore(
    machine: Machine,
    bounds: Bounds,
    budget: Budget,
    progress: Progress | None = None,
    symmetry: bool = True,
) -> Exploration:
    """Count everything reachable within bounds; ``symmetry=False`` is the slow reference with
    identities.
    """
    if not symmetry:
        return reference.explore_plain(machine, bounds, budget, progress)
    orbits, meter = Orbits(machine, bounds), Meter(budget, progress)
    seen: set[State] = set()
    queue: list[tuple[State, int, int]] = []  # with its size and its depth

    def admit(states: Iterable[State], depth: int) -> bool:
        for state in states:
            if state not in seen:
                size = orbits.size(state)
                if not meter.admit(size, depth):
                    return False
                seen.add(state)
                queue.append((state, size, depth))
        return True

    if not admit(orbits.initial(), 0):
        return meter.exploration()
    for state, size, depth in queue:
        edges = orbits.edges(state)
        meter.fired.update([edge[0] for edge in edges])
        in_time = meter.expand(len(edges), size * sum([edge[2] for edge in edges]))
        if not in_time or not admit([edge[1] for edge in edges], depth + 1):
            break
    return meter.exploration()


class _Reached(Struct):
    """How the search got to a state: at what cost, from where (None at the start) and by which
    rule; ``done`` once that is final.

    ``size`` is how many configurations the state stands for.
    """

    cost: Cost
    previous: State | None
    rule: int
    size: int
    done: bool = False


class _Frontier:
    """The states known, and those waiting to be expanded, cheapest first; of equally cheap ones, in
    the order of discovery.
    """

    def __init__(self, orbits: Orbits, meter: Meter) -> None:
        self.reached: dict[State, _Reached] = {}
        self._orbits, self._meter = orbits, meter
        self._heap: list[tuple[Cost, int, State]] = []
        self._pushed = 0

    def offer(self, state: State, cost: Cost, previous: State | None, rule: int) -> bool:
        """A way to a state not yet done; False if the budget has no room for it."""
        known = self.reached.get(state)
        if known is None:
            size = self._orbits.size(state)
            if not self._meter.admit(size, cost.steps):
                return False
            self.reached[state] = _Reached(cost, previous, rule, size)
        elif cost < known.cost:
            known.cost, known.previous, known.rule = cost, previous, rule
        else:
            return True
        heappush(self._heap, (cost, self._pushed, state))
        self._pushed += 1
        return True

    def take(self) -> State | None:
        """The cheapest state waiting; its cost is now final."""
        while self._heap:
            state = heappop(self._heap)[2]
            if not self.reached[state].done:
                self.reached[state].done = True
                return state
        return None


def cheapest(
    machine: Machine,
    prop: Property,
    bounds: Bounds,
    budget: Budget,
    progress: Progress | None = None,
    within: Callable[[Orbits, State], bool] | None = None,
    accept: Callable[[Found], bool] | None = None,
    local: Local | None = None,
) -> Found | Exploration:
    """The cheapest run to a bad configuration; an Exploration if there is none within bounds
    (complete) or budget (not complete).

    Of equally cheap runs it is the one discovered first, which is the same in every execution.
    ``within``: only these states. ``accept``: whether a run counts; if not, it is set aside and the
    search goes on. ``local``: see ``Orbits``.
    """
    orbits, meter = Orbits(machine, bounds, local), Meter(budget, progress)
    watch, prices = Watch(orbits, prop), [cost_of(rule.action.cause) for rule in machine.rules]
    frontier = _Frontier(orbits, meter)
    first = [state for state in orbits.initial() if within is None or within(orbits, state)]
    if not all(frontier.offer(state, free(), None, -1) for state in first):
        return meter.exploration()
    while (state := frontier.take()) is not None:
        if watch.bad(state):
            violation = _violation(orbits, frontier.reached, state, meter)
            if accept is None or accept(violation):
                return violation
        edges, reached = orbits.edges(state), frontier.reached[state]
        meter.fired.update([edge[0] for edge in edges])
        if not meter.expand(len(edges), reached.size * sum([edge[2] for edge in edges])):
            break
        for rule, target, _ in edges:
            known = frontier.reached.get(target)
            if known is None and within is not None and not within(orbits, target):
                continue
            if known is None or not known.done:
                if not frontier.offer(target, reached.cost.plus(prices[rule]), state, rule):
                    return meter.exploration()
    return meter.exploration()


def _violation(orbits: Orbits, reached: dict[State, _Reached], bad: State, meter: Meter) -> Found:
    """The result for a bad state: the path back to the start, and the concrete run along it."""
    path: list[tuple[int, State]] = []
    state = bad
    while (previous := reached[state].previous) is not None:
        path.append((reached[state].rule, state))
        state = previous
    run, peak = run_along(orbits, state, path[::-1])
    return Found(run, reached[bad].cost, meter.states, meter.transitions, peak)


def run_along(orbits: Orbits, start: State, path: Sequence[tuple[int, State]]) -> tuple[Run, int]:
    """The concrete run from an initial state along rules and the states they lead to; and how many
    workers live at once in it.
    """
    first = config = _unfold(orbits, start)
    moves: list[Move] = []
    peak = 0
    for rule, target in path:
        move, config = _follow(orbits, config, rule, target)
        moves.append(move)
        peak = max(peak, config.alive)
    return Run(_rows(orbits, first), _events(orbits, first), tuple(moves)), peak


def _unfold(orbits: Orbits, state: State) -> reference.Config:
    """A configuration of an initial orbit."""
    rows = tuple(shape[0] for shape in state)
    events = tuple(tuple(orbits.cells[cell][0] for cell in shape[1:]) for shape in state)
    return reference.Config(rows, events, (None,) * orbits.bounds.workers)


def _follow(
    orbits: Orbits, config: reference.Config, rule: int, target: State
) -> tuple[Move, reference.Config]:
    """The first action with this rule that leads into the target orbit; for a spawn that is the one
    of the lowest free worker.
    """
    for move, after in reference.steps(orbits.local, config):
        if move.rule == rule and fold(orbits, after) == target:
            return move, after
    raise MachineError(
        f"no actor of rule {rule} leads from {config} to the state that the search reached"
    )


def fold(orbits: Orbits, config: reference.Config) -> State:
    """The orbit of a configuration."""
    shapes = []
    for c, row in enumerate(config.rows):
        workers: list[list[int]] = [[] for _ in config.events[c]]
        for worker in config.pool:
            if worker is not None and worker.component == c:
                workers[worker.event].append(worker.row)
        cells = [orbits.number(event, workers[e]) for e, event in enumerate(config.events[c])]
        shapes.append((row, *orbits.ordered(cells)))
    return tuple(sorted(shapes))


def _rows(orbits: Orbits, config: reference.Config) -> tuple[tuple[tuple[str, str], ...], ...]:
    return tuple(_named(orbits.local.components, row) for row in config.rows)


def _events(
    orbits: Orbits, config: reference.Config
) -> tuple[tuple[tuple[tuple[str, str], ...], ...], ...]:
    return tuple(
        tuple(_named(orbits.local.events, event) for event in events) for events in config.events
    )


def _named(rows: Rows, number: int) -> tuple[tuple[str, str], ...]:
    return tuple(
        (variable.name, value)
        for variable, value in zip(rows.variables, rows.rows[number], strict=True)
    )
