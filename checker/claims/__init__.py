"""What is claimed: from a claim of the design to the bad patterns of the machine."""

from checker.claims.doom import TooWide
from checker.claims.kinds import KINDS, property_of, witnesses

__all__ = ["KINDS", "TooWide", "property_of", "witnesses"]
