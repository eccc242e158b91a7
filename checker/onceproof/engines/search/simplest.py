"""The simplest story within bounds: by the readable search where that is quick, else by arrays,
which find the same.
"""

from __future__ import annotations

from importlib.util import find_spec

from msgspec.structs import replace

from onceproof.engines.search.bounds import Bounds, Budget, Unsuited
from onceproof.engines.search.meter import Exploration, Progress
from onceproof.engines.search.search import Found, cheapest
from onceproof.machine.system import Machine, Property

SMALL = 500
"""States that the readable search looks at sooner than arrays are set up."""


def simplest(
    machine: Machine,
    prop: Property,
    bounds: Bounds,
    budget: Budget,
    progress: Progress | None = None,
) -> Found | Exploration:
    """The cheapest run to a bad configuration; an Exploration if there is none within bounds
    (complete) or budget (not complete).

    Of equally cheap runs it is the one discovered first, which is the same in every execution and
    with every engine.
    """
    small = budget.states is not None and budget.states <= SMALL
    if small or bounds.keys > 1 or find_spec("numpy") is None:
        return cheapest(machine, prop, bounds, budget, progress)
    found = cheapest(machine, prop, bounds, replace(budget, states=SMALL), progress)
    if isinstance(found, Found) or found.complete or found.states < SMALL:
        return found
    from onceproof.engines.search.count.array_search import (
        array_search,
    )  # numpy takes a while to import

    try:
        return array_search(machine, prop, bounds, budget, progress)
    except Unsuited:
        return cheapest(machine, prop, bounds, budget, progress)
