"""Which parts of docs/semantics_world.md the machine follows in designs that use none of their
constructs (``lang.resolve.unmodelled`` refuses those that do). ``interpreter.modelled`` says the
same of the other reading; both change together.
"""

from __future__ import annotations

LOCKS = False
"""Sessions that are lost, locks that only their own session can release or that end with their
transaction, failovers of lock services, victims among those who wait.
"""

PROVIDERS = False
"""Requests that are lost or still on their way, queries that are refused or lag."""

LOGS = False
"""Records that are passed over, commits that cover what is below."""

ORDER = False
"""Messages of one key that are in one worker's hands at a time."""
