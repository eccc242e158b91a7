"""Facts of the form "at most one of these at a time": many facts that exclude pairs, said as one.

Where a right is handed on (a message that is ready, a worker that holds it, a worker about to send,
the email sent), every two of its places exclude each other, and so do two workers at one of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from onceproof.explain.proof.allowed import Allowed
from onceproof.explain.proof.grow import Cover
from onceproof.explain.proof.space import Cube, Masks, Space, cube_of

MOST_ATOMS = 16
MOST_TRIED = 3
"""Sets of situations that are tried, those that say the most facts first."""


def one_ofs(space: Space, allowed: Allowed, facts: Sequence[Cube]) -> list[tuple[Cube, ...]]:
    """Sets of three or more situations of one event (a literal on its rows, or a worker somewhere)
    of which at most one can be.
    """
    atoms = list(dict.fromkeys(atom for fact in facts for atom in _atoms(space, fact)))
    atoms = [
        atom for atom in atoms if not atom.workers or allowed.outside(both(space, atom, atom)[0])
    ][:MOST_ATOMS]
    near: dict[int, set[int]] = {i: set() for i in range(len(atoms))}
    for a, b in combinations(near, 2):
        if _apart(space, allowed, atoms[a], atoms[b]):
            near[a].add(b)
            near[b].add(a)
    groups = [
        tuple(atoms[i] for i in sorted(some))
        for some in _cliques(near, set(), set(near), set())
        if len(some) > 2
    ]
    exclusions = {
        some: sum(Cover(space, pairs(space, some)).gap(fact) is None for fact in facts)
        for some in groups
    }
    return sorted(
        (some for some in groups if exclusions[some] > 1),
        key=lambda some: (-exclusions[some], len(some)),
    )[:MOST_TRIED]


def _cliques(
    near: dict[int, set[int]], inside: set[int], left: set[int], done: set[int]
) -> Iterator[set[int]]:
    """All largest sets whose members are near each other (Bron, Kerbosch, CACM 1973)."""
    if not left and not done:
        yield inside
    for node in sorted(left):
        yield from _cliques(near, inside | {node}, left & near[node], done & near[node])
        left, done = left - {node}, done | {node}


def pairs(space: Space, atoms: Sequence[Cube]) -> tuple[Cube, ...]:
    """Everything that "at most one of these" excludes."""
    cubes = [x for a, b in combinations(atoms, 2) for x in both(space, a, b)]
    cubes += [x for a in atoms if a.workers for x in both(space, a, a)[:1]]
    return tuple(dict.fromkeys(cubes))


def both(space: Space, first: Cube, second: Cube) -> list[Cube]:
    """Two situations at once, for the same event: by two workers, or also by one and the same."""
    component = _meet(first.component, second.component)
    (event_one, crew_one), (event_two, crew_two) = _only(space, first), _only(space, second)
    event = _meet(event_one, event_two)
    cubes = [cube_of(component, [(event, (*crew_one, *crew_two))])]
    if crew_one and crew_two:
        cubes.append(cube_of(component, [(event, (_meet(crew_one[0], crew_two[0]),))]))
    elif not first.events and not second.events:
        cubes = [cube_of(component, [])]
    return [cube for cube in cubes if all(cube.flat)]


def _only(space: Space, cube: Cube) -> tuple[Masks, tuple[Masks, ...]]:
    return cube.events[0] if cube.events else (space.full[1], ())


def _meet(first: Masks, second: Masks) -> Masks:
    return tuple(a & b for a, b in zip(first, second, strict=True))


def _apart(space: Space, allowed: Allowed, first: Cube, second: Cube) -> bool:
    """They exclude each other, and that is worth saying: not just two values of one variable, or
    parts of one place.
    """
    shared = [
        a & b == 0 for a, b in zip(_shared(space, first), _shared(space, second), strict=True)
    ]
    return (
        not any(shared)
        and first != second
        and all(allowed.outside(x) for x in both(space, first, second))
    )


def _shared(space: Space, cube: Cube) -> Masks:
    return cube.component + _only(space, cube)[0]


def _atoms(space: Space, fact: Cube) -> list[Cube]:
    """The two situations that a fact says exclude each other, if it is of that form."""
    if len(fact.events) > 1:
        return []
    event, workers = _only(space, fact)
    literals = [(0, i) for i, m in enumerate(fact.component) if m != space.full[0][i]]
    literals += [(1, i) for i, m in enumerate(event) if m != space.full[1][i]]
    if len(literals) + len(workers) != 2:
        return []
    atoms = []
    for level, i in literals:
        component = tuple(
            m if (level, j) == (0, i) else space.full[0][j] for j, m in enumerate(fact.component)
        )
        row = tuple(m if (level, j) == (1, i) else space.full[1][j] for j, m in enumerate(event))
        atoms.append(cube_of(component, [(row, ())] if level else []))
    return atoms + [cube_of(space.full[0], [(space.full[1], (worker,))]) for worker in workers]
