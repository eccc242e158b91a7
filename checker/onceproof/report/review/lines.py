"""Which lines the proofs need: each taken away, and the claims decided again."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from onceproof.analysis.validity_core import Need, Needs


class NeedRow(Struct, frozen=True):
    """One part of a design. ``needed``: yes, no or unknown; ``breaks``: the claims that break
    without it.
    """

    line: int
    what: str
    text: str
    needed: str
    breaks: tuple[str, ...]


class NeedTable(Struct, frozen=True):
    """The parts under one guarantee. ``reason``: why some are missing; empty if none is."""

    semantics: str
    rows: tuple[NeedRow, ...]
    reason: str


WORDS = {True: "needed", False: "not needed", None: "not known"}


def need_tables(cores: Sequence[Needs]) -> tuple[NeedTable, ...]:
    """One per guarantee under which something is proved."""
    return tuple(
        NeedTable(n.semantics.value, tuple(map(_row, n.parts)), n.reason) for n in cores if n.parts
    )


def _row(need: Need) -> NeedRow:
    return NeedRow(need.line, need.what, need.text, WORDS[need.needed], need.breaks)
