"""A shortest run to a bad configuration, found by each engine in its own way; the runs have
identities and can be replayed.
"""

from __future__ import annotations

from typing import Any

from onceproof.engines.search import reference
from onceproof.engines.search.bounds import Bounds, Budget, Unsuited
from onceproof.engines.search.compiled import Local
from onceproof.engines.search.meter import Exploration, Meter
from onceproof.engines.search.search import fold, run_along
from onceproof.engines.search.symmetry import Orbits, State
from onceproof.engines.search.watch import Watch
from onceproof.machine.system import Machine, Property, Run


def shortest(
    machine: Machine, prop: Property, bounds: Bounds, budget: Budget, engine: str
) -> Run | Exploration:
    """A run with as few steps as any to a bad configuration, or what was searched. Raises Unsuited,
    and KeyError for no engine.
    """
    if engine == "plain":
        return _by_configurations(machine, prop, bounds, budget)
    return {"orbits": _by_columns, "dense": _by_bits}[engine](machine, prop, bounds, budget, engine)


def _by_configurations(
    machine: Machine, prop: Property, bounds: Bounds, budget: Budget
) -> Run | Exploration:
    """The readable reference."""
    local, orbits, meter = Local(machine), Orbits(machine, bounds), Meter(budget)
    watch = Watch(orbits, prop)
    before: dict[reference.Config, tuple[int, reference.Config] | None] = dict.fromkeys(
        reference.initial(local, bounds)
    )
    queue = list(before)
    for config in queue:
        if not meter.admit(1, 0):
            break
        if watch.bad(_folded(orbits, local, config)):
            return _run_to(orbits, local, before, config)
        moves = list(reference.steps(local, config))
        if not meter.expand(len(moves), len(moves)):
            break
        for move, target in moves:
            if target not in before:
                before[target] = (move.rule, config)
                queue.append(target)
    return meter.exploration("plain")


def _folded(orbits: Orbits, local: Local, config: reference.Config) -> State:
    """The orbit of a configuration whose rows are numbered by ``local``."""
    pool = tuple(
        w and w._replace(row=orbits.local.workers.number(local.workers.rows[w.row]))
        for w in config.pool
    )
    events = tuple(
        tuple(orbits.local.events.number(local.events.rows[e]) for e in each)
        for each in config.events
    )
    rows = tuple(orbits.local.components.number(local.components.rows[r]) for r in config.rows)
    return fold(orbits, reference.Config(rows, events, pool))


def _run_to(
    orbits: Orbits,
    local: Local,
    before: dict[reference.Config, tuple[int, reference.Config] | None],
    config: reference.Config,
) -> Run:
    path: list[tuple[int, State]] = []
    while (step := before[config]) is not None:
        path.append((step[0], _folded(orbits, local, config)))
        config = step[1]
    return run_along(orbits, _folded(orbits, local, config), path[::-1])[0]


def _by_columns(
    machine: Machine, prop: Property, bounds: Bounds, budget: Budget, name: str
) -> Run | Exploration:
    """Level by level; then backwards through the levels that were kept."""
    from onceproof.engines.search.count.cells import suits
    from onceproof.engines.search.count.columns import Columns, DoesNotFit, Levels, first_bad

    problem = suits(machine, bounds)
    if problem:
        raise Unsuited(f"{name}: {problem}")
    columns = Columns(machine, bounds)
    watch, levels = Watch(columns.orbits, prop), Levels(columns, budget, None, keep=True)
    try:
        for level in levels:
            bad = first_bad(columns, watch, level)
            if bad is not None:
                return run_along(columns.orbits, *levels.path(bad))[0]
    except DoesNotFit:
        raise Unsuited(f"{name}: a state does not fit into 64 bits") from None
    return levels.exploration()


def _by_bits(
    machine: Machine, prop: Property, bounds: Bounds, budget: Budget, name: str
) -> Run | Exploration:
    """Level by level, each an array of bits; then backwards move by move. The time is not limited:
    arrays are small.
    """
    from onceproof.engines.search.count import dense

    problem = dense.suits(machine, bounds)
    if problem:
        raise Unsuited(f"{name}: {problem}")
    made, orbits = dense.Dense(machine, bounds), Orbits(machine, bounds)
    watch, levels = Watch(orbits, prop), [made.start()]
    known: Any = levels[0].copy()
    while levels[-1].any():
        for where in made.members(levels[-1]):
            if watch.bad(made.state(orbits, where)):
                start, path = dense.path_to(made, levels, where)
                states = [(rule, made.state(orbits, state)) for rule, state in path]
                return run_along(orbits, made.state(orbits, start), states)[0]
        levels.append(made.after(levels[-1]) & ~known)
        known |= levels[-1]
    made.check(known)
    visited = made.size(known)
    return Exploration(visited, 0, visited, 0, frozenset(), len(levels) - 2, True, "", name)
