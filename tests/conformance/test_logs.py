"""The two readings of logs with positions, and of order, agree on random designs; a reading that
forgets a rule does not get away with it.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from onceproof.interpreter import broker, interpreter
from onceproof.interpreter.context import Context
from onceproof.lang.load import load_text
from onceproof.lower.queues import Group

from support.log_designs import log_design, ordered_design
from support.readings import compare

QUICK, FULL, ALL, STEP, MOST = 16, 260, 2_100, 20, 4_000


LATE = 235
"""The first design in which only a late commit settles a record."""


def _problems(first: int, last: int) -> list[str]:
    return [
        f"design {seed}: {p}"
        for seed in range(first, last)
        for p in compare(seed, log_design, most=MOST).problems
    ]


@pytest.mark.parametrize("first", range(0, QUICK, 8))
def test_everything_agrees_on_random_logs(first: int) -> None:
    assert _problems(first, first + 8) == []


@pytest.mark.parametrize("first", range(0, QUICK, 8))
def test_everything_agrees_on_random_orders(first: int) -> None:
    compared = (compare(seed, ordered_design, most=MOST) for seed in range(first, first + 8))
    assert [p for one in compared for p in one.problems] == []


@pytest.mark.slow
@pytest.mark.parametrize("first", range(QUICK, FULL, STEP))
def test_everything_agrees_on_many_random_logs(first: int) -> None:
    assert _problems(first, first + STEP) == []


@pytest.mark.nightly
@pytest.mark.parametrize("first", range(FULL, ALL, STEP))
def test_nightly_everything_agrees_on_many_random_logs(first: int) -> None:
    assert _problems(first, first + STEP) == []


def test_every_design_is_valid_and_has_a_log() -> None:
    for seed in range(60):
        loaded = load_text(log_design(seed))
        assert loaded.design is not None, (seed, [d.headline for d in loaded.diagnostics])
        assert any(q.log for q in loaded.design.queues.values())
        ordered = load_text(ordered_design(seed)).design
        assert ordered is not None, seed
        assert any(q.lane for q in ordered.queues.values())


def _caught(make: Callable[[int], str] = log_design) -> bool:
    return any(compare(seed, make, most=MOST).problems for seed in range(60))


def _comes_back_only_by_seeking(seed: int) -> str:
    """A record that is committed is read again after a copy or a step back, too."""
    lines = log_design(seed).replace(", in parallel", "").split("\n")
    never = [f"assume no {x}" for x in ("broker copies", "publisher retries", "rewinds", "replay")]
    kept = [x for x in lines if x not in never and not x.startswith("operator replays")]
    return "\n".join([*kept, *never, ""])


def test_a_reading_in_which_a_failure_never_passes_over_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Context, "after_failures", lambda *_: "stop")
    assert _caught()


def test_a_reading_without_later_commits_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Context, "later_commits", staticmethod(lambda _: False))
    assert _caught()


@pytest.mark.slow
def test_a_reading_that_seeks_only_what_it_holds_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # in the machine: it may do more than the interpreter here, which must not do more
    monkeypatch.setattr(
        Group, "_sought", lambda g, case: g._released(case, g._given_back, back=True)
    )
    assert _caught(_comes_back_only_by_seeking)


@pytest.mark.slow
def test_a_reading_whose_late_commits_are_refused_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(broker, "settles_late", lambda *_: False)
    assert compare(LATE, log_design, most=MOST).problems


@pytest.mark.slow
def test_a_reading_whose_copies_lie_before_the_record_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(broker, "copied_from", lambda *_: {"settled", "passed", "inflight"})
    assert _caught()


@pytest.mark.slow
def test_a_reading_in_which_nothing_is_read_again_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(interpreter, "positions", lambda *_: iter(()))
    assert _caught()
