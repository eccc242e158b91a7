"""What is claimed: from a claim of the design to the bad patterns of the machine."""

from onceproof.properties.compile import KINDS, property_of, witnesses
from onceproof.properties.possibility import TooWide

__all__ = ["KINDS", "TooWide", "property_of", "witnesses"]
