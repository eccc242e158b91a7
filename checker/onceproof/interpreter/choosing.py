"""Steps in which more than one thing is open: each way of deciding them, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


class Chooser:
    """Decides what is open in one step: as ``script`` says, and the first of each after that."""

    def __init__(self, script: Sequence[int] = ()) -> None:
        self._script = tuple(script)
        self._taken: list[tuple[int, int]] = []

    def pick(self, options: Sequence[T]) -> T:
        """One of the options."""
        if len(options) == 1:
            return options[0]
        number = len(self._taken)
        index = self._script[number] if number < len(self._script) else 0
        self._taken.append((index, len(options)))
        return options[index]

    def following(self) -> tuple[int, ...] | None:
        """The next script; None if this was the last one."""
        taken = list(self._taken)
        while taken and taken[-1][0] + 1 == taken[-1][1]:
            taken.pop()
        if not taken:
            return None
        return (*(i for i, _ in taken[:-1]), taken[-1][0] + 1)


def every(action: Callable[[Chooser], T]) -> list[T]:
    """What an action comes to, for each way of deciding what is open in it; each result once."""
    results: list[T] = []
    script: tuple[int, ...] | None = ()
    while script is not None:
        chooser = Chooser(script)
        results.append(action(chooser))
        script = chooser.following()
    return results if len(results) == 1 else list(dict.fromkeys(results))
