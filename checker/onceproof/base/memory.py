"""How much memory this process holds, for searches that have been given a limit."""

from __future__ import annotations

import os
import sys


def megabytes() -> float:
    """What the process holds now; where the system does not say so, the most it ever held; 0 where
    nothing is known.
    """
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    except (OSError, ValueError, AttributeError):
        pass
    try:
        import resource
    except ImportError:
        return 0.0
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (2**20 if sys.platform == "darwin" else 2**10)


def beyond(limit: int | None) -> bool:
    """Is there a limit, and does the process hold more?"""
    return limit is not None and megabytes() > limit
