"""What is asked now, for whoever watches.

Analyses ask many questions. Each says which one it asks (``ask``) and, where that is known, how
many there are; searches say how far they are (``searching``). Whoever has begun to listen
(``listening``) hears it; nobody prints here, and what is said changes no answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Listener = Callable[[str, int, int], None]
"""Called with the question, and the states and transitions of the current search (0: none)."""

_LISTENER: ContextVar[Listener | None] = ContextVar("listener", default=None)
_ASKED: ContextVar[str] = ContextVar("asked", default="")


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Let a listener hear what is asked in the block."""
    token = _LISTENER.set(listener)
    try:
        yield
    finally:
        _LISTENER.reset(token)


def ask(what: str, number: int = 0, of: int = 0) -> None:
    """Say which question is asked now: the ``number``-th ``of`` so many (0: that is not known)."""
    listener = _LISTENER.get()
    if listener is not None:
        count = f"{number} of {of}: " if of else f"{number}: " if number else ""
        _ASKED.set(f"{count}{what}")
        listener(_ASKED.get(), 0, 0)


def searching(states: int, transitions: int) -> None:
    """Say how far the search for the current question is."""
    listener = _LISTENER.get()
    if listener is not None:
        listener(_ASKED.get(), states, transitions)
