"""What is proposed where: words that fit, names of the right kind, models and their options."""

from __future__ import annotations

import pytest
from onceproof.lsp.completion import Proposal, proposals
from onceproof.lsp.project import analysed
from onceproof.models import brokers, providers

from support.repo import read

BASE = read("tests/designs/valid/valid.once")
HANDLER = "consumer auditor on audits\n"
EFFECTS = {"receipt", "invoice", "charge", "parcel", "refund", "entry"}
STORES = {"processed", "seen", "ledger", "outbox", "offsets"}
QUEUES = {"payments", "shipping", "parcels", "audits"}
FIELDS = {"id", "order", "customer", "kind"}


def asked(text: str) -> list[Proposal]:
    """The proposals where ``^`` stands."""
    before, _, after = text.partition("^")
    line = before.count("\n") + 1
    return proposals(analysed(before + after, "design.once"), line, len(before.rsplit("\n", 1)[-1]))


def names(text: str) -> set[str]:
    return {p.label for p in asked(text) if p.kind != "word"}


def words(text: str) -> set[str]:
    return {p.label for p in asked(text) if p.kind == "word"}


def step(text: str) -> str:
    return BASE.replace(HANDLER, f"{HANDLER}{text}\n")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("  send ^", EFFECTS),
        ("  send r^", EFFECTS),
        ("  publish to ^", QUEUES),
        ("  acquire ^", {"lease", "mutex"}),
        ("  use ^", {"settle"}),
        ("  add ^", FIELDS),
        ("  add id to ^", STORES),
        ("  set ledger.^", {"status", "attempts"}),
        ("  set ledger.status = ^", {"open", "paid", "sent"}),
        ("  if id in ^", STORES),
        ("  if kind is ^", {"card", "cash"}),
        (
            "  let mine = id in seen\n  if ^",
            EFFECTS | STORES | FIELDS | {"before", "known", "mode", "mine"},
        ),
        ("  section ^", set()),
        ("  wait  # ^", set()),
        ("  nonsense here ^", set()),
    ],
)
def test_names_in_a_handler(line: str, expected: set[str]) -> None:
    assert names(step(line)) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("claim no duplicate ^", EFFECTS | STORES),
        ("claim no loss of ledger.^", {"status", "attempts"}),
        ("claim at most one worker in ^", {"packing"}),
        ("queue more of ^", {"Paid", "Shipped"}),
        ("consumer more on ^", QUEUES),
        ("store more per ^", FIELDS),
        ("effect more per id in ^", STORES),
        ("effect more per id\n  checks token of ^", {"lease", "mutex"}),
        ("effect more per id via ^", set(providers())),
        ("queue more of Paid via ^", set(brokers())),
        ("event ^", set()),
    ],
)
def test_names_in_declarations(line: str, expected: set[str]) -> None:
    assert names(f"{BASE}\n{line}\n") == expected


def test_words() -> None:
    assert {"event", "queue", "claim"} <= words(f"{BASE}\n^\n")
    assert "send" not in words(f"{BASE}\n^\n")
    assert {"send", "if", "ack"} <= words(step("  ^"))
    assert "else" not in words(step("  wait\n  ^"))
    assert "else" in words(step("  if id in seen\n    wait\n  ^"))
    assert words(step("  send receipt\n    ^")) == {"on", "retry"}
    assert words(f"{BASE}\nqueue more of Paid ^\n") >= {
        "at-most-once",
        "at-least-once",
        "exactly-once",
    }
    assert words(f"{BASE}\nclaim no ^\n") == {"deadlock", "duplicate", "loss"}


def test_a_mistake_elsewhere_does_not_matter() -> None:
    assert names("event Paid id)\n" + step("  send ^")) == EFFECTS


def test_the_plainest_line_is_filled_in() -> None:
    (found,) = [p for p in asked(f"{BASE}\n^\n") if p.label == "queue"]
    assert found.snippet == "queue ${1:name} of ${2:event}"
    assert "A queue carries one type of event." in found.about


def test_what_was_typed_is_replaced() -> None:
    assert {p.start for p in asked(step("  set ledger.st^"))} == {13}
    assert {p.start for p in asked(f"{BASE}\neffect more per id via ht^\n")} == {23}


def test_models_have_options() -> None:
    model = next(m for m in brokers().values() if m.options)
    assert names(f"{BASE}\neffect more per id via {model.name}(^\n") == set(model.options)
