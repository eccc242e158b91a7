"""From a run that the search found to a refutation: validated by the interpreter, and explained
where no handler can do better.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from onceproof.counterexample.lift import trace_of
from onceproof.counterexample.validate import Rejected, confirmed, validated
from onceproof.engines.search import Bounds, Found
from onceproof.machine import approximation
from onceproof.machine.approximation import names_used
from onceproof.verdict.result import ClaimResult, Disagreement, Engine, Refutation, Scope
from onceproof.verdict.task import Task

if TYPE_CHECKING:
    from onceproof.explain.impossibility import Impossible

DEEPEST = 40
"""Steps up to which a solver is asked to find a refutation by itself."""


def refuted(task: Task, violation: Found, bounds: Bounds) -> ClaimResult | Disagreement:
    """The result for a run that the search found: validated and, if asked for, looked for by Z3 as
    well.
    """
    design, claim = task.lowered.design, task.claim
    by_worker = violation.peak_workers > 1  # one worker at a time: the run is told in its own order
    run = validated(task.lowered, claim, task.machine, violation.run, by_worker)
    if isinstance(run, Rejected):
        return task.disagree(
            "the interpreter does not confirm the search's counterexample", run.reason
        )
    checked_by = ["interpreter"]
    depth = len(violation.run.moves)
    exact = not names_used(task.machine, task.prop, violation.run)
    if task.options.second_opinion and depth <= DEEPEST and exact:
        from onceproof.engines.smt.bmc import Finding, refute
        from onceproof.engines.smt.solver import Z3, Effort

        effort = Effort(task.left, megabytes=task.options.megabytes)
        machine = approximation.exact(task.machine)
        answer = refute(machine, task.prop, bounds, depth, Z3(effort))
        if answer.finding is Finding.NOT_WITHIN:
            return task.disagree(
                f"the search refutes in {depth} steps what Z3 says cannot be refuted in so many"
            )
        if answer.run is not None:
            other = confirmed(design, claim, trace_of(task.lowered, machine, answer.run))
            if isinstance(other, Rejected):
                return task.disagree(
                    "the interpreter does not confirm Z3's counterexample", other.reason
                )
            checked_by.append("z3")
    from onceproof.explain.impossibility import impossible

    never = impossible(design, claim, run)
    return task.result(
        Refutation(
            run,
            Scope(bounds.events, bounds.keys, violation.peak_workers),
            tuple(checked_by),
            _unavoidable(never),
        ),
        task.statistics(violation, engine=Engine.SEARCH),
    )


def _unavoidable(never: Impossible | None) -> tuple[str, ...]:
    """T13 in sentences: the two situations nobody can tell apart, what follows, and what the
    provider would have to offer.
    """
    if never is None:
        return ()
    states = (
        f"Two situations: {never.witness}. In the one: {'; '.join(never.before)}. In the other:"
        f" {'; '.join(never.after)}."
    )
    return (states, *never.sentences, f"What would help: {'; or '.join(never.offers)}.")
