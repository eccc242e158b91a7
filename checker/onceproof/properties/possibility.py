"""Which situations are hopeless: nobody is at work on the event, and an effect can no longer happen
without outside help.

Outside help is a fault that happens to repair (an operator's replay, a publisher's retry). What
happens by itself is allowed: deliveries, redeliveries, relays that start, handlers that run to
their end without a fault, time (a lease or a row with a time to live ends), and workers of other
events that let go of their locks. From a situation without workers, such *solo runs* (theory T12),
one worker after the other, either can reach the effect or never can.

"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice, product
from math import prod

from msgspec import Struct
from msgspec.structs import replace

from onceproof.engines.search.compiled import GONE, Local
from onceproof.lang.design import Design, LockKind
from onceproof.lower import Lowered
from onceproof.lower import variables as v
from onceproof.lower.isolation import LOCKING_VICTIM
from onceproof.machine.system import Action, Cause, Level, Machine, Pattern, Rule, RuleKind
from onceproof.properties.mdd import NOTHING, TooManyNodes
from onceproof.properties.quiescence import Tests, at_rest, immutable
from onceproof.properties.row_sets import Runs

Node = tuple[int, int, int]
"""Component row, event row, worker or GONE; numbered."""

BY_ITSELF = frozenset(
    {
        Cause.HANDLER,
        Cause.DELIVERY,
        Cause.REDELIVERY,
        Cause.START,
        Cause.AUTO_ACKED,
        Cause.LATER_COMMIT,
        Cause.LOCK_EXPIRED,
    }
)


FAILS = frozenset({"deadlock victim", "serialization failure"})
"""Outcomes of a step that somebody else is the reason of."""

MOST_SITUATIONS = 50_000
"""Rows that are looked at one by one where sets of rows will not do, and sets of rows that are told
apart.
"""

ONE_BY_ONE = 20_000
"""Rows times rules up to which rows are looked at one by one."""


TOO_MANY = "the rows this claim looks at have too many combinations of values"


class TooWide(Exception):
    """The claim is about more combinations of values than are looked at; the message says how
    many.
    """


class Passing(Struct, frozen=True):
    """What passes by itself: ``timed`` are subjects whose ``key-expired`` is time, ``locks`` are
    locks that others let go of.

    ``forgiving``: providers forget stored errors some day. ``orphaned``: locks that end only when
    their holder is gone. ``accurate``: no other lease ends while a worker is at work.
    """

    timed: frozenset[str]
    locks: frozenset[str]
    orphaned: frozenset[str] = frozenset()
    accurate: bool = False
    forgiving: bool = True


def hopeless(
    machine: Machine, goals: list[Tests], parts: list[Tests], passing: Passing, owed: bool
) -> tuple[Pattern, ...]:
    """The situations from which none of ``goals`` can ever hold, restricted to those that satisfy
    one of ``parts``.

    ``owed``: only for events whose type and payload let a goal happen by itself from the start.
    Every combination of values is looked at, reachable or not, so that the claim does not rest on
    what an engine calls reachable: one by one, or as sets of rows if there are many (``wide``).
    Raises ``TooWide`` if these are too many.
    """
    if _most(machine, parts) * len(machine.rules) > ONE_BY_ONE:
        return at_rest(machine, _lost(machine, goals, parts, passing, owed))
    local = Local(machine)
    starts = _situations(
        local,
        [
            *parts,
            {
                x.name: frozenset(x.initial)
                for x in machine.variables
                if x.level is not Level.WORKER
            },
        ],
    )
    before, reached = _graph(local, starts, passing)
    saved = _backwards(
        before, {node for node in reached if any(_holds(local, node, goal) for goal in goals)}
    )
    choices = [x.name for x in immutable(machine)]
    promised = {_choice(local, node, choices) for node in saved if _is_initial(local, node)}
    lost = [
        _tests(local, node)
        for node in starts
        if node not in saved
        and any(_holds(local, node, part) for part in parts)
        and (not owed or _choice(local, node, choices) in promised)
    ]
    return at_rest(machine, merged(lost))


def promised(
    machine: Machine, goal: Tests, passing: Passing, names: list[str]
) -> tuple[frozenset[tuple[str, ...]], frozenset[tuple[str, ...]]]:
    """The types and payloads (values of the variables ``names``) of events that get to the goal by
    themselves from the start, and all that there are.
    """
    local = Local(machine)
    fresh = {x.name: frozenset(x.initial) for x in machine.variables if x.level is not Level.WORKER}
    starts = _situations(local, [fresh])
    before, reached = _graph(local, starts, passing)
    saved = _backwards(before, {node for node in reached if _holds(local, node, goal)})
    every = frozenset(_choice(local, node, names) for node in starts)
    return frozenset(_choice(local, node, names) for node in starts if node in saved), every


def _most(machine: Machine, parts: list[Tests]) -> int:
    """How many combinations of values the largest part has."""
    rows = [x for x in machine.variables if x.level is not Level.WORKER]
    return max(prod(len(part.get(x.name, x.domain)) for x in rows) for part in parts)


def runs_of(machine: Machine, first: Iterable[str], passing: Passing) -> Runs:
    """The solo runs of a machine as sets of rows; ``first``: the variables that the goal is about.
    Raises ``TooWide``.
    """
    try:
        return Runs(
            machine, first, lambda rule, busy: _may_fire(rule, busy, passing), passing.locks
        )
    except TooManyNodes:
        raise TooWide(TOO_MANY) from None


def _lost(
    machine: Machine, goals: list[Tests], parts: list[Tests], passing: Passing, owed: bool
) -> list[Tests]:
    """What ``hopeless`` finds, as sets of rows."""
    try:
        runs = runs_of(machine, {name for goal in goals for name in goal}, passing)
        sets = runs.diagrams
        wanted = NOTHING
        for goal in goals:
            wanted = sets.either(wanted, sets.cube(goal))
        saved = runs.leading_to(dict.fromkeys(runs.states(), wanted))[None]
        asked = NOTHING
        for part in parts:
            asked = sets.either(asked, sets.cube(part))
        lost = sets.both(asked, sets.others(saved))
        if owed:
            choices = immutable(machine)
            fresh = sets.both(
                saved, sets.cube({x.name: frozenset(x.initial) for x in sets.variables})
            )
            promised = NOTHING
            for values in product(*(x.initial for x in choices)):
                chosen = sets.cube(
                    {x.name: frozenset({value}) for x, value in zip(choices, values, strict=True)}
                )
                if sets.both(fresh, chosen) != NOTHING:
                    promised = sets.either(promised, chosen)
            lost = sets.both(lost, promised)
        situations: list[Tests] = list(islice(sets.cubes(lost), MOST_SITUATIONS + 1))
    except TooManyNodes:
        raise TooWide(TOO_MANY) from None
    if len(situations) > MOST_SITUATIONS:
        raise TooWide(
            f"the rows this claim looks at have more than {MOST_SITUATIONS} combinations of values"
            " that matter"
        )
    return situations


def _is_initial(local: Local, node: Node) -> bool:
    component, event, worker = node
    rows = ((local.components, component), (local.events, event))
    fresh = all(
        x in y.initial
        for level, number in rows
        for y, x in zip(level.variables, level.rows[number], strict=True)
    )
    return fresh and worker == GONE


def _choice(local: Local, node: Node, names: list[str]) -> tuple[str, ...]:
    """The event's type and payload."""
    row = dict(
        zip((x.name for x in local.events.variables), local.events.rows[node[1]], strict=True)
    )
    return tuple(row[name] for name in names)


def _situations(local: Local, parts: list[Tests]) -> list[Node]:
    """All shared rows, numbered, that satisfy one of the parts; nobody is at work."""
    variables = (*local.components.variables, *local.events.variables)
    width = len(local.components.variables)
    rows: dict[tuple[str, ...], None] = {}
    for part in parts:
        domains = [[x for x in y.domain if x in part.get(y.name, y.domain)] for y in variables]
        size = prod(len(d) for d in domains)
        if size > MOST_SITUATIONS:
            raise TooWide(
                f"the rows this claim looks at have {size:,} combinations of values, more than"
                f" {MOST_SITUATIONS:,}"
            )
        rows.update(dict.fromkeys(product(*domains)))
    return [
        (local.components.number(row[:width]), local.events.number(row[width:]), GONE)
        for row in rows
    ]


def _graph(
    local: Local, starts: list[Node], passing: Passing
) -> tuple[dict[Node, set[Node]], set[Node]]:
    """The solo runs from the starts: for each node, where it can be reached from."""
    before: dict[Node, set[Node]] = defaultdict(set)
    reached = set(starts)
    queue = list(starts)
    for node in queue:
        for after in [*_steps(local, node, passing), *_released(local, node, passing)]:
            before[after].add(node)
            if after not in reached:
                reached.add(after)
                queue.append(after)
    return before, reached


def derailed(machine: Machine, goal: Tests, part: Tests, passing: Passing) -> list[Pattern]:
    """The situations that satisfy ``part`` and from which some run by itself gets where ``goal``
    cannot hold any more.

    Leases are accurate here: none ends while its holder is at work.
    """
    local = Local(machine)
    starts = _situations(local, [part])
    before, reached = _graph(local, starts, replace(passing, accurate=True))
    saved = _backwards(before, {node for node in reached if _holds(local, node, goal)})
    corner = _backwards(before, reached - saved)
    cornered = merged([_tests(local, node) for node in starts if node in corner])
    return list(at_rest(machine, cornered))


def _backwards(before: dict[Node, set[Node]], to: set[Node]) -> set[Node]:
    """Everything from which ``to`` can be reached."""
    reached, queue = set(to), list(to)
    for node in queue:
        queue += [p for p in before[node] if p not in reached]
        reached |= before[node]
    return reached


def unchanging(
    machine: Machine, part: Tests, names: tuple[str, ...], passing: Passing
) -> list[Pattern]:
    """The situations that satisfy ``part`` and from which none of the variables ``names`` ever
    changes by itself.
    """
    local = Local(machine)
    starts = _situations(local, [part])
    before, reached = _graph(local, starts, passing)
    fixed = {name: part[name] for name in names}
    moved = {node for node in reached if not _holds(local, node, fixed)}
    queue = list(moved)
    for node in queue:
        queue += [p for p in before[node] if p not in moved]
        moved |= before[node]
    still = [_tests(local, node) for node in starts if node not in moved]
    return list(at_rest(machine, merged(still)))


def keys_in(machine: Machine, design: Design) -> frozenset[str]:
    """The business keys whose rows a machine has."""
    names = {re.split(r"[.# ]", x.name)[0] for x in machine.level(Level.COMPONENT)}
    return frozenset(key for name in names for key in design.keys_of(name))


def passing(lowered: Lowered) -> Passing:
    """What passes by itself in a design."""
    stores, locks = lowered.design.stores, lowered.design.locks.values()
    held = {
        lock.name
        for lock in locks
        if v.orphans(lowered.design, lock) or lock.kind is LockKind.SESSION
    }
    orphaned = frozenset(lock.name for lock in locks if v.orphans(lowered.design, lock))
    lanes = {g.lane.name for g in lowered.groups.values() if g.lane}
    return Passing(
        frozenset(stores),
        frozenset({v.busy(store) for store in stores} | held | lanes),
        orphaned,
        forgiving=not lowered.design.assumes("within-key-window"),
    )


def _released(local: Local, node: Node, passing: Passing) -> Iterator[Node]:
    """Somebody else's worker lets go of a lock on the shared rows, before ours begins."""
    component, event, worker = node
    if worker != GONE:
        return
    for level, number in ((local.components, component), (local.events, event)):
        row = level.rows[number]
        for index, variable in enumerate(level.variables):
            if variable.name in passing.locks and row[index] not in ("free", "leaked"):
                after = level.number((*row[:index], "free", *row[index + 1 :]))
                yield (
                    (after, event, worker)
                    if level is local.components
                    else (component, after, worker)
                )


def _steps(local: Local, node: Node, passing: Passing) -> Iterator[Node]:
    component, event, worker = node
    asked = [(RuleKind.EVENT, event, GONE), (RuleKind.COMPONENT, GONE, GONE)]
    asked.append(
        (RuleKind.SPAWN, event, GONE) if worker == GONE else (RuleKind.WORKER, event, worker)
    )
    for kind, on, actor in asked:
        for move in local.moves(kind, component, on, actor):
            rule = local.machine.rules[move.rule]
            if not _may_fire(rule, worker != GONE, passing):
                continue
            stays = worker if kind in (RuleKind.EVENT, RuleKind.COMPONENT) else move.worker
            yield (move.component, event if on == GONE else move.event, stays)


def _may_fire(rule: Rule, busy: bool, passing: Passing) -> bool:
    """Whether a rule fires by itself; ``busy``: while somebody is at work. A rule that is wider
    than the truth helps nobody: what it seems to lead to may not come. A write that breaks shared
    locks of others is exact where nobody else is at work.
    """
    goes_on = rule.approximate == LOCKING_VICTIM and rule.action.outcome not in FAILS
    if rule.approximate and not goes_on:
        return False
    if passing.accurate and busy and _ends_early(rule.action, passing):
        return False
    if rule.alone is not None and rule.kind is RuleKind.EVENT and busy:
        return False
    timed = rule.action.cause is Cause.KEY_EXPIRED and (
        rule.action.subject in passing.timed
        or (passing.forgiving and any(t.allowed == {"failed"} for t in rule.guard))
    )
    return rule.action.cause in BY_ITSELF or timed


def _ends_early(action: Action, passing: Passing) -> bool:
    """Whether a lease ends whose holder may be at work."""
    return action.cause is Cause.LOCK_EXPIRED and action.subject not in passing.orphaned


def _tests(local: Local, node: Node) -> Tests:
    component, event, _ = node
    values = list(zip(local.components.variables, local.components.rows[component], strict=True))
    values += zip(local.events.variables, local.events.rows[event], strict=True)
    return {variable.name: frozenset({value}) for variable, value in values}


def _holds(local: Local, node: Node, wanted: Tests) -> bool:
    row = _tests(local, node)
    return all(row[name] <= allowed for name, allowed in wanted.items())


def merged(cubes: list[Tests]) -> list[Tests]:
    """The same set of rows with fewer cubes: two that differ in one variable only become one, until
    nothing changes.
    """
    current = {tuple(sorted((k, tuple(sorted(v))) for k, v in cube.items())) for cube in cubes}
    changed = True
    while changed:
        changed = False
        for position in range(max((len(c) for c in current), default=0)):
            groups: dict[object, list[tuple[tuple[str, tuple[str, ...]], ...]]] = defaultdict(list)
            for cube in sorted(current):
                groups[cube[:position] + cube[position + 1 :]].append(cube)
            for members in groups.values():
                if len(members) > 1:
                    name = members[0][position][0]
                    union = tuple(
                        sorted({value for cube in members for value in cube[position][1]})
                    )
                    current -= set(members)
                    current.add(
                        (*members[0][:position], (name, union), *members[0][position + 1 :])
                    )
                    changed = True
    return [{name: frozenset(values) for name, values in cube} for cube in sorted(current)]
