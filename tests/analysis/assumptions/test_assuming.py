"""Which assumptions a refuted claim would hold under, and which a proved one needs."""

from __future__ import annotations

from itertools import combinations

import pytest
from msgspec.structs import replace
from onceproof.lang.assumptions import ASSUMPTIONS, TRIED
from onceproof.lang.design import Assumption
from onceproof.lang.source import Span
from onceproof.lower import lower
from onceproof.verdict.decide import judge_claim
from onceproof.verdict.result import Assurance, ClaimResult, Scope, Verdict
from onceproof.verdict.task import Options

from support.assuming import (
    ACK_FIRST,
    CHARGE,
    EXACTLY,
    FIRST,
    LEAST,
    LOSSY,
    assuming,
    loaded,
    searched,
)

WINDOW, REPLAY = "retries end within the key window", "no replay"


def test_every_assumption_is_tried_in_one_order() -> None:
    """But one that names an effect, of which there may be any number, and one that says a
    number.
    """
    assert sorted((*TRIED, "crash-only-after", "fails-fewer")) == sorted(ASSUMPTIONS)
    assert [ASSUMPTIONS[name].attempt for name in TRIED] == list(range(1, len(TRIED) + 1))
    assert TRIED[0] == "within-key-window"
    assert TRIED[-1] == "no-crash"


# ---------------------------------------------------------------- T8, exactly as in the theory


def test_a_key_that_expires_at_any_time_is_refuted_and_the_search_finds_what_is_missing() -> None:
    found = searched(CHARGE)
    assert isinstance(found.cell, ClaimResult)
    assert found.cell.verdict is Verdict.REFUTED
    assert [s.phrases for s in found.sufficient] == [(WINDOW, REPLAY)]
    assert found.complete
    assert not found.hopeless


def test_the_window_alone_is_still_refuted_by_a_replay() -> None:
    found = searched(CHARGE + assuming(WINDOW))
    assert isinstance(found.cell, ClaimResult)
    assert found.cell.verdict is Verdict.REFUTED
    assert [s.phrases for s in found.sufficient] == [(REPLAY,)]


def test_both_together_are_proved_and_both_are_needed() -> None:
    found = searched(CHARGE + assuming(WINDOW, REPLAY))
    assert isinstance(found.cell, ClaimResult)
    assert found.cell.verdict is Verdict.HOLDS
    assert [(need.phrase, need.needed) for need in found.needs] == [(WINDOW, True), (REPLAY, True)]
    assert [s.phrases for s in found.sufficient] == [(WINDOW, REPLAY)]


# ---------------------------------------------------------------- refuted claims


def test_a_reported_set_is_proved_with_a_certificate_for_any_number() -> None:
    for found in (searched(CHARGE), searched(FIRST, semantics=EXACTLY)):
        for one in found.sufficient:
            assert (one.cell.verdict, one.cell.assurance, one.cell.scope) == (
                Verdict.HOLDS,
                Assurance.CERTIFICATE,
                Scope(),
            )
            assert len(one.cell.assumptions) == len(one.kinds)


@pytest.mark.slow
def test_sets_are_minimal_and_none_is_missing() -> None:
    """Against judging every set of at most four."""
    design = loaded(FIRST)
    found = searched(FIRST, semantics=EXACTLY)
    assert found.complete
    minimal: list[frozenset[str]] = []
    for size in range(5):
        for kinds in combinations(TRIED, size):
            if any(known <= set(kinds) for known in minimal):
                continue
            made = tuple(Assumption(kind, None, Span(0, 0, 0, 0)) for kind in kinds)
            lowered = lower(replace(design, assumptions=made), EXACTLY)
            cell = judge_claim(lowered, design.claims[0], Options(second_opinion=False))
            assert isinstance(cell, ClaimResult)
            if cell.verdict is Verdict.HOLDS and cell.assurance is Assurance.CERTIFICATE:
                minimal.append(frozenset(kinds))
    assert sorted(map(sorted, minimal)) == sorted(sorted(s.kinds) for s in found.sufficient)
    assert len(minimal) == 1


def test_only_assumptions_that_change_something_are_made() -> None:
    found = searched(FIRST, semantics=EXACTLY)
    assert [s.phrases for s in found.sufficient] == [
        ("handler finishes within the lease", "no lost answers", "no database failures", "no crash")
    ]


def test_alternatives_smallest_first_and_always_the_same() -> None:
    text = CHARGE.replace("  call charge\n  ack", "  ack or stop\n  call charge") + assuming(
        "no lost acks", "no broker copies", "no replay"
    )
    found = searched(text.replace("  key id, kept 24h\n", ""))
    assert [s.phrases for s in found.sufficient] == [("no publisher retries",)]
    again = searched(text.replace("  key id, kept 24h\n", ""))
    assert [s.kinds for s in again.sufficient] == [s.kinds for s in found.sufficient]


def test_a_set_larger_than_asked_for_is_shrunk_from_all_of_them() -> None:
    found = searched(FIRST, semantics=EXACTLY, most=2)
    assert [len(s.kinds) for s in found.sufficient] == [4]
    assert found.complete


def test_hopeless() -> None:
    text = CHARGE.replace("  call charge\n", "  call charge\n  call charge\n").replace(
        "  key id, kept 24h\n", ""
    )
    found = searched(text)
    assert found.hopeless
    assert found.sufficient == ()
    assert found.judged == 0, "a story that survives everything needs no judge"


def test_a_claim_that_becomes_vacuous_is_not_reported() -> None:
    """Without a failure the effect never happens: that is no way to avoid it twice."""
    text = """event E(id)
queue q of E at-least-once
store s per id
effect note per id in s
effect mail per id via http
consumer c on q
  send mail
    on failure
      do note
      do note
  ack
claim no duplicate note
"""
    found = searched(text)
    assert isinstance(found.cell, ClaimResult)
    assert found.cell.verdict is Verdict.REFUTED
    assert found.sufficient == ()


def test_time_that_runs_out_is_said() -> None:
    found = searched(CHARGE, seconds=0.000001)
    assert not found.complete
    assert found.reason
    assert found.sufficient == ()


# ---------------------------------------------------------------- proved claims


def test_a_claim_without_assumptions_needs_none() -> None:
    found = searched(CHARGE, claim=1)
    assert isinstance(found.cell, ClaimResult)
    assert found.cell.verdict is Verdict.HOLDS
    assert (found.needs, found.sufficient, found.complete) == ((), (), True)


def test_assumptions_that_are_not_needed() -> None:
    found = searched(CHARGE + assuming(WINDOW, REPLAY), claim=1)
    assert [need.needed for need in found.needs] == [False, False]
    assert [s.kinds for s in found.sufficient] == [()]


def test_some_are_needed_and_some_are_not() -> None:
    found = searched(ACK_FIRST)
    assert {need.kind: need.needed for need in found.needs} == {
        "no-lost-acks": False,
        "no-replay": True,
        "no-publisher-retries": True,
        "no-broker-copies": True,
    }
    assert [s.kinds for s in found.sufficient] == [
        ("no-replay", "no-publisher-retries", "no-broker-copies")
    ]


def test_either_of_two_is_enough() -> None:
    """The dedup row must be lost *and* the message must come again: excluding either is enough, so
    neither is needed by itself.
    """
    again = ("handler finishes within the lease", "no lost acks", "no crash")
    found = searched(LOSSY, semantics=EXACTLY)
    assert [s.phrases for s in found.sufficient] == [("no failover",), again]
    found = searched(LOSSY + assuming("no failover", *again), semantics=EXACTLY)
    assert [need.needed for need in found.needs] == [False] * 6
    both = [("no failover",), ("no lost answers", *again)]
    assert [s.phrases for s in found.sufficient] == both


def test_crash_only_after_is_named_with_its_effect() -> None:
    found = searched(ACK_FIRST + assuming("crash only after send mail"))
    assert [need.phrase for need in found.needs][-1] == "crash only after send mail"
    assert found.needs[-1].needed is False


def test_a_bounded_verdict_is_not_searched() -> None:
    text = FIRST.replace("on invoices", "on invoices, workers 1").replace(
        "exactly-once", "at-least-once"
    )
    text += assuming(
        "no crash",
        "no lost answers",
        "no lost acks",
        "no refusals",
        "no replay",
        "no broker copies",
        "no publisher retries",
    )
    found = searched(text, semantics=LEAST)
    assert not found.complete
    assert found.reason
