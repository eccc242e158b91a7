"""What a check may spend and how wide it looks."""

from __future__ import annotations

from msgspec import Struct

from onceproof.lang.syntax.ast import Semantics


class Options(Struct, frozen=True):
    """``workers`` / ``events``: look only so far (a bounded verdict); None: any number, as far as
    the engines decide it.

    ``semantics`` and ``claims`` select cells (empty: all; a claim is selected by a part of its
    text). ``seconds`` limits each cell, ``states`` each search, ``megabytes`` the memory of the
    process (None: no limit). ``explain``: also say why proofs hold. ``lengths``: also look at what
    lengths of time change (an inequality a proof rests on, or under which a refuted claim would
    hold). ``second_opinion``: also let Z3 refute what the search refuted, on its own encoding.
    """

    workers: int | None = None
    events: int | None = None
    semantics: tuple[Semantics, ...] = ()
    claims: tuple[str, ...] = ()
    seconds: float = 60.0
    states: int = 2_000_000
    second_opinion: bool = False
    every_solver: bool = False
    explain: bool = False
    megabytes: int | None = None
    lengths: bool = True

    @property
    def bounded(self) -> bool:
        """Whether the caller asked for a bounded look."""
        return self.workers is not None or self.events is not None
