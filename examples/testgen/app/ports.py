"""What the handler needs: a database, a mail provider, a queue."""

from __future__ import annotations

from typing import Protocol

Event = dict[str, str]


class Database(Protocol):
    """The application's own tables."""

    def has_processed(self, event_id: str) -> bool:
        """Whether the event is in ``processed``."""

    def set_status(self, invoice: str, status: str) -> None:
        """Write the invoice's status."""

    def add_processed(self, event_id: str) -> None:
        """Add the event to ``processed``."""


class Mailer(Protocol):
    """Somebody else's service. It keeps keys for ever; without one, every request is a new mail."""

    def send_ready_email(self, event: Event, key: str | None = None) -> None:
        """Send the mail."""


class Queue(Protocol):
    """A queue with late acknowledgement: what a dead worker did not acknowledge comes again."""

    def take(self) -> Event | None:
        """The next message, or None if there is none."""

    def ack(self) -> None:
        """Settle the message taken last."""
