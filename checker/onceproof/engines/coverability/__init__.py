"""The unbounded engine: proofs for any number of events and workers, by thread-modular fixpoint and
backward coverability.

Read ``modular`` (the fixpoint R), then ``backward`` (the search inside R), then ``preimage`` (one
step back). ``names``, ``rows`` and ``encode`` turn a machine into numbers, ``order`` compares
shapes, ``bad`` expands the bad patterns, ``simplify`` tidies the invariant.
"""

from __future__ import annotations

import time

from msgspec.structs import replace

from onceproof.engines.coverability.backward import cover
from onceproof.engines.coverability.names import MachineError
from onceproof.engines.coverability.simplify import needed
from onceproof.engines.coverability.thread_modular import Reach, reachable
from onceproof.engines.coverability.verdict import Budget, Coverable, GaveUp, Safe
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
    "reachable",
]


def prove(machine: Machine, prop: Property, budget: Budget) -> Safe | Coverable | GaveUp:
    """Decide a property within a budget: by the fixpoint alone if no bad pattern fits into it, else
    by the backward search.

    A ``Safe`` is a candidate proof only; what prints PROVED is the check of its invariant against
    the rules.
    """
    started = time.monotonic()
    reach = reachable(machine, budget)
    if isinstance(reach, GaveUp):
        return reach
    if budget.seconds is not None:
        budget = replace(budget, seconds=max(0.0, budget.seconds - (time.monotonic() - started)))
    return cover(machine, prop, reach, budget)
