"""What people who read a story must know of its design: its parts by name, and what it assumes.

A result carries it, so that no report has to load the design again.
"""

from __future__ import annotations

from msgspec import Struct

from onceproof.lang.design import Design
from onceproof.story.changes import participle


class EffectOutline(Struct, frozen=True):
    """An effect: where it happens (``store`` or ``provider``; empty: neither is named) and under
    which ``key`` its provider recognizes a request that is repeated (empty: it does not), for how
    long (``retention``; empty: forever). ``done``: how it is called, as ``sent``.
    """

    name: str
    line: int
    store: str
    provider: str
    key: str
    retention: str
    done: str = "happened"


class Outline(Struct, frozen=True):
    """The parts of a design in the order of declaration. ``assumptions``: (sentence, line)."""

    processes: tuple[str, ...]
    queues: tuple[str, ...]
    stores: tuple[str, ...]
    locks: tuple[str, ...]
    effects: tuple[EffectOutline, ...]
    assumptions: tuple[tuple[str, int], ...]

    def effect(self, name: str) -> EffectOutline | None:
        """The effect of this name; None if there is none."""
        return next((effect for effect in self.effects if effect.name == name), None)


def outline_of(design: Design) -> Outline:
    """The outline of a design."""
    return Outline(
        tuple(process.name for process in design.processes),
        tuple(design.queues),
        tuple(design.stores),
        tuple(design.locks),
        tuple(
            EffectOutline(
                effect.name,
                effect.span.line,
                effect.store or "",
                effect.provider or "",
                (effect.key_field or effect.key) if effect.key_level is not None else "",
                effect.retention or "",
                participle(design, effect.name),
            )
            for effect in design.effects.values()
        ),
        tuple((assumption.words, assumption.span.line) for assumption in design.assumptions),
    )
