"""Mistakes that once went unnoticed by the quick tests: each is made here on purpose, and a small
design tells.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

import pytest
from onceproof.engines.compositional.abstraction import View, _Abstraction
from onceproof.lang.load import load_text
from onceproof.lower import lower, worker
from onceproof.lower.case import Case
from onceproof.lower.queues import Group
from onceproof.machine.system import (
    PLACE,
    Action,
    Cause,
    Level,
    Machine,
    Rule,
    RuleKind,
    Test,
    Variable,
)
from onceproof.properties import compile
from onceproof.properties.row_sets import Allowed, Runs
from onceproof.verdict.check import check_loaded
from onceproof.verdict.result import Verdict
from onceproof.verdict.task import Options

from support.agreement import the_readings_agree

CALM = """assume no replay
assume no publisher retries
assume no broker copies
"""
LATE_ACK = """event Paid(id)
queue paid of Paid at-least-once
  late ack settles
effect mail per id via http
consumer c on paid
  ack or stop
  send mail
claim no duplicate mail
"""
LATE_REQUEST = """event Paid(id)
queue paid of Paid at-least-once
store row per id
  state: open | begun | done
consumer c on paid, workers 1
  if row.state is open
    set row.state = begun
    set row.state = done
  ack
claim no loss of row
assume no lost acks
"""
LOST_IS_OVER = """event Paid(id)
queue paid of Paid at-least-once
queue copies of Paid at-least-once
  messages may expire
effect charge per id via http
  key id, kept 24h
consumer c on paid
  call charge
  ack
consumer d on copies
  ack
claim no duplicate charge
assume retries end within the key window
"""
RETURNED = """event Paid(id)
queue paid of Paid at-least-once
  messages may expire
  delivery limit 3 then dead-letter
store seen per id
consumer c on paid
  add id to seen
  ack
claim no loss of seen
"""


def noticed(text: str) -> bool:
    """Whether the two readings differ about a design."""
    try:
        the_readings_agree(text)
    except AssertionError:
        return True
    return False


def _never_settles(original: Callable[[Group, Case], list[tuple[Case, str]]]) -> object:
    """A late acknowledgement does nothing."""

    def ack(group: Group, case: Case) -> list[tuple[Case, str]]:
        return [x if x[0].changes else (x[0], "refused") for x in original(group, case)][:1]

    return ack


def test_a_late_acknowledgement_settles_a_message_that_somebody_holds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = LATE_ACK + CALM
    assert not noticed(text)
    monkeypatch.setattr(Group, "ack", _never_settles(Group.ack))
    assert noticed(text)


def test_the_request_of_a_dead_worker_arrives_late_where_workers_are_few(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = LATE_REQUEST + CALM
    assert not noticed(text)
    monkeypatch.setattr(worker.Lowering, "_lets_others_go_on", lambda _: False)
    assert noticed(text)


def test_a_published_message_arrives_late() -> None:
    """Its sender is dead: the message arrives all the same, or never does."""
    text = LATE_REQUEST.replace("store row", "queue mails of Paid at-least-once\nstore row")
    text = text.replace(
        "  ack\nclaim", "  publish to mails\n  ack\nconsumer d on mails\n  ack\nclaim"
    )
    design = load_text(text).design
    assert design is not None
    lowered = lower(design, design.semantics[0])
    mails = lowered.groups["d"].status
    late = [r for r in lowered.machine.rules if r.action.cause is Cause.LATE_EFFECT]
    assert any(u.target == mails for r in late for u in r.updates)
    assert not noticed(text + CALM)


def test_a_key_ends_also_where_a_message_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    text = LOST_IS_OVER + CALM
    assert not noticed(text)
    environment = import_module("onceproof.lower.environment")
    monkeypatch.setattr(environment, "AT_REST", frozenset({"absent", "settled", "dead"}))
    assert noticed(text)


def test_a_message_that_came_back_may_expire(monkeypatch: pytest.MonkeyPatch) -> None:
    text = RETURNED + CALM
    assert not noticed(text)
    monkeypatch.setattr(Group, "_vanishing", lambda _: {"ready"})
    assert noticed(text)


def test_a_rule_that_wants_to_be_alone_is_so_only_of_whom_it_is_seen() -> None:
    """Two places go by one name: who is there may be at the other one, which does not disturb."""
    place = Variable(PLACE, Level.WORKER, ("a", "b"), ("a",))
    alone = Rule(RuleKind.EVENT, Action(Cause.KEY_EXPIRED), alone=(Test(PLACE, frozenset({"a"})),))
    machine = Machine("m", "at-least-once", (place,), (alone,))
    merged = View(frozenset({PLACE}), PLACE, (("a", "both"), ("b", "both")))
    apart = View(frozenset({PLACE}), PLACE, (("a", "one"), ("b", "other")))
    assert alone.alone is not None
    assert _Abstraction(machine, merged).surely(alone.alone) is None
    assert _Abstraction(machine, apart).surely(alone.alone) == (Test(PLACE, frozenset({"one"})),)


OWN_LOCK = """event Paid(id)
queue paid of Paid at-least-once
lock m per id
effect mail per id via http
consumer c on paid
  acquire m
  acquire m
  send mail
  ack
claim recoverable
"""


def _walks_with_locks_let_go(
    original: Callable[[Runs, Allowed, frozenset[str]], None],
) -> Callable[[Runs, Allowed, frozenset[str]], None]:
    """Locks end while a worker is busy, too."""

    def walk(runs: Runs, allowed: Allowed, locks: frozenset[str]) -> None:
        original(runs, allowed, locks)
        ends = [moves for before, moves in runs.into[None] if before is None]
        for at in runs.states():
            for moves in ends:
                runs.into[at][at, moves] = None

    return walk


def verdict(text: str) -> Verdict:
    """The answer to the only claim."""
    result, _ = check_loaded(load_text(text), Options())
    assert result.failures == ()
    return result.cells[0].verdict


def test_nobody_lets_go_of_a_lock_while_its_worker_is_busy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A worker that waits for itself waits for good. The patterns of deadlocks say so, too; they
    are left out here.
    """
    monkeypatch.setattr(compile, "STALLED", ())
    assert verdict(OWN_LOCK) is Verdict.REFUTED
    monkeypatch.setattr(Runs, "_walk", _walks_with_locks_let_go(Runs._walk))
    assert verdict(OWN_LOCK) is not Verdict.REFUTED
