"""Explicit search: counts, the simplest counterexample within bounds, and the state graph."""

from checker.explore.bounds import Bounds, Budget
from checker.explore.local import MachineError
from checker.explore.meter import Exploration, Progress
from checker.explore.order import Cost, cost_of, rarity
from checker.explore.search import Found, explore, simplest

__all__ = [
    "Bounds",
    "Budget",
    "Cost",
    "Exploration",
    "Found",
    "MachineError",
    "Progress",
    "cost_of",
    "explore",
    "rarity",
    "simplest",
]
