"""How far an explicit search goes: the size of the configurations, and how long it may take."""

from __future__ import annotations

from msgspec import Struct


class Bounds(Struct, frozen=True):
    """The configurations of one search.

    ``workers`` is the size of the pool of competing workers over the whole configuration: a spawn
    takes a free one, and a worker that ends, dies or is removed is free again from the next step
    on. ``events`` is the number of events of each component, ``keys`` the number of components.
    """

    workers: int
    events: int = 1
    keys: int = 1

    def __post_init__(self) -> None:
        if self.workers < 0 or self.events < 1 or self.keys < 1:
            raise ValueError(f"no configuration is this small: {self}")


class Budget(Struct, frozen=True):
    """What a search may spend; ``None`` is no limit. ``megabytes`` is what the whole process may
    hold.

    A search stopped by its budget says so and claims nothing.
    """

    states: int | None = None
    seconds: float | None = None
    megabytes: int | None = None


class Unsuited(Exception):
    """An engine cannot hold the configurations of this machine within these bounds; the message
    says why.
    """
