"""Queues that are fed twice and dead-letter queues with consumers, in the machine: designs of
docs/semantics_world.md, "Messages are counted", next to their twins.
"""

from __future__ import annotations

import pytest
from onceproof.engines.search import Bounds, Budget, Found, simplest
from onceproof.lower import modelled
from onceproof.properties import question

from support.by_machine import lowered_text
from support.harsher import of_brokers

GIVEN_UP = """
event Pay(id)
queue pays of Pay at-least-once
  delivery limit 3 then dead-letter{to}
queue dead of Pay at-least-once
effect charge per id via http
  key id, kept for ever
consumer c on pays
  call charge
  ack
consumer d on dead{traits}
  call charge
  ack
claim no loss of charge
"""

AGAIN = """
event Job(id)
queue jobs of Job at-least-once, also fed from outside
  late ack refused
effect work per id via http
  key id, kept for ever
consumer w on jobs
{lines}
assume no publisher retries
assume no broker copies
assume no replay
claim no loss of work
"""


@pytest.fixture(autouse=True)
def everything_modelled(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine is asked, whether or not the other reading does it yet."""
    of_brokers(monkeypatch, "FED", reading=modelled)


def holds(text: str) -> bool:
    """Whether the only claim of a design holds with one event and two workers."""
    lowered = lowered_text(text)
    machine, prop = question(lowered, lowered.design.claims[0])
    answer = simplest(machine, prop, Bounds(2), Budget(100_000, 60))
    if isinstance(answer, Found):
        return False
    assert answer.complete
    return True


@pytest.mark.parametrize(
    ("to", "traits", "safe"),
    [
        (" to dead", "", True),
        (" to dead", ", acks on return or failure", False),
    ],
)
def test_what_is_given_up_has_a_consumer(to: str, traits: str, safe: bool) -> None:
    text = GIVEN_UP.format(to=to, traits=traits)
    assert holds(text.replace("  ack\nclaim", "claim") if traits else text) is safe


@pytest.mark.parametrize(
    ("lines", "safe"),
    [
        ("  call work\n    on failure\n      publish to jobs\n      ack\n      stop\n  ack", True),
        ("  call work\n    on failure\n      ack\n      stop\n  ack\n  publish to jobs", False),
    ],
)
def test_a_handler_that_feeds_its_own_queue(lines: str, safe: bool) -> None:
    assert holds(AGAIN.format(lines=lines)) is safe
