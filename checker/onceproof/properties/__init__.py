"""What is claimed: from a claim of the design to the bad patterns of the machine.

``compile``: each kind of claim as patterns.
``component``: what other events with the same business key can still do.
``possibility``: from which situations an effect can no longer happen without outside help.
``row_sets``: the same for many rows at once.
``mdd``: sets of rows as decision diagrams, for ``row_sets``.
``progress``: whether a message can still be settled, and whether it must be.
``transparent``: failure-transparent: the effects are those of a run without failures.
``deadlock``: workers that wait for good.
``other_keys``: one business key at a time, where rows under others answer anything.
``examined``: per which key, and for which types of events, a claim was examined.
``quiescence``: tests on rows as conditions and as patterns.
"""

from onceproof.properties.compile import KINDS, asked, question, witnesses
from onceproof.properties.possibility import TooWide

__all__ = ["KINDS", "TooWide", "asked", "question", "witnesses"]
