"""What engines have answered in this run, so that no question is asked twice.

Many claims, guarantees, and changed designs lead to equal machines. The keys are the questions
themselves, compared by their values; never a digest or an address. An engine puts in only answers
that any repetition would give again: completed ones, and those that a limit counted in steps has
stopped, never one that time or memory has stopped.

Nothing is remembered outside ``remembering``: whoever calls an engine directly gets it to work.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

MOST = 3_000_000
"""The weight of all answers that are remembered at once, in rows, states and the like: some hundred
megabytes.
"""


class Memory:
    """Answers by question. When they become too many, those that were not asked for longest are
    forgotten.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._weight = 0
        self._answers: dict[Hashable, tuple[Any, int]] = {}
        self.hits = 0

    def get(self, question: Hashable) -> Any:
        """The answer; None if it is not known."""
        known = self._answers.pop(question, None)
        if known is None:
            return None
        self._answers[question] = known  # the last one in the order again
        self.hits += 1
        return known[0]

    def take(self, question: Hashable) -> Any:
        """The answer, which is forgotten: for what is changed by using it, and put back only when
        nothing has broken that off.
        """
        known = self._answers.pop(question, None)
        if known is None:
            return None
        self._weight -= known[1]
        self.hits += 1
        return known[0]

    def put(self, question: Hashable, answer: object, weight: int) -> None:
        """Remember an answer."""
        before = self._answers.pop(question, None)
        self._answers[question] = (answer, weight)
        self._weight += weight - (before[1] if before else 0)
        while self._weight > self._most and len(self._answers) > 1:
            self._weight -= self._answers.pop(next(iter(self._answers)))[1]


_CURRENT: ContextVar[Memory | None] = ContextVar("memory", default=None)


def current() -> Memory | None:
    """The memory of this run; None outside one."""
    return _CURRENT.get()


@contextmanager
def remembering(memory: Memory | None = None) -> Iterator[Memory]:
    """A run: what engines answer in the block is remembered to its end. A run inside another one is
    a part of it.
    """
    outer = _CURRENT.get()
    if outer is not None and memory is None:
        yield outer
        return
    token = _CURRENT.set(memory or Memory())
    try:
        yield _CURRENT.get() or Memory()
    finally:
        _CURRENT.reset(token)
