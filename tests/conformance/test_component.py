"""Claims over everything that shares a business key: the machine misses nothing that the
interpreter finds with two events of one key, and a story without wider rules is always true.
"""

from __future__ import annotations

import pytest
from onceproof.lang.load import load_text
from onceproof.properties import component

from support.component_designs import CLAIMS, component_design
from support.found import claims_that_differ, differences_in

QUICK, FULL, ALL, STEP = 10, 130, 2_010, 40
MOST = 1_500
"""States that are compared."""


def differences(seed: int) -> list[str] | None:
    """What is wrong with the answers about one design; None if it has too many states."""
    return claims_that_differ(component_design(seed), 1 + seed % 2, 2, MOST)


def _compare(seeds: range) -> int:
    return differences_in({seed: differences(seed) for seed in seeds})


def test_nothing_is_missed_with_two_events_of_one_key() -> None:
    assert _compare(range(QUICK)) > QUICK // 3


@pytest.mark.slow
@pytest.mark.parametrize("start", range(QUICK, FULL, STEP))
def test_nothing_is_missed_on_many_designs(start: int) -> None:
    _compare(range(start, start + STEP))


@pytest.mark.nightly
@pytest.mark.parametrize("start", range(FULL, ALL, STEP))
def test_nightly_nothing_is_missed_on_many_designs(start: int) -> None:
    _compare(range(start, start + STEP))


def test_a_row_that_nobody_closes_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the bits nobody has closed a row, and every loss behind one is missed."""
    monkeypatch.setattr(component, "_cases", lambda machine, rule, opened: iter([(False, rule)]))
    assert any(differences(seed) for seed in range(72))


def test_the_claims_are_those_of_the_component() -> None:
    design = load_text(component_design(0), "component.once").design
    assert design is not None
    assert [claim.text for claim in design.claims] == list(CLAIMS)
