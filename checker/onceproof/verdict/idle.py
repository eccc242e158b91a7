"""Assumptions that take nothing away: a design may assume that no partition moves although its
broker has none.

An answer names the assumptions it rests on. One without which the machine is the same, rule by
rule, is not among them.
"""

from __future__ import annotations

from msgspec.structs import replace

from onceproof.lower import Lowered, lower


def idle(lowered: Lowered) -> frozenset[str]:
    """The assumptions of a design, in words, without which its machine under these semantics is the
    same.

    Two that take the same away are each idle beside the other; so all are left out together, too,
    and if that makes a difference none is called idle.
    """
    design = lowered.design
    found = []
    for one in design.assumptions:
        others = tuple(a for a in design.assumptions if a != one)
        if lower(replace(design, assumptions=others), lowered.semantics).machine == lowered.machine:
            found.append(one)
    if len(found) > 1:
        rest = tuple(a for a in design.assumptions if a not in found)
        if lower(replace(design, assumptions=rest), lowered.semantics).machine != lowered.machine:
            return frozenset()
    return frozenset(a.words for a in found)
