"""A machine seen from one handler: some rows, the workers at some places, and everything else as
what may happen at any time.

For proofs only. A *view* names the variables that are looked at, and the places, each with the name
it goes by (several may share one). It makes a picture of every configuration: rows and workers
without the other variables, no worker at a place that is not named, and places by their names.
:func:`abstract_machine` makes a machine that can do whatever is seen of the machine, and as a rule
more:

* Where the machine starts, the picture is one of the initial configurations.
* A step changes the picture as one step does here, or not at all. What is tested of variables not
  looked at is left out of guards, so the step is not missed. What is written to them is left out.
  What is computed from them is written as each value it can have, one rule each. A step of a worker
  that is not seen is one of its event (``EVENT``), without what it tests of the worker. A new
  worker that is not seen is not made. Workers never go from a place that is named to one that is
  not, or back: such a view is refused.
* ``alone`` forbids a step because of other workers. It is kept for those of which the picture shows
  that they do, and the picture never shows a worker that is not there; so what was possible stays
  possible. Limits only forbid and are left out.
* A broadcast that changes what is seen of a worker must depend on what is seen of it; else the view
  is refused. A broadcast that changes where a worker is could move one into what is seen, whoever
  it is: no view of such a machine is taken.

So if the machine can reach a configuration, the machine of the view can reach its picture. A bad
pattern (:func:`abstract_property`) is seen wherever it is there: rows are tested as before, only
variables that are looked at may be tested; workers are asked for less; and ``absent`` is kept only
as far as the picture shows whom it forbids. Whatever is proved here holds there. That a bad pattern
can be reached here says nothing. Which view is taken does not matter to any of this: a view is a
guess, and need not be trusted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import product

from msgspec import Struct
from msgspec.structs import replace

from onceproof.machine.invariant import Invariant
from onceproof.machine.slicing import home, is_idle, place_variable, tested
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
    Test,
    Update,
    Variable,
    put,
)


class NotExpressible(Exception):
    """The view leaves out something without which nothing can be said."""


class View(Struct, frozen=True):
    """The variables that are looked at; ``place``: the one that says where a worker is; ``names``:
    the places looked at, each with its name.
    """

    variables: frozenset[str]
    place: str
    names: tuple[tuple[str, str], ...]


class Lemma(Struct, frozen=True):
    """Bad patterns that never occur: ``invariant`` proves it of the machine of the view."""

    view: View
    prop: Property
    invariant: Invariant


def abstract_machine(machine: Machine, view: View) -> Machine:
    """The machine of a view. Raises NotExpressible if the view leaves out too much."""
    abstraction = _Abstraction(machine, view)
    rules = dict.fromkeys(small for rule in machine.rules for small in abstraction.rules(rule))
    variables = tuple(
        abstraction.variable(v) for v in machine.variables if v.name in view.variables
    )
    return Machine(
        machine.name, machine.semantics, variables, tuple(r for r in rules if not is_idle(r))
    )


def pictures(machine: Machine, view: View) -> tuple[tuple[Rule, ...], ...]:
    """For each rule of a machine, those of the machine of a view that stand for it; none if nothing
    is seen of it. Raises NotExpressible.
    """
    abstraction = _Abstraction(machine, view)
    return tuple(
        tuple(small for small in abstraction.rules(rule) if not is_idle(small))
        for rule in machine.rules
    )


def abstract_property(machine: Machine, prop: Property, view: View) -> Property:
    """The bad patterns as they are seen. Raises NotExpressible if the view leaves out what they are
    about.
    """
    abstraction = _Abstraction(machine, view)
    return replace(
        prop,
        bad=tuple(
            Pattern(abstraction.rows(p.component), tuple(map(abstraction.event, p.events)))
            for p in prop.bad
        ),
    )


class _Abstraction:
    """One view of one machine."""

    def __init__(self, machine: Machine, view: View) -> None:
        self.levels = {v.name: v.level for v in machine.variables}
        self.view = view
        place = place_variable(machine)
        if place is None or place.name != view.place or place.name not in view.variables:
            raise NotExpressible("where workers are is not looked at")
        if any(
            u.target == place.name
            for rule in machine.rules
            for broadcast in rule.others
            for u in broadcast.updates
        ):
            raise NotExpressible("a broadcast moves workers")
        self.place: Variable = place
        self.names = dict(view.names)
        if (
            not self.names
            or len(self.names) < len(view.names)
            or not self.names.keys() <= set(place.domain)
            or not view.variables <= self.levels.keys()
        ):
            raise NotExpressible("the view is about another machine")
        behind: dict[str, set[str]] = defaultdict(set)
        for where, name in view.names:
            behind[name].add(where)
        self.called = {name: frozenset(places) for name, places in behind.items()}

    def variable(self, variable: Variable) -> Variable:
        """A variable that is looked at."""
        if variable.name != self.view.place:
            return variable
        first = self.names.get(variable.initial[0], next(iter(self.called)))
        return replace(variable, domain=tuple(self.called), initial=(first,))

    def rules(self, rule: Rule) -> Iterator[Rule]:
        """What is seen of a rule."""
        if rule.kind in (RuleKind.EVENT, RuleKind.COMPONENT):
            yield from self._variants(rule, rule.kind, rule.guard)
            return
        where = home(rule, self.place) or frozenset(self.place.domain)
        target = self._target(rule.updates)
        inside, outside = where & self.names.keys(), where - self.names.keys()
        if (
            target is not None
            and rule.kind is RuleKind.WORKER
            and (inside if target not in self.names else outside)
        ):
            raise NotExpressible("a worker goes where it is not seen any more, or comes from there")
        if inside:
            yield from self._variants(rule, rule.kind, self._mapped(rule.guard, inside))
        if outside:
            yield from self._variants(replace(rule, ends=False), RuleKind.EVENT, rule.guard)

    def _target(self, updates: tuple[Update, ...]) -> str | None:
        """Where the worker goes."""
        update = next((u for u in updates if u.target == self.view.place), None)
        if update is not None and update.source is not None:
            raise NotExpressible("where a worker goes is computed")
        return update.constant if update else None

    def _mapped(self, guard: Guard, inside: frozenset[str]) -> Guard:
        """The test of the place, by its names."""
        names = frozenset(self.names[p] for p in inside)
        return tuple(
            replace(t, allowed=names) if t.variable == self.view.place else t for t in guard
        )

    def _variants(self, rule: Rule, kind: RuleKind, guard: Guard) -> Iterator[Rule]:
        """The rule without what is not looked at, once for each value that is written and not
        known.
        """
        own = kind in (RuleKind.WORKER, RuleKind.SPAWN)
        tests = tuple(t for t in guard if self._known(t.variable, own))
        alone = None if rule.alone is None else self.surely(rule.alone)
        others = tuple(b for broadcast in rule.others for b in self._broadcasts(broadcast))
        choices: list[list[Update]] = []
        for update in rule.updates:
            if not self._known(update.target, own):
                continue
            if update.target == self.view.place:
                name = self.names[update.table[0][1]]
                if kind is not RuleKind.WORKER or tested(tests, self.view.place) != frozenset(
                    {name}
                ):
                    choices.append([put(update.target, name)])
            elif update.source is None or (
                update.source != self.view.place and self._known(update.source, own)
            ):
                choices.append([update])
            else:
                choices.append(
                    [
                        put(update.target, value)
                        for value in sorted({new for _, new in update.table})
                    ]
                )
        for updates in product(*choices):
            yield Rule(
                kind, rule.action, tests, updates, rule.ends, alone, others, rule.approximate
            )

    def _known(self, name: str, own: bool) -> bool:
        return name in self.view.variables and (own or self.levels[name] is not Level.WORKER)

    def surely(self, guard: Guard) -> Guard | None:
        """The workers of whom it is seen that they satisfy a guard; None if there are none."""
        tests = []
        for test in guard:
            allowed = test.allowed
            if test.variable == self.view.place:
                allowed = frozenset(
                    name for name, places in self.called.items() if places <= test.allowed
                )
            elif test.variable not in self.view.variables:
                return None
            if not allowed:
                return None
            tests.append(Test(test.variable, allowed))
        return tuple(tests)

    def _broadcasts(self, broadcast: Broadcast) -> Iterator[Broadcast]:
        """What a broadcast does to workers that are seen, if anything."""
        updates = tuple(u for u in broadcast.updates if u.target in self.view.variables)
        where = tested(broadcast.guard, self.view.place)
        if not (updates or broadcast.removes) or (
            where is not None and not where & self.names.keys()
        ):
            return
        if any(t.variable not in self.view.variables for t in broadcast.guard):
            raise NotExpressible("a broadcast asks what is not looked at")
        if any(u.source is not None and u.source not in self.view.variables for u in updates):
            raise NotExpressible("a broadcast writes what is not looked at")
        guard = self.surely(broadcast.guard)
        if guard is None or (
            where is not None and where & self.names.keys() != self._behind(guard)
        ):
            raise NotExpressible("a broadcast tells places apart that go by one name")
        if any(u.source == self.view.place for u in updates):
            raise NotExpressible("a broadcast computes from the place")
        yield replace(broadcast, guard=guard, updates=updates)

    def _behind(self, guard: Guard) -> frozenset[str]:
        names = tested(guard, self.view.place) or frozenset()
        return frozenset(place for name in names for place in self.called[name])

    def rows(self, guard: Guard) -> Guard:
        """Tests of rows that are looked at."""
        if any(t.variable not in self.view.variables for t in guard):
            raise NotExpressible("the claim is about rows that are not looked at")
        return guard

    def event(self, pattern: EventPattern) -> EventPattern:
        """What is seen of an event of a bad pattern."""
        absent = None if pattern.absent is None else self.surely(pattern.absent)
        return EventPattern(
            self.rows(pattern.guard), tuple(map(self._worker, pattern.workers)), absent
        )

    def _worker(self, guard: Guard) -> Guard:
        where = tested(guard, self.view.place)
        if where is None or not where <= self.names.keys():
            raise NotExpressible("the claim is about workers that are not seen")
        return tuple(t for t in self._mapped(guard, where) if t.variable in self.view.variables)
