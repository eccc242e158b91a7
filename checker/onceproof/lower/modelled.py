"""Which parts of docs/semantics_world.md the machine follows in designs that use none of their
constructs (``lang.resolve.unmodelled`` refuses those that do). ``interpreter.modelled`` says the
same of the other reading; both change together.
"""

from __future__ import annotations

BROKERS = False
"""What brokers lose and forget, polite answers, publishers that retry under at-most-once, limits
that no event comes to, handlers that are killed for being slow.
"""

REDELIVERED = False
"""Handlers that ask whether their message came again."""

OWN_DATABASE = False
"""Messages that are published and acknowledged in the transactions of their database."""

FED = False
"""Queues that handlers publish to and that are fed from outside, too; dead-letter queues with
consumers of their own. Missing, and to be refused when this is turned on: a queue that is also fed
from outside in a design into which events of several types come.
"""
