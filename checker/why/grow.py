"""From the claim to facts that together keep it true: every way into a violation is closed by a simple fact of the invariant.

The reasoning is Bradley's (IC3, VMCAI 2011) with an oracle: that the certified invariant excludes a cube is looked up, not guessed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from checker.why.before import Step
from checker.why.general import Generaliser, Taste
from checker.why.space import Cube, Profile, Space, Term, uncovered

MOST_FACTS = 80


class OutOfTime(Exception):
    """The time allowed is over."""


@dataclass(frozen=True, slots=True)
class Clock:
    """When to stop."""

    end: float

    def tick(self) -> None:
        """Raise if the time is over."""
        if time.monotonic() > self.end:
            raise OutOfTime


class Cover:
    """Facts (excluded cubes) and the question whether they exclude all of another cube."""

    def __init__(self, space: Space, facts: list[Cube]) -> None:
        self.space = space
        self.facts = list(facts)
        self._terms: dict[Profile, list[tuple[int, Term]]] = {}

    def add(self, fact: Cube) -> None:
        """One more fact."""
        for profile, terms in self._terms.items():
            terms += [(len(self.facts), term) for term in self.space.terms(fact, profile)]
        self.facts.append(fact)

    def gap(self, one: Cube, used: Callable[[int], None] = lambda _: None) -> Cube | None:
        """A part of the cube that no fact excludes; None if they exclude all of it."""
        profile = one.profile
        if profile not in self._terms:
            self._terms[profile] = [(i, term) for i, fact in enumerate(self.facts) for term in self.space.terms(fact, profile)]
        row = one.flat
        for owner, term in self._terms[profile]:
            if not any(row[position] & ~bits for position, bits in term):
                used(owner)
                return None
        left = uncovered(row, self._terms[profile], used)
        return None if left is None else self.space.unflat(left, profile)


class Backward:
    """The cubes before a fact, each computed once."""

    def __init__(self, steps: tuple[Step, ...]) -> None:
        self._steps = steps
        self._known: dict[Cube, tuple[Cube, ...]] = {}

    def before(self, fact: Cube) -> tuple[Cube, ...]:
        """Every cube from which one step leads into the fact's."""
        if fact not in self._known:
            self._known[fact] = tuple(dict.fromkeys(one for step in self._steps for one in step.before(fact)))
        return self._known[fact]


def grow(claims: list[Cube], general: Generaliser, backward: Backward, taste: Taste, clock: Clock) -> list[Cube] | None:
    """Facts, the claims first, of which no step leads out; None if that fails (the invariant does not prove the claims)."""
    cover = Cover(general.space, claims)
    done = 0
    while done < len(cover.facts):
        fact = cover.facts[done]
        done += 1
        for one in backward.before(fact):
            clock.tick()
            while (gap := cover.gap(one)) is not None:
                found = general.simplest(taste, gap)
                if found is None or len(cover.facts) >= MOST_FACTS:
                    return None
                cover.add(found)
    return cover.facts


def reduce(claims: list[Cube], facts: list[Cube], space: Space, backward: Backward, cost: Callable[[Cube], float], clock: Clock) -> list[Cube]:
    """Leave out facts, the hardest to read first, as long as no step leads out of the rest and the claims follow."""
    kept = list(dict.fromkeys([*claims, *facts]))
    order = sorted(kept[len(claims) :], key=lambda one: (-cost(one), one.flat))
    used = _uses(kept, space, backward, clock)
    for fact in order:
        rest = [x for x in kept if x != fact]
        cover = Cover(space, rest)
        again = {one: helpers for one, helpers in used.items() if fact in helpers and any(one in backward.before(x) for x in rest)}
        new: dict[Cube, set[Cube]] = {}
        for one in again:
            clock.tick()
            numbers: set[int] = set()
            if cover.gap(one, numbers.add) is not None:
                break
            new[one] = {rest[i] for i in numbers}
        else:
            kept = rest
            used.update(new)
    return kept


def _uses(facts: list[Cube], space: Space, backward: Backward, clock: Clock) -> dict[Cube, set[Cube]]:
    """For every cube before a fact, the facts that exclude it."""
    cover, found = Cover(space, facts), {}
    for fact in facts:
        for one in backward.before(fact):
            clock.tick()
            numbers: set[int] = set()
            assert cover.gap(one, numbers.add) is None
            found[one] = {facts[i] for i in numbers}
    return found
