"""Many obligations in one question: a solver accepts it exactly if it accepts each, also for broken
invariants and rules.
"""

from __future__ import annotations

import random
from itertools import groupby

import pytest
from msgspec.structs import replace
from onceproof.engines.coverability import Budget, Safe, prove
from onceproof.engines.smt import terms
from onceproof.engines.smt.certify import Outcome, discharge
from onceproof.engines.smt.induction import Obligation, obligations
from onceproof.engines.smt.script import Script
from onceproof.engines.smt.solver import Z3, Status
from onceproof.machine.invariant import Invariant
from onceproof.machine.system import Machine, Property, Rule

from support.machines import random_machine
from support.sample import sampled


class Separately(Z3):
    """Z3, asked about each obligation by itself."""

    @property
    def steps_for_many(self) -> int:
        return 0


def _without_a_row(invariant: Invariant, dice: random.Random) -> Invariant:
    """The invariant without one of its rows, or without one of its excluded shapes."""
    choices = [
        name for name in ("components", "events", "workers", "excluded") if getattr(invariant, name)
    ]
    name = dice.choice(choices)
    rows = sorted(getattr(invariant, name), key=repr)
    rows.remove(dice.choice(rows))
    return replace(invariant, **{name: tuple(rows) if name == "excluded" else frozenset(rows)})


def _with_another_rule(machine: Machine, dice: random.Random) -> Machine:
    """The machine in which a rule asks less than it did."""
    number = dice.choice([i for i, rule in enumerate(machine.rules) if rule.guard] or [0])
    rule: Rule = machine.rules[number]
    read = {u.source for u in rule.updates}
    kept = tuple(t for t in rule.guard if t.variable in read)
    return replace(
        machine,
        rules=(*machine.rules[:number], replace(rule, guard=kept), *machine.rules[number + 1 :]),
    )


def _agreed(machine: Machine, todo: tuple[Obligation, ...]) -> bool:
    """What both ways of asking say: whether all obligations are discharged."""
    for prelude, group in groupby(todo, key=lambda o: o.prelude):
        same = list(group)
        session = Z3().session()
        session.load(prelude)
        each = [session.check(o.body).status is Status.UNSAT for o in same]
        assert all(o.formula for o in same)
        joint = (
            session.check(terms.claim(terms.disj(o.formula for o in same))).status is Status.UNSAT
        )
        assert joint == all(each), [o.name for o, fine in zip(same, each, strict=True) if not fine]
        single = [session.check(terms.claim(o.formula)).status is Status.UNSAT for o in same]
        assert single == each
    together, separately = (
        discharge(machine, todo, [Z3()]),
        discharge(machine, todo, [Separately()]),
    )
    assert together.outcome is separately.outcome
    assert [(f.obligation, f.status) for f in together.failures] == [
        (f.obligation, f.status) for f in separately.failures
    ]
    return together.proved


def _look(seed: int) -> tuple[int, int]:
    """How many proofs, and how many broken ones, were compared."""
    machine, prop = random_machine(seed, monotone=seed % 3 > 0)
    answer = prove(machine, prop, Budget(elements=500))
    if not isinstance(answer, Safe):
        return 0, 0
    dice = random.Random(seed)
    assert _agreed(machine, obligations(machine, prop, answer.invariant))
    broken = [
        _agreed(machine, obligations(machine, prop, _without_a_row(answer.invariant, dice))),
        _agreed(
            changed := _with_another_rule(machine, dice),
            obligations(changed, prop, answer.invariant),
        ),
    ]
    return 1, broken.count(False)


@pytest.mark.parametrize("start", sampled(range(0, 150, 25), 6))
def test_random_proofs(start: int) -> None:
    seen = [_look(seed) for seed in range(start, start + 25)]
    assert sum(proofs for proofs, _ in seen) > 5
    assert sum(broken for _, broken in seen) > 5


@pytest.mark.nightly
@pytest.mark.parametrize("start", range(150, 10_150, 500))
def test_many_random_proofs(start: int) -> None:
    for seed in range(start, start + 500):
        _look(seed)


def test_abbreviations_of_the_same_name_do_not_meet() -> None:
    """``x'`` is 1 in one obligation and 0 in the other: neither is satisfiable, and together they
    must not become so.
    """
    machine, prop = Machine("none", "none", (), ()), Property("none", ())
    made = []
    for value in ("#b0", "#b1"):
        script = Script().remark("a value and its opposite")
        script.define("|x'|", terms.bits(1), value)
        script.require(terms.negate(terms.equal("|x'|", value)))
        made.append(Obligation(prop.name, -1, "(set-logic QF_BV)", script.text, (), script.formula))
    assert discharge(machine, made, [Z3()]).outcome is Outcome.PROVED
    assert "(let ((|x'| #b0))" in made[0].formula
