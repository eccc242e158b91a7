"""Repairs: a closed catalogue of edits on a design, searched by cost, each offered only after it
was proved to help.
"""

from onceproof.repair.edits import catalogue
from onceproof.repair.plan import Goal
from onceproof.repair.search import Repair, Repairs, diff_of, goals_of, repaired, repairs

__all__ = ["Goal", "Repair", "Repairs", "catalogue", "diff_of", "goals_of", "repaired", "repairs"]
