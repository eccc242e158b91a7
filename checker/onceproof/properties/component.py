"""Claims over the component: what other events with the same business key can still do counts
(docs/semantics_world.md, "Claims over the component").

A solo run looks at one event alone. If the component's row is such that a fresh event could still
bring the goal about, the row is *open*, and an event that is begun and can do no more is lost by
itself. If it is not open, somebody closed it; only if the event that closed it can do no more is
the goal lost: a bit of the event, set by the step that made an open row not open, says which that
is.
The patterns are wider than the truth, since a third event may help out, and are tagged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from math import prod

from msgspec import Struct
from msgspec.structs import replace

from onceproof.machine.system import (
    Level,
    Machine,
    Pattern,
    Rule,
    RuleKind,
    Test,
    Update,
    Variable,
    put,
)
from onceproof.properties.mdd import NOTHING
from onceproof.properties.possibility import MOST_SITUATIONS, Passing, TooWide, merged, runs_of
from onceproof.properties.quiescence import Tests, at_rest, immutable
from onceproof.properties.row_sets import Runs

NAME = "component"
"""The name of the wider rule (docs/semantics_world.md, "Wider rules")."""
NO, YES = "no", "yes"
BEGUN = "has begun"
"""The variable that says whether a worker was on an event."""
MOST_CASES = 20_000
"""Cases of one rule that are told apart."""


class Asked(Struct, frozen=True):
    """A machine in which it can be seen who changed what, and what must never be reached in it."""

    machine: Machine
    patterns: tuple[Pattern, ...]


class _Rows:
    """Sets of rows of one machine, for one goal."""

    def __init__(self, machine: Machine, goals: Iterable[Tests], passing: Passing) -> None:
        goals = list(goals)
        self.machine = machine
        self.runs: Runs = runs_of(machine, {name for goal in goals for name in goal}, passing)
        self.sets = self.runs.diagrams
        wanted = NOTHING
        for goal in goals:
            wanted = self.sets.either(wanted, self.sets.cube(goal))
        saved = self.runs.leading_to(dict.fromkeys(self.runs.states(), wanted))
        self.saved = saved[None]
        self.events = machine.level(Level.EVENT)
        self.choices = [x.name for x in immutable(machine)]
        self.fresh = self.sets.cube({x.name: frozenset(x.initial) for x in self.events})

    def cubes(self, rows: int) -> Iterator[Tests]:
        """A set as tests. Raises TooWide if these are too many."""
        for number, cube in enumerate(self.sets.cubes(rows)):
            if number >= MOST_SITUATIONS:
                raise TooWide(
                    f"the rows this claim looks at have more than {MOST_SITUATIONS} combinations"
                    " of values that matter"
                )
            yield cube

    def union(self, cubes: Iterable[Tests]) -> int:
        """The rows that are in one of the cubes."""
        found = NOTHING
        for cube in cubes:
            found = self.sets.either(found, self.sets.cube(cube))
        return found

    def of_component(self, rows: int) -> int:
        """The component rows with which some event row is in the set."""
        components = {x.name for x in self.machine.level(Level.COMPONENT)}
        found = NOTHING
        for cube in self.cubes(rows):
            kept = {name: allowed for name, allowed in cube.items() if name in components}
            found = self.sets.either(found, self.sets.cube(kept))
        return found

    def hopeless(self, parts: Sequence[Tests]) -> int:
        """The situations of ``parts`` in which an event, alone, can do no more.

        Events whose rows are as at the start are among them: they may have begun all the same, by
        something that does not matter for this claim, or by a worker that is gone.
        """
        return self.sets.both(self.union(parts), self.sets.others(self.saved))

    def promised(self) -> int:
        """The events whose type and payload let the goal happen from the start."""
        start = self.sets.cube(
            {
                x.name: frozenset(x.initial)
                for x in self.machine.variables
                if x.level is not Level.WORKER
            }
        )
        found = NOTHING
        for cube in self.cubes(self.sets.both(self.saved, start)):
            chosen = {name: cube[name] for name in self.choices if name in cube}
            found = self.sets.either(found, self.sets.cube(chosen))
        return found


def lost(
    whole: Machine,
    machine: Machine,
    goals: Sequence[Tests],
    parts: Sequence[Tests],
    passing: Passing,
    *,
    own: tuple[Sequence[Tests], Sequence[Tests]] | None = None,
    owed: bool,
    bit: str,
) -> Asked:
    """The situations in which all ``goals`` are lost, for goals of the component: nobody works on
    an event that can do no more, and either the row is open, or that event closed it, or nobody
    did.

    ``machine``: the slice of the ``whole`` for the goals. ``parts``: the situations that are asked
    about. ``own``: the goals and the situations where an event is lost by itself, if what it can
    get instead is its own and of no use to others. ``owed``: only if events lead to a goal from
    the start, of their own or not. ``bit``: begins the names of the new variables.
    """
    rows = _Rows(machine, goals, passing)
    sets = rows.sets
    itself = rows if own is None else _Rows(machine, own[0], passing)
    promised = itself.promised()
    if owed and promised == NOTHING:
        return Asked(whole, ())
    opened = rows.of_component(sets.both(rows.saved, rows.fresh))
    hopeless = rows.hopeless(parts)
    found = itself.hopeless(parts if own is None else own[1])
    found = itself.sets.both(found, itself.union(rows.cubes(opened)))
    if owed:
        found = itself.sets.both(found, promised)
    patterns = _patterns(whole, itself, found, {})
    watched, more = _by_whom(whole, rows, opened, sets.both(hopeless, sets.others(opened)), bit)
    return Asked(watched, (*patterns, *more))


def kept(
    whole: Machine,
    machine: Machine,
    goals: Sequence[Tests],
    parts: Sequence[Tests],
    passing: Passing,
    bit: str,
) -> Asked:
    """The situations in which none of ``goals`` comes, though the row satisfies one of ``parts``
    (which is the opposite, and about the row of the component alone): whoever made it so, or any
    event if nobody did, can do no more.
    """
    rows = _Rows(machine, goals, passing)
    wanted = NOTHING
    for goal in goals:
        wanted = rows.sets.either(wanted, rows.sets.cube(goal))
    return Asked(*_by_whom(whole, rows, wanted, rows.hopeless(parts), bit))


def _by_whom(
    whole: Machine, rows: _Rows, opened: int, hopeless: int, bit: str
) -> tuple[Machine, tuple[Pattern, ...]]:
    """Hopeless situations in which the row is not ``opened``: those of the event that took it out,
    and of any event where it left by itself or was never in.
    """
    sets = rows.sets
    start = sets.cube({x.name: frozenset(x.initial) for x in rows.machine.level(Level.COMPONENT)})
    if sets.both(start, sets.others(opened)) != NOTHING:
        return whole, tuple(_patterns(whole, rows, hopeless, {}))
    watched = watch(whole, list(rows.cubes(opened)), bit)
    names = [f"{bit} by it", f"{bit} by itself"]
    return watched, tuple(
        found
        for name in names
        if any(x.name == name for x in watched.variables)
        for found in _patterns(watched, rows, hopeless, {name: frozenset({YES})})
    )


def _patterns(machine: Machine, rows: _Rows, found: int, more: Tests) -> list[Pattern]:
    return [
        replace(one, approximate=NAME)
        for one in at_rest(machine, ({**tests, **more} for tests in rows.cubes(found)))
    ]


def alone(
    whole: Machine,
    machine: Machine,
    goals: Sequence[Tests],
    parts: Sequence[Tests],
    passing: Passing,
    *,
    owed: bool = False,
) -> Asked:
    """The same for goals of the event's own: it has begun and can do no more, whatever the row of
    the component is; another event may change that row. Without such a row nobody else can help,
    and the patterns are exact: where the event's row is as at the start, a bit says that a worker
    was on it.
    """
    rows = _Rows(machine, goals, passing)
    found = rows.hopeless(parts)
    if owed:
        found = rows.sets.both(found, rows.promised())
    if machine.level(Level.COMPONENT):
        return Asked(whole, tuple(_patterns(whole, rows, found, {})))
    begun = rows.sets.both(found, rows.sets.others(rows.fresh))
    patterns = _patterns(whole, rows, begun, {})
    fresh = rows.sets.both(found, rows.fresh)
    if fresh != NOTHING:
        whole = _with_begun(whole)
        patterns += _patterns(whole, rows, fresh, {BEGUN: frozenset({YES})})
    return Asked(whole, tuple(replace(p, approximate="") for p in patterns))


def _with_begun(machine: Machine) -> Machine:
    """The machine with a bit per event that says whether a worker was on it."""
    if any(x.name == BEGUN for x in machine.variables):
        return machine
    rules = tuple(
        replace(rule, updates=(*rule.updates, put(BEGUN, YES)))
        if rule.kind is RuleKind.SPAWN
        else rule
        for rule in machine.rules
    )
    bit = Variable(BEGUN, Level.EVENT, (NO, YES), (NO,))
    return replace(machine, variables=(*machine.variables, bit), rules=rules)


# ---------------------------------------------------------------- who closed it


def watch(machine: Machine, opened: Sequence[Tests], bit: str) -> Machine:
    """The machine with a bit per event, set by its step that takes the row out of ``opened``, and
    one of the row, set where it does so by itself. They are never cleared.
    """
    names = {f"{bit} by it": Level.EVENT, f"{bit} by itself": Level.COMPONENT}
    if any(x.name in names for x in machine.variables):
        return machine
    rules: list[Rule] = []
    used: dict[str, None] = {}
    for rule in machine.rules:
        for closes, case in _cases(machine, rule, opened):
            if not closes:
                rules.append(case)
                continue
            own = f"{bit} by {'itself' if rule.kind is RuleKind.COMPONENT else 'it'}"
            used[own] = None
            rules.append(replace(case, updates=(*case.updates, put(own, YES))))
    variables = tuple(Variable(name, names[name], (NO, YES), (NO,)) for name in used)
    return replace(machine, variables=(*machine.variables, *variables), rules=tuple(rules))


def _cases(machine: Machine, rule: Rule, opened: Sequence[Tests]) -> Iterator[tuple[bool, Rule]]:
    """The rule as cases: whether the step takes the row out of ``opened``."""
    asked = {name for cube in opened for name in cube}
    writes = [u for u in rule.updates if u.target in asked]
    if not writes:
        yield False, rule
        return
    domains = {x.name: x.domain for x in machine.variables}
    guard = {t.variable: t.allowed for t in rule.guard}
    names = sorted(asked | {u.source for u in writes if u.source is not None})
    allowed = [[x for x in domains[n] if x in guard.get(n, (x,))] for n in names]
    if prod(len(values) for values in allowed) > MOST_CASES:
        raise TooWide("a step looks at too many combinations of values for this claim")
    sorted_out: dict[bool, list[Tests]] = {True: [], False: []}
    for values in product(*allowed):
        row = dict(zip(names, values, strict=True))
        after = {**row, **{u.target: _written(u, row) for u in writes}}
        closes = _within(row, opened) and not _within(after, opened)
        sorted_out[closes].append({n: frozenset({x}) for n, x in row.items()})
    if not sorted_out[True] or not sorted_out[False]:
        yield bool(sorted_out[True]), rule
        return
    for closes, cubes in sorted_out.items():
        for cube in merged(cubes):
            yield closes, _restricted(rule, cube, domains)


def _written(update: Update, row: dict[str, str]) -> str:
    return update.table[0][1] if update.source is None else dict(update.table)[row[update.source]]


def _within(row: dict[str, str], cubes: Iterable[Tests]) -> bool:
    return any(all(row[name] in allowed for name, allowed in cube.items()) for cube in cubes)


def _restricted(rule: Rule, cube: Tests, domains: dict[str, tuple[str, ...]]) -> Rule:
    """The rule where the tests of a cube pass; its tables have what its guard still allows."""
    guard = {t.variable: t.allowed for t in rule.guard}
    for name, allowed in cube.items():
        both = guard.get(name, frozenset(domains[name])) & allowed
        if both != frozenset(domains[name]):
            guard[name] = both
    updates = tuple(
        u
        if u.source is None
        else replace(
            u, table=tuple((a, b) for a, b in u.table if a in guard.get(u.source, frozenset({a})))
        )
        for u in rule.updates
    )
    return replace(
        rule, guard=tuple(Test(name, guard[name]) for name in sorted(guard)), updates=updates
    )
