"""The unbounded engine: proofs for any number of events and workers, by thread-modular fixpoint and
backward coverability.

``thread_modular``: the fixpoint R: which rows can occur beside which. Read it first.
``backward``: the search inside R, from the bad shapes back.
``preimage``: one step back.
``wqo``: the order on shapes, and sets of shapes that are closed upwards.
``targets``: the bad patterns of a property as shapes.
``simplify``: the same invariant with fewer shapes.
``verdict``: what this engine may answer, and how much it may spend.
``names``: where each variable is; guards and updates in positions and numbers.
``encode``: a machine in numbers: guards as bit masks, updates as tables.
``rows``: rows by number, and what a step does to bystanders.
"""

from __future__ import annotations

import time

from msgspec.structs import replace

from onceproof.base import memo
from onceproof.engines.coverability.backward import cover
from onceproof.engines.coverability.names import MachineError
from onceproof.engines.coverability.preimage import Preimage
from onceproof.engines.coverability.simplify import needed
from onceproof.engines.coverability.targets import targets
from onceproof.engines.coverability.thread_modular import WHAT, Closure, Reach
from onceproof.engines.coverability.thread_modular import reachable as fixpoint
from onceproof.engines.coverability.verdict import (
    Budget,
    BudgetExceeded,
    Coverable,
    GaveUp,
    Meter,
    Safe,
)
from onceproof.machine.system import Machine, Property

__all__ = [
    "Budget",
    "Coverable",
    "GaveUp",
    "MachineError",
    "Reach",
    "Safe",
    "cover",
    "needed",
    "prove",
    "prove_by_rows",
    "reachable",
]


def reachable(machine: Machine, budget: Budget) -> Reach | GaveUp:
    """The thread-modular fixpoint of a machine; worked out once in a run (``memo``), piece by
    piece if the first to ask allowed fewer rows than the next.
    """
    memory = memo.current()
    if memory is None:
        return fixpoint(machine, budget)
    question = ("fixpoint", machine.variables, machine.rules, machine.limits)
    known: Reach | None = memory.get(question)
    if known is not None:
        return known if _allows(budget, known.size) else _too_large(budget)
    begun: Closure | None = memory.take((*question, "begun"))
    if begun is not None and not _allows(budget, begun.size + 1):
        memory.put((*question, "begun"), begun, begun.weight)
        return _too_large(budget)
    closure = begun or Closure(machine)
    reach = closure.run(budget)
    if isinstance(reach, Reach):
        memory.put(question, reach, reach.size + len(reach.locals))
    elif reach.large:
        memory.put((*question, "begun"), closure, closure.weight)
    return reach


def _allows(budget: Budget, size: int) -> bool:
    return budget.elements is None or size <= budget.elements


def _too_large(budget: Budget) -> GaveUp:
    """What the fixpoint says that has more rows than it may have."""
    return GaveUp(f"more than {budget.elements} {WHAT}", large=True)


def prove(machine: Machine, prop: Property, budget: Budget) -> Safe | Coverable | GaveUp:
    """Decide a property within a budget: by the fixpoint alone if no bad pattern fits into it, else
    by the backward search.

    A ``Safe`` is a candidate proof only; what prints PROVED is the check of its invariant against
    the rules. Completed answers are worked out once in a run (``memo``).
    """
    memory = memo.current()
    question = (
        "prove",
        machine.variables,
        machine.rules,
        machine.limits,
        prop.bad,
        budget.elements,
    )
    known: Safe | Coverable | GaveUp | None = memory.get(question) if memory is not None else None
    if known is not None:
        return known
    answer = _prove(machine, prop, budget)
    if memory is not None and (not isinstance(answer, GaveUp) or answer.large):
        memory.put(question, answer, _size(answer))
    return answer


def prove_by_rows(machine: Machine, prop: Property, budget: Budget) -> Safe | GaveUp | None:
    """Decide a property by the fixpoint alone; None if some bad pattern fits into it, so that only
    a search can tell.
    """
    reach = reachable(machine, budget)
    if isinstance(reach, GaveUp):
        return reach
    try:
        fitting = next(
            targets(prop, Preimage(reach), Meter(budget, "shapes of the bad patterns")), None
        )
    except BudgetExceeded as spent:
        return spent.given_up
    answer = None if fitting is not None else prove(machine, prop, budget)
    return answer if not isinstance(answer, Coverable) else None


def _prove(machine: Machine, prop: Property, budget: Budget) -> Safe | Coverable | GaveUp:
    started = time.monotonic()
    reach = reachable(machine, budget)
    if isinstance(reach, GaveUp):
        return reach
    if budget.seconds is not None:
        budget = replace(budget, seconds=max(0.0, budget.seconds - (time.monotonic() - started)))
    return cover(machine, prop, reach, budget)


def _size(answer: Safe | Coverable | GaveUp) -> int:
    """How much is remembered, in rows."""
    return (
        len(answer.invariant.workers) + len(answer.invariant.excluded)
        if isinstance(answer, Safe)
        else 1
    )
