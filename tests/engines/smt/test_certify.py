"""An invariant is accepted if it proves the claim, for any number of events and workers, and never
otherwise.
"""

from __future__ import annotations

import random

import pytest
from msgspec.structs import replace
from onceproof.engines.coverability import Budget, Safe, prove
from onceproof.engines.smt.bmc import Finding, refute
from onceproof.engines.smt.certify import Outcome, Proof, bounded, certify, discharge
from onceproof.engines.smt.induction import obligations
from onceproof.engines.smt.solver import Z3, Cvc5, Effort, Solver, installed
from onceproof.machine.invariant import Invariant, Shape
from onceproof.machine.system import (
    Action,
    Cause,
    EventPattern,
    Level,
    Limit,
    Machine,
    Pattern,
    Property,
    Rule,
    RuleKind,
    put,
)

from support.invariants import invariant_of, locked, tickets
from support.machines import (
    balance,
    fenced,
    no_company,
    no_dup,
    no_loss,
    orders,
    random_machine,
    reference,
    single_flight,
    step,
    variables,
    versions,
    where,
)
from support.sample import sampled
from support.tiny import Size, guess, is_bad, layers, models, proves, shapes

SEEDS = range(52)

PROVED = {
    "reference, no duplicate": (reference(True), no_dup()),
    "reference, no loss": (reference(True), no_loss()),
    "unsafe reference, no loss": (reference(False), no_loss()),
    "balance": balance(True),
    "versions": versions(True),
    "fenced": fenced(),
    "single flight, locked": (single_flight(True)[0], no_company()),
    "orders": orders(True),
    "locked": locked(2),
    "locked, shared": locked(1, shared=True),
    "tickets": tickets(2),
}


def judge(
    machine: Machine, prop: Property, invariant: Invariant, solver: Solver | None = None
) -> Proof:
    return certify(machine, prop, invariant, [solver or Z3()])


@pytest.mark.parametrize("name", PROVED)
def test_the_invariant_of_a_proved_design_is_accepted_by_every_solver(name: str) -> None:
    machine, prop = PROVED[name]
    proof = certify(machine, prop, invariant_of(machine, prop), installed(Effort()))
    assert proof.outcome is Outcome.PROVED
    assert proof.solvers == tuple(solver.name for solver in installed(Effort()))
    assert len(proof.obligations) == 1 + len(machine.rules) + len(prop.bad)


@pytest.mark.parametrize("name", sampled(PROVED, 2))
def test_an_invariant_without_a_row_that_can_be_reached_is_rejected(name: str) -> None:
    machine, prop = PROVED[name]
    invariant = invariant_of(machine, prop)
    reached = guess(machine, Size(2, 1), pairs=False)
    for row in sorted(reached.workers)[:6]:
        assert row in invariant.workers
        proof = judge(machine, prop, replace(invariant, workers=invariant.workers - {row}))
        assert proof.outcome is Outcome.FAILED
        assert all(
            failure.action == machine.rules[failure.rule].action for failure in proof.failures
        )
    for pair in sorted(reached.events)[:6]:
        assert (
            judge(machine, prop, replace(invariant, events=invariant.events - {pair})).outcome
            is Outcome.FAILED
        )
    for component in sorted(reached.components):
        proof = judge(
            machine, prop, replace(invariant, components=invariant.components - {component})
        )
        assert proof.outcome is Outcome.FAILED


def test_the_rule_that_breaks_the_invariant_is_named() -> None:
    machine, prop = PROVED["reference, no duplicate"]
    invariant = invariant_of(machine, prop)
    acked = frozenset(triple for triple in invariant.workers if triple[2] != ("ack",))
    proof = judge(machine, prop, replace(invariant, workers=acked))
    assert {failure.obligation for failure in proof.failures} == {"rule-1", "rule-5"}
    assert [failure.action for failure in proof.failures] == [
        machine.rules[1].action,
        machine.rules[5].action,
    ]
    assert ("event0/worker0.pc", "rec") in proof.failures[1].before


@pytest.mark.parametrize(
    "name", ["locked", "locked, shared", "tickets", "fenced", "single flight, locked"]
)
def test_an_invariant_without_excluded_shapes_is_rejected(name: str) -> None:
    machine, prop = PROVED[name]
    invariant = invariant_of(machine, prop)
    assert invariant.excluded
    assert judge(machine, prop, replace(invariant, excluded=())).outcome is Outcome.FAILED
    rejected = 0
    for shape in invariant.excluded:
        fewer = tuple(other for other in invariant.excluded if other != shape)
        rejected += (
            judge(machine, prop, replace(invariant, excluded=fewer)).outcome is Outcome.FAILED
        )
    assert rejected >= 1


@pytest.mark.parametrize("name", ["locked", "tickets", "fenced"])
def test_excluding_what_can_be_reached_is_rejected(name: str) -> None:
    machine, prop = PROVED[name]
    invariant = invariant_of(machine, prop)
    for component, event, worker in sorted(guess(machine, Size(1, 1)).workers):
        shape = Shape(component, ((event, (worker,)),))
        proof = judge(machine, prop, replace(invariant, excluded=(*invariant.excluded, shape)))
        assert proof.outcome is Outcome.FAILED


def test_an_invariant_that_allows_a_bad_pattern_is_rejected() -> None:
    machine, anything = reference(False), Property("nothing is bad", ())
    everything = invariant_of(machine, anything)
    assert judge(machine, anything, everything).proved
    proof = judge(machine, no_dup(), everything)
    assert [failure.obligation for failure in proof.failures] == ["claim-0"]


def test_the_invariant_of_a_machine_does_not_prove_another_one() -> None:
    machine, prop = PROVED["reference, no duplicate"]
    invariant = invariant_of(machine, prop)
    assert judge(reference(False), prop, invariant).outcome is Outcome.FAILED
    other, claim = versions(True)
    proof = judge(other, claim, invariant)
    assert proof.outcome is Outcome.FAILED
    assert "has no" in proof.reason


@pytest.mark.parametrize(
    "name", sorted(PROVED.keys() - {"fenced", "versions"})
)  # no guard of theirs matters for the claim
def test_a_weaker_guard_is_noticed_where_it_matters(name: str) -> None:
    """Dropping one test of one rule: accepted only if brute force finds nothing bad either."""
    machine, prop = PROVED[name]
    invariant = invariant_of(machine, prop)
    rejected = 0
    for index, rule in enumerate(machine.rules):
        for test in rule.guard:
            if any(update.source == test.variable for update in rule.updates):
                continue
            weaker = replace(rule, guard=tuple(other for other in rule.guard if other != test))
            changed = replace(
                machine, rules=(*machine.rules[:index], weaker, *machine.rules[index + 1 :])
            )
            if judge(changed, prop, invariant).proved:
                assert not any(
                    is_bad(changed, prop, s)
                    for layer in layers(changed, Size(2, 1), 12, 1500)
                    for s in layer
                )
            else:
                rejected += 1
    assert rejected


def test_garbage_is_never_accepted() -> None:
    machine, prop = PROVED["locked"]
    nothing = Invariant(frozenset(), frozenset(), frozenset(), ())
    assert judge(machine, prop, nothing).failures[0].obligation == "initial"
    good = invariant_of(machine, prop)
    for row in (("x", "y"), ("free",), ()):
        assert judge(machine, prop, replace(good, components=good.components | {row})).proved is (
            row == ()
        )
        assert not judge(
            machine, prop, replace(good, excluded=(*good.excluded, Shape((), ((row, ()),))))
        ).proved
    assert judge(machine, prop, replace(good, excluded=(Shape((), ()),))).outcome is Outcome.FAILED


def mutants(dice: random.Random, invariant: Invariant) -> list[Invariant]:
    """The invariant, and some like it: rows or shapes left out, shapes made up."""
    found = [invariant]
    for _ in range(2):
        keep = dice.choice((0.8, 0.95, 1))
        triples = sorted(invariant.workers)
        made_up = []
        for _ in range(dice.choice((0, 1, 2))):
            if triples:
                component, event, worker = dice.choice(triples)
                more = [w for c, e, w in triples if (c, e) == (component, event)]
                others = [e for c, e in sorted(invariant.events) if c == component]
                crew = tuple(sorted((worker, dice.choice(more))))
                second = ((dice.choice(others), ()),) if dice.random() < 0.4 else ()
                made_up.append(Shape(component, tuple(sorted(((event, crew), *second)))))
        found.append(
            Invariant(
                invariant.components,
                frozenset(pair for pair in sorted(invariant.events) if dice.random() < keep),
                frozenset(triple for triple in triples if dice.random() < keep),
                (*(shape for shape in invariant.excluded if dice.random() < keep), *made_up),
            )
        )
    return found


@pytest.mark.slow
@pytest.mark.parametrize("monotone", [True, False])
def test_few_slots_decide_like_brute_force_over_more_events_and_workers(monotone: bool) -> None:
    """NOTE(slots): the verdict is that of every configuration of the size needed and beyond, and of
    a check with spare slots.
    """
    verdicts = []
    for seed in SEEDS:
        dice = random.Random(seed)
        machine, prop = random_machine(seed, monotone)
        invariant = guess(machine, Size(2, 1 + seed % 2), pairs=seed % 3 > 0)
        if len(invariant.workers) + len(invariant.excluded) > 30:
            continue
        claim = prop if seed % 2 else Property("nothing is bad", ())
        for mutant in mutants(dice, invariant):
            profiles = [[len(workers) for _, workers in shape.events] for shape in mutant.excluded]
            profiles += [[len(event.workers) for event in pattern.events] for pattern in claim.bad]
            events = max(map(len, profiles), default=0)
            workers = max((count for profile in profiles for count in profile), default=0)
            states = models(machine, mutant, max(events, 1) + 1, max(workers, 1) + 1, 600)
            proof = certify(machine, claim, mutant, [Z3()])
            assert (
                discharge(machine, obligations(machine, claim, mutant, spare=1), [Z3()]).outcome
                is proof.outcome
            )
            if states is None:
                continue
            truth = proves(machine, claim, mutant, states)
            # with "alone" and limits the check is stricter than the machine; an "absent" may need
            # company that it does not demand
            assert proof.proved is truth if monotone else truth or not proof.proved
            verdicts.append(proof.proved)
    assert verdicts.count(True) > 20
    assert verdicts.count(False) > 20


@pytest.mark.parametrize("monotone", [True, False])
def test_what_the_engine_finds_is_accepted_and_what_is_accepted_is_safe(monotone: bool) -> None:
    accepted = 0
    for seed in range(80):
        machine, prop = random_machine(seed, monotone)
        verdict = prove(machine, prop, Budget(elements=3000))
        if isinstance(verdict, Safe):
            assert judge(machine, prop, verdict.invariant).outcome is Outcome.PROVED
            assert not any(
                is_bad(machine, prop, s)
                for layer in layers(machine, Size(2, 2), 5, 400)
                for s in layer
            )
            accepted += 1
    assert accepted > 20


@pytest.mark.skipif(not Cvc5().available(), reason="cvc5 is not installed")
def test_both_solvers_agree_on_every_obligation() -> None:
    for seed in range(40):
        machine, prop = random_machine(seed)
        invariant = guess(machine, Size(2, 1), pairs=len(machine.variables) < 6)
        opened = [
            [f.obligation for f in judge(machine, prop, invariant, solver).failures]
            for solver in (Z3(), Cvc5())
        ]
        assert opened[0] == opened[1]


@pytest.mark.parametrize("solver", [Z3(Effort(steps=1)), Cvc5(Effort(steps=1))], ids=["z3", "cvc5"])
def test_a_solver_that_gives_up_proves_nothing(solver: Solver) -> None:
    if not solver.available():
        pytest.skip("not installed")
    machine, prop = PROVED["locked"]
    invariant = invariant_of(machine, prop)
    proof = judge(machine, prop, invariant, solver)
    assert proof.outcome is Outcome.UNKNOWN
    assert not proof.proved
    both = certify(machine, prop, invariant, [Z3(), solver])
    assert both.outcome is Outcome.UNKNOWN
    assert judge(machine, prop, invariant).proved  # the limits are gone again


def test_no_solver_proves_nothing() -> None:
    machine, prop = PROVED["fenced"]
    proof = certify(machine, prop, invariant_of(machine, prop), [])
    assert proof.outcome is Outcome.UNKNOWN
    assert proof.reason == "no solver"


def test_alone_and_limits_are_read_as_the_larger_relation() -> None:
    """A proof must not lean on them: without crashes the open single flight is safe, but not once
    offenders are removed.
    """
    machine, prop = single_flight(False)
    invariant = guess(machine, Size(3, 1))
    proof = judge(machine, prop, invariant)
    assert proof.outcome is Outcome.FAILED
    machine, prop = fenced()
    crowd = Property("no worker at all", (Pattern(events=(EventPattern((), ((),)),)),))
    limited = replace(machine, limits=(Limit((), 0),))
    empty = Invariant(frozenset({()}), frozenset({((), ("no",))}), frozenset(), ())
    assert judge(limited, crowd, empty).outcome is Outcome.FAILED


def test_absent_is_dropped_except_for_the_workers_a_pattern_names() -> None:
    machine, _ = fenced()
    invariant = invariant_of(*fenced())
    nobody = Property(
        "somebody is there", (Pattern(events=(EventPattern(where(worked="no"), (), ()),)),)
    )
    assert judge(machine, nobody, invariant).outcome is Outcome.FAILED
    impossible = Property(
        "never", (Pattern(events=(EventPattern((), (where(pc="go"),), where(pc="go|end")),)),)
    )
    assert judge(machine, impossible, invariant).proved


def test_the_text_of_the_obligations_does_not_change_from_run_to_run() -> None:
    machine, prop = PROVED["locked, shared"]
    invariant = invariant_of(machine, prop)
    shuffled = replace(
        invariant,
        workers=frozenset(sorted(invariant.workers, reverse=True)),
        excluded=tuple(reversed(invariant.excluded)),
    )
    assert obligations(machine, prop, invariant) == obligations(machine, prop, shuffled)


def test_alone_speaks_of_the_own_event_only() -> None:
    """Workers of other events neither hinder the step nor vanish with it."""
    rules = (
        Rule(RuleKind.SPAWN, step(Cause.DELIVERY, 1)),
        Rule(
            RuleKind.WORKER,
            step(Cause.HANDLER, 2),
            where(pc="out"),
            (put("pc", "in"), put("seen", "yes")),
            alone=(),
        ),
    )
    shared = variables(Level.COMPONENT, seen="no yes")
    machine = Machine("one each", "", shared + variables(Level.WORKER, pc="out in"), rules)
    inside = where(pc="in")
    one_each = Property(
        "one inside per event", (Pattern(events=(EventPattern((), (inside, inside)),)),)
    )
    one = Property(
        "one inside", (Pattern(events=(EventPattern((), (inside,)), EventPattern((), (inside,)))),)
    )
    assert refute(machine, one, Size(2, 2), 6, Z3()).depth == 4
    assert refute(machine, one_each, Size(2, 2), 6, Z3()).finding is Finding.NOT_WITHIN
    nobody_else = Invariant(
        frozenset({("no",), ("yes",)}),
        frozenset({(("no",), ()), (("yes",), ())}),
        frozenset({(("no",), (), ("out",)), (("yes",), (), ("in",))}),
        (),
    )
    proof = judge(machine, Property("nothing is bad", ()), nobody_else)
    assert "rule-1" in [
        failure.obligation for failure in proof.failures
    ]  # a worker of another event may still be outside
    states = [shapes(state) for layer in layers(machine, Size(2, 2)) for state in layer]
    assert bounded(machine, one_each, Size(2, 2), states, Z3()).proved


def test_a_configuration_need_not_have_events() -> None:
    """An invariant that no configuration with events satisfies must still be kept by those
    without.
    """
    go = Action(Cause.START)
    rules = (
        Rule(RuleKind.COMPONENT, go, where(door="open"), (put("door", "closed"),)),
        Rule(RuleKind.COMPONENT, go, where(door="closed"), (put("door", "gone"),)),
    )
    machine = Machine("door", "", variables(Level.COMPONENT, door="open closed gone"), rules)
    invariant = Invariant(
        frozenset({("open",), ("closed",)}), frozenset({(("open",), ())}), frozenset(), ()
    )
    proof = judge(machine, Property("nothing is bad", ()), invariant)
    assert [failure.obligation for failure in proof.failures] == ["rule-0", "rule-1"]
    assert proof.failures[1].before == (("key.door", "closed"),)
