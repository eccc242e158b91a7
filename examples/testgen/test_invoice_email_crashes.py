"""Crash tests for invoice_email.once under at-least-once, written by `onceproof testgen invoice_email.once`.

Made to be made again: what is yours stands in the `harness` fixture. Each test publishes a message, kills the worker at
one place, lets the broker deliver again, and counts the effect from outside.
"""

from __future__ import annotations

from onceproof.testing import Event, Harness, Kill, crash

EVENT: Event = {"id": "event-1", "invoice": "invoice-1", "customer": "customer-1"}


def test_no_duplicate_ready_email__killed_after_line_15(harness: Harness) -> None:
    """A worker killed after `send ready_email` (line 15) and before `add id to processed` (line 16) breaks *no
    duplicate ready_email*.

    ready_email for event 1 was sent twice:

      1. broker delivers event 1 to worker 1
      2. worker 1 finds no row for event 1 in `processed`
      3. worker 1 sets `invoice.status` to queued
      4. worker 1 sends `ready_email`
    ! 5. worker 1 is killed after `send ready_email` (line 15) and before `add id to processed` (line 16)
      6. broker delivers event 1 again, to worker 2: worker 1 died without acknowledging it
      7. worker 2 finds no row for event 1 in `processed`
      8. worker 2 sets `invoice.status` to queued
      9. worker 2 sends `ready_email` a second time

    The effect must happen at most once.
    """
    crash(harness, EVENT, Kill(after="send ready_email", before="add id to processed"))
    assert harness.count("ready_email", EVENT) <= 1
