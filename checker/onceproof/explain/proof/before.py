"""One step back from a cube, read off the rules alone: the cubes of all configurations from which a
rule leads into it.

The relation is the one certificates use (NOTE(slots) in ``onceproof.engines.smt.induction``): a
rule that demands that no other worker be at some point removes such workers instead, and limits are
ignored.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from msgspec import Struct

from onceproof.explain.proof.space import Cube, Masks, Part, Space, cube_of, subtract
from onceproof.machine.system import Broadcast, Level, Rule, RuleKind, Update

Rows = tuple[Masks, ...]
"""Masks of a component, an event and a worker."""


class _Write(Struct, frozen=True):
    """``target`` (level, position) gets a value of ``table``: pairs of old and new bits, the old
    ones of ``source``.
    """

    target: tuple[int, int]
    source: tuple[int, int] | None
    table: tuple[tuple[int, int], ...]

    def olds(self, after: int) -> int:
        """The source values that give one of the values ``after``; for a constant, whether it
        does.
        """
        return sum(old for old, new in self.table if new & after)


class _Heard(Struct, frozen=True):
    """A broadcast: what it does to a worker that satisfies the guard."""

    broadcast: Broadcast
    guard: Masks
    writes: tuple[_Write, ...]
    removes: bool


class Step:
    """A rule, ready to be taken back."""

    __slots__ = ("_alone", "_full", "_guard", "_heard", "_newborn", "_writes", "elsewhere", "rule")

    def __init__(self, space: Space, rule: Rule) -> None:
        self.rule = rule
        self._full = space.full
        self._guard = space.guard(rule.guard)
        self._writes = _writes(space, rule.updates)
        self._alone = None if rule.alone is None else space.guard(rule.alone)[2]
        self._heard = tuple(_heard(space, b) for b in rule.others)
        self._newborn = space.guard(())[2]
        if rule.kind is RuleKind.SPAWN:
            self._newborn = tuple(1 << v.domain.index(v.initial[0]) for v in space.variables[2])
        component = any(w.target[0] == 0 for w in self._writes)
        self.elsewhere = component or any(h.broadcast.scope is Level.COMPONENT for h in self._heard)
        """Whether events other than the actor's notice."""

    def before(self, after: Cube) -> Iterator[Cube]:
        """The cubes one step before; those where the step changes nothing the cube speaks of may be
        left out.
        """
        if self.rule.kind is RuleKind.COMPONENT:
            yield from self._joined(after.component, (), None, after.events)
            return
        for i, part in enumerate(after.events):
            if part not in after.events[:i]:
                yield from self._at(after.component, part, after.events[:i] + after.events[i + 1 :])
        if self.elsewhere:
            yield from self._at(after.component, (self._full[1], ()), after.events)

    def _at(self, component: Masks, part: Part, rest: tuple[Part, ...]) -> Iterator[Cube]:
        """The actor is at the event ``part``: one of its workers, or one the cube does not speak
        of.
        """
        event, workers = part
        acts = self.rule.kind in (RuleKind.WORKER, RuleKind.SPAWN)
        if acts and not self.rule.ends:
            for i, worker in enumerate(workers):
                if worker not in workers[:i]:
                    yield from self._joined(
                        component, (event, worker), workers[:i] + workers[i + 1 :], rest
                    )
        yield from self._joined(component, (event, self._full[2]), workers, rest)

    def _joined(
        self,
        component: Masks,
        actor: tuple[Masks, ...],
        crew: tuple[Masks, ...] | None,
        rest: tuple[Part, ...],
    ) -> Iterator[Cube]:
        """The actor's rows before, with every choice of what the bystanders were."""
        rows = self._rows((component, *actor))
        if rows is None:
            return
        other_choices = [
            [(event, picks) for picks in self._bystanders(workers, near=False)]
            for event, workers in rest
        ]
        if crew is None:
            for others in product(*other_choices):
                yield cube_of(rows[0], list(others))
            return
        acting = (rows[2],) if self.rule.kind is RuleKind.WORKER else ()
        for near in self._bystanders(crew, near=True):
            for others in product(*other_choices):
                yield cube_of(rows[0], [(rows[1], (*near, *acting)), *others])

    def _rows(self, after: Rows) -> Rows | None:
        """The rows of component, event and actor before the step; None if it does not lead
        there.
        """
        rows = [list(row) for row in self._guard[: len(after)]]
        written = {w.target for w in self._writes}
        for level, row in enumerate(after):
            newborn = level == 2 and self.rule.kind is RuleKind.SPAWN
            for i, bits in enumerate(row):
                if (level, i) not in written:
                    if newborn and not bits & self._newborn[i]:
                        return None
                    if not newborn:
                        rows[level][i] &= bits
        for write in self._writes:
            level, i = write.target
            if level < len(after) and not _undo(rows, write, after[level][i]):
                return None
        return tuple(map(tuple, rows)) if all(all(row) for row in rows) else None

    def _bystanders(self, crew: tuple[Masks, ...], *, near: bool) -> Iterator[tuple[Masks, ...]]:
        return product(*(list(self._bystander(worker, near)) for worker in crew))

    def _bystander(self, after: Masks, near: bool) -> Iterator[Masks]:
        """What a worker that is not the actor was before: not removed, and changed by at most one
        broadcast.
        """
        free = (
            [self._full[2]]
            if self._alone is None or not near
            else list(subtract(self._full[2], self._alone))
        )
        for broadcast in self._heard:
            if broadcast.broadcast.reaches(near):
                if not broadcast.removes:
                    yield from _met(free, _undone(broadcast, after, self._full[2]))
                free = [piece for row in free for piece in subtract(row, broadcast.guard)]
        yield from _met(free, after)


def steps(space: Space) -> tuple[Step, ...]:
    """All rules of a machine."""
    return tuple(Step(space, rule) for rule in space.machine.rules)


def _writes(space: Space, updates: tuple[Update, ...]) -> tuple[_Write, ...]:
    writes = []
    for update in updates:
        level, i = space.at(update.target)
        target = space.variables[level][i]
        source = None if update.source is None else space.at(update.source)
        olds = ("",) if source is None else space.variables[source[0]][source[1]].domain
        table = tuple(
            (1 << olds.index(old), 1 << target.domain.index(new)) for old, new in update.table
        )
        writes.append(_Write((level, i), source, table))
    return tuple(writes)


def _heard(space: Space, broadcast: Broadcast) -> _Heard:
    return _Heard(
        broadcast,
        space.guard(broadcast.guard)[2],
        _writes(space, broadcast.updates),
        broadcast.removes,
    )


def _undo(rows: list[list[int]], write: _Write, after: int) -> bool:
    """Restrict the rows before a write to those that lead to ``after``; False if none does."""
    olds = write.olds(after)
    if write.source is not None:
        level, i = write.source
        rows[level][i] &= olds
        return bool(rows[level][i])
    return bool(olds)


def _undone(broadcast: _Heard, after: Masks, full: Masks) -> Masks:
    """The worker row before a broadcast it heard."""
    written = {w.target[1] for w in broadcast.writes}
    row = [bits if i not in written else full[i] for i, bits in enumerate(after)]
    rows = [[], [], [a & b for a, b in zip(row, broadcast.guard, strict=True)]]
    for write in broadcast.writes:
        if not _undo(rows, write, after[write.target[1]]):
            return (0,) * len(after)
    return tuple(rows[2])


def _met(pieces: list[Masks], row: Masks) -> Iterator[Masks]:
    """The parts of ``row`` inside the pieces."""
    for piece in pieces:
        met = tuple(a & b for a, b in zip(piece, row, strict=True))
        if all(met):
            yield met
