"""From a claim to facts that together keep it true: every way into a violation is closed by a
simple fact of the invariant.

A fact is a cube that never is. A set of facts is *closed* if every step into one of the cubes
starts in one of them. After Bradley (IC3, VMCAI 2011), with the difference that the invariant is
known: whether a cube is outside it is looked up.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence

from msgspec import Struct, field

from onceproof.explain.proof.before import Step
from onceproof.explain.proof.general import Generaliser, Taste
from onceproof.explain.proof.space import Cube, Profile, Space, Term, uncovered
from onceproof.lower import variables as v

MOST_FACTS = 80


class OutOfTime(Exception):
    """The steps or the time allowed are over; the message says which."""


class Clock(Struct):
    """When to stop: after so many steps, which are the same on every machine, or at a moment of
    ``time.monotonic``.
    """

    end: float
    steps: int
    taken: int = 0

    def tick(self) -> None:
        """One step more. Raise if that is too many, or the time is over."""
        self.taken += 1
        if self.taken > self.steps:
            raise OutOfTime(f"it takes more than {self.steps:,} steps")
        if time.monotonic() > self.end:
            raise OutOfTime("the time allowed was over")

    def half(self) -> Clock:
        """A clock that stops after half of the steps."""
        return Clock(self.end, self.steps // 2)

    @property
    def left(self) -> float:
        """Seconds left."""
        return max(0.0, self.end - time.monotonic())


class Cover:
    """Facts, and the question whether they exclude all of another cube."""

    __slots__ = ("_terms", "facts", "space")

    def __init__(self, space: Space, facts: Iterable[Cube] = ()) -> None:
        self.space = space
        self.facts = list(facts)
        self._terms: dict[Profile, list[tuple[int, Term]]] = {}

    def add(self, fact: Cube) -> None:
        """One more fact."""
        for profile, terms in self._terms.items():
            terms += [(len(self.facts), term) for term in self.space.terms(fact, profile)]
        self.facts.append(fact)

    def gap(self, cube: Cube, used: Callable[[int], None] = lambda _: None) -> Cube | None:
        """A part of the cube that no fact excludes; None if they exclude all of it. ``used``: told
        the facts that matter.
        """
        profile, row = cube.profile, cube.flat
        if profile not in self._terms:
            self._terms[profile] = [
                (i, term)
                for i, fact in enumerate(self.facts)
                for term in self.space.terms(fact, profile)
            ]
        for owner, term in self._terms[profile]:
            if not any(row[position] & ~bits for position, bits in term):
                used(owner)
                return None
        left = uncovered(row, self._terms[profile], used)
        return None if left is None else self.space.unflat(left, profile)


class Backward(Struct):
    """The cubes one step before a fact, each computed once."""

    steps: tuple[Step, ...]
    known: dict[Cube, tuple[Cube, ...]] = field(default_factory=dict)

    def before(self, fact: Cube) -> tuple[Cube, ...]:
        """Every cube from which one step leads into the fact's."""
        if fact not in self.known:
            self.known[fact] = tuple(
                dict.fromkeys(cube for step in self.steps for cube in step.before(fact))
            )
        return self.known[fact]


class Task(Struct, frozen=True):
    """What is to be explained: ``goals`` are the cubes to be excluded in the end, ``fixed`` those
    that are facts as they are.
    """

    goals: tuple[Cube, ...]
    fixed: tuple[Cube, ...]
    general: Generaliser
    backward: Backward
    clock: Clock

    @property
    def space(self) -> Space:
        """The space of the machine."""
        return self.general.space


def grow(task: Task, taste: Taste, known: Sequence[Cube] = ()) -> list[Cube] | None:
    """A closed set of facts that excludes the goals, ``fixed`` and ``known`` first; None if it
    cannot be found in the invariant.
    """
    cover = Cover(task.space, dict.fromkeys((*task.fixed, *known)))
    if not all(_closed(task, cover, taste, goal) for goal in task.goals):
        return None
    done = 0
    while done < len(cover.facts):
        if not all(
            _closed(task, cover, taste, cube) for cube in task.backward.before(cover.facts[done])
        ):
            return None
        done += 1
    return cover.facts


def _closed(task: Task, cover: Cover, taste: Taste, cube: Cube) -> bool:
    """Add facts until they exclude all of the cube."""
    task.clock.tick()
    while (gap := cover.gap(cube)) is not None:
        fact = task.general.simplest(taste, gap)
        if fact is None or len(cover.facts) >= MOST_FACTS:
            return False
        cover.add(fact)
    return True


Group = tuple[Cube, ...]
"""Facts that stay or go together."""


def reduce(task: Task, groups: Sequence[Group], cost: Callable[[Group], float]) -> list[Group]:
    """Leave out groups of facts, the costliest first, as long as the rest is closed and excludes
    the goals.
    """
    needed = list(dict.fromkeys(groups))
    order = sorted(
        (g for g in needed if not set(g) & set(task.fixed)),
        key=lambda g: (-cost(g), [cube.flat for cube in g]),
    )
    uses = _uses(task, [cube for group in needed for cube in group])
    assert uses is not None, "the facts are not closed"
    for group in order:
        rest = [g for g in needed if g != group]
        facts = list(dict.fromkeys(cube for g in rest for cube in g))
        fewer = _uses(task, facts, uses, set(group) - set(facts))
        if fewer is not None:
            needed, uses = rest, fewer
    return needed


def simplified(task: Task, groups: Sequence[Group]) -> list[Group]:
    """Facts with a single value instead of several, where the others were not needed and it is less
    to say.
    """
    simpler = list(groups)
    for number in range(len(simpler)):
        while (shorter := _shorter(task, simpler, number)) is not None:
            simpler = shorter
    return simpler


def _shorter(task: Task, groups: list[Group], number: int) -> list[Group] | None:
    """The groups with one literal of one fact simplified; None if there is none."""
    group = groups[number]
    if len(group) > 1 or group[0] in task.fixed:
        return None
    for fewer in _fewer(task.space, group[0]):
        trial = [*groups[:number], (fewer,), *groups[number + 1 :]]
        if _uses(task, [cube for g in trial for cube in g]) is not None:
            return trial
    return None


def _fewer(space: Space, cube: Cube) -> Iterator[Cube]:
    """The cube with one value in a literal: on a shared row if the opposite is no shorter, on a
    local of one of two workers.
    """
    columns, width, flat = space.columns(cube.profile), space.width(cube.profile), cube.flat
    for i, bits in enumerate(flat):
        level, at, _, _ = columns[i]
        shared = level < 2 and (width[i] & ~bits).bit_count() > 1
        local = level == 2 and cube.workers > 1 and space.variables[2][at].name != v.PC
        if bits != width[i] and bits.bit_count() > 1 and (shared or local):
            for value in (1 << n for n in range(bits.bit_length()) if bits >> n & 1):
                yield space.unflat((*flat[:i], value, *flat[i + 1 :]), cube.profile)


def _uses(
    task: Task,
    facts: list[Cube],
    known: dict[Cube, frozenset[Cube]] | None = None,
    removed: set[Cube] | None = None,
) -> dict[Cube, frozenset[Cube]] | None:
    """For every cube to be excluded (the goals, and those before facts) the facts that do; None if
    some part is not excluded.

    ``known``: the same for more facts, of which those in ``removed`` are no longer facts.
    """
    cover = Cover(task.space, facts)
    helpers_of: dict[Cube, frozenset[Cube]] = {}
    for goal in dict.fromkeys(
        (*task.goals, *(x for fact in facts for x in task.backward.before(fact)))
    ):
        task.clock.tick()
        helpers = known.get(goal) if known else None
        if helpers is None or (removed and helpers & removed):
            numbers: set[int] = set()
            if cover.gap(goal, numbers.add) is not None:
                return None
            helpers = frozenset(cover.facts[i] for i in numbers)
        helpers_of[goal] = helpers
    return helpers_of
