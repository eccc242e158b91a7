"""Laws of the judge of the whole configuration, on random designs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from msgspec.structs import replace
from onceproof.interpreter import claims
from onceproof.interpreter.claims import Judge
from onceproof.interpreter.context import Context
from onceproof.interpreter.oracle import event_sets, explore
from onceproof.interpreter.state import State
from onceproof.lang.design import Claim, Design
from onceproof.lang.load import load_text

from support.designs import random_design

KINDS = ("no-loss", "together", "recoverable")
LIMIT, EVERY = 600, 4


def _designs(first: int, last: int) -> Iterator[tuple[Design, Context, list[Claim]]]:
    """Random designs with the claims that look at what can still happen."""
    for seed in range(first, last):
        design = load_text(random_design(seed)).design
        if design is not None and (asked := [c for c in design.claims if c.kind in KINDS]):
            ctx = Context.of(design, design.semantics[seed % len(design.semantics)])
            yield design, ctx, asked


def _states(design: Design, ctx: Context, events: int, *, at_work: bool = True) -> list[State]:
    """Some of the situations that two workers reach; without ``at_work``, all with no worker."""
    found: list[State] = []
    for chosen in event_sets(design, events)[-1:]:
        explored = explore(replace(design, claims=()), ctx.choice, chosen, 2, LIMIT)
        states = sorted(explored.states, key=repr)
        found += states[::EVERY] if at_work else [s for s in states if not s.workers]
    return found


def test_one_event_alone_is_judged_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless it has not begun, or workers wait for good."""
    compared = differs = 0
    for design, ctx, asked in _designs(0, 30):
        whole, alone = Judge(ctx), Judge(ctx)
        for state in _states(design, ctx, 1):
            for claim in asked:
                monkeypatch.setattr(claims, "WHOLE", True)
                begun, stuck = whole.unaided.begun(state), whole.deadlocked(state)
                new = whole.violated(claim, state)
                monkeypatch.setattr(claims, "WHOLE", False)
                old = alone.violated(claim, state)
                assert new == old or stuck or (old and not begun)
                compared, differs = compared + (new == old), differs + (new != old)
    assert compared > 1_000
    assert differs < compared // 4


def _compared_with_one(monkeypatch: pytest.MonkeyPatch, first: int, last: int) -> tuple[int, int]:
    """How often both say broken, and how often the judge of one event alone does."""
    broken = saved = 0
    for design, ctx, asked in _designs(first, last):
        whole, alone = Judge(ctx), Judge(ctx)
        for state in _states(design, ctx, 2, at_work=False):
            for claim in asked:
                monkeypatch.setattr(claims, "WHOLE", True)
                new = whole.violated(claim, state)
                monkeypatch.setattr(claims, "WHOLE", False)
                old = alone.violated(claim, state)
                assert old or not new
                broken, saved = broken + new, saved + (old and not new)
    return broken, saved


def test_what_the_whole_cannot_do_no_event_can_do_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    broken, saved = _compared_with_one(monkeypatch, 14, 24)
    assert broken > 100
    assert saved > 5


@pytest.mark.slow
def test_what_the_whole_cannot_do_no_event_can_do_in_more_designs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broken, saved = _compared_with_one(monkeypatch, 0, 14)
    assert broken > 100
    assert saved > 0


def test_what_was_judged_before_changes_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "WHOLE", True)
    for design, ctx, asked in _designs(1, 7):
        shared = Judge(ctx)
        for state in _states(design, ctx, 2)[::20]:
            for claim in asked:
                assert shared.violated(claim, state) == Judge(ctx).violated(claim, state)
