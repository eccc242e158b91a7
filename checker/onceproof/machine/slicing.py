"""Drops from a machine what cannot influence a property: other effects' counters, rows nobody
reads, handlers further down a chain.

*Variables.* A set D of variables may go if forgetting it loses no step: rules that become equal
without D (same action, same remaining guard and updates) must between them be enabled for *every*
valuation of D, and nothing that is kept may be computed from D. Then a step of the one machine is a
step of the other, seen without D.

*Handlers.* A set X of places (values of the variable that says where a worker is) may go, with
every worker there, if workers never get from X to another place or back, the property names no
worker in X, and no rule by which a worker in X acts or comes to be there changes a variable that is
kept or a worker elsewhere. Then

* a run of the large machine, seen without D and without the workers in X, is a run of the small
  one. Steps of workers in X become no step at all. Any other step stays possible: guards read
  nothing of other workers, and ``alone`` and limits only forbid, while there are fewer workers now.
  If the run ends in a bad pattern, so does what is seen of it: rows and named workers are the same,
  and an ``absent`` is true of fewer workers if it was true of more.
* a run of the small machine is one of the large machine in which no worker ever comes to be in X.
  There ``alone``, ``absent`` and the limits say the same in both, so it ends in a bad pattern in
  the one if it does in the other.

So verdicts carry over in both directions, and a run found on the small machine is a run of the
design. Rules of events and components that change nothing any more are left out: they lead nowhere.
D and X are found by throwing out what fails a condition, until nothing does.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import product

from msgspec import Struct
from msgspec.structs import replace

from onceproof.base import memo
from onceproof.machine.distinct import representatives
from onceproof.machine.system import (
    Broadcast,
    EventPattern,
    Guard,
    Level,
    Machine,
    Pattern,
    Property,
    Rule,
    RuleKind,
    Update,
    Variable,
)

MOST_VALUATIONS = 4_096


class Slice(Struct, frozen=True):
    """What is left of a machine, and what became of the rest.

    ``forgotten``: the variables that are dropped; ``gone``: the places whose workers are.
    ``becomes``: for each rule of the large machine, the index of what is left of it; None if that
    is nothing.
    """

    machine: Machine
    forgotten: tuple[str, ...]
    gone: tuple[str, ...]
    becomes: tuple[int | None, ...]


def sliced(machine: Machine, prop: Property, *, handlers: bool = True) -> Machine:
    """The machine without the variables and handlers that do not matter for ``prop``.

    Without ``handlers``, all of these stay: for those who ask whether anybody still comes, and not
    only what may happen. Worked out once in a run (``memo``).
    """
    return slice_of(machine, prop, handlers=handlers).machine


def deciding(machine: Machine, prop: Property) -> Machine:
    """The machine in which a property is decided: the slice, with one of all rules that do the
    same.
    """
    return slice_of(machine, prop, names=False).machine


def slice_of(
    machine: Machine, prop: Property, *, handlers: bool = True, names: bool = True
) -> Slice:
    """The same, and what became of each rule. Without ``names``, one rule stands for all that do
    the same (``onceproof.machine.distinct``).
    """
    memory = memo.current()
    question = ("sliced", machine, prop.bad, handlers, names)
    known: Slice | None = memory.get(question) if memory is not None else None
    if known is None:
        known = _slice_of(machine, prop, handlers, names)
        if memory is not None:
            memory.put(question, known, len(machine.rules))
    return known


def _slice_of(machine: Machine, prop: Property, handlers: bool, names: bool) -> Slice:
    cut = _Cut(machine, prop, handlers)
    cut.shrink()
    left = [None if cut.is_gone(rule) else cut.small(rule) for rule in machine.rules]
    rules = tuple(r for r in dict.fromkeys(left) if r is not None and not is_idle(r))
    if not names:
        stands = {rule: rules[n] for rule, n in zip(rules, representatives(rules), strict=True)}
        left = [None if rule is None else stands.get(rule, rule) for rule in left]
        kept = frozenset(stands.values())
        rules = tuple(rule for rule in rules if rule in kept)
    variables = tuple(cut.narrowed(v) for v in machine.variables if v.name not in cut.dropped)
    limits = (
        replace(limit, guard=cut.narrow(limit.guard))
        for limit in machine.limits
        if not cut.is_about_gone(limit.guard)
    )
    number = {rule: index for index, rule in enumerate(rules)}
    places = cut.place.domain if cut.place is not None else ()
    return Slice(
        Machine(machine.name, machine.semantics, variables, rules, tuple(limits)),
        tuple(v.name for v in machine.variables if v.name in cut.dropped),
        tuple(place for place in places if place in cut.gone),
        tuple(None if rule is None else number.get(rule) for rule in left),
    )


def is_idle(rule: Rule) -> bool:
    """Whether a rule changes nothing."""
    return rule.kind is not RuleKind.SPAWN and not (rule.updates or rule.others or rule.ends)


def place_variable(machine: Machine) -> Variable | None:
    """The variable that says where a worker is: of those only ever set to constants, the one with
    the most values.
    """
    updates = [
        u for r in machine.rules for u in (*r.updates, *(x for b in r.others for x in b.updates))
    ]
    computed = {u.target for u in updates if u.source is not None}
    constant_only = [v for v in machine.level(Level.WORKER) if v.name not in computed]
    return max(constant_only, key=lambda v: len(v.domain), default=None)


def regions(machine: Machine, place: Variable) -> list[frozenset[str]]:
    """The places in sets that no worker ever leaves: those of one handler, as a rule."""
    region = {value: value for value in place.domain}

    def join(values: list[str]) -> None:
        roots = {_root(region, value) for value in values}
        for root in roots:
            region[root] = min(roots)

    for rule in machine.rules:
        for guard, updates in (
            (rule.guard, rule.updates),
            *((b.guard, b.updates) for b in rule.others),
        ):
            targets = [u.table[0][1] for u in updates if u.target == place.name]
            where = tested(guard, place.name)
            if rule.kind is RuleKind.SPAWN and updates is rule.updates:
                continue
            if where is not None:
                join([*where, *targets])
            elif targets:
                join(list(place.domain))
    members: dict[str, set[str]] = defaultdict(set)
    for value in place.domain:
        members[_root(region, value)].add(value)
    return [frozenset(values) for values in members.values()]


def _root(region: dict[str, str], value: str) -> str:
    while region[value] != value:
        value = region[value]
    return value


def tested(guard: Guard, name: str) -> frozenset[str] | None:
    """The values of a variable that a guard allows; None if it does not ask."""
    return next((t.allowed for t in guard if t.variable == name), None)


def home(rule: Rule, place: Variable) -> frozenset[str] | None:
    """Where the worker is that acts by a rule, or that a SPAWN makes; None if it may be anywhere,
    or if there is none.
    """
    if rule.kind is RuleKind.SPAWN:
        return frozenset(
            {
                next(
                    (u.table[0][1] for u in rule.updates if u.target == place.name),
                    place.initial[0],
                )
            }
        )
    return tested(rule.guard, place.name) if rule.kind is RuleKind.WORKER else None


class _Cut:
    """What is dropped: ``dropped`` variables, and the places ``gone`` with all workers there."""

    def __init__(self, machine: Machine, prop: Property, handlers: bool) -> None:
        self.machine = machine
        self.domains = {v.name: v for v in machine.variables}
        self.place = place_variable(machine)
        self.dropped = set(self.domains) - _mentioned(prop)
        self.regions = set(regions(machine, self.place)) if self.place and handlers else set()
        for named in [
            g
            for p in prop.bad
            for e in p.events
            for g in (*e.workers, *([e.absent] if e.absent else []))
        ]:
            where = tested(named, self.place.name) if self.place else None
            self.regions = {r for r in self.regions if where is not None and not where & r}
        self.gone: frozenset[str] = frozenset().union(*self.regions)
        if (
            self.place
            and self.place.name not in self.dropped
            and self.gone == set(self.place.domain)
        ):
            self.regions = set()  # the claim is about workers that are nowhere

    def shrink(self) -> None:
        """Throw out of what is dropped whatever fails a condition, until nothing does.

        What many rules fail on is thrown out step by step, handlers first and then what is known of
        workers: with these back, rows may matter less.
        """
        while True:
            self.gone = frozenset().union(*self.regions)
            # Rules of the workers that stay are told apart by where these are.
            if self.place is not None and len(self.gone) < len(self.place.domain):
                self.dropped.discard(self.place.name)
            # A handler whose workers change what is kept must stay. With it, more variables may
            # matter and more handlers be noticed, so everything else is looked at again.
            noticed = {
                r for r in self.regions if any(self._shows(rule, r) for rule in self.machine.rules)
            }
            if noticed:
                self.regions -= noticed
                continue
            # Of the rules that are left, those that change nothing any more need no guard: a step
            # that is not taken leaves the same configuration.
            acting = [(r, self.small(r)) for r in self.machine.rules if not self.is_gone(r)]
            acting = [(rule, small) for rule, small in acting if not is_idle(small)]
            # A dropped variable comes back for any of three reasons: others are chosen by it, a
            # kept one is computed from it, or without it a rule could act where it cannot.
            failing = (
                self._asked(acting)
                | _read_by_others(acting, self.dropped)
                | _uncovered(acting, self.dropped, self.domains)
            )
            if not failing:
                return
            # Workers' own variables first: one that is back splits the rules into groups, and
            # within a group all values of a row may be covered though they are not over all groups.
            self.dropped -= {
                name for name in failing if self.domains[name].level is Level.WORKER
            } or failing

    def is_gone(self, rule: Rule) -> bool:
        """Whether only workers that are gone act by this rule, or come to be by it."""
        where = home(rule, self.place) if self.place else None
        return where is not None and where <= self.gone

    def is_about_gone(self, guard: Guard) -> bool:
        """Whether a guard is about workers that are gone only."""
        where = tested(guard, self.place.name) if self.place else None
        return where is not None and where <= self.gone

    def _shows(self, rule: Rule, region: frozenset[str]) -> bool:
        """Whether a worker that acts in the region, or comes to be there, changes by this rule what
        is kept.
        """
        assert self.place is not None
        if rule.kind not in (RuleKind.WORKER, RuleKind.SPAWN) or not region & (
            home(rule, self.place) or region
        ):
            return False
        shared = {
            u.target for u in rule.updates if self.domains[u.target].level is not Level.WORKER
        }
        return bool(shared - self.dropped) or any(map(self._changes_kept_worker, rule.others))

    def _changes_kept_worker(self, broadcast: Broadcast) -> bool:
        """Whether a broadcast changes a worker that is kept."""
        return not self.is_about_gone(broadcast.guard) and (
            broadcast.removes or any(u.target not in self.dropped for u in broadcast.updates)
        )

    def _asked(self, acting: list[tuple[Rule, Rule]]) -> set[str]:
        """Dropped variables that a step asks of other workers, or that a limit counts."""
        guards = [
            g for _, small in acting for g in (small.alone or (), *(b.guard for b in small.others))
        ]
        guards += [
            limit.guard for limit in self.machine.limits if not self.is_about_gone(limit.guard)
        ]
        return {t.variable for g in guards for t in g} & self.dropped

    def small(self, rule: Rule) -> Rule:
        """What is left of a rule."""
        alone = (
            None
            if rule.alone is None or self.is_about_gone(rule.alone)
            else self.narrow(rule.alone)
        )
        others = tuple(
            replace(b, guard=self.narrow(b.guard), updates=self._without_dropped(b.updates))
            for b in rule.others
            if self._changes_kept_worker(b)
        )
        guard = tuple(t for t in self.narrow(rule.guard) if t.variable not in self.dropped)
        return replace(
            rule,
            guard=guard,
            updates=self._without_dropped(rule.updates),
            alone=alone,
            others=others,
        )

    def _without_dropped(self, updates: tuple[Update, ...]) -> tuple[Update, ...]:
        return tuple(u for u in updates if u.target not in self.dropped)

    def narrow(self, guard: Guard) -> Guard:
        """A guard without the places that are gone."""
        name = self.place.name if self.place else ""
        return tuple(
            replace(t, allowed=t.allowed - self.gone) if t.variable == name else t for t in guard
        )

    def narrowed(self, variable: Variable) -> Variable:
        """A kept variable, the places without those that are gone."""
        if variable is not self.place or not self.gone:
            return variable
        domain = tuple(x for x in variable.domain if x not in self.gone)
        return replace(
            variable,
            domain=domain,
            initial=tuple(x for x in variable.initial if x in domain) or domain[:1],
        )


def _mentioned(prop: Property) -> set[str]:
    def names(guard: Guard | None) -> set[str]:
        return {t.variable for t in guard or ()}

    def event(pattern: EventPattern) -> set[str]:
        return (
            names(pattern.guard)
            | names(pattern.absent)
            | {x for g in pattern.workers for x in names(g)}
        )

    def pattern_names(pattern: Pattern) -> set[str]:
        return names(pattern.component) | {x for e in pattern.events for x in event(e)}

    return {x for p in prop.bad for x in pattern_names(p)}


def _read_by_others(acting: list[tuple[Rule, Rule]], dropped: set[str]) -> set[str]:
    """Dropped variables from which a kept one is computed."""
    every = [
        u
        for _, small in acting
        for u in (*small.updates, *(x for b in small.others for x in b.updates))
    ]
    return {u.source for u in every if u.source is not None} & dropped


def _uncovered(
    acting: list[tuple[Rule, Rule]], dropped: set[str], domains: dict[str, Variable]
) -> set[str]:
    """Dropped variables on whose value some step depends."""
    groups: dict[Rule, list[dict[str, frozenset[str]]]] = defaultdict(list)
    for rule, small in acting:
        groups[small].append({t.variable: t.allowed for t in rule.guard if t.variable in dropped})
    failing: set[str] = set()
    for members in groups.values():
        if any(not tests for tests in members):
            continue
        names = sorted({name for tests in members for name in tests})
        size = 1
        for name in names:
            size *= len(domains[name].domain)
        valuations = (
            product(*(domains[name].domain for name in names)) if size <= MOST_VALUATIONS else None
        )
        if valuations is None or not all(
            _enabled(members, dict(zip(names, values, strict=True))) for values in valuations
        ):
            failing.update(names)
    return failing


def _enabled(members: list[dict[str, frozenset[str]]], valuation: dict[str, str]) -> bool:
    return any(
        all(valuation[name] in allowed for name, allowed in tests.items()) for tests in members
    )
