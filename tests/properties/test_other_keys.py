"""One business key at a time: a proof in which rows under the other keys answer anything (T1b)."""

from __future__ import annotations

import pytest
from onceproof.engines import coverability
from onceproof.lang.design import Design
from onceproof.lang.load import load_text
from onceproof.lower import lower
from onceproof.machine import approximation
from onceproof.machine.system import Level, Machine, Property
from onceproof.properties import other_keys, question

from support.repo import ROOT

SAFE = (ROOT / "tests/designs/proved/rows_under_two_business_keys.once").read_text("utf-8")
GUARDED = """event Pay(id, order, account)
queue pays of Pay at-least-once
store acc per account
  state: open | closed
store book per order
effect booking per order in book
consumer c on pays
  if acc.state is closed
    ack
    stop
  set acc.state = closed
  do booking
  ack
claim no duplicate booking
"""


def asked(text: str) -> tuple[Design, Machine, Property]:
    """The question of the first claim."""
    design = load_text(text).design
    assert design is not None
    machine, prop = question(lower(design, design.semantics[0]), design.claims[0])
    return design, machine, prop


def test_rows_under_another_key_answer_anything() -> None:
    design, machine, prop = asked(SAFE)
    found = other_keys.of_one_key(machine, prop, design, "order")
    assert found is not None
    small, _ = found
    assert {x.name for x in small.level(Level.COMPONENT)} == {"processed", "booking"}
    assert {r.approximate for r in small.rules} == {"", other_keys.NAME}
    assert len(approximation.exact(small).rules) < len(small.rules)


def test_a_claim_that_names_a_row_of_the_other_key_is_none_of_this_one() -> None:
    design, machine, prop = asked(SAFE)
    assert other_keys.of_one_key(machine, prop, design, "account") is None


@pytest.mark.parametrize(("text", "proved"), [(SAFE, True), (GUARDED, False)])
def test_only_what_holds_for_every_answer_is_proved(text: str, proved: bool) -> None:
    """Two accounts may pay for one order: the account keeps nobody out."""
    design, machine, prop = asked(text)
    found = other_keys.of_one_key(machine, prop, design, "order")
    assert found is not None
    answer = coverability.prove(*found, coverability.Budget())
    assert isinstance(answer, coverability.Safe) is proved


def test_a_proof_is_spelled_out_for_every_answer_and_back() -> None:
    design, machine, prop = asked(SAFE)
    found = other_keys.of_one_key(machine, prop, design, "order")
    assert found is not None
    answer = coverability.prove(*found, coverability.Budget())
    assert isinstance(answer, coverability.Safe)
    whole = other_keys.lifted(answer.invariant, machine, found[0])
    assert whole is not None
    assert len(whole.components) > len(answer.invariant.components)
    assert other_keys.of_kept_rows(whole, machine, found[0]) == answer.invariant
