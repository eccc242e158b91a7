"""Lengths of time in the words of the report; the verdicts are in ``tests/designs``."""

from __future__ import annotations

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
    assert short(found) == "proved if …"
    assert "if handler (20s) < lease (30s)" in ground(found)


def test_what_would_help_is_said_in_words() -> None:
    found = cell(LEASE.format(bound="") + CALM)
    assert found.verdict is Verdict.REFUTED
    assert "it would hold if handler < lease (30s)" in ground(found)


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
