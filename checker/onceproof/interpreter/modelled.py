"""Which parts of docs/semantics_world.md this reading follows in designs that use none of their
constructs (``lang.resolve.unmodelled`` refuses those that do). ``lower.modelled`` says the same of
the machine; both change together.
"""

from __future__ import annotations

BROKERS = False
"""What acknowledgements are answered, publishers that retry under at-most-once, brokers that lose
and forget, events that fail a few times only, handlers that are killed at their time limit.
"""

TORN = False
"""Transactions that appear in part."""

REDELIVERED = False
"""Handlers that ask whether their message came again."""

OWN_DATABASE = False
"""Queues in the database of the rows: ``ack`` and ``publish`` inside blocks, and their failures."""

FED = False
"""Queues that are fed from outside and by handlers, dead letters that are messages of a queue."""

RELAYS = False
"""Relays with a cursor, relays that only hear notifications."""
