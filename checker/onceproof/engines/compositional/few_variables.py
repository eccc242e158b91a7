"""A proof that looks at few of a machine's variables, for machines that are asked about again.

Many claims follow from a few variables: whether a row was written, whether its message is out.
Which ones these are is found by leaving out one after the other (``focus_of``). A changed machine
is then looked at through the same variables first (``by_focus``): if the claim follows there as
well, that takes a fraction of the rows, and what the solver is asked is often what it has answered
before. If it does not follow, nothing is known. The proof is one in parts with one part, checked
like any other: which variables are looked at need not be trusted.
"""

from __future__ import annotations

from collections.abc import Iterable

from onceproof.base import memo
from onceproof.engines import coverability
from onceproof.engines.compositional.abstraction import (
    Lemma,
    NotExpressible,
    View,
    abstract_machine,
    abstract_property,
)
from onceproof.engines.compositional.lemmas import view_of
from onceproof.machine.slicing import place_variable
from onceproof.machine.system import Machine, Property

Focus = frozenset[str]
"""Names of variables that are looked at, besides those that a claim names."""

UNKNOWN: Focus = frozenset({""})
"""Remembered where there is no focus; no variable has this name."""


def focus_of(
    machine: Machine, prop: Property, start: Focus, budget: coverability.Budget
) -> Focus | None:
    """Variables from which the claim follows by rows: of ``start``, if they suffice, else of all,
    without those that turned out not to be needed. None if it does not follow by rows, or is too
    much for the budget, which is for each attempt.
    """
    memory = memo.current()
    question = ("focus", machine.variables, machine.rules, prop.bad, start, budget.elements)
    known: Focus | None = memory.get(question) if memory is not None else None
    if known is None:
        found = _focus_of(machine, prop, start, budget)
        known = UNKNOWN if found is None else found
        if memory is not None:
            memory.put(question, known, 1)
    return None if known == UNKNOWN else known


def _focus_of(
    machine: Machine, prop: Property, start: Focus, budget: coverability.Budget
) -> Focus | None:
    place = place_variable(machine)
    if place is None:
        return None
    focus, lemma = start, by_focus(machine, prop, start, budget) if start else None
    if lemma is None:
        focus = frozenset(v.name for v in machine.variables)
        lemma = by_focus(machine, prop, focus, budget)
    if lemma is None:
        return None
    # Those with many values first: without them all that follows is quick.
    largest_first = sorted(machine.variables, key=lambda v: (-len(v.domain), v.name))
    fewest = len(lemma.invariant.workers)
    for variable in largest_first:
        if variable.name in lemma.view.variables and variable.name != place.name:
            smaller = by_focus(machine, prop, focus - {variable.name}, budget)
            if smaller is not None and len(smaller.invariant.workers) <= fewest:
                focus -= {variable.name}
                fewest = len(smaller.invariant.workers)
    return focus


def by_focus(
    machine: Machine, prop: Property, focus: Iterable[str], budget: coverability.Budget
) -> Lemma | None:
    """The claim as it follows by rows from what these variables show; None if it does not."""
    place = place_variable(machine)
    if place is None:
        return None
    whole = view_of(machine, prop, place, frozenset(place.domain))
    shown = (named(prop) | frozenset(focus) | {place.name}) & {v.name for v in machine.variables}
    view = View(shown, whole.place, whole.names)
    try:
        small, seen = abstract_machine(machine, view), abstract_property(machine, prop, view)
    except NotExpressible:
        return None
    answer = coverability.prove_by_rows(small, seen, budget)
    return Lemma(view, prop, answer.invariant) if isinstance(answer, coverability.Safe) else None


def named(prop: Property) -> frozenset[str]:
    """The variables that a claim names."""
    return frozenset(
        test.variable
        for pattern in prop.bad
        for guard in (
            pattern.component,
            *(g for e in pattern.events for g in (e.guard, *e.workers, e.absent or ())),
        )
        for test in guard
    )
