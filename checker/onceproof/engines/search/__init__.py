"""Explicit search: counts, the simplest counterexample within bounds, and the state graph.

``search``: explores everything within bounds, or finds the simplest run that breaks a property.
``simplest``: chooses between this search and the one by arrays for a story.
``order``: what makes one story simpler than another.
``symmetry``: states up to the identity of workers, events and components.
``compiled``: what one actor can do, as tables that are worked out when a row is first met.
``reference``: configurations with identities: the readable reference.
``watch``: whether a state contains a bad pattern.
``min_fault_search``: the smallest combinations of faults that break a property.
``states``: every reachable configuration within bounds, for a solver to confirm.
``graph``: the state graph as data, for drawing.
``bounds``: how far a search goes.
``meter``: what a search has seen, and whether it may go on.
``count/``: engines for large state counts.
"""

from onceproof.engines.search.bounds import Bounds, Budget
from onceproof.engines.search.compiled import MachineError
from onceproof.engines.search.meter import Exploration, Progress
from onceproof.engines.search.order import Cost, cost_of, rarity
from onceproof.engines.search.search import Found, cheapest, explore
from onceproof.engines.search.simplest import simplest

__all__ = [
    "Bounds",
    "Budget",
    "Cost",
    "Exploration",
    "Found",
    "MachineError",
    "Progress",
    "cheapest",
    "cost_of",
    "explore",
    "rarity",
    "simplest",
]
