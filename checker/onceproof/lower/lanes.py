"""Order: of the messages with one key, one is in a worker's hands at a time while nobody moves
(docs/semantics_world.md, "Order").
"""

from __future__ import annotations

from msgspec import Struct

from onceproof.lang import design as d
from onceproof.lower import variables as v
from onceproof.lower.case import Case, Table, mapping
from onceproof.machine.delivery import Delivery
from onceproof.machine.system import Level, Variable

LANE_ORDER = "lane-order"
OTHER_LANE = "other-lane"
"""The names of two wider rules (docs/semantics_world.md, "Wider rules")."""
FREE, TAKEN, OWED, TAKEN_AND_OWED = "free", "taken", "owed", "taken, owed"
"""*Owed*: a message of the lane that has come back goes before the others."""


class Lane(Struct, frozen=True):
    """The lane of a group under one key. ``outlasts``: a worker keeps it until it ends, is killed
    or fenced, also when it does not hold its message any more (logs).
    """

    name: str
    level: Level
    outlasts: bool

    @property
    def variable(self) -> Variable:
        """Whether somebody is in it. Under the id, nobody is held up by what has come back."""
        ways = (FREE, TAKEN) if self.level is Level.EVENT else (FREE, TAKEN, OWED, TAKEN_AND_OWED)
        return Variable(self.name, self.level, ways, (FREE,))

    def _table(self, changes: dict[str, str]) -> Table:
        return mapping(self.variable, changes)

    def enter(self, case: Case) -> list[Case]:
        """The cases of a delivery: it needs the lane, and takes it."""
        cases = []
        for way, wider in ((FREE, ""), (OWED, LANE_ORDER)):
            found = case.where(self.name, {way}) if way in self.variable.domain else None
            if found is not None:
                found = found.put(self.name, TAKEN)
                if self.outlasts:
                    found = found.put(v.IN_LANE, "yes")
                cases.append(found.widened(wider))
        return cases

    def leave(self, case: Case) -> Case:
        """The worker is not in it any more."""
        left = case.change(self.name, self._table({TAKEN: FREE, TAKEN_AND_OWED: OWED}))
        return left.put(v.IN_LANE, "no") if self.outlasts else left

    def owe(self, case: Case) -> Case:
        """A message of it comes back."""
        if self.level is Level.EVENT:
            return case
        return case.change(self.name, self._table({FREE: OWED, TAKEN: TAKEN_AND_OWED}))


def lane_of(
    design: d.Design, process: d.Process, queue: d.Queue, semantics: Delivery
) -> Lane | None:
    """The lane of a consumer of a queue that is ``keyed by``; None if nobody is held up."""
    if queue.lane is None or is_kept_elsewhere(design, queue):
        return None
    if queue.log and process.parallel:
        return None
    if not queue.log and (semantics is Delivery.AT_MOST_ONCE or process.ack == "delivery"):
        return None
    of_event = queue.lane == design.events[queue.event].id_field
    if not of_event and queue.lane not in design.business_keys:
        return None
    level = Level.EVENT if of_event else Level.COMPONENT
    return Lane(v.lane(v.status(process, design)), level, queue.log)


def is_kept_elsewhere(design: d.Design, queue: d.Queue) -> bool:
    """Whether a queue is keyed by one of several business keys: who else is in its lane is not
    known.
    """
    keys = design.business_keys
    return queue.lane in keys and len(keys) > 1
