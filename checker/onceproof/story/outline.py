"""What people who read a story must know of its design: its parts by name, and what it assumes.

A result carries it, so that no report has to load the design again.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from onceproof.lang.design import Design
from onceproof.lang.syntax import ast as n
from onceproof.lang.syntax.visit import walk
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


class Flow(Struct, frozen=True):
    """One way that data takes: ``kind`` is ``delivers`` (queue to handler), ``publishes`` (handler
    to queue), ``reads`` and ``writes`` (handler and store), ``locks``, ``does`` (handler and
    effect) or ``starts`` (store to relay).
    """

    kind: str
    start: str
    end: str


class Outline(Struct, frozen=True):
    """The parts of a design in the order of declaration. ``assumptions``: (sentence, line)."""

    processes: tuple[str, ...]
    queues: tuple[str, ...]
    stores: tuple[str, ...]
    locks: tuple[str, ...]
    effects: tuple[EffectOutline, ...]
    assumptions: tuple[tuple[str, int], ...]
    flows: tuple[Flow, ...] = ()

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
        tuple(dict.fromkeys(_flows(design))),
    )


_WRITES = (n.SetColumn, n.Add, n.Insert, n.UpdateIf, n.Increment, n.Delete)


def _flows(design: Design) -> Iterator[Flow]:
    for process in design.processes:
        name = process.name
        if process.queue is not None:
            yield Flow("delivers", process.queue, name)
        if process.condition is not None:
            yield from (
                Flow("starts", x, name) for x in _named(process.condition) if x in design.stores
            )
        for step in walk(process.body):
            yield from _step(design, name, step)


def _step(design: Design, process: str, step: n.Step) -> Iterator[Flow]:
    for name in _named(step):
        if isinstance(step, n.Publish) and name in design.queues:
            yield Flow("publishes", process, name)
        elif name in design.effects:
            store = design.effects[name].store
            does = isinstance(step, n.Do)
            yield Flow("does" if does else "reads", process, name)
            if store is not None and does:
                yield Flow("writes", process, store)
        elif name in design.stores:
            yield Flow("writes" if isinstance(step, _WRITES) else "reads", process, name)
        elif name in design.locks:
            yield Flow("locks", process, name)


def _named(part: object) -> Iterator[str]:
    """The names in a step or condition, without the steps inside it."""
    if isinstance(part, n.Name):
        yield part.text
    elif isinstance(part, tuple):
        for item in part:
            if not isinstance(item, n.Step | n.OnOutcome):
                yield from _named(item)
    elif isinstance(part, Struct):
        for field in part.__struct_fields__:
            yield from _named(getattr(part, field))
