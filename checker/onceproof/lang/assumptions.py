"""The table of assumptions: one row for everything a design can take for granted."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct


class AssumptionKind(Struct, frozen=True):
    """One kind of assumption. ``name``: stable, used in JSON. ``spelling``: as a design says it,
    after ``assume``. ``sentence``: as it is explained.

    ``attempt``: its place in the order in which assumptions are tried for a refuted claim, those
    that one can arrange for first (0: not tried). ``is_window``: it compares lengths of time.
    ``names_effect``: the design also says after which effect; ``counts``: it also says a number,
    which stands for ``N``.
    """

    name: str
    spelling: str
    sentence: str
    attempt: int
    is_window: bool = False
    names_effect: bool = False
    counts: bool = False

    def written(self, effect: str | None = None, count: int | None = None) -> str:
        """The assumption as a design says it."""
        spelling = f"{self.spelling} send {effect}" if effect else self.spelling
        return spelling.replace(" N ", f" {count} ") if count is not None else spelling

    def explained(self, effect: str | None = None, count: int | None = None) -> str:
        """The assumption in words."""
        sentence = f"{self.sentence} ({effect})" if effect else self.sentence
        return sentence.replace(" N ", f" {count} ") if count is not None else sentence


_ROWS = (
    AssumptionKind(
        "no-crash",
        "no crash",
        "no worker is killed",
        20,
    ),
    AssumptionKind(
        "no-replay",
        "no replay",
        "no operator replays messages",
        4,
    ),
    AssumptionKind(
        "no-publisher-retries",
        "no publisher retries",
        "the publisher never publishes an event twice",
        5,
    ),
    AssumptionKind(
        "no-broker-copies",
        "no broker copies",
        "the broker makes no copies by itself",
        6,
    ),
    AssumptionKind(
        "no-lost-answers",
        "no lost answers",
        "no answer of a provider or broker is lost",
        15,
    ),
    AssumptionKind(
        "no-lost-acks",
        "no lost acks",
        "no acknowledgement is lost",
        14,
    ),
    AssumptionKind(
        "no-refusals",
        "no refusals",
        "no call is refused",
        16,
    ),
    AssumptionKind(
        "no-database-failures",
        "no database failures",
        "no step on a database or lock service fails by itself",
        17,
    ),
    AssumptionKind(
        "no-failover",
        "no failover",
        "no store fails over or loses rows",
        18,
    ),
    AssumptionKind(
        "no-lost-connections",
        "no lost connections",
        "no living worker loses its connection to a broker, a database or a lock service",
        10,
    ),
    AssumptionKind(
        "no-rebalance",
        "no rebalance",
        "no partition moves away from a living worker",
        9,
    ),
    AssumptionKind(
        "no-shutdown",
        "no shutdown",
        "no shutdown gives messages back that a worker is on",
        8,
    ),
    AssumptionKind(
        "no-rewinds",
        "no rewinds",
        "no committed position goes back",
        11,
    ),
    AssumptionKind(
        "no-batch-failures",
        "no batch failures",
        "no message comes back because of another one of its batch",
        12,
    ),
    AssumptionKind(
        "no-expired-messages",
        "no expired messages",
        "no message expires before it is delivered",
        13,
    ),
    AssumptionKind(
        "broker-loses-nothing",
        "the broker loses nothing",
        "the broker loses nothing that it has confirmed",
        19,
    ),
    AssumptionKind(
        "fails-fewer",
        "an event fails fewer than N times",
        "no event fails N times or more",
        0,
        counts=True,
    ),
    AssumptionKind(
        "within-lease",
        "handler finishes within the lease",
        "every handler finishes within its lease",
        7,
        is_window=True,
    ),
    AssumptionKind(
        "within-key-window",
        "retries end within the key window",
        "all retries and redeliveries of an event end within the key window",
        1,
        is_window=True,
    ),
    AssumptionKind(
        "within-dedup-window",
        "publisher retries end within the dedup window",
        "all retries of a publisher end within the broker's window for copies",
        3,
        is_window=True,
    ),
    AssumptionKind(
        "within-lock",
        "work ends within the lock",
        "no lock expires while its holder is at work",
        2,
        is_window=True,
    ),
    AssumptionKind(
        "crash-only-after",
        "crash only after",
        "workers are killed only right after the named effect",
        0,
        names_effect=True,
    ),
)

ASSUMPTIONS: Mapping[str, AssumptionKind] = {row.name: row for row in _ROWS}
"""Every assumption by its stable name."""

TRIED = tuple(row.name for row in sorted(_ROWS, key=lambda row: row.attempt) if row.attempt)
"""The names of the assumptions that are tried for a refuted claim, in that order."""

SPELLINGS = tuple(
    row.written("EFFECT" if row.names_effect else None, 5 if row.counts else None) for row in _ROWS
)
"""Everything that can follow ``assume``; words in capitals stand for names."""
