"""Which parts of docs/semantics_world.md this reading follows in designs that use none of their
constructs (``lang.resolve.unmodelled`` refuses those that do). The machine does not have them yet;
both readings change together.
"""

from __future__ import annotations

LOCKS = False
"""Sessions that are lost, locks that only their own session can release or that end with their
transaction, failovers of lock services, victims among those who wait for locks.
"""

PROVIDERS = False
"""Requests that are lost or still on their way, queries that are refused or lag."""

LOGS = False
"""Queues that commit positions: records that are passed over, seeking back, late commits."""

ORDER = False
"""Events of one key in one worker's hands at a time."""

PAST = False
"""Stale reads, failovers that take a whole database back, conditions that regions look at alone."""
