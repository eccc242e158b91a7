"""One line on standard error while a check takes long."""

from __future__ import annotations

import time
from typing import TextIO


class ProgressLine:
    """Shows what is being checked once more than a second has passed; only on a terminal."""

    def __init__(self, stream: TextIO, patience: float = 1.0) -> None:
        self.stream = stream
        self.patience = patience
        self.started = time.monotonic()
        self.shown = 0

    def __call__(self, what: str, states: int, transitions: int) -> None:
        """Report progress; called by the searches now and then."""
        elapsed = time.monotonic() - self.started
        if elapsed < self.patience or not self.stream.isatty():
            return
        sizes = f": {states:,} states, {transitions:,} transitions" if states else ""
        line = f"{what}{sizes}, {elapsed:.1f} s"
        self.stream.write("\r" + line.ljust(self.shown))
        self.stream.flush()
        self.shown = len(line)

    def clear(self) -> None:
        """Take the line away."""
        if self.shown:
            self.stream.write("\r" + " " * self.shown + "\r")
            self.stream.flush()
            self.shown = 0
