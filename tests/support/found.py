"""What the search finds broken, against what the interpreter finds, over several events."""

from __future__ import annotations

from onceproof.engines.search import Bounds, Budget, Found, simplest
from onceproof.interpreter.oracle import event_sets, explore
from onceproof.lang.load import load_text
from onceproof.lower import lower
from onceproof.machine import approximation
from onceproof.machine.delivery import Delivery
from onceproof.properties import TooWide, question


def claims_that_differ(text: str, workers: int, events: int, most: int) -> list[str] | None:
    """Which claims of a design, under at-least-once, one of the two finds broken and the other does
    not; what only rules wider than the truth break is no difference. None if the interpreter has
    more than ``most`` states.
    """
    design = load_text(text).design
    assert design is not None
    semantics, wrong = Delivery.AT_LEAST_ONCE, []
    explored = [explore(design, semantics, e, workers, most) for e in event_sets(design, events)]
    if not all(one.complete for one in explored):
        return None
    lowered = lower(design, semantics)
    for index, claim in enumerate(design.claims):
        try:
            machine, prop = question(lowered, claim)
        except TooWide:
            continue
        found = isinstance(simplest(machine, prop, Bounds(workers, events), Budget()), Found)
        broken = any(index in one.violations for one in explored)
        if broken and not found:
            wrong.append(f"{claim.text}: only the interpreter finds it broken")
        if found and not broken and approximation.is_exact(machine, prop):
            wrong.append(f"{claim.text}: only the machine finds it broken")
    return wrong


def differences_in(designs: dict[int, list[str] | None]) -> int:
    """How many were compared, by seed; none of them differs."""
    compared = {seed: wrong for seed, wrong in designs.items() if wrong is not None}
    assert {seed: wrong for seed, wrong in compared.items() if wrong} == {}
    return len(compared)
