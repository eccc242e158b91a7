"""The state counts of the reference problem, from its text as a design, agree with those of SPIN,
TLC, Rumur and others.
"""

from __future__ import annotations

import pytest
from onceproof.engines.search import Bounds, Budget, explore
from onceproof.lang.load import load
from onceproof.lower import lower
from onceproof.machine.delivery import Delivery

from support.repo import ROOT

DESIGN = ROOT / "tests/designs/reference.once"
COUNTS = {(1, 1): 31, (2, 2): 4_825, (3, 2): 90_909, (3, 3): 1_235_931}
UP_TO_SYMMETRY = {(3, 3): 43_981}


@pytest.mark.parametrize(("messages", "workers"), COUNTS)
def test_counts_agree_with_independent_tools(messages: int, workers: int) -> None:
    design = load(DESIGN).design
    assert design is not None
    machine = lower(design, Delivery.AT_LEAST_ONCE).machine
    found = explore(machine, Bounds(workers, messages), Budget())
    assert found.complete
    assert found.full_states == COUNTS[messages, workers]
    assert found.states == UP_TO_SYMMETRY.get((messages, workers), found.states)
