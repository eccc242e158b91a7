"""What a proof needs: each part taken away by hand in the text gives the same answer."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from onceproof.analysis import validity_core
from onceproof.analysis.ablations import parts
from onceproof.analysis.session import Session
from onceproof.analysis.validity_core import Needs, needs
from onceproof.cli.main import main
from onceproof.counterexample.validate import violates
from onceproof.lang.design import Design
from onceproof.lang.load import load, load_text
from onceproof.machine.delivery import Delivery
from onceproof.verdict.check import check_loaded
from onceproof.verdict.exit_codes import Exit
from onceproof.verdict.result import Verdict
from onceproof.verdict.task import Options

from support.repo import ROOT

HERE = Path(__file__).parent

MOST, LEAST, EXACTLY = Delivery


def _design(name: str) -> Design:
    design = load(ROOT / "examples" / f"{name}.once").design
    assert design is not None
    return design


INSERT = "    insert id into processed\n      on duplicate\n        ack\n        stop\n"
UPDATE = (
    "    update payment.status from open to booked\n      on conflict\n        ack\n        stop\n"
)
BY_HAND = (
    ("atomic_dedup", "insert", INSERT, "    add id to processed\n"),
    ("atomic_dedup", "record", INSERT, ""),
    ("atomic_dedup", "transaction", "  atomic\n", ""),
    ("version_compared", "compare", UPDATE, "    set payment.status = booked\n"),
    ("lease_token", "token", "  checks token of lease\n", ""),
    ("lease_token", "guard", "  if credit happened\n    ack\n    stop\n", ""),
    ("provider_key", "key", "  key id, kept for ever\n", ""),
    ("provider_key", "write", "  set invoice.status = queued\n", ""),
    ("ack_first_checked", "checked-ack", "  ack or stop\n", "  ack\n"),
    ("dedup_serializable", "serializable", "atomic serializable", "atomic"),
    ("provider_key_outlives_retries", "assumption", "assume no replay\n", ""),
)
"""A design, a kind of part, and the same taken away in the text."""


def _plain(name: str) -> str:
    """The text of an example without its comments."""
    text = (ROOT / "examples/theory" / f"{name}.once").read_text(encoding="utf-8")
    return re.sub(r"(?m) +#.*$", "", text)


def _demand_same(text: str, by_hand: str, kind: str, line: int) -> None:
    loaded, changed = load_text(text), load_text(by_hand)
    assert loaded.design is not None
    assert changed.design is not None, changed.diagnostics
    cells = check_loaded(changed, Options(semantics=(LEAST,), second_opinion=False))[0].cells
    found = needs(loaded.design, LEAST)
    part = next(p for p in found.parts if p.kind == kind and p.line in (line, line - 1))
    wanted = {c.claim: c.verdict for c in cells if c.claim in found.claims}
    assert {w.claim: w.verdict for w in part.claims} == wanted
    assert wanted


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "kind", "old", "new"), BY_HAND, ids=[f"{n}-{k}" for n, k, _, _ in BY_HAND]
)
def test_taken_away_by_hand(name: str, kind: str, old: str, new: str) -> None:
    text = _plain(name)
    assert old in text
    by_hand = text.replace(old, new)
    if kind == "transaction":
        by_hand = by_hand.replace(f"{INSERT}    increment", _flat(INSERT) + "  increment")
    if kind == "token":  # without a token there is nothing that could be rejected
        by_hand = by_hand.replace("do credit or stop", "do credit")
    _demand_same(text, by_hand, kind, text[: text.index(old)].count("\n") + 1)


def _flat(block: str) -> str:
    return "".join(line.removeprefix("  ") for line in block.splitlines(keepends=True))


def test_a_constraint_taken_away_by_hand() -> None:
    text = _plain("atomic_dedup")
    by_hand = text.replace("per id, unique", "per id").replace(
        INSERT, "    insert id into processed\n"
    )
    _demand_same(text, by_hand, "unique", text[: text.index("store processed")].count("\n") + 1)


@pytest.mark.parametrize("name", ["theory/atomic_dedup", "theory/lease_token"])
def test_what_breaks_breaks_on_the_design_without_the_part(name: str) -> None:
    design = _design(name)
    found = needs(design, LEAST)
    assert found.complete
    assert any(p.needed for p in found.parts)
    for part, need in zip(parts(design), found.parts, strict=True):
        assert (part.kind, part.line) == (need.kind, need.line)
        for one in need.claims:
            claim = next(c for c in design.claims if c.text == one.claim)
            assert (one.trace is not None) == (one.verdict is Verdict.REFUTED)
            if one.trace is not None:
                assert violates(part.without(design), claim, one.trace)


TWICE = """event E(id)
queue q of E at-least-once
store done per id, unique
store sent per id
effect pay per id in sent
consumer c on q
  atomic
    insert id into done or stop
    add id to sent
    update sent.state from unset to paid or stop
    do pay
claim no duplicate pay
"""


def test_parts_that_stand_in_for_each_other() -> None:
    loaded = load_text(TWICE)
    assert loaded.design is not None
    found = needs(loaded.design, LEAST)
    assert {p.kind for p in found.parts if p.needed is False} >= {"insert", "compare"}
    assert [w.verdict for w in found.together] == [Verdict.REFUTED]


def test_nothing_is_proved() -> None:
    design = _design("article/mistake_no_idempotence")
    found = needs(design, EXACTLY, Options(claims=("duplicate",)))
    assert found.claims == ()
    assert found.parts == ()


def test_limits_are_said() -> None:
    found: Needs = needs(_design("theory/atomic_dedup"), LEAST, Options(seconds=0.001))
    assert not found.complete
    assert found.parts == ()
    assert "0.001 s" in found.reason


@pytest.mark.parametrize("form", ["text", "json"])
def test_what_is_printed(
    form: str,
    capsys: pytest.CaptureFixture[str],
    golden: Callable[[Path, str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(ROOT)
    path = "examples/theory/atomic_dedup.once"
    assert main(["needs", path, "--format", form]) == Exit.HOLDS
    golden(HERE / f"atomic_dedup.{form}", capsys.readouterr().out)


@pytest.mark.parametrize("name", ["article/order_confirmation", "theory/atomic_dedup"])
def test_what_was_learned_of_a_claim_changes_no_answer(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    design = _design(name)
    with_it = [needs(design, semantics) for semantics in design.semantics]
    monkeypatch.setattr(Session, "learn", lambda *_: None)
    assert [needs(design, semantics) for semantics in design.semantics] == with_it


@pytest.mark.parametrize("name", ["article/order_confirmation", "theory/atomic_dedup"])
def test_parts_over_processes_are_those_of_one(name: str) -> None:
    design = _design(name)
    for semantics in design.semantics:
        assert needs(design, semantics, jobs=3) == needs(design, semantics)


def test_a_part_whose_process_dies_is_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = validity_core._without_part

    def deadly(task: Any) -> Any:
        if task[-1] == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return honest(task)

    deadly.__module__, deadly.__qualname__ = honest.__module__, honest.__qualname__
    monkeypatch.setattr(validity_core, "_without_part", deadly)
    found = needs(_design("theory/atomic_dedup"), LEAST, jobs=2)
    assert [p.needed for p in found.parts].count(None) == 1
    assert found.parts[1].claims[0].reason == "the process that worked on it was killed"


def test_a_table_that_is_not_unique_turns_nothing_down() -> None:
    """An insert that says what happens to a second row says nothing without the constraint."""
    text = """event O(id)

queue orders of O via sqs.standard(VisibilityTimeout=30s)
store processed per id via postgresql, unique
effect payment per id via stripe
  key id

consumer pay on orders
  if id in processed
    ack
    stop
  send payment
  insert id into processed or continue
  ack

assume retries end within the key window

claim no duplicate payment
claim no loss of payment
"""
    design = load_text(text).design
    assert design is not None
    parts = {p.what: p.needed for p in needs(design, Delivery.AT_LEAST_ONCE).parts}
    assert parts["`processed` being unique"] is not None
