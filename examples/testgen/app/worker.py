"""The worker's main loop. ``HANDLER`` and ``BACKEND`` in the environment say which handler, on
which services.
"""

from __future__ import annotations

import importlib
import os


def main() -> None:
    """Handle messages until none is left."""
    handler = importlib.import_module(f"app.{os.environ['HANDLER']}")
    backend = importlib.import_module(f"app.{os.environ['BACKEND']}").Backend()
    while (event := backend.queue.take()) is not None:
        handler.handle(event, backend.database, backend.mailer)
        backend.queue.ack()
