"""What makes one story simpler than another, defined here and nowhere else.

Fewer faults first, since each one is something the reader must be willing to believe; then faults
that are more ordinary; then fewer steps. Costs are compared lexicographically and add up along a
run.
"""

from __future__ import annotations

from typing import NamedTuple

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
    match cause:
        case Cause.KILLED:
            return 1  # every deployment and every out-of-memory kill does it
        case Cause.ANSWER_LOST:
            return 2  # a time-out on a call over the network is daily business
        case Cause.ACK_LOST:
            return 3  # the same time-out, but within the short window of one acknowledgement
        case Cause.LEASE_EXPIRED:
            # takes a pause longer than the lease, which long calls and garbage collection do give
            return 3
        case Cause.CONNECTION_LOST | Cause.FENCED:
            return 3  # networks break, and every deployment of a group moves its partitions
        case Cause.REQUEUED:
            return 4  # a shutdown that meets a handler at work
        case Cause.REFUSED:
            return 4  # the other side answers, and says no, which most handlers expect
        case Cause.PUBLISHER_RETRY:
            return 5  # the time-out must hit the publisher, before the story starts
        case Cause.BROKER_COPY:
            return 5  # documented by every broker and rarely seen
        case Cause.VANISHED:
            return 5  # takes a broker or queue that is not durable, or a consumer far behind
        case Cause.BATCH_RETURNED:
            return 5  # takes another record of the batch that fails
        case Cause.REWOUND:
            return 6  # takes two commits in the wrong order
        case Cause.REPLAY:
            return 6  # takes an operator's decision
        case _:
            return 7  # takes a lost row, a failover, an expired key: true, but a reader asks how
