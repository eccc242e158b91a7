"""A publisher that retries with a new id makes another event: no assumption about the retries of an
event speaks of it.
"""

from __future__ import annotations

from onceproof.lang.load import load_text
from onceproof.verdict.check import check_loaded
from onceproof.verdict.task import Options

DESIGN = """event Placed(id, order)
queue q of Placed at-least-once
publisher of q retries with a new id
effect charge per order via http
  key id, kept 24h
consumer c on q
  call charge
  ack
claim no duplicate charge
assume retries end within the key window
assume no replay
"""
TOLD = "event 2 has another id: `assume retries end within the key window` does not cover it"


def given(text: str) -> tuple[str, ...]:
    """What the story of the only claim says of its events."""
    loaded = load_text(text)
    assert loaded.design is not None, loaded.diagnostics
    refutation = check_loaded(loaded, Options())[0].cells[0].refutation
    assert refutation is not None
    assert refutation.narrative is not None
    return refutation.narrative.story.given


def test_a_second_event_is_none_that_the_key_window_speaks_of() -> None:
    assert TOLD in given(DESIGN)
    assert TOLD not in given(DESIGN.replace("publisher of q retries with a new id\n", ""))
    open_window = DESIGN.replace("assume retries end within the key window\n", "")
    assert TOLD not in given(open_window)
