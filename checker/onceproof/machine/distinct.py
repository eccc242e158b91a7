"""Rules that do the same: of those that differ in nothing but their name, one is enough for a proof
and for the simplest story.

A failed database step without a clause does what a kill at the same place does, for example. Which
faults there are (cut sets, maps of crashes) is asked of all rules, and so is what happens by
itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from onceproof.machine.faults import FAULTS
from onceproof.machine.system import Rule


def representatives(rules: Sequence[Rule]) -> tuple[int, ...]:
    """For each rule the number of one that does the same: the one that a story would tell."""
    alike: dict[object, list[int]] = {}
    for number, rule in enumerate(rules):
        what = (rule.kind, rule.guard, rule.updates, rule.ends, rule.alone, rule.others)
        alike.setdefault(what, []).append(number)
    chosen: dict[int, int] = {}
    for numbers in alike.values():
        best = min(numbers, key=lambda number: (_price(rules[number]), number))
        chosen |= dict.fromkeys(numbers, best)
    return tuple(chosen[number] for number in range(len(rules)))


def _price(rule: Rule) -> tuple[bool, int]:
    """Rules that are exact first, and among them what a reader believes most easily."""
    cause = rule.action.cause
    return bool(rule.approximate), FAULTS[cause].rarity if cause.is_fault else 0
