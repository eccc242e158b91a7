"""What the slice leaves out does not matter: a claim has the same answer on the whole machine,
within every bound.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from onceproof.engines.search import Bounds, Budget, Found, simplest
from onceproof.machine import slicing
from onceproof.machine.slicing import place_variable, sliced
from onceproof.machine.system import Machine, Property

from support.handlers import random_handlers, starts
from support.machines import random_machine

BOUNDS = ((1, 1), (2, 1), (2, 2))
MOST = 1_500


def answers(machine: Machine, claim: Property) -> list[bool | None]:
    """Within each of the bounds: whether the claim is violated; None if that is too large a
    search.
    """
    found: list[bool | None] = []
    for bounds in BOUNDS:
        answer = simplest(machine, claim, Bounds(*bounds), Budget(MOST, None))
        found.append(True if isinstance(answer, Found) else False if answer.complete else None)
    return found


def differs(machine: Machine, claim: Property) -> bool:
    """Whether the slice has another answer than the machine."""
    whole, part = answers(machine, claim), answers(sliced(machine, claim), claim)
    return any(None not in pair and pair[0] != pair[1] for pair in zip(whole, part, strict=True))


def cuts(machine: Machine, claim: Property) -> bool:
    """Whether a handler is left out, but not all of them."""
    small = sliced(machine, claim)
    before, after = place_variable(machine), place_variable(small)
    return before is not None and after is not None and len(after.domain) < len(before.domain)


@pytest.mark.parametrize("start", starts(240, 40))
@pytest.mark.parametrize("make", [random_machine, random_handlers])
def test_random_machines(make: Callable[[int], tuple[Machine, Property]], start: int) -> None:
    assert [seed for seed in range(start, start + 40) if differs(*make(seed))] == []


def test_handlers_are_left_out() -> None:
    """So that the tests above are about something."""
    machines = [random_handlers(seed) for seed in range(240)]
    cut = [m for m in machines if cuts(*m)]
    assert len(cut) > 40
    assert {True, False} <= {answers(*m)[0] for m in cut}


MUTANTS: dict[str, tuple[str, Any]] = {
    "handlers that write what is kept are left out": ("_shows", lambda *_: False),
    "broadcasts are not heard": ("_changes_kept_worker", lambda *_: False),
    "what is asked of other workers is forgotten": ("_asked", lambda *_: set()),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_mutants(mutant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slice that leaves out too much is noticed by the comparison."""
    name, worse = MUTANTS[mutant]
    monkeypatch.setattr(slicing._Cut, name, worse)
    assert any(wrong(seed) for seed in range(400))


def wrong(seed: int) -> bool:
    """Whether the slice is another machine, or none at all."""
    try:
        return differs(*random_handlers(seed))
    except Exception:  # tests of variables that are not there
        return True


@pytest.mark.parametrize("mutant", ["_read_by_others", "_uncovered"])
def test_mutants_of_variables(mutant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slicing, mutant, lambda *_: set())
    assert any(wrong(seed) for seed in range(400))
