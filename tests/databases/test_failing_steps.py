"""Failing database steps in the machine (docs/semantics.md, "A failure without a clause costs
nothing").
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from msgspec.structs import replace
from onceproof.engines.search import Bounds, Budget
from onceproof.engines.search.states import configurations
from onceproof.lang.design import Design
from onceproof.lang.load import load, load_text
from onceproof.lower import Lowered, lower
from onceproof.machine.system import Cause, Machine

from support.repo import ROOT

FAILURES = (Cause.DATABASE_FAILED, Cause.DATABASE_ANSWER_LOST)
MOST = 3_000
RESTRICTED = re.compile(r"crash here|assume no crash|assume crash only|on failure\n|retry \d")
EXAMPLES = sorted((ROOT / "examples").rglob("*.once"))


def states(machine: Machine) -> int | None:
    """How many configurations of one event with one worker there are; None: too many."""
    found = configurations(machine, Bounds(1), Budget(MOST, None))
    return len(found) if isinstance(found, list) else None


def without_failures(lowered: Lowered) -> Machine:
    rules = tuple(r for r in lowered.machine.rules if r.action.cause not in FAILURES)
    return replace(lowered.machine, rules=rules)


def of(text: str) -> Design:
    loaded = load_text(text)
    assert loaded.design is not None, [d.headline for d in loaded.diagnostics]
    return loaded.design


def kills(path: Path) -> bool:
    """Whether every line can be one at which a worker is killed, none has a clause, and nobody
    acknowledges what has failed.
    """
    loaded = load(path)
    texts = [source.text for source in loaded.sources.values()]
    return (
        loaded.design is not None
        and not any(p.acks_failures for p in loaded.design.processes)
        and not any(map(RESTRICTED.search, texts))
    )


@pytest.mark.parametrize("folder", ["article", "patterns", "tutorial", "theory", "incidents"])
def test_a_failure_without_a_clause_adds_no_state(folder: str) -> None:
    asked = 0
    for path in EXAMPLES:
        if folder not in path.parts or not kills(path):
            continue
        design = load(path).design
        assert design is not None
        lowered = lower(design, design.semantics[-1])
        count = states(lowered.machine)
        if count is not None:
            asked += 1
            assert count == states(without_failures(lowered)), path.name
    assert asked > 1


HANDLER = """
event Pay(id)
queue q of Pay at-least-once
store inv per id
  state: open | booked
store seen per id, unique
consumer c on q{acks}
  insert id into seen or stop
  set inv.state = booked
claim recoverable
"""


@pytest.mark.parametrize("acks", [", acks on return", ", acks on return or failure"])
def test_failures_share_the_place_of_the_acknowledgement(acks: str) -> None:
    lowered = lower(of(HANDLER.format(acks=acks)), of(HANDLER.format(acks=acks)).semantics[0])
    assert len(lowered.points) == 3  # two lines and the acknowledgement


def test_an_assumption_takes_the_failures_away() -> None:
    design = of(HANDLER.format(acks="") + "assume no database failures\n")
    causes = {r.action.cause for r in lower(design, design.semantics[0]).machine.rules}
    assert causes.isdisjoint(FAILURES)


CLAUSES = """
event Pay(id)
queue q of Pay at-least-once
store ledger per id
store seen per id, unique
effect booking per id in ledger
consumer c on q
  atomic
    insert id into seen or stop
    do booking
  on failure
    nack
    stop
  retry 3 times
  ack
claim recoverable
"""


def test_a_failed_block_is_repeated_or_its_clause_runs() -> None:
    design = of(CLAUSES)
    lowered = lower(design, design.semantics[0])
    failed = [r for r in lowered.machine.rules if r.action.cause is Cause.DATABASE_FAILED]
    targets = {u.constant for r in failed for u in r.updates if u.target == "worker at"}
    assert targets == {"c:9", "c:12"}
    assert {r.approximate for r in failed} == {"retry-count"}
    assert not any(u.target in ("seen", "booking") for r in failed for u in r.updates)


def test_a_lost_answer_has_written() -> None:
    design = of(CLAUSES)
    lowered = lower(design, design.semantics[0])
    lost = [r for r in lowered.machine.rules if r.action.cause is Cause.DATABASE_ANSWER_LOST]
    assert any({"seen", "booking"} <= {u.target for u in r.updates} for r in lost)
