"""The engines of the exhaustive search within bounds, behind one interface.

* ``plain``: configurations with identities, in Python; the readable reference.
* ``orbits``: states up to symmetry; the number of configurations with identities follows from each
  state's multinomial.
* ``dense``: configurations with identities as the bits of one array over the product of event rows
  and worker positions.

* ``array_search``: whole layers of states as numbers, for the simplest story and for searches that
  find none (``simplest``).

The first three count the same graph, and each finds a shortest run to a bad configuration. Which of
them is used is chosen here.
"""

from __future__ import annotations

from onceproof.engines.search.bounds import Unsuited
from onceproof.engines.search.count.choose import ENGINES, count
from onceproof.engines.search.count.paths import shortest

__all__ = ["ENGINES", "Unsuited", "count", "shortest"]
