"""States as single numbers: the component row, and for each event its row and the workers on it, in
as many bits as they take.

The workers of an event are sorted, free places last; the events are sorted. So equal numbers are
equal states up to symmetry.
"""

from __future__ import annotations

import numpy as np
from msgspec import Struct

from onceproof.engines.search.bounds import Bounds, Unsuited
from onceproof.engines.search.count.local_tables import NONE, Numbers

BITS = 63


class Fields(Struct, frozen=True):
    """States unpacked: ``component`` (one per state), ``event`` (state × event), ``worker`` (state
    × event × place; NONE: free).
    """

    component: Numbers
    event: Numbers
    worker: Numbers


class Packing(Struct, frozen=True):
    """The widths in bits of a component's, an event's and a worker's number, within some bounds."""

    bounds: Bounds
    component: int
    event: int
    worker: int

    @property
    def _of_event(self) -> int:
        return self.event + self.bounds.workers * self.worker

    def fits(self, components: int, events: int, workers: int) -> bool:
        """Whether there is room for so many rows; one number of a worker is kept for a free
        place.
        """
        return (
            components <= 1 << self.component
            and events <= 1 << self.event
            and workers < 1 << self.worker
        )

    def pack(self, fields: Fields) -> Numbers:
        """The states as numbers. The fields may be in any order; they are sorted here."""
        codes = fields.event
        if self.bounds.workers:
            workers = np.sort(np.minimum(fields.worker, (1 << self.worker) - 1), axis=2)
            for place in range(self.bounds.workers):
                codes = (codes << self.worker) | workers[:, :, place]
        if self.bounds.events > 1:
            codes = np.sort(codes, axis=1)
        keys = fields.component
        for event in range(self.bounds.events):
            keys = (keys << self._of_event) | codes[:, event]
        return keys

    def unpack(self, keys: Numbers) -> Fields:
        """The fields of states."""
        events, workers = self.bounds.events, self.bounds.workers
        event = np.empty((len(keys), events), np.int64)
        worker = np.empty((len(keys), events, workers), np.int64)
        free = (1 << self.worker) - 1
        for i in reversed(range(events)):
            for j in reversed(range(workers)):
                worker[:, i, j] = keys & free
                keys = keys >> self.worker
            event[:, i] = keys & ((1 << self.event) - 1)
            keys = keys >> self.event
        worker[worker == free] = NONE
        return Fields(keys, event, worker)


def packing_for(bounds: Bounds, components: int, events: int, workers: int) -> Packing:
    """A packing for at least so many rows of each level, with the bits to spare dealt out evenly.
    Raises Unsuited.
    """
    widths = [max(1, (n - 1).bit_length()) for n in (components, events, workers + 1)]

    def total() -> int:
        return widths[0] + bounds.events * (widths[1] + bounds.workers * widths[2])

    if total() > BITS:
        raise Unsuited(f"a state takes {total()} bits")
    growing = [0, 1, 2]
    while growing:
        smallest = min(growing, key=lambda level: widths[level])
        widths[smallest] += 1
        if total() > BITS or widths[smallest] > 19:
            widths[smallest] -= 1
            growing.remove(smallest)
    return Packing(bounds, *widths)
