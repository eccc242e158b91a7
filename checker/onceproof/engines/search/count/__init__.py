"""Engines of the exhaustive search within bounds, behind one interface. Their names are:

* ``plain``: configurations with identities, in Python; the readable reference.
* ``orbits``: states up to symmetry; the number of configurations with identities follows from each
  state's multinomial.
* ``dense``: configurations with identities as the bits of one array over the product of event rows
  and worker positions.

These three count the same graph, and each finds a shortest run to a bad configuration. The array
search for the simplest story is here because it works on the same kind of arrays.

``choose``: the engines by name, and which one is used.
``columns``: breadth-first search over whole levels of 64-bit states, for ``orbits``.
``cells``: what an event and the workers on it can do, for ``columns``.
``dense``: the engine of that name.
``rows``: which rows occur at all, for the axes of ``dense``.
``paths``: a shortest run to a bad configuration, for each engine.
``array_search``: the simplest story by arrays, whole layers of states at once.
``array_states``: the states of that search, as numbers, and the steps out of many of them at once.
``local_tables``: what one actor can do to its own rows, as arrays.
``packing``: states as single numbers.
``bad_states``: which packed states contain a bad pattern.
"""

from __future__ import annotations

from onceproof.engines.search.bounds import Unsuited
from onceproof.engines.search.count.choose import ENGINES, count
from onceproof.engines.search.count.paths import shortest

__all__ = ["ENGINES", "Unsuited", "count", "shortest"]
