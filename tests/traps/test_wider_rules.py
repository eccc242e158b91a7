"""Rules that are wider than the truth: a proof takes them into account, a story counts only if it
replays. The machines are those of real designs, with a rule that is tagged or added by hand.
"""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from onceproof.export.model import describe
from onceproof.lang.load import load_text
from onceproof.lower import Lowered, lower
from onceproof.machine import approximation
from onceproof.machine.system import (
    PLACE,
    Action,
    Broadcast,
    Cause,
    Level,
    Rule,
    RuleKind,
    Test,
    Update,
    put,
)
from onceproof.properties import question
from onceproof.verdict.decide import judge_claim
from onceproof.verdict.result import ClaimResult, Disagreement, Verdict
from onceproof.verdict.task import Options

from support.trap import CALM, SAFE, UNSAFE

ONCE = Options(second_opinion=True, lengths=False)
CALM_UNSAFE = CALM + UNSAFE


def lowered(text: str) -> Lowered:
    """The lowering of a design under its only semantics."""
    design = load_text(text).design
    assert design is not None
    return lower(design, design.semantics[0])


def judged(machine: Lowered, options: Options = ONCE) -> ClaimResult | Disagreement:
    """What comes of the design's only claim on this machine."""
    return judge_claim(machine, machine.design.claims[0], options)


def with_rule(machine: Lowered, *rules: Rule) -> Lowered:
    """The lowering with more rules."""
    return replace(
        machine, machine=replace(machine.machine, rules=(*machine.machine.rules, *rules))
    )


def tagged(machine: Lowered, *causes: Cause) -> Lowered:
    """The lowering with the rules of these causes tagged as wider than the truth."""
    rules = tuple(
        replace(r, approximate="by-hand") if r.action.cause in causes else r
        for r in machine.machine.rules
    )
    return replace(machine, machine=replace(machine.machine, rules=rules))


def made_up(name: str) -> Rule:
    """Mail is sent by itself."""
    up = Update("mail", "mail", (("0", "1"), ("1", "2"), ("2", "2")))
    return Rule(
        RuleKind.EVENT, Action(Cause.LATE_EFFECT, subject="mail"), (), (up,), approximate=name
    )


def test_a_story_that_needs_a_wider_rule_and_replays_refutes() -> None:
    """Without the tagged deliveries after a death nothing happens twice."""
    machine = tagged(lowered(CALM_UNSAFE), Cause.REDELIVERY, Cause.LEASE_EXPIRED)
    exact = replace(machine, machine=approximation.exact(machine.machine))
    assert len(exact.machine.rules) < len(machine.machine.rules)
    without = judged(exact)
    assert isinstance(without, ClaimResult)
    assert without.verdict is Verdict.HOLDS
    result = judged(machine)
    assert isinstance(result, ClaimResult)
    assert result.verdict is Verdict.REFUTED
    assert result.trace is not None
    assert Cause.REDELIVERY in {step.cause for step in result.trace.steps}


def test_a_story_that_does_not_replay_leaves_the_question_open() -> None:
    for options in (ONCE, replace(ONCE, workers=2, events=1)):
        result = judged(with_rule(lowered(SAFE), made_up("mail-by-itself")), options)
        assert isinstance(result, ClaimResult)
        assert result.verdict is Verdict.UNKNOWN
        assert "`mail-by-itself`" in result.reason


def test_without_the_tag_it_is_a_bug() -> None:
    assert isinstance(judged(with_rule(lowered(SAFE), made_up(""))), Disagreement)


def test_the_search_goes_on_after_a_story_that_does_not_replay() -> None:
    """The made-up story is the shorter one."""
    machine = with_rule(
        tagged(lowered(CALM_UNSAFE), Cause.REDELIVERY, Cause.LEASE_EXPIRED),
        replace(made_up("mail-by-itself"), guard=(Test("orders", frozenset({"ready"})),)),
    )
    result = judged(machine)
    assert isinstance(result, ClaimResult)
    assert result.verdict is Verdict.REFUTED


def test_a_wider_bad_pattern_refutes_nothing_by_itself() -> None:
    machine = lowered(SAFE)
    _, prop = question(machine, machine.design.claims[0])
    wide = replace(prop, bad=tuple(replace(p, approximate="component") for p in prop.bad))
    assert approximation.exact_property(wide).bad == ()
    assert not approximation.is_exact(machine.machine, wide)
    assert approximation.is_exact(machine.machine, prop)


def test_an_export_says_which_rules_are_wider() -> None:
    assert "wider than the truth: by-hand" in describe(made_up("by-hand"))
    assert "wider" not in describe(made_up(""))


def test_a_broadcast_that_moves_a_worker_is_refused() -> None:
    machine = lowered(SAFE).machine
    place = next(v for v in machine.variables if v.name == PLACE).domain[0]
    moving = Rule(
        RuleKind.EVENT,
        Action(Cause.LATE_EFFECT),
        others=(Broadcast(Level.EVENT, (), (put(PLACE, place),)),),
    )
    with pytest.raises(ValueError, match="place of a worker"):
        replace(machine, rules=(*machine.rules, moving))
