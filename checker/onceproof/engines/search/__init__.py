"""Explicit search: counts, the simplest counterexample within bounds, and the state graph."""

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
