"""From a candidate proof to a verdict: a solver checks it first, and the search looks for anything
against it.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from onceproof.engines import coverability
from onceproof.engines.compositional import certificate, few_variables, lemmas
from onceproof.engines.compositional.abstraction import Lemma
from onceproof.engines.search import Bounds, Exploration, Found
from onceproof.engines.smt.certify import Outcome, bounded, certify
from onceproof.engines.smt.closed_sets import Configuration
from onceproof.engines.smt.solver import Z3, Effort, Solver, installed
from onceproof.machine.invariant import Invariant
from onceproof.verdict.ladder import fits
from onceproof.verdict.result import (
    Assurance,
    ClaimResult,
    Disagreement,
    Engine,
    Proof,
    Scope,
    Undecided,
)
from onceproof.verdict.task import Task

SANITY = 500
"""States searched for a contradiction to a proof."""

FIRST, LATER = ((2, 1), (2, 2)), ((2, 2),)
"""Workers and events of these searches; and where a claim was proved in such machines before."""

PART = 50_000
"""Rows of what one handler sees."""

FOCUS = 8_000
"""Rows of what is seen through the variables that sufficed before."""


def by_focus(task: Task) -> ClaimResult | Disagreement | None:
    """A proof from the variables that sufficed for machines like this one; None if there is
    none.
    """
    for focus in task.focuses:
        lemma = few_variables.by_focus(task.machine, task.prop, focus, task.proof_budget(FOCUS))
        if lemma is not None:
            return check_certificate(task, (lemma,), LATER)
    return None


def in_parts(task: Task, shapes: int | None = None) -> ClaimResult | Disagreement | None:
    """A proof of a large machine, handler by handler; None if there is none. ``shapes``: how many
    are followed backwards at most.
    """
    candidate = lemmas.find(task.machine, task.prop, task.proof_budget(PART), shapes)
    return check_certificate(task, candidate) if candidate else None


def check_certificate(
    task: Task,
    candidate: Invariant | tuple[Lemma, ...],
    sizes: Sequence[tuple[int, int]] = FIRST,
) -> ClaimResult | Disagreement:
    """The result for a candidate proof for any number, or for its parts: only the solver's check
    makes it a proof.
    """
    # A search that is far too small to prove anything still contradicts a wrong invariant.
    searched: Found | Exploration | None = None
    for workers, events in sizes:
        searched = task.search(Bounds(workers, events), SANITY)
        if isinstance(searched, Found):
            return task.disagree("the coverability engine proves what the search refutes")
    solvers = solvers_of(task)
    invariant, parts = (candidate, ()) if isinstance(candidate, Invariant) else (None, candidate)
    check = (
        certify(task.machine, task.prop, invariant, solvers)
        if invariant
        else certificate.check(task.machine, task.prop, parts, solvers)
    )
    if check.outcome is Outcome.FAILED:
        return task.disagree(
            "a solver rejects the invariant of the coverability engine",
            *(f.obligation for f in check.failures),
        )
    obligations = len(check.obligations)
    if check.outcome is Outcome.UNKNOWN:
        return task.result(
            Undecided(
                f"the proof could not be checked: {check.reason or check.failures[0].reason}"
            ),
            task.statistics(searched, obligations),
        )
    return task.result(
        Proof(
            Assurance.CERTIFICATE,
            checked_by=check.solvers,
            invariant=invariant,
            lemmas=parts,
        ),
        task.statistics(searched, obligations, Engine.COVERABILITY),
    )


def check_closed(
    task: Task, bounds: Bounds, visited: Sequence[Configuration], reason: str
) -> ClaimResult | Disagreement:
    """The result for a search without a violation: a proof within bounds once a solver has
    confirmed that the visited states are all there are. ``reason``: what narrows it to bounds.
    """
    scope = Scope(bounds.events, bounds.keys, bounds.workers)
    statistics = replace(task.statistics(), states=len(visited))
    if fits(len(visited)):
        check = bounded(task.machine, task.prop, bounds, visited, Z3(effort(task)))
    else:
        answer = coverability.prove(task.machine, task.prop, task.proof_budget())
        if not isinstance(answer, coverability.Safe):
            return task.result(
                Undecided(
                    f"{len(visited):,} states are too many for the second check",
                    scope,
                ),
                statistics,
            )
        check = certify(task.machine, task.prop, answer.invariant, solvers_of(task))
    if check.outcome is Outcome.FAILED:
        return task.disagree(
            "a solver rejects the states the search calls complete",
            *(f.obligation for f in check.failures),
            check.reason,
        )
    if check.outcome is Outcome.UNKNOWN:
        return task.result(
            Undecided(
                "the visited states could not be checked:"
                f" {check.reason or check.failures[0].reason}",
                scope,
            ),
            statistics,
        )
    return task.result(
        Proof(Assurance.EXHAUSTIVE, scope, ("search", *check.solvers), reason),
        replace(statistics, obligations=len(check.obligations), engine=Engine.SEARCH),
    )


def effort(task: Task) -> Effort:
    """What a solver may spend."""
    return Effort(task.left, megabytes=task.options.megabytes)


def solvers_of(task: Task) -> tuple[Solver, ...]:
    """Who checks proofs."""
    return installed(effort(task)) if task.options.every_solver else (Z3(effort(task)),)
