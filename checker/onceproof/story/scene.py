"""The state of everything shared, step by step, in words: rows, columns, messages, keys, locks, and
how often effects happened.

``changes`` tells what a step made different; this tells what there is, also where nothing changed.
Used beside a story, in the ITF traces, and wherever somebody walks through a run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from onceproof.interpreter.context import Context
from onceproof.interpreter.interpreter import Replay
from onceproof.interpreter.state import Spot, State, Worker, look
from onceproof.lang import design as d
from onceproof.lang.source import Source
from onceproof.machine.system import Level
from onceproof.story.changes import TIMES, participle, status_words
from onceproof.story.names import Names


class Fact(Struct, frozen=True):
    """One shared thing at one moment. ``kind``: message, row, column, effect, writes, key or lock,
    as in ``Change``.

    ``name`` is what the design calls it (a queue, a store, ``store.column``, an effect, a lock),
    ``of`` whose it is. ``before``: the value a step earlier.
    """

    kind: str
    name: str
    of: str
    value: str
    before: str

    @property
    def changed(self) -> bool:
        """Whether the last step made it so."""
        return self.value != self.before

    @property
    def what(self) -> str:
        """``processed for event 1``, the same words as in ``Change``."""
        match self.kind:
            case "message":
                return f"{self.of} in {self.name}"
            case "writes":
                return f"writes of {self.name} for {self.of}"
            case "key":
                return f"key of {self.name} for {self.of}"
            case _:
                return f"{self.name} for {self.of}"


class Running(Struct, frozen=True):
    """A worker at one moment. ``line``: the line it runs next; ``underway``: it is dead, and its
    last request is on the way.
    """

    number: int
    process: str
    event: int
    line: int
    holds: bool
    underway: bool


class Situation(Struct, frozen=True):
    """Everything shared at one moment, in a fixed order, and who is at work."""

    facts: tuple[Fact, ...]
    workers: tuple[Running, ...]


def situations(
    design: d.Design, replay: Replay, sources: Mapping[str, Source] | None = None
) -> tuple[Situation, ...]:
    """The situation at the start and after every step: one more than there are steps."""
    scene = Scene(design, replay, sources or {})
    moments: list[Situation] = []
    before = replay.states[0]
    for state in replay.states:
        moments.append(scene.at(state, before))
        before = state
    return tuple(moments)


class Scene:
    """What there is to look at in the states of one run."""

    def __init__(self, design: d.Design, replay: Replay, sources: Mapping[str, Source]) -> None:
        self.ctx = Context.of(design, replay.trace.semantics)
        self.names = Names(design, sources)
        self.states = replay.states
        self.things = tuple(_things(self.ctx, replay.states))

    def at(self, state: State, before: State) -> Situation:
        """One moment, compared with an earlier one."""
        facts = [self._fact(kind, spot, state, before) for kind, spot in self.things]
        return Situation(tuple(facts), tuple(self._running(w) for w in state.workers))

    def _running(self, worker: Worker) -> Running:
        return Running(
            worker.number,
            worker.process,
            worker.event,
            self.ctx.line(worker),
            worker.holds,
            worker.underway,
        )

    def _fact(self, kind: str, spot: Spot, state: State, before: State) -> Fact:
        name, key = spot[0], ""
        if kind == "message":
            name = self.ctx.processes[spot[0]].queue or ""
        elif kind == "key":
            effect = self.ctx.design.effects[name]
            key = effect.key_field or effect.key
        else:
            key = self.names.key_of(name.split(".")[0])
        value, earlier = (self._value(kind, spot, s) for s in (state, before))
        return Fact(
            kind, self._shown(kind, spot, name), self.names.owner(spot, key), value, earlier
        )

    def _shown(self, kind: str, spot: Spot, name: str) -> str:
        several = kind == "message" and len(list(self.ctx.groups(name))) > 1
        return f"{name} for {spot[0]}" if several else name

    def _value(self, kind: str, spot: Spot, state: State) -> str:
        design = self.ctx.design
        match kind:
            case "message":
                queue = self.ctx.processes[spot[0]].queue or ""
                return status_words(design, queue, look(state.statuses, spot, "absent"))
            case "row":
                return "present" if spot in state.rows else "absent"
            case "column":
                store, column = spot[0].split(".")
                return look(state.columns, spot, design.stores[store].columns[column][0])
            case "key":
                return "known" if spot in state.records else "unknown"
            case "lock":
                return "held" if spot in state.held else "free"
            case "effect":
                count = look(state.counts, spot, 0)
                done = participle(design, spot[0])
                return f"{done} {TIMES[count]}" if count else f"not {done}"
            case _:
                return TIMES[look(state.counts, spot, 0)]


def _things(ctx: Context, states: Sequence[State]) -> Iterator[tuple[str, Spot]]:
    """Everything shared that belongs to the events of a run: effects first, then what the handlers
    keep, then the messages.
    """
    design, first = ctx.design, states[0]
    events = range(len(first.events))

    def spots(name: str, level: Level) -> list[Spot]:
        return list(dict.fromkeys(ctx.spot(name, level, first, e) for e in events))

    for effect in design.effects.values():
        yield from (("effect", s) for s in spots(effect.name, effect.level))
    counted = sorted({s for state in states for s, _ in state.counts if s[0] not in design.effects})
    yield from (("writes", s) for s in counted)
    rows = {s[0] for state in states for s in state.rows}
    for store in design.stores.values():
        if not store.columns or store.unique or store.name in rows:
            yield from (("row", s) for s in spots(store.name, store.level))
        for column in store.columns:
            yield from (("column", s) for s in spots(f"{store.name}.{column}", store.level))
    for effect in design.effects.values():
        if effect.key_level is not None:
            yield from (("key", s) for s in spots(effect.name, effect.key_level))
    for lock in design.locks.values():
        yield from (("lock", s) for s in spots(lock.name, lock.level))
    yield from (("message", s) for s in sorted({s for state in states for s, _ in state.statuses}))
