"""From a candidate proof to a verdict: a solver checks it first, and the search looks for anything
against it.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from onceproof.engines import coverability
from onceproof.engines.compositional import certificate, lemmas
from onceproof.engines.compositional.abstraction import Lemma
from onceproof.engines.search import Bounds, Found
from onceproof.engines.smt.certify import Outcome, bounded, certify
from onceproof.engines.smt.closed_sets import Configuration
from onceproof.engines.smt.solver import Z3, Effort, Solver, installed
from onceproof.machine.invariant import Invariant
from onceproof.verdict.refute import by, sizes
from onceproof.verdict.result import Assurance, Cell, Disagreement, Engine, Verdict
from onceproof.verdict.task import FOR_SOLVERS, Task

SANITY = 500
"""States searched for a contradiction to a proof."""

PART = 50_000
"""Rows of what one handler sees."""


def in_parts(task: Task) -> Cell | Disagreement | None:
    """A proof of a large machine, handler by handler; None if there is none."""
    found = lemmas.find(
        task.machine, task.prop, coverability.Budget(PART, task.left, task.options.megabytes)
    )
    return certified(task, found) if found else None


def certified(task: Task, grounds: Invariant | tuple[Lemma, ...]) -> Cell | Disagreement:
    """A candidate proof for any number, or its parts: only the solver's check makes it a
    verdict.
    """
    witness = task.search(Bounds(2, 1), SANITY)
    if not isinstance(witness, Found):
        witness = task.search(Bounds(2, 2), SANITY)
    if isinstance(witness, Found):
        return task.disagree("the coverability engine proves what the search refutes")
    solvers = solvers_of(task)
    invariant, parts = (grounds, ()) if isinstance(grounds, Invariant) else (None, grounds)
    proof = (
        certify(task.machine, task.prop, invariant, solvers)
        if invariant
        else certificate.check(task.machine, task.prop, parts, solvers)
    )
    if proof.outcome is Outcome.FAILED:
        return task.disagree(
            "a solver rejects the invariant of the coverability engine",
            *(f.obligation for f in proof.failures),
        )
    cell = replace(
        task.cell, statistics=replace(sizes(task, witness), obligations=len(proof.obligations))
    )
    if proof.outcome is Outcome.UNKNOWN:
        return replace(
            cell,
            reason=f"the proof could not be checked: {proof.reason or proof.failures[0].reason}",
        )
    cell = by(cell, Engine.COVERABILITY)
    cell = replace(
        cell, verdict=Verdict.HOLDS, assurance=Assurance.CERTIFICATE, checked_by=proof.solvers
    )
    return replace(cell, invariant=invariant, lemmas=parts)


def confirmed(
    task: Task, cell: Cell, bounds: Bounds, visited: Sequence[Configuration]
) -> Cell | Disagreement:
    """No violation within bounds: a verdict once a solver has confirmed that the visited states are
    all there are.
    """
    if len(visited) <= FOR_SOLVERS:
        proof = bounded(task.machine, task.prop, bounds, visited, Z3(effort(task)))
    else:
        answer = coverability.prove(
            task.machine,
            task.prop,
            coverability.Budget(seconds=task.left, megabytes=task.options.megabytes),
        )
        if not isinstance(answer, coverability.Safe):
            return replace(
                cell,
                reason=(
                    f"{len(visited)} states are too many for the second check; use smaller bounds"
                ),
            )
        proof = certify(task.machine, task.prop, answer.invariant, solvers_of(task))
    if proof.outcome is Outcome.FAILED:
        return task.disagree(
            "a solver rejects the states the search calls complete",
            *(f.obligation for f in proof.failures),
            proof.reason,
        )
    if proof.outcome is Outcome.UNKNOWN:
        return replace(
            cell,
            reason=(
                "the visited states could not be checked:"
                f" {proof.reason or proof.failures[0].reason}"
            ),
        )
    cell = by(
        replace(cell, statistics=replace(cell.statistics, obligations=len(proof.obligations))),
        Engine.SEARCH,
    )
    return replace(
        cell,
        verdict=Verdict.HOLDS,
        assurance=Assurance.EXHAUSTIVE,
        checked_by=("search", *proof.solvers),
    )


def effort(task: Task) -> Effort:
    """What a solver may spend."""
    return Effort(task.left, megabytes=task.options.megabytes)


def solvers_of(task: Task) -> tuple[Solver, ...]:
    """Who checks proofs."""
    return installed(effort(task)) if task.options.every_solver else (Z3(effort(task)),)
