"""Which parts of docs/semantics_world.md this reading follows in designs that use none of their
constructs (``lang.resolve.unmodelled`` refuses those that do). The machine does not have them yet;
both readings change together.
"""

from __future__ import annotations

LOGS = False
"""Queues that commit positions: records that are passed over, seeking back, late commits."""

ORDER = False
"""Events of one key in one worker's hands at a time."""
