"""Replaying traces: what is followed, what is refused with a reason, and laws that hold of random
designs.
"""

from __future__ import annotations

from functools import cache

import pytest
from msgspec.structs import replace
from onceproof.interpreter import ReplayError, choices, initial, replay, violated
from onceproof.interpreter.context import Context
from onceproof.interpreter.oracle import Explored, event_sets, explore
from onceproof.interpreter.trace import Step, Trace
from onceproof.machine.delivery import Delivery
from onceproof.machine.system import Cause

from support.designs import random_design
from support.sample import sampled
from support.walk import LEAST, Walk, design, handler, states

TEXT = handler(
    "atomic\n  add id to seen\n  do credit\nsend mail\nack", claims=("no duplicate mail",)
)


def story() -> Walk:
    w = Walk(TEXT)
    return w.go(
        "delivery h",
        "add id to seen -> commit",
        "send mail -> done",
        "worker-killed ack",
        "redelivery h",
        "delivery h",
    )


def test_the_states_of_a_story() -> None:
    w = story()
    told = replay(w.design, w.trace)
    assert told.states[-1] == w.state
    assert len(told.states) == len(w.steps) + 1
    assert told.steps == tuple(w.steps)


def test_what_a_trace_may_leave_out() -> None:
    w = story()
    bare = tuple(
        replace(
            s,
            process="",
            queue="",
            subject="",
            line=0,
            outcome="" if s.outcome == "commit" else s.outcome,
        )
        for s in w.steps
    )
    assert replay(w.design, replace(w.trace, steps=bare)).states[-1] == w.state


@pytest.mark.parametrize(
    ("index", "change", "why"),
    [
        (1, {"line": 99}, "possible instead: .*handler event 0 worker 0 h seen line 11"),
        (2, {"outcome": "perhaps"}, r"\(perhaps\) is not possible; possible instead: answer-lost"),
        (2, {"cause": Cause.LATE_EFFECT}, "late-effect event 0 worker 0 h mail line 13"),
        (3, {"worker": 1}, "worker-killed event 0 worker 1"),
        (4, {"event": 1}, "redelivery event 1"),
        (
            5,
            {"process": "other"},
            (
                "delivery event 0 worker 0 other q is not possible; possible instead: delivery"
                " event 0 worker 0 h q"
            ),
        ),
    ],
)
def test_a_step_that_is_not_possible(index: int, change: dict[str, object], why: str) -> None:
    w = story()
    steps = list(w.steps)
    steps[index] = replace(steps[index], **change)  # type: ignore[arg-type]
    with pytest.raises(ReplayError, match=why) as error:
        replay(w.design, replace(w.trace, steps=tuple(steps)))
    assert error.value.index == index


def test_a_step_that_could_be_several() -> None:
    text = TEXT.replace("claim", "consumer other on q\n  wait\n  ack\nclaim", 1)
    w = Walk(text)
    with pytest.raises(ReplayError, match="can be several things"):
        replay(w.design, Trace(LEAST, w.events, (Step(Cause.DELIVERY, 0, 0, 0),)))


# ---------------------------------------------------------------- laws of random designs


@pytest.mark.parametrize("seed", sampled(range(40), 3))
def test_choices_are_sorted_distinct_and_repeatable(seed: int) -> None:
    checked = design(random_design(seed))
    for semantics in checked.semantics:
        ctx = Context.of(checked, semantics)
        state = initial(checked, semantics, event_sets(checked, 2)[0])
        for turn in range(25):
            found = choices(ctx, state, 3)
            assert found == choices(Context.of(checked, semantics), state, 3)
            assert len({s for s, _ in found}) == len(found), "two choices are told alike"
            assert [s.cause.value for s, _ in found] == sorted(s.cause.value for s, _ in found)
            if not found:
                break
            state = found[(seed * 7 + turn * 5) % len(found)][1]
            numbers = [w.number for w in state.workers]
            assert numbers == sorted(set(numbers))


@pytest.mark.parametrize("seed", sampled(range(30), 3))
def test_every_violation_replays(seed: int) -> None:
    checked = design(random_design(seed))
    for semantics in checked.semantics:
        found = explore(checked, semantics, event_sets(checked, 1)[-1], pool=2, limit=1_500)
        for index, trace in found.violations.items():
            last = replay(checked, trace).states[-1]
            assert violated(checked, checked.claims[index], semantics, last)


@cache
def unrestricted(seed: int) -> Explored:
    """What a random design reaches, for all the assumptions that may be added to it."""
    checked = design(random_design(seed))
    return explore(checked, LEAST, event_sets(checked, 1)[0], pool=1, limit=2_000)


@pytest.mark.parametrize("seed", sampled(range(20), 2))
@pytest.mark.parametrize("assumption", ["no replay", "no lost answers", "no refusals", "no crash"])
def test_an_assumption_only_removes_states(seed: int, assumption: str) -> None:
    text = random_design(seed)
    contradicted = {
        "no crash": ("crash here", "crash only"),
        "no replay": ("operator replays",),
    }.get(assumption, ())
    if (
        assumption in text
        or "within the key" in text
        or any(words in text for words in contradicted)
    ):
        return
    calmer = text.replace("\nconsumer handler", f"\nassume {assumption}\nconsumer handler", 1)
    wider = unrestricted(seed)
    if wider.complete:
        assert states(calmer, LEAST, pool=1) <= wider.states


def test_the_oracle_stops_at_its_limit() -> None:
    checked = design(TEXT)
    found = explore(checked, Delivery.AT_LEAST_ONCE, event_sets(checked, 1)[0], pool=2, limit=10)
    assert not found.complete
    assert len(found.states) == 10
