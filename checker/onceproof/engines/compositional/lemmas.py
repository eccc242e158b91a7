"""Finds proofs in parts: each about one handler, with everything else as what may happen at any
time (``view``).

Either the whole claim follows from what one handler sees, or each of its bad patterns is a row that
some handler never sees: for every handler, the thread-modular fixpoint of its view says which rows
it can see, and what is left over are its *lemmas*. Nothing here is trusted: solvers check every
lemma, and that no bad pattern is left beside them (``smt.joint``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from math import prod

from msgspec.structs import replace

from onceproof.engines import coverability
from onceproof.engines.compositional.abstraction import (
    Lemma,
    NotExpressible,
    View,
    abstract_machine,
    abstract_property,
)
from onceproof.engines.smt.induction import cubes
from onceproof.machine.slicing import home, place_variable, regions, tested
from onceproof.machine.system import (
    EventPattern,
    Level,
    Machine,
    Pattern,
    Property,
    Rule,
    RuleKind,
    Test,
    Variable,
)

MOST_ROWS = 20_000
"""Rows of one handler whose complement is looked at."""

MOST_PIECES = 20_000
"""Pieces into which the bad patterns are cut before this is given up."""

Cube = Mapping[str, frozenset[str]]
"""Rows: for each variable named, its values."""


def find(
    machine: Machine, prop: Property, budget: coverability.Budget, shapes: int | None = None
) -> tuple[Lemma, ...]:
    """Lemmas that leave nothing of the bad patterns; none if none were found. ``budget`` is for
    each handler; where its rows do not suffice, ``shapes`` limits what is followed backwards.
    """
    place = place_variable(machine)
    if place is None:
        return ()
    parts = regions(machine, place)
    named = {
        t.variable for p in prop.bad for g in (p.component, *(e.guard for e in p.events)) for t in g
    }
    views = [view_of(machine, prop, place, part) for part in parts]
    for view in views:
        if named <= view.variables:
            lemma = _whole(machine, prop, view, budget, shapes)
            if lemma is not None:
                return (lemma,)
    return _rows(machine, prop, views, budget)


def view_of(machine: Machine, prop: Property, place: Variable, part: frozenset[str]) -> View:
    """What the workers at the places of ``part`` see: the variables that their rules name; places
    at which nothing happens are one with the place after them.
    """
    own_rules = [r for r in machine.rules if (where := home(r, place)) is not None and where & part]
    variables = {
        t.variable
        for r in own_rules
        for g in (r.guard, r.alone or (), *(b.guard for b in r.others))
        for t in g
    }
    variables |= {
        x for r in own_rules for u in r.updates for x in (u.target, u.source) if x is not None
    }
    broadcasts = [b for r in machine.rules for b in r.others]
    levels = {v.name: v.level for v in machine.variables}
    own = {
        x
        for b in broadcasts
        for x in (*(t.variable for t in b.guard), *(u.target for u in b.updates))
        if levels[x] is Level.WORKER
    }
    variables |= {place.name, *own}
    guards = [
        g
        for r in machine.rules
        for g in ((r.alone,) if r.alone else ()) + tuple(b.guard for b in r.others)
    ]
    guards += [g for p in prop.bad for e in p.events for g in (*e.workers, e.absent or ())]
    marks = [mark for g in guards if (mark := tested(g, place.name)) is not None]
    after = dict(_quiet(own_rules, place, part))
    names = []
    for first in sorted(part, key=place.domain.index):
        last, passed = first, {first}
        while (then := after.get(last)) is not None and then not in passed:
            if any((last in mark) != (then in mark) for mark in marks):
                break
            last = then
            passed.add(then)
        names.append((first, last))
    return View(frozenset(variables), place.name, tuple(names))


def _quiet(
    own_rules: Sequence[Rule], place: Variable, part: frozenset[str]
) -> Iterator[tuple[str, str]]:
    """Places whose workers can only go on to one other place, or be gone, without anybody else's
    noticing.
    """
    acting: dict[str, list[Rule]] = {where: [] for where in part}
    for rule in own_rules:
        for where in (
            (home(rule, place) or frozenset()) & part if rule.kind is RuleKind.WORKER else ()
        ):
            acting[where].append(rule)
    for where, rules in acting.items():
        onward: set[str] = set()
        for rule in rules:
            written = [u for u in rule.updates if u.target != place.name]
            asked = [t for t in rule.guard if t.variable != place.name]
            if written or rule.others or rule.alone is not None or (asked and not rule.ends):
                break
            onward |= {u.table[0][1] for u in rule.updates}
        else:
            if len(onward) == 1:
                yield where, onward.pop()


def _whole(
    machine: Machine, prop: Property, view: View, budget: coverability.Budget, shapes: int | None
) -> Lemma | None:
    """The claim itself, if it follows from what is seen."""
    try:
        small, seen = abstract_machine(machine, view), abstract_property(machine, prop, view)
    except NotExpressible:
        return None
    by_rows = coverability.prove_by_rows(small, seen, budget)
    if by_rows is not None:
        answer: object = by_rows
    else:
        few = budget if shapes is None else replace(budget, elements=shapes)
        answer = coverability.prove(small, seen, few)
    return Lemma(view, prop, answer.invariant) if isinstance(answer, coverability.Safe) else None


# ---------------------------------------------------------------- rows


def _rows(
    machine: Machine, prop: Property, views: Sequence[View], budget: coverability.Budget
) -> tuple[Lemma, ...]:
    """The claim from rows that handlers never see."""
    if any(len(p.events) != 1 or p.events[0].workers for p in prop.bad):
        return ()
    levels = {v.name: v.level for v in machine.variables}
    domains = {v.name: frozenset(v.domain) for v in machine.variables}
    never: list[tuple[int, Cube]] = []
    reaches: dict[int, coverability.Reach] = {}
    for number, view in enumerate(views):
        reach = _reach(machine, view, budget)
        if reach is not None:
            reaches[number] = reach
            never += [(number, cube) for cube in _never(reach, domains)]
    bad = [{t.variable: t.allowed for t in (*p.component, *p.events[0].guard)} for p in prop.bad]
    used = _covering(bad, [cube for _, cube in never], domains)
    excluded: dict[int, list[Pattern]] = {}
    for index in used:
        number, cube = never[index]
        tests = [Test(name, allowed) for name, allowed in sorted(cube.items())]
        component = tuple(t for t in tests if levels[t.variable] is Level.COMPONENT)
        event = tuple(t for t in tests if levels[t.variable] is Level.EVENT)
        excluded.setdefault(number, []).append(Pattern(component, (EventPattern(event),)))
    return tuple(
        Lemma(views[number], replace(prop, bad=tuple(patterns)), reaches[number].invariant())
        for number, patterns in excluded.items()
    )


def _reach(machine: Machine, view: View, budget: coverability.Budget) -> coverability.Reach | None:
    """What a handler can see; None if that is too much."""
    try:
        small = abstract_machine(machine, view)
    except NotExpressible:
        return None
    if prod(len(v.domain) for v in small.variables if v.level is not Level.WORKER) > MOST_ROWS:
        return None
    reach = coverability.reachable(small, budget)
    return None if isinstance(reach, coverability.GaveUp) else reach


def _never(reach: coverability.Reach, domains: Mapping[str, frozenset[str]]) -> list[Cube]:
    """The rows that a handler never sees."""
    machine = reach.encoded.machine
    variables = (*machine.level(Level.COMPONENT), *machine.level(Level.EVENT))
    reached = {component + event for component, event in reach.invariant().events}
    rows = (row for row in product(*(v.domain for v in variables)) if row not in reached)
    return [
        {
            v.name: allowed
            for v, allowed in zip(variables, cube, strict=True)
            if allowed != domains[v.name]
        }
        for cube in cubes(rows)
    ]


def _covering(
    bad: Sequence[Cube], known: Sequence[Cube], domains: Mapping[str, frozenset[str]]
) -> list[int]:
    """Which of the ``known`` cubes together contain all of ``bad``; empty if they do not."""
    used: dict[int, None] = {}
    waiting = [dict(cube) for cube in bad]
    pieces = 0
    while waiting:
        piece = waiting.pop()
        pieces += 1
        best: tuple[int, int, list[dict[str, frozenset[str]]]] | None = None
        for index, cube in enumerate(known):
            rest = _minus(piece, cube, domains)
            if rest is not None and (
                best is None or (len(rest), index not in used) < (len(best[2]), best[1])
            ):
                best = (index, index not in used, rest)
        if best is None or pieces > MOST_PIECES:
            return []
        used[best[0]] = None
        waiting += best[2]
    return sorted(used)


def _minus(
    piece: Cube, cube: Cube, domains: Mapping[str, frozenset[str]]
) -> list[dict[str, frozenset[str]]] | None:
    """What is left of a piece without a cube, in pieces that have nothing in common; None if they
    have nothing in common.
    """
    left = dict(piece)
    rest = []
    for name, allowed in sorted(cube.items()):
        values = left.get(name, domains[name])
        if not values & allowed:
            return None
        if values - allowed:
            rest.append({**left, name: values - allowed})
            left[name] = values & allowed
    return rest
