"""Of rules that do the same, the one that a story would tell is kept, and nothing else changes."""

from __future__ import annotations

from msgspec.structs import replace
from onceproof.machine.distinct import representatives
from onceproof.machine.system import (
    PLACE,
    Action,
    Cause,
    Rule,
    RuleKind,
    Test,
    put,
)

AT = (Test(PLACE, frozenset({"a"})),)


def rule(cause: Cause, wider: str = "", to: str = "1") -> Rule:
    return Rule(RuleKind.WORKER, Action(cause), AT, (put("row", to),), ends=True, approximate=wider)


def kept(*rules: Rule) -> tuple[Rule, ...]:
    return tuple(rules[number] for number in sorted(set(representatives(rules))))


def test_a_kill_stands_for_the_failure_that_does_the_same() -> None:
    failed, killed = rule(Cause.DATABASE_FAILED), rule(Cause.KILLED)
    assert kept(failed, killed) == (killed,)
    assert kept(killed, failed) == (killed,)


def test_what_the_handler_does_itself_stands_for_a_fault() -> None:
    assert kept(rule(Cause.DATABASE_FAILED), rule(Cause.HANDLER)) == (rule(Cause.HANDLER),)


def test_an_exact_rule_stands_for_a_wider_one_however_rare() -> None:
    wider, rare = rule(Cause.HANDLER, "retry-count"), rule(Cause.FAILOVER)
    assert kept(wider, rare) == (rare,)


def test_rules_that_do_something_else_stay_in_their_order() -> None:
    one, two = rule(Cause.DATABASE_FAILED), rule(Cause.KILLED, to="0")
    asked = replace(rule(Cause.KILLED), alone=())
    stays = replace(rule(Cause.KILLED), ends=False)
    assert kept(one, two, asked, stays) == (one, two, asked, stays)


def test_each_rule_knows_who_stands_for_it() -> None:
    rules = (rule(Cause.DATABASE_FAILED), rule(Cause.KILLED, to="0"), rule(Cause.KILLED))
    assert representatives(rules) == (2, 1, 2)
