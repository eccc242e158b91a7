"""Steps that never run: handler by handler as in the whole design, and never a step too many."""

from __future__ import annotations

import pytest
from onceproof.lang.load import load_text
from onceproof.lower import lower
from onceproof.verdict import vacuity

from support.broker_designs import broker_design
from support.designs import random_design
from support.sample import sampled

TWO = """event Paid(id, order)
queue first of Paid at-least-once
queue second of Paid at-least-once
store done per id
  state: open | paid | sent
effect mail per id via http
  key id, kept for ever
consumer one on first
  if done.state is paid
    if done.state is sent
      call mail
  publish to second
  ack
consumer two on second
  set done.state = paid
  ack
claim no duplicate mail
"""


def lines(text: str) -> tuple[int, ...]:
    design = load_text(text).design
    assert design is not None
    return vacuity.dead_lines(design, [lower(design, s) for s in design.semantics], 20.0)


@pytest.mark.parametrize("whole", [vacuity.WHOLE, 0])
def test_a_step_that_never_runs(whole: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody ever writes `sent`; the test of it runs, the call below does not."""
    monkeypatch.setattr(vacuity, "WHOLE", whole)
    assert lines(TWO) == (11,)


def test_what_another_handler_writes_is_not_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vacuity, "WHOLE", 0)
    assert lines(
        TWO.replace("set done.state = paid", "set done.state = sent").replace(
            "    if done.state is sent", "    if id in done"
        )
    ) == (10, 11)
    assert (
        lines(
            TWO.replace("set done.state = paid", "set done.state = sent\n  set done.state = paid")
        )
        == ()
    )


@pytest.mark.parametrize("start", sampled(range(0, 24, 8), 3))
@pytest.mark.parametrize("make", [random_design, broker_design])
def test_random_designs(make, start: int, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    for seed in range(start, start + 8):
        whole = lines(make(seed))
        monkeypatch.setattr(vacuity, "WHOLE", 0)
        assert set(lines(make(seed))) <= set(whole)
        monkeypatch.undo()
