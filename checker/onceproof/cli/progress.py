"""One line on standard error while a check takes long."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from shutil import get_terminal_size
from typing import TextIO

RARELY = 0.1
"""Seconds between two numbers of states that are shown."""


class ProgressLine:
    """Shows what is being checked once more than a second has passed; only on a terminal."""

    def __init__(self, stream: TextIO, patience: float = 1.0) -> None:
        self.stream = stream
        self.patience = patience
        self.started = time.monotonic()
        self.shown = 0
        self.latest = 0.0

    def __call__(self, what: str, states: int, transitions: int) -> None:
        """Report progress; called by the searches now and then."""
        elapsed = time.monotonic() - self.started
        if elapsed < self.patience or not self.stream.isatty():
            return
        if states and elapsed - self.latest < RARELY:
            return
        self.latest = elapsed
        sizes = f": {states:,} states, {transitions:,} transitions" if states else ""
        end = f"{sizes}, {elapsed:.1f} s"
        room = get_terminal_size().columns - len(end) - 1  # a line that wraps cannot be taken away
        line = f"{what if len(what) <= room else what[: max(room - 1, 0)] + '…'}{end}"
        self.stream.write("\r" + line.ljust(self.shown))
        self.stream.flush()
        self.shown = len(line)

    @contextmanager
    def shown_meanwhile(self) -> Iterator[None]:
        """Show what is asked in the block, and take the line away at its end."""
        from onceproof.base.questions import listening

        try:
            with listening(self):
                yield
        finally:
            self.clear()

    def clear(self) -> None:
        """Take the line away."""
        if self.shown:
            self.stream.write("\r" + " " * self.shown + "\r")
            self.stream.flush()
            self.shown = 0
