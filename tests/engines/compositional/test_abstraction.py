"""The machine of a view can do whatever is seen of the machine: every picture is allowed, and a bad
configuration looks bad.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace
from onceproof.engines import coverability
from onceproof.engines.compositional import abstraction as looking
from onceproof.engines.compositional import certificate, lemmas
from onceproof.engines.compositional.abstraction import (
    NotExpressible,
    View,
    abstract_machine,
    abstract_property,
)
from onceproof.engines.smt import joint
from onceproof.engines.smt.certify import Outcome, discharge
from onceproof.engines.smt.solver import Z3, Effort
from onceproof.machine.slicing import place_variable, regions
from onceproof.machine.system import (
    Broadcast,
    Cause,
    EventPattern,
    Guard,
    Level,
    Machine,
    Pattern,
    Property,
    Rule,
    RuleKind,
    put,
)

from support.bounded import Bounded, Configuration, satisfies
from support.handlers import random_handlers, starts
from support.machines import random_machine, step, variables, versions, where

MOST = 1_200
Maker = Callable[[int], tuple[Machine, Property]]


def views(machine: Machine, prop: Property, seed: int) -> list[View]:
    """The views of single handlers, and others: fewer variables, places that go by one name,
    several handlers at once, any places.

    The last are as a certificate may name them: nobody says that workers stay there.
    """
    place = place_variable(machine)
    if place is None:
        return []
    dice = random.Random(seed)
    parts = regions(machine, place)
    found = [lemmas.view_of(machine, prop, place, part) for part in parts]
    several = frozenset().union(*dice.sample(parts, dice.randint(1, len(parts))))
    for _ in range(3):
        some = {v.name for v in machine.variables if dice.random() < 0.75} | {place.name}
        names = sorted(
            (p, p if dice.random() < 0.6 else dice.choice(sorted(several))) for p in sorted(several)
        )
        found.append(View(frozenset(some), place.name, tuple(names)))
    everything = frozenset(v.name for v in machine.variables)
    for _ in range(3):
        some_places = dice.sample(place.domain, dice.randint(1, len(place.domain)))
        found.append(View(everything, place.name, tuple((p, p) for p in sorted(some_places))))
    return found


def picture(machine: Machine, view: View, configuration: Configuration) -> Configuration:
    """What is seen of a configuration."""
    names = dict(view.names)
    levels = {level: [v.name for v in machine.level(level)] for level in Level}

    def row(level: Level, values: tuple[str, ...]) -> tuple[str, ...]:
        pairs = zip(levels[level], values, strict=True)
        return tuple(
            names.get(x, x) if name == view.place else x
            for name, x in pairs
            if name in view.variables
        )

    where = levels[Level.WORKER].index(view.place)
    component, events = configuration
    shown = tuple(
        (row(Level.EVENT, e), tuple(row(Level.WORKER, w) for w in ws if w[where] in names))
        for e, ws in events
    )
    return row(Level.COMPONENT, component), shown


def compare(make: Maker, seed: int) -> tuple[int, int]:
    """How many views were looked at, and how many went wrong: a picture outside the fixpoint, or a
    bad one that looks good.
    """
    machine, prop = make(seed)
    bounded = Bounded(machine, 2)
    configurations = bounded.reachable(2, MOST) or bounded.reachable(1, MOST) or []
    looked = wrong = 0
    for view in views(machine, prop, seed) if configurations else []:
        try:
            small = abstract_machine(machine, view)
        except NotExpressible:
            continue
        reach = coverability.reachable(small, coverability.Budget(elements=20_000))
        if isinstance(reach, coverability.GaveUp):
            continue
        looked += 1
        invariant = reach.invariant()
        wrong += not all(satisfies(picture(machine, view, c), invariant) for c in configurations)
        try:
            claim = abstract_property(machine, prop, view)
        except NotExpressible:
            continue
        there = Bounded(small, 2)
        wrong += any(
            not there.bad(picture(machine, view, c), claim)
            for c in configurations
            if bounded.bad(c, prop)
        )
    return looked, wrong


@pytest.mark.parametrize("start", starts(240, 40))
@pytest.mark.parametrize("make", [random_machine, random_handlers])
def test_every_picture_is_allowed(make: Maker, start: int) -> None:
    found = [compare(make, seed) for seed in range(start, start + 40)]
    assert sum(wrong for _, wrong in found) == 0
    assert sum(looked for looked, _ in found) > 20


@pytest.mark.parametrize("seed", [756, 884])
def test_random_machines_that_were_certified_falsely(seed: int) -> None:
    assert compare(random_machine, seed)[1] == 0


def moved() -> tuple[Machine, Property]:
    """One worker tells another one that waits to go on: a broadcast moves it, and its own rules do
    not.
    """
    told = Broadcast(Level.EVENT, where(pc="waits"), (put("pc", "goes"),))
    rules = (
        Rule(RuleKind.SPAWN, step(Cause.DELIVERY, 1), (), (put("pc", "waits"),)),
        Rule(RuleKind.SPAWN, step(Cause.DELIVERY, 2), (), (put("pc", "tells"),)),
        Rule(
            RuleKind.WORKER,
            step(Cause.HANDLER, 3),
            where(pc="tells"),
            (),
            ends=True,
            others=(told,),
        ),
        Rule(
            RuleKind.WORKER,
            step(Cause.HANDLER, 4),
            where(pc="goes"),
            (put("mail", "1"),),
            ends=True,
        ),
    )
    shared = variables(Level.EVENT, mail="0 1") + variables(Level.WORKER, pc="waits tells goes")
    return Machine("moved", "", shared, rules), Property(
        "no mail", (Pattern(events=(EventPattern(where(mail="1")),)),)
    )


def test_workers_that_others_move_into_what_is_seen() -> None:
    """The mail is sent, and whoever looks only at those who go would never see one."""
    machine, prop = moved()
    bounded = Bounded(machine, 2)
    assert any(bounded.bad(c, prop) for c in bounded.reachable(1, MOST) or ())
    with pytest.raises(NotExpressible, match="moves workers"):
        abstract_machine(machine, View(frozenset({"mail", "pc"}), "pc", (("goes", "goes"),)))


def test_the_place_is_the_machines() -> None:
    """A certificate says which variable it is; another one need not keep workers apart."""
    machine, _ = versions(compared=True)
    names = tuple((x, x) for x in ("none", "fresh", "stale"))
    with pytest.raises(NotExpressible, match="where workers are"):
        abstract_machine(machine, View(frozenset(v.name for v in machine.variables), "copy", names))


def _deaf(original: Any) -> Any:
    return lambda *_: iter(())


def _only_own(original: Any) -> Any:
    def rules(self: Any, rule: Any) -> Any:
        return (r for r in original(self, rule) if r.kind is rule.kind)

    return rules


def _first_only(original: Any) -> Any:
    return lambda *arguments: list(original(*arguments))[:1]


def _alone_as_it_is(original: Any) -> Any:
    return lambda self, guard: tuple(
        t for t in guard if t.variable in self.view.variables and t.variable != self.view.place
    )


MUTANTS = {
    "broadcasts are not heard": ("_broadcasts", _deaf),
    "what workers do that are not seen is forgotten": ("rules", _only_own),
    "one value stands for all": ("_variants", _first_only),
    "more than is seen forbids a step": ("surely", _alone_as_it_is),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_mutants(mutant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A view that forgets steps is noticed by the comparison."""
    name, worse = MUTANTS[mutant]
    monkeypatch.setattr(looking._Abstraction, name, worse(getattr(looking._Abstraction, name)))
    assert any(
        compare(random_handlers, seed)[1] or compare(random_machine, seed)[1] for seed in range(300)
    )


@pytest.mark.parametrize("start", starts(300, 60))
def test_proofs_in_parts_are_proofs(start: int) -> None:
    """Solvers agree, and nothing bad is found; some claims are proved so, and not only those of one
    handler.
    """
    proved = 0
    for seed in range(start, start + 60):
        machine, prop = random_handlers(seed)
        found = lemmas.find(machine, prop, coverability.Budget(elements=20_000))
        if found:
            proved += 1
            bounded = Bounded(machine, 2)
            assert not any(bounded.bad(c, prop) for c in bounded.reachable(2, MOST) or ())
            assert (
                certificate.check(machine, prop, found, (Z3(Effort(20)),)).outcome is Outcome.PROVED
            )
    assert proved > 3


def contradictory(pattern: Pattern) -> bool:
    """Whether an event is to have a worker that it must not have: nothing is left of such a pattern
    beside any part.
    """

    def forbidden(worker: Guard, absent: Guard) -> bool:
        tested = {t.variable: t.allowed for t in worker}
        return all(t.variable in tested and tested[t.variable] <= t.allowed for t in absent)

    return any(
        event.absent is not None and forbidden(w, event.absent)
        for event in pattern.events
        for w in event.workers
    )


def test_a_part_that_does_not_cover_the_claim_is_no_proof() -> None:
    """Without what a proof excludes, solvers find what is left."""
    refused = 0
    for seed in range(120):
        machine, prop = random_handlers(seed)
        if all(map(contradictory, prop.bad)):
            continue
        for lemma in lemmas.find(machine, prop, coverability.Budget(elements=20_000)):
            nothing = replace(lemma, prop=replace(lemma.prop, bad=()))
            assert (
                certificate.check(machine, prop, (nothing,), (Z3(Effort(20)),)).outcome
                is Outcome.FAILED
            )
            refused += 1
    assert refused > 5


def _is_refused(seed: int) -> bool:
    """Whether a view of a handler without one of its places is refused."""
    machine, _ = random_handlers(seed)
    place = place_variable(machine)
    if place is None:
        return False
    names = tuple(
        (where, where) for where in max(map(sorted, regions(machine, place)), key=len)[1:]
    )
    try:
        abstract_machine(
            machine, View(frozenset(v.name for v in machine.variables), place.name, names)
        )
    except NotExpressible:
        return bool(names)
    return False


def test_workers_that_leave_what_is_seen_are_refused() -> None:
    assert sum(map(_is_refused, range(40))) > 8


def test_company_that_is_seen_to_forbid_a_step_still_forbids_it() -> None:
    """Of workers whose place and other variables are looked at; not of the rest."""
    alone = where(pc="in", mine="yes")
    machine = Machine(
        "company",
        "",
        variables(Level.EVENT, done="no yes")
        + variables(Level.WORKER, pc="start in out", mine="no yes"),
        (
            Rule(RuleKind.SPAWN, step(Cause.DELIVERY, 1)),
            Rule(
                RuleKind.WORKER,
                step(Cause.HANDLER, 2),
                where(pc="start"),
                (put("mine", "yes"), put("pc", "in")),
                alone=alone,
            ),
            Rule(RuleKind.WORKER, step(Cause.HANDLER, 3), where(pc="in"), (put("pc", "out"),)),
        ),
    )
    names = (("start", "start"), ("in", "in"), ("out", "out"))
    seen = abstract_machine(machine, View(frozenset({"done", "pc", "mine"}), "pc", names))
    assert alone in {rule.alone for rule in seen.rules}
    unseen = abstract_machine(machine, View(frozenset({"done", "pc"}), "pc", names))
    assert {rule.alone for rule in unseen.rules} == {None}
    one_name = (("start", "a"), ("in", "a"), ("out", "out"))
    together = abstract_machine(machine, View(frozenset({"done", "pc", "mine"}), "pc", one_name))
    assert {rule.alone for rule in together.rules} == {None}


def test_rows_without_company_are_not_all_rows() -> None:
    """A part that excludes a row beside which nobody works says nothing of the row itself."""
    machine, _ = versions(True)
    name = machine.level(Level.EVENT)[0]
    row = where(**{name.name: name.domain[-1]})
    bad = Property("bad", (Pattern((), (EventPattern(row),)),))
    wide = replace(bad, bad=(Pattern((), (EventPattern(()),)),))
    deserted = Pattern((), (EventPattern(row, (), ()),))
    for prop, excluded, outcome in (
        (wide, bad.bad, Outcome.FAILED),
        (bad, wide.bad, Outcome.PROVED),
        (bad, (deserted,), Outcome.FAILED),
        (bad, (replace(wide.bad[0], events=(EventPattern((), (), ()),)),), Outcome.FAILED),
    ):
        rest = joint.beside(machine, prop, excluded)
        assert discharge(machine, rest, [Z3(Effort(20))]).outcome is outcome
