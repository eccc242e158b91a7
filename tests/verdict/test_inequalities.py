"""Lengths of time in the words of the report; the verdicts are in ``tests/designs``."""

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


def test_what_a_proof_rests_on_is_said_in_words() -> None:
    found = cell(LEASE.format(bound=", takes up to 20s") + CALM)
    assert found.verdict is Verdict.HOLDS
    assert short(found) == "proved if handler < 30s"
    assert "if handler (20s) < lease (30s)" in ground(found)


def test_what_would_help_is_said_in_words() -> None:
    found = cell(LEASE.format(bound="") + CALM)
    assert found.verdict is Verdict.REFUTED
    assert "it would hold if handler < lease (30s)" in ground(found)


def test_a_proof_rests_on_no_fact_that_would_break_it() -> None:
    """That workers lose their messages makes nothing safe."""
    text = """
event Paid(id)
queue payments of Paid via pulsar
effect mail per id via http
  key id, kept for ever
consumer c on payments
  send mail
  ack
claim no duplicate mail
"""
    assert not any("disconnect" in fact for fact in cell(text).facts)
    loose = text.replace("  key id, kept for ever\n", "")
    assert cell(loose).verdict is not cell(text).verdict


def test_facts_that_nobody_confirmed_are_named() -> None:
    found = cell(
        LEASE.format(bound=", takes up to 20s").replace(
            "at-least-once\n  lease 30s", "via rabbitmq.quorum(prefetch=10)"
        )
        + CALM
        + "assume no lost connections\n"
    )
    assert found.conditions == ("prefetch (10) × handler (20s) < consumer-timeout (30min)",)
    assert all(fact.startswith("rabbitmq.quorum: ") for fact in found.facts)


FETCHED = """
event Paid(id)
queue payments of Paid via {broker}
effect mail per id via smtp
consumer c on payments, takes up to 20s
  send mail
  ack
claim no duplicate mail
"""


@pytest.mark.parametrize(
    ("broker", "condition"),
    [
        (
            "rabbitmq.quorum(prefetch=89)",
            "prefetch (89) × handler (20s) < consumer-timeout (30min)",
        ),
        ("rabbitmq.quorum(prefetch=90)", ""),
        ("rabbitmq.quorum(prefetch=0)", ""),
        ("rabbitmq.quorum", ""),
        ("sqs.standard", "handler (20s) < VisibilityTimeout (30s)"),
        ("sqs.standard(MaxNumberOfMessages=2)", ""),
        ("servicebus.peeklock", "handler (20s) < LockDuration (1min)"),
        (
            "servicebus.peeklock(PrefetchCount=1)",
            "PrefetchCount + 1 (2) × handler (20s) < LockDuration (1min)",
        ),
        ("servicebus.peeklock(PrefetchCount=2)", ""),
        ("lambda.sqs(VisibilityTimeout=3min, BatchSize=9)", ""),
        (
            "lambda.sqs(VisibilityTimeout=3min, BatchSize=8)",
            "BatchSize (8) × handler (20s) < VisibilityTimeout (3min)",
        ),
    ],
)
def test_a_lease_lasts_for_all_that_is_fetched_at_once(broker: str, condition: str) -> None:
    """The product of what is fetched and one run must be shorter than the lease, and it is said."""
    calm = CALM + "assume no lost connections\nassume no batch failures\n"
    text = FETCHED.format(broker=broker) + calm
    found = cell(text.replace("  ack\n", "") if "lambda" in broker else text)
    if condition:
        assert found.verdict is Verdict.HOLDS
        assert found.conditions == (condition,)
    else:
        assert found.verdict is Verdict.REFUTED


def test_what_the_machine_leaves_out_is_a_condition_of_what_it_would_break() -> None:
    """A broker that loses what it has confirmed breaks *no loss*, and not *no duplicate*."""
    text = """
event Paid(id)
queue payments of Paid via nats.jetstream
store seen per id, unique
effect mail per id in seen
consumer c on payments
  atomic
    insert id into seen or stop
    do mail
  ack
claim {}
"""
    loss = cell(text.format("no loss of mail"))
    assert loss.verdict is Verdict.HOLDS
    assert loss.conditions == ("no power cut loses a confirmed message: sync_interval (payments)",)
    assert cell(text.format("no duplicate mail")).conditions == ()
    silent, said = "via nats.jetstream", "via nats.jetstream(sync_interval={})"
    always = text.replace(silent, said.format("always")).format("no loss of mail")
    later = text.replace(silent, said.format("2min")).format("no loss of mail")
    assert cell(always).conditions == ()
    assert cell(later).verdict is Verdict.REFUTED
