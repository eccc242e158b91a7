"""Machines that break the contract are refused, and names of a design stay names."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from onceproof.engines.smt import terms
from onceproof.engines.smt.bmc import Finding, refute
from onceproof.engines.smt.certify import certify
from onceproof.engines.smt.induction import cubes, obligations
from onceproof.engines.smt.solver import Z3
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
    Variable,
    put,
)

from support.invariants import invariant_of
from support.machines import balance, no_dup, reference, variables, where
from support.tiny import Size

NOTHING = Property("nothing", ())
BASE = (
    variables(Level.COMPONENT, c="0 1")
    + variables(Level.EVENT, e="0 1")
    + variables(Level.WORKER, w="0 1 2")
)


def machine_with(
    *rules: Rule, declared: tuple[Variable, ...] = BASE, limits: tuple[Limit, ...] = ()
) -> Machine:
    return Machine("m", "", declared, rules, limits)


def rule(kind: RuleKind = RuleKind.WORKER, **parts: object) -> Rule:
    return replace(Rule(kind, Action(Cause.HANDLER)), **parts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "machine",
    [
        machine_with(rule(guard=where(x="1"))),
        machine_with(rule(updates=(put("x", "1"),))),
        machine_with(rule(updates=(put("w", "7"),))),
        machine_with(rule(updates=(put("w", "1"), put("w", "2")))),
        machine_with(rule(updates=(Update("e", "w", (("0", "1"),)),))),
        machine_with(
            rule(updates=(Update("e", "w", (("0", "1"), ("0", "0"), ("1", "1"), ("2", "1"))),))
        ),
        machine_with(rule(updates=(Update("e", None, ()),))),
        machine_with(rule(RuleKind.EVENT, guard=where(w="1"))),
        machine_with(rule(RuleKind.EVENT, updates=(put("w", "1"),))),
        machine_with(rule(RuleKind.EVENT, ends=True)),
        machine_with(rule(RuleKind.SPAWN, guard=where(w="1"))),
        machine_with(
            rule(RuleKind.SPAWN, updates=(Update("e", "w", (("0", "0"), ("1", "1"), ("2", "1"))),))
        ),
        machine_with(rule(RuleKind.COMPONENT, guard=where(e="1"))),
        machine_with(rule(RuleKind.COMPONENT, updates=(put("e", "1"),))),
        machine_with(rule(alone=where(e="1"))),
        machine_with(rule(others=(Broadcast(Level.WORKER, (), ()),))),
        machine_with(rule(others=(Broadcast(Level.EVENT, where(e="1"), ()),))),
        machine_with(rule(others=(Broadcast(Level.EVENT, (), (put("e", "1"),)),))),
        machine_with(
            rule(
                others=(
                    Broadcast(Level.EVENT, where(w="0|1"), ()),
                    Broadcast(Level.COMPONENT, where(w="1|2"), ()),
                )
            )
        ),
        machine_with(limits=(Limit(where(e="1"), 1),)),
        machine_with(declared=(*BASE, *variables(Level.EVENT, w="0 1"))),
        machine_with(declared=(Variable("v", Level.EVENT, (), ()),)),
        machine_with(declared=(Variable("v", Level.EVENT, ("a", "a"), ("a",)),)),
        machine_with(declared=(Variable("v", Level.EVENT, ("a",), ()),)),
        machine_with(declared=(Variable("v", Level.EVENT, ("a",), ("b",)),)),
        machine_with(declared=(Variable("v", Level.WORKER, ("a", "b"), ("a", "b")),)),
        *(
            machine_with(declared=(Variable(name, Level.EVENT, ("a",), ("a",)),))
            for name in ("", "a|b", "a\\b", "a\nb", "a'")
        ),
    ],
)
def test_a_machine_that_breaks_the_contract_is_refused(machine: Machine) -> None:
    with pytest.raises(ValueError, match=r"m|v|variable"):
        refute(machine, NOTHING, Size(1, 1), 1, Z3())
    with pytest.raises(ValueError, match=r"m|v|variable"):
        certify(machine, NOTHING, invariant_of(*balance(True)), [Z3()])


def test_a_pattern_about_unknown_variables_is_refused() -> None:
    with pytest.raises(ValueError, match="no variable"):
        refute(reference(True), Property("?", (Pattern(where(x="1")),)), Size(1, 1), 1, Z3())
    with pytest.raises(ValueError, match="never has"):
        refute(
            reference(True),
            Property("?", (Pattern(events=(EventPattern(where(q="X")),)),)),
            Size(1, 1),
            1,
            Z3(),
        )
    with pytest.raises(ValueError, match="cannot be read"):
        refute(reference(True), Property("?", (Pattern(where(q="P")),)), Size(1, 1), 1, Z3())


def test_names_that_look_like_symbols_do_not_collide() -> None:
    declared = variables(Level.COMPONENT, **{"event0.a": "0 1 2"}) + variables(
        Level.EVENT, **{"a": "0 1", "worker0.b": "0 1", "a@1": "0 1"}
    )
    declared += variables(Level.WORKER, **{"b": "0 1", "alive": "0 1", "step": "0 1"})
    rules = (
        rule(RuleKind.SPAWN, guard=where(a="0"), updates=(put("a", "1"),)),
        rule(guard=where(b="0"), updates=(put("b", "1"), put("worker0.b", "1"))),
        rule(guard=where(b="1"), updates=(put("event0.a", "1"), put("a@1", "1")), ends=True),
    )
    machine = Machine("m", "", declared, rules)
    answer = refute(
        machine, Property("?", (Pattern(where(**{"event0.a": "1"})),)), Size(2, 2), 5, Z3()
    )
    assert (answer.finding, answer.depth) == (Finding.REACHED, 3)
    safe = Property("?", (Pattern(where(**{"event0.a": "2"})),))
    assert certify(machine, safe, invariant_of(machine, safe), [Z3()]).proved


def test_values_and_actions_with_line_breaks_stay_in_their_comments() -> None:
    value = "x\n(assert false)\u2028(assert false)"
    declared = (Variable("v", Level.EVENT, (value, "y"), (value,)),)
    action = Action(Cause.HANDLER, subject="s\n(assert false)")
    machine = Machine("m", "", declared, (Rule(RuleKind.EVENT, action, (), (put("v", "y"),)),))
    prop = Property("p\n(assert false)", (Pattern(events=()),))
    for obligation in obligations(machine, prop, invariant_of(machine, NOTHING)):
        assert all(
            line.startswith(";")
            for line in obligation.text.splitlines()
            if "(assert false)" in line
        )
    assert not certify(machine, prop, invariant_of(machine, NOTHING), [Z3()]).proved
    assert refute(machine, prop, Size(1, 1), 1, Z3()).finding is Finding.REACHED


def test_products_are_the_same_set_of_rows() -> None:
    rows = {
        (a, b, c)
        for a in "xyz"
        for b in "xy"
        for c in "uvw"
        if (a + b + c) not in ("xxu", "yyv", "zxw")
    }
    found = cubes(rows)
    assert {(a, b, c) for one, two, three in found for a in one for b in two for c in three} == rows
    assert len(found) < len(rows)
    assert cubes([()]) == [()]
    assert cubes([]) == []


def test_counting_conditions() -> None:
    assert terms.fewer(["a", "b"], 0) == terms.fewer([], 0) == terms.FALSE
    assert terms.fewer(["a", "b"], 3) == terms.fewer([], 1) == terms.TRUE
    session = Z3().session()
    names = ["a", "b", "c", "d", "e"]
    session.load("(set-logic QF_BV)\n" + "\n".join(terms.declare(name, "Bool") for name in names))
    for count in range(7):
        for held in range(6):
            text = [
                terms.claim(name if number < held else terms.negate(name))
                for number, name in enumerate(names)
            ]
            text.append(terms.claim(terms.fewer(names, count)))
            assert session.check("\n".join(text)).status.value == (
                "sat" if held < count else "unsat"
            )


def test_the_text_for_the_reference_problem_is_readable() -> None:
    machine = reference(True)
    text = obligations(machine, no_dup(), invariant_of(machine, no_dup()))[5].text
    assert "; event variable q: #b00 P, #b01 I, #b10 A\n" in text
    assert "; rule 4 (worker): handler, handler, queue, mail, line 4, done\n" in text
    assert "(define-fun |event0/worker0.pc'| () (_ BitVec 3) #b011)\n" in text
