"""The simplest story within bounds: by the readable search where that is quick, else by arrays,
which find the same.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from onceproof.base import memo
from onceproof.engines.search.bounds import Bounds, Budget, Unsuited
from onceproof.engines.search.compiled import Local
from onceproof.engines.search.meter import Exploration, Progress
from onceproof.engines.search.search import Found, cheapest
from onceproof.machine.system import Machine, Property

if TYPE_CHECKING:
    from onceproof.engines.search.count.local_tables import LocalTables

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
    with every engine. Completed searches are made once in a run (``memo``).
    """
    memory = memo.current()
    if memory is None:
        return _search(machine, prop, bounds, budget, progress)
    question = ("simplest", machine.variables, machine.rules, machine.limits, prop.bad, bounds)
    known: tuple[Found | Exploration, int | None] | None = memory.get(question)
    if known is not None and _serves(*known, budget.states):
        return known[0]
    stopped: Exploration | None = memory.get((*question, budget.states))
    if stopped is not None:
        return stopped
    result = _search(machine, prop, bounds, budget, progress)
    if isinstance(result, Found) or result.complete:
        memory.put(question, (result, budget.states), 100)
    elif result.by_states:
        memory.put((*question, budget.states), result, 1)
    return result


def _serves(result: Found | Exploration, given: int | None, states: int | None) -> bool:
    """Whether a completed search for which ``given`` states were allowed would have come to the
    same end with ``states``.
    """
    if states is None or (given is not None and given <= states):
        return True
    return isinstance(result, Exploration) and result.states <= states


def _search(
    machine: Machine, prop: Property, bounds: Bounds, budget: Budget, progress: Progress | None
) -> Found | Exploration:
    """The same, searched for now. What other searches have worked out of the machine's moves is
    used again, and added to.
    """
    if bounds.keys > 1:
        return cheapest(machine, prop, bounds, budget, progress)
    memory = memo.current()
    question = ("moves", machine.variables, machine.rules, machine.limits)
    moves: _Moves | None = memory.take(question) if memory is not None else None
    moves = moves or _Moves(Local(machine))
    result = _search_with(moves, machine, prop, bounds, budget, progress)
    if memory is not None:
        memory.put(question, moves, moves.local.size)
    return result


class _Moves(Struct):
    """What is worked out of a machine's moves; as arrays, too, once these are needed."""

    local: Local
    tables: LocalTables | None = None


def _search_with(
    moves: _Moves,
    machine: Machine,
    prop: Property,
    bounds: Bounds,
    budget: Budget,
    progress: Progress | None,
) -> Found | Exploration:
    local = moves.local
    if (budget.states is not None and budget.states <= SMALL) or find_spec("numpy") is None:
        return cheapest(machine, prop, bounds, budget, progress, local=local)
    result = cheapest(machine, prop, bounds, replace(budget, states=SMALL), progress, local=local)
    if isinstance(result, Found) or result.complete or not result.by_states:
        return result
    from onceproof.engines.search.count.array_search import (
        array_search,
    )  # numpy takes a while to import
    from onceproof.engines.search.count.local_tables import LocalTables

    try:
        moves.tables = moves.tables or LocalTables(local)
        return array_search(machine, prop, bounds, budget, progress, moves.tables)
    except Unsuited:
        return cheapest(machine, prop, bounds, budget, progress, local=local)
