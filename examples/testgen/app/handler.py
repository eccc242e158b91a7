"""The handler everybody writes first. Line by line it is
``examples/article/invoice_email.once``.
"""

from __future__ import annotations

from app.ports import Database, Event, Mailer


def handle(event: Event, database: Database, mailer: Mailer) -> None:
    """Handle one InvoiceCreated; the worker acknowledges it when this returns."""
    if database.has_processed(event["id"]):
        return
    database.set_status(event["invoice"], "queued")
    mailer.send_ready_email(event)
    database.add_processed(event["id"])
