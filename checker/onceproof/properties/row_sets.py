"""What ``doom`` looks up row by row, for machines with too many rows: whole sets of rows at once
(``diagram``).

For every state of a worker, and for nobody at work, the set of rows from which a run by itself
leads to a goal is computed backwards, from the rules. States of workers are those that their own
rules lead to, whatever the rows are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import product

from onceproof.machine.slicing import home, place_variable
from onceproof.machine.system import Level, Machine, Rule, RuleKind, Variable
from onceproof.properties.mdd import NOTHING, Diagrams, Moves
from onceproof.properties.quiescence import Tests

Worker = tuple[str, ...] | None
"""The worker's row; None: nobody is at work."""

Allowed = Callable[[Rule, bool], bool]
"""Whether a rule may fire by itself; the flag says whether somebody is at work."""

Sets = dict[Worker, int]


def order(machine: Machine, first: Iterable[str]) -> list[Variable]:
    """The variables of rows, those first that are tested or written together with the ``first``,
    then those together with these.
    """
    levels = {v.name: v for v in machine.variables}
    beside: dict[str, set[str]] = defaultdict(set)
    for rule in machine.rules:
        names = {t.variable for t in rule.guard} | {u.target for u in rule.updates}
        for name in names:
            beside[name] |= names
    names_in = dict.fromkeys(sorted(first))
    queue = list(names_in)
    for name in queue:
        for more in sorted(beside[name], key=list(levels).index):
            if more not in names_in and levels[more].level is not Level.WORKER:
                names_in[more] = None
                queue.append(more)
    return [
        levels[name]
        for name in [
            *names_in,
            *(n for n in levels if n not in names_in and levels[n].level is not Level.WORKER),
        ]
    ]


class Runs:
    """The runs by themselves of one machine, one worker after the other."""

    def __init__(
        self, machine: Machine, first: Iterable[str], allowed: Allowed, locks: frozenset[str]
    ) -> None:
        self.machine = machine
        self.diagrams = Diagrams(order(machine, first))
        self.rows = {v.name: v for v in self.diagrams.variables}
        self.own = tuple(v for v in machine.variables if v.level is Level.WORKER)
        self.into: dict[Worker, dict[tuple[Worker, Moves], None]] = defaultdict(dict)
        self._walk(allowed, locks)

    def _walk(self, allowed: Allowed, locks: frozenset[str]) -> None:
        """Every state of a worker, and the steps between them."""
        place = place_variable(self.machine)
        anywhere = frozenset(place.domain if place is not None else ("any",))
        alike = [r for r in self.machine.rules if r.kind in (RuleKind.EVENT, RuleKind.COMPONENT)]
        at: dict[str, list[Rule]] = defaultdict(list)
        for rule in self.machine.rules:
            if rule.kind is RuleKind.SPAWN and allowed(rule, False):
                at[""].append(rule)
            elif rule.kind is RuleKind.WORKER and allowed(rule, True):
                for name in (home(rule, place) if place is not None else None) or anywhere:
                    at[name].append(rule)
        still = {
            busy: [m for r in alike if allowed(r, busy) for _, m in self._steps(r, None)]
            for busy in (False, True)
        }
        column = self.own.index(place) if place is not None else -1
        queue: list[Worker] = [None]
        known: set[Worker] = {None}
        for worker in queue:
            for moves in still[worker is not None]:
                self.into[worker][worker, moves] = None
            for rule in at["" if worker is None else worker[column] if column >= 0 else "any"]:
                for after, moves in self._steps(rule, worker):
                    self.into[after][worker, moves] = None
                    if after not in known:
                        known.add(after)
                        queue.append(after)
        for name in sorted(locks & self.rows.keys()):
            self.into[None][
                None,
                self.diagrams.moves(
                    {},
                    {name: {x: x if x == "leaked" else "free" for x in self.rows[name].domain}},
                ),
            ] = None

    def _steps(self, rule: Rule, worker: Worker) -> Iterator[tuple[Worker, Moves]]:
        """What a rule makes of a worker and of the rows, once for each value of the rows that
        something else is computed from.
        """
        acts = rule.kind in (RuleKind.SPAWN, RuleKind.WORKER)
        here = (
            dict(
                zip(
                    (v.name for v in self.own),
                    worker or tuple(v.initial[0] for v in self.own),
                    strict=True,
                )
            )
            if acts
            else {}
        )
        guard = {t.variable: t.allowed for t in rule.guard if t.variable in self.rows}
        if any(
            here[t.variable] not in t.allowed for t in rule.guard if t.variable not in self.rows
        ):
            return
        asked = sorted(
            {
                u.source
                for u in rule.updates
                if u.source in self.rows and u.source != u.target and u.source is not None
            }
        )
        for values in product(
            *([x for x in self.rows[n].domain if x in guard.get(n, (x,))] for n in asked)
        ):
            known = {**here, **dict(zip(asked, values, strict=True))}
            tables: dict[str, Mapping[str, str]] = {}
            then = dict(here)
            for update in rule.updates:
                if (
                    update.source is not None
                    and update.source == update.target
                    and update.target in self.rows
                ):
                    table = dict(update.table)
                    tables[update.target] = {
                        x: table.get(x, x) for x in self.rows[update.target].domain
                    }
                    continue
                value = (
                    update.table[0][1]
                    if update.source is None
                    else dict(update.table)[known[update.source]]
                )
                if update.target in self.rows:
                    tables[update.target] = dict.fromkeys(self.rows[update.target].domain, value)
                else:
                    then[update.target] = value
            where = {**guard, **{n: frozenset({x}) for n, x in zip(asked, values, strict=True)}}
            after = (
                worker if not acts else None if rule.ends else tuple(then[v.name] for v in self.own)
            )
            yield after, self.diagrams.moves(where, tables)

    def states(self) -> set[Worker]:
        """Nobody at work, and every state of a worker."""
        return {None, *self.into, *(worker for steps in self.into.values() for worker, _ in steps)}

    def leading_to(self, goal: Sets) -> Sets:
        """The rows from which a run leads to the goal."""
        rows_of = dict.fromkeys(self.states(), NOTHING) | goal
        queue = dict.fromkeys(worker for worker, rows in goal.items() if rows != NOTHING)
        while queue:
            after = next(iter(queue))
            del queue[after]
            for worker, moves in self.into[after]:
                more = self.diagrams.either(
                    rows_of[worker], self.diagrams.before(rows_of[after], moves)
                )
                if more != rows_of[worker]:
                    rows_of[worker] = more
                    queue[worker] = None
        return rows_of

    def everywhere(self, tests: Tests) -> Sets:
        """The rows that pass the tests, whoever is at work."""
        return dict.fromkeys(self.states(), self.diagrams.cube(tests))
