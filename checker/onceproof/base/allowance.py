"""What reading and lowering a design may spend: seconds, and memory of the process.

The search and the solvers have budgets of their own. What comes before them has none to be handed
through every function: it asks here, now and then, whether it may go on.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from msgspec import Struct

from onceproof.base.memory import beyond


class TooLarge(Exception):
    """A design goes in more ways than are looked at. The message names the line in ``path``."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(message)
        self.path = path


class Exhausted(Exception):
    """The allowance is used up. The message says of what there was too much."""


class _Allowance(Struct, frozen=True):
    """``ends``: on the clock of ``time.monotonic``."""

    ends: float
    seconds: float
    megabytes: int | None


_current: ContextVar[_Allowance | None] = ContextVar("allowance", default=None)


@contextmanager
def allowing(seconds: float, megabytes: int | None = None) -> Iterator[None]:
    """In this block, ``demand`` raises once so much is spent."""
    allowance = _Allowance(time.monotonic() + seconds, seconds, megabytes)
    token = _current.set(allowance)
    try:
        yield
    finally:
        _current.reset(token)


def demand() -> None:
    """Raise Exhausted if the block around has spent what it may; else, or without one, nothing."""
    allowance = _current.get()
    if allowance is None:
        return
    if time.monotonic() > allowance.ends:
        raise Exhausted(f"more than {allowance.seconds:g} s")
    if beyond(allowance.megabytes):
        raise Exhausted(f"more than {allowance.megabytes} MB")
