"""What makes one story simpler than another, defined here and nowhere else.

Fewer faults first, since each one is something the reader must be willing to believe; then faults
that are more ordinary; then fewer steps. Costs are compared lexicographically and add up along a
run.
"""

from __future__ import annotations

from typing import NamedTuple

from onceproof.machine.faults import FAULTS
from onceproof.machine.system import Cause


class Cost(NamedTuple):
    """The cost of a run: its faults, the sum of their rarity, its steps."""

    faults: int
    rarity: int
    steps: int

    def plus(self, other: Cost) -> Cost:
        """The cost of a run followed by another (a tuple's ``+`` would concatenate)."""
        return Cost(self[0] + other[0], self[1] + other[1], self[2] + other[2])


def free() -> Cost:
    """The cost of having done nothing."""
    return Cost(0, 0, 0)


def cost_of(cause: Cause) -> Cost:
    """The cost of one step."""
    if not cause.is_fault:
        return Cost(0, 0, 1)
    return Cost(1, rarity(cause), 1)


def rarity(cause: Cause) -> int:
    """How hard a fault is to believe, from 1 (happens at every deployment) to 7 (takes an
    explanation).
    """
    return FAULTS[cause].rarity
