"""Lengths of time: what a proof rests on is printed with it, and what would help a refuted claim is
found by itself.
"""

from __future__ import annotations

import pytest
from onceproof.lang.load import load_text
from onceproof.report.words import ground, short
from onceproof.verdict.check import check_loaded
from onceproof.verdict.result import ClaimResult, Verdict
from onceproof.verdict.task import Options

CALM = """
assume no crash
assume no replay
assume no broker copies
assume no publisher retries
assume no lost answers
assume no lost acks
assume no refusals
"""
LEASE = """
event Paid(id)
queue payments of Paid at-least-once
  lease 30s
effect mail per id via smtp
consumer c on payments{bound}
  send mail
  ack
claim no duplicate mail
"""


def cell(text: str) -> ClaimResult:
    """The only cell of a design."""
    loaded = load_text(text)
    assert loaded.design is not None, [d.headline for d in loaded.diagnostics]
    result, _ = check_loaded(loaded, Options())
    assert not result.failures
    (found,) = result.cells
    return found


def test_a_bound_below_the_lease_is_a_condition_of_the_proof() -> None:
    found = cell(LEASE.format(bound=", takes up to 20s") + CALM)
    assert (found.verdict, found.conditions) == (Verdict.HOLDS, ("handler (20s) < lease (30s)",))
    assert short(found) == "proved if …"
    assert "if handler (20s) < lease (30s)" in ground(found)


@pytest.mark.parametrize("bound", [", takes up to 30s", ", takes up to 1min", ""])
def test_a_bound_that_is_not_smaller_changes_nothing(bound: str) -> None:
    found = cell(LEASE.format(bound=bound) + CALM)
    assert (found.verdict, found.would_hold) == (Verdict.REFUTED, ("handler < lease (30s)",))
    assert "it would hold if handler < lease (30s)" in ground(found)


def test_a_bound_does_not_help_against_a_crash() -> None:
    found = cell(LEASE.format(bound=", takes up to 20s"))
    assert (found.verdict, found.conditions, found.would_hold) == (Verdict.REFUTED, (), ())


def test_a_proof_that_needs_no_bound_is_a_bare_one() -> None:
    text = LEASE.format(bound=", takes up to 20s").replace(" via smtp", "\n  key id, kept for ever")
    found = cell(text)
    assert (found.verdict, found.conditions) == (Verdict.HOLDS, ())


LOCKED = """
event Paid(id, order)
queue payments of Paid at-least-once
store done per order
lock lease per order, expires 60s
effect mail per order via smtp
consumer c on payments
  acquire lease or fail
  if order in done
    ack
    release lease
    stop
  send mail
  add order to done
  ack
  release lease
assume no crash
assume no lost answers
assume no refusals
claim no duplicate mail
"""


def test_a_lock_that_outlasts_its_work_would_help() -> None:
    found = cell(LOCKED)
    assert (found.verdict, found.would_hold) == (Verdict.REFUTED, ("work under lease < 60s",))
    held = cell(LOCKED + "assume work ends within the lock\n")
    assert (held.verdict, held.conditions) == (Verdict.HOLDS, ("work under lease < 60s",))


def test_a_lock_still_ends_after_its_holder() -> None:
    found = cell(LOCKED.replace("assume no crash\n", "") + "assume work ends within the lock\n")
    assert (found.verdict, found.would_hold) == (Verdict.REFUTED, ())


WINDOW = """
event Paid(id)
queue payments of Paid at-least-once
  drops copies within 5min
effect mail per id via smtp
consumer c on payments, acks on delivery
  send mail
assume no replay
assume no broker copies
claim no duplicate mail
"""


def test_a_window_for_copies() -> None:
    found = cell(WINDOW)
    assert (found.verdict, found.would_hold) == (
        Verdict.REFUTED,
        ("publisher retries < 5min (payments)",),
    )
    held = cell(WINDOW + "assume publisher retries end within the dedup window\n")
    assert (held.verdict, held.conditions) == (
        Verdict.HOLDS,
        ("publisher retries < 5min (payments)",),
    )


KEPT = """
event Paid(id)
queue payments of Paid at-least-once
effect charge per id via http
  key id, kept 24h
consumer c on payments
  call charge
  ack
assume no replay
claim no duplicate charge
"""


def test_a_key_that_is_kept_long_enough() -> None:
    found = cell(KEPT)
    assert (found.verdict, found.would_hold) == (
        Verdict.REFUTED,
        ("retries of an event < 24h (key of charge)",),
    )
    held = cell(KEPT + "assume retries end within the key window\n")
    assert (held.verdict, held.conditions) == (
        Verdict.HOLDS,
        ("retries of an event < 24h (key of charge)",),
    )


def test_facts_that_nobody_confirmed_are_named() -> None:
    found = cell(
        LEASE.format(bound=", takes up to 20s").replace(
            "at-least-once\n  lease 30s", "via rabbitmq.quorum"
        )
        + CALM
        + "assume no lost connections\n"
    )
    assert found.conditions == ("handler (20s) < consumer-timeout (30min)",)
    assert all(fact.startswith("rabbitmq.quorum: ") for fact in found.facts)
