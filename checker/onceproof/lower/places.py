"""Where a worker can be: the values behind ``pc``."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from onceproof.lower.case import Case, Table

Frozen = tuple[tuple[str, Table], ...]


DEAD = "!"
"""Ends the name of a place where a worker is dead and its last request still under way."""


class At(Struct, frozen=True):
    """Where a worker is: about to run a place, with what it has collected. ``marked``: it may be
    killed here.
    """

    place: int
    transaction: Frozen | None = None
    serializable: bool = False
    locks: frozenset[str] = frozenset()
    inside: Frozen = ()
    marked: bool = True


Sink = Callable[[Case, At, str], None]
"""Takes one way through a run of collected lines: the case, where it stops, ``commit`` if it
committed.
"""


class Spot(Struct, frozen=True):
    """A value of ``pc``: the process, its line, the sections around."""

    process: str
    line: int
    sections: tuple[str, ...]
