"""The same handler with the repair that ``onceproof repair`` offers first: an idempotency key that
the provider keeps.
"""

from __future__ import annotations

from app.ports import Database, Event, Mailer


def handle(event: Event, database: Database, mailer: Mailer) -> None:
    """Handle one InvoiceCreated; the worker acknowledges it when this returns."""
    if database.has_processed(event["id"]):
        return
    database.set_status(event["invoice"], "queued")
    mailer.send_ready_email(event, key=event["id"])
    database.add_processed(event["id"])
