"""The engines by name, and which one is used."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from onceproof.engines.search import reference
from onceproof.engines.search.bounds import Bounds, Budget, Unsuited
from onceproof.engines.search.meter import Exploration, Progress
from onceproof.engines.search.search import explore
from onceproof.machine.system import Machine

SMALL = 20_000
"""States that Python counts sooner than the arrays of ``orbits`` are imported and set up."""

ENGINES = ("orbits", "dense", "plain")


def count(
    machine: Machine,
    bounds: Bounds,
    budget: Budget,
    engine: str = "auto",
    progress: Progress | None = None,
) -> Exploration:
    """Count everything reachable within bounds. The result names the engine. Raises Unsuited, and
    KeyError for no engine's name.
    """
    counters: dict[str, Callable[[Machine, Bounds, Budget, Progress | None], Exploration]] = {
        "auto": _auto,
        "orbits": _orbits,
        "dense": _dense,
        "plain": reference.explore_plain,
    }
    return counters[engine](machine, bounds, budget, progress)


def _auto(
    machine: Machine, bounds: Bounds, budget: Budget, progress: Progress | None
) -> Exploration:
    """Orbits: their number grows slowest, and they give the full counts, too."""
    few = replace(budget, states=SMALL if budget.states is None else min(SMALL, budget.states))
    exploration = explore(machine, bounds, few, progress)
    if exploration.complete or exploration.states != SMALL or budget.states == SMALL:
        return exploration
    return _orbits(machine, bounds, budget, progress)


def _orbits(
    machine: Machine, bounds: Bounds, budget: Budget, progress: Progress | None
) -> Exploration:
    from onceproof.engines.search.count.cells import suits
    from onceproof.engines.search.count.columns import Columns, DoesNotFit, Levels

    if suits(machine, bounds):
        return explore(machine, bounds, budget, progress)
    try:
        levels = Levels(Columns(machine, bounds), budget, progress, keep=False)
        for _ in levels:
            pass
        return levels.exploration()
    except DoesNotFit:
        return explore(machine, bounds, budget, progress)


def _dense(
    machine: Machine, bounds: Bounds, budget: Budget, progress: Progress | None
) -> Exploration:
    from onceproof.engines.search.count import dense

    problem = dense.suits(machine, bounds)
    if problem:
        raise Unsuited(f"dense: {problem}")
    return dense.count(machine, bounds, budget, progress)
