"""The two readings of every switch of a broker agree on random designs; a reading that forgets one
does not get away with it.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from onceproof.lower.queues import Group
from onceproof.machine.system import Cause

from support.broker_designs import broker_design
from support.readings import compare

QUICK, FULL, ALL, STEP = 12, 312, 1_000, 20


def _problems(first: int, last: int) -> list[str]:
    return [
        f"design {seed}: {p}"
        for seed in range(first, last)
        for p in compare(seed, broker_design).problems
    ]


@pytest.mark.parametrize("first", range(0, QUICK, 6))
def test_everything_agrees_on_random_brokers(first: int) -> None:
    assert _problems(first, first + 6) == []


@pytest.mark.slow
@pytest.mark.parametrize("first", range(QUICK, FULL, STEP))
def test_everything_agrees_on_many_random_brokers(first: int) -> None:
    assert _problems(first, first + STEP) == []


@pytest.mark.nightly
@pytest.mark.parametrize("first", range(FULL, ALL, STEP))
def test_nightly_everything_agrees_on_many_random_brokers(first: int) -> None:
    assert _problems(first, first + STEP) == []


def _caught(make: Callable[[int], str] = broker_design) -> bool:
    return any(compare(seed, make).problems for seed in range(120))


def _only_crashes(seed: int) -> str:
    """A handler that fails at the database leaves what a killed one leaves."""
    return f"{broker_design(seed)}\nassume no database failures\n"


OTHER_LOSSES = (
    "consumer may lose its connection",
    "partitions may move",
    "lease 30s",
    "shutdown gives messages back",
    "assume no lost connections",
)


def _only_connections(seed: int) -> str:
    """A lost connection leaves what a lease that ends leaves."""
    kept = [x for x in broker_design(seed).split("\n") if x.strip() not in OTHER_LOSSES]
    lines = [[x, f"  {OTHER_LOSSES[0]}"] if x.startswith("queue ") else [x] for x in kept]
    return "\n".join(x for pair in lines for x in pair)


@pytest.mark.slow
def test_a_reading_whose_connections_hold_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    original = Group.hold_losses
    monkeypatch.setattr(
        Group, "hold_losses", lambda g: [c for c in original(g) if c is not Cause.CONNECTION_LOST]
    )
    assert _caught(_only_connections)


@pytest.mark.slow
def test_a_reading_whose_dead_are_never_acknowledged_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Group, "settled_for", lambda *_: [])
    assert _caught(_only_crashes)


@pytest.mark.slow
def test_a_reading_in_which_everything_comes_again_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Group, "let_go", Group.nack)
    assert _caught()
