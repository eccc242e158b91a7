"""Repairs: a closed catalogue of edits on a design, searched by cost, each offered only after it
was proved to help.

``search``: single edits first, then pairs, cheapest first.
``plan``: what an edit is given, and what it proposes.
``edits/``: the catalogue, one file per kind of edit.
``verify``: whether a changed design is better; asked of ``verdict``.
``expectations``: lines ``expect …`` that follow the repair.
``sheet``: changes of the text, line by line.
"""

from onceproof.repair.edits import catalogue
from onceproof.repair.plan import Goal
from onceproof.repair.search import Repair, Repairs, diff_of, goals_of, repaired, repairs

__all__ = ["Goal", "Repair", "Repairs", "catalogue", "diff_of", "goals_of", "repaired", "repairs"]
