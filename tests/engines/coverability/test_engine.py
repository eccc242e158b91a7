"""The engine's surface: budgets, refusals, determinism, the fixpoint and the tidied invariant."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from onceproof.engines.coverability import (
    Budget,
    Coverable,
    GaveUp,
    MachineError,
    Reach,
    Safe,
    cover,
    needed,
    prove,
    reachable,
)
from onceproof.machine.invariant import Invariant, Shape
from onceproof.machine.system import (
    Action,
    Broadcast,
    Cause,
    EventPattern,
    Level,
    Limit,
    Machine,
    Pattern,
    Property,
    Rule,
    RuleKind,
    Update,
    put,
)

from support.bounded import Bounded, satisfies
from support.machines import no_dup, orders, random_machine, reference, variables, where
from support.protocols import ack_first, exclusive, known, twice

ACT = Action(Cause.HANDLER)


def fixpoint(machine: Machine) -> Reach:
    reach = reachable(machine, Budget())
    assert isinstance(reach, Reach)
    return reach


def test_fixpoint_of_the_reference() -> None:
    invariant = fixpoint(reference(True)).invariant()
    assert invariant.components == {()}
    assert ((), ("P", "0", "0", "0")) in invariant.events
    assert ((), ("A", "1", "1", "1"), ("check",)) in invariant.workers
    assert all(row[2] != "2" for _, row in invariant.events)


def test_fixpoint_holds_of_everything_reachable() -> None:
    for case in known():
        invariant = fixpoint(case.machine).invariant()
        for configuration in Bounded(case.machine, 2).reachable(1) or ():
            assert satisfies(configuration, invariant)


def test_fixpoint_names_the_rules_that_can_fire() -> None:
    machine = reference(True)
    dead = Rule(RuleKind.WORKER, ACT, where(mail="2"), ends=True)
    assert fixpoint(replace(machine, rules=(*machine.rules, dead))).fired == frozenset(
        range(len(machine.rules))
    )


def test_interference_reaches_other_events() -> None:
    machine, _ = orders(by_order=True)
    invariant = fixpoint(machine).invariant()
    assert (("goods", "yes", "1"), ("note", "no")) in invariant.events


@pytest.mark.parametrize("budget", [Budget(elements=3), Budget(seconds=0.0)])
def test_budget_of_the_fixpoint(budget: Budget) -> None:
    verdict = prove(reference(False), no_dup(), budget)
    assert isinstance(verdict, GaveUp)
    assert "thread-modular" in verdict.reason


@pytest.mark.parametrize("budget", [Budget(elements=5), Budget(seconds=0.0)])
@pytest.mark.parametrize("machine", [reference(False), ack_first("crash")], ids=lambda m: m.name)
def test_budget_of_the_backward_search(machine: Machine, budget: Budget) -> None:
    verdict = cover(machine, twice("mail"), fixpoint(machine), budget)
    assert isinstance(verdict, GaveUp)
    assert "backward" in verdict.reason


def test_a_larger_budget_never_changes_a_verdict() -> None:
    for seed in range(60):
        machine, claim = random_machine(seed, monotone=True)
        final = prove(machine, claim, Budget())
        for elements in (5, 20, 80):
            verdict = prove(machine, claim, Budget(elements=elements))
            assert isinstance(verdict, GaveUp) or verdict == final


def test_verdicts_do_not_depend_on_the_order_of_a_guard() -> None:
    machine, claim = reference(False), no_dup()
    turned = replace(
        machine, rules=tuple(replace(rule, guard=rule.guard[::-1]) for rule in machine.rules)
    )
    assert prove(turned, claim, Budget()) == prove(machine, claim, Budget())


def test_crash_edges_change_no_verdict() -> None:
    """Theory T5: a crashed worker is one that is never scheduled again."""
    crash = Rule(RuleKind.WORKER, Action(Cause.KILLED), ends=True)
    for seed in range(150):
        machine, claim = random_machine(seed, monotone=True)
        more = replace(machine, rules=(*machine.rules, crash))
        assert type(prove(machine, claim, Budget())) is type(prove(more, claim, Budget()))


def test_more_initial_rows_only_add_behaviour() -> None:
    for seed in range(100):
        machine, claim = random_machine(seed, monotone=True)
        wider = tuple(
            v if v.level is Level.WORKER else replace(v, initial=v.domain)
            for v in machine.variables
        )
        if isinstance(prove(machine, claim, Budget()), Coverable):
            assert isinstance(prove(replace(machine, variables=wider), claim, Budget()), Coverable)


def test_two_events_of_a_pattern_are_distinct() -> None:
    machine, claim = exclusive()
    both = replace(
        claim,
        bad=(
            Pattern(
                events=(EventPattern((), (where(pc="in"),)), EventPattern((), (where(pc="wait"),)))
            ),
        ),
    )
    verdict = prove(machine, both, Budget())
    assert verdict == Coverable(2, 2, 3, exact=True)


def test_an_untouched_event_is_always_there() -> None:
    machine = reference(True)
    verdict = prove(
        machine,
        Property("fresh", (Pattern(events=(EventPattern(where(q="P", mail="0")),) * 3),)),
        Budget(),
    )
    assert verdict == Coverable(0, 3, 0, exact=True)


def test_needed_drops_what_says_nothing() -> None:
    event, other = ("a",), ("b",)
    small = Shape((), ((event, (("p",),)),))
    large = Shape((), ((event, (("p",), ("q",))),))
    two = Shape((), ((event, ()), (event, (("p",),))))
    apart = Shape((), ((event, (("q",), ("q",))),))
    outside = Shape((), ((other, ()),))
    stranger = Shape((), ((event, (("r",),)),))
    invariant = Invariant(
        frozenset({()}),
        frozenset({((), event)}),
        frozenset({((), event, ("p",)), ((), event, ("q",))}),
        (stranger, two, large, apart, small, outside, small),
    )
    assert needed(invariant).excluded == (small, apart)
    assert needed(needed(invariant)) == needed(invariant)


def _machine(rule: Rule, *, limits: tuple[Limit, ...] = ()) -> Machine:
    declared = (
        variables(Level.COMPONENT, c="0 1")
        + variables(Level.EVENT, e="0 1")
        + variables(Level.WORKER, pc="0 1")
    )
    return Machine("faulty", "", declared, (Rule(RuleKind.SPAWN, ACT), rule), limits)


HALF = Update("e", "pc", (("0", "1"),))

FAULTY = {
    "table lacks a value": Rule(RuleKind.WORKER, ACT, (), (HALF,)),
    "value outside the domain": Rule(RuleKind.WORKER, ACT, (), (put("e", "7"),)),
    "test outside the domain": Rule(RuleKind.WORKER, ACT, where(e="7")),
    "unknown variable": Rule(RuleKind.WORKER, ACT, where(x="0")),
    "tested twice": Rule(RuleKind.WORKER, ACT, where(e="0") + where(e="1")),
    "updated twice": Rule(RuleKind.WORKER, ACT, (), (put("e", "0"), put("e", "1"))),
    "event rule tests a worker": Rule(RuleKind.EVENT, ACT, where(pc="0")),
    "component rule writes an event": Rule(RuleKind.COMPONENT, ACT, (), (put("e", "0"),)),
    "spawn reads a worker": Rule(
        RuleKind.SPAWN, ACT, (), (Update("pc", "pc", (("0", "1"), ("1", "0"))),)
    ),
    "event rule ends": Rule(RuleKind.EVENT, ACT, ends=True),
    "component rule alone": Rule(RuleKind.COMPONENT, ACT, alone=()),
    "alone tests an event": Rule(RuleKind.WORKER, ACT, alone=where(e="0")),
    "component rule, event broadcast": Rule(
        RuleKind.COMPONENT, ACT, others=(Broadcast(Level.EVENT, (), (), True),)
    ),
    "broadcast to a worker": Rule(
        RuleKind.WORKER, ACT, others=(Broadcast(Level.WORKER, (), (), True),)
    ),
    "broadcast tests an event": Rule(
        RuleKind.WORKER, ACT, others=(Broadcast(Level.EVENT, where(e="0"), (), True),)
    ),
    "two broadcasts match": Rule(
        RuleKind.WORKER, ACT, others=(Broadcast(Level.EVENT, (), (), True),) * 2
    ),
}


@pytest.mark.parametrize("rule", FAULTY.values(), ids=FAULTY.keys())
def test_faulty_machines_are_refused(rule: Rule) -> None:
    with pytest.raises(MachineError):
        prove(_machine(rule), twice("e"), Budget())


def test_a_table_need_not_hold_what_the_guard_excludes() -> None:
    claim = Property("e stays 0", (Pattern(events=(EventPattern(where(e="1")),)),))
    assert prove(
        _machine(Rule(RuleKind.WORKER, ACT, where(pc="0"), (HALF,))), claim, Budget()
    ) == Coverable(1, 1, 2, exact=True)


@pytest.mark.parametrize("guard", [where(pc="0"), where(e="7"), where(c="0"), where(x="0")])
def test_faulty_claims_are_refused(guard: tuple[object, ...]) -> None:
    with pytest.raises(MachineError):
        prove(
            reference(True), Property("faulty", (Pattern(events=(EventPattern(guard),)),)), Budget()
        )  # type: ignore[arg-type]


def test_hand_protocols_are_quick() -> None:
    """Each takes 0.3-6 ms; the bound leaves room for a busy machine."""
    for case in known():
        assert not isinstance(
            prove(case.machine, case.claim, Budget(elements=500, seconds=1.0)), GaveUp
        )


def test_a_pattern_may_contradict_itself() -> None:
    worker = where(pc="check")
    verdict = prove(
        reference(True),
        Property("never", (Pattern(events=(EventPattern((), (worker,), worker),)),)),
        Budget(),
    )
    assert isinstance(verdict, Safe)
    assert verdict.invariant.excluded == ()
