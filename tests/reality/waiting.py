"""Work that waits for a server."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any


def later(work: Callable[[], Any]) -> Future[Any]:
    """Starts work that is expected to wait, and gives it time to begin waiting."""
    pool = ThreadPoolExecutor(1)
    future = pool.submit(work)
    time.sleep(0.3)
    pool.shutdown(wait=False)
    return future
