"""Work for processes that start anew: they import the function by the name of its module."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path


def slow(name: str, folder: str) -> Iterator[int]:
    """Says that it has begun, and takes a while."""
    Path(folder, name).touch()
    time.sleep(0.3)
    yield 1
