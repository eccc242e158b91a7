"""From a run that the search found to a refutation: retold, replayed by the interpreter, and
explained where nothing helps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from onceproof.counterexample.lift import serial, told_late, trace_of
from onceproof.engines.search import Bounds, Exploration, Found
from onceproof.interpreter import ReplayError, replay, violated
from onceproof.interpreter.trace import Trace
from onceproof.verdict.result import (
    Assurance,
    Cell,
    Disagreement,
    Engine,
    Scope,
    Statistics,
    Verdict,
)
from onceproof.verdict.task import Task

if TYPE_CHECKING:
    from onceproof.explain.impossibility import Impossible

DEEPEST = 40
"""Steps up to which a solver is asked to find a refutation by itself."""


def sizes(task: Task, found: Exploration | Found) -> Statistics:
    """What was searched."""
    return replace(task.cell.statistics, states=found.states, transitions=found.transitions)


def by(cell: Cell, engine: Engine) -> Cell:
    """The cell with the name of the engine that decided it."""
    return replace(cell, statistics=replace(cell.statistics, engine=engine))


def refuted(task: Task, found: Found, bounds: Bounds) -> Cell | Disagreement:
    """The verdict on a run that the search found: told, replayed, and, if asked for, looked for by
    Z3 as well.
    """
    trace = trace_of(task.lowered, task.machine, found.run)
    told = told_late(trace)
    problem = replays(task, told)
    if problem and told != trace:
        told, problem = trace, replays(task, trace)
    if problem:
        return task.disagree(
            "the interpreter does not confirm the search's counterexample", problem
        )
    if found.peak_workers > 1:
        told = serial(told, lambda candidate: not replays(task, candidate))
    checked = ["interpreter"]
    depth = len(found.run.moves)
    if task.options.second_opinion and depth <= DEEPEST:
        from onceproof.engines.smt.certify import Finding, refute
        from onceproof.engines.smt.solver import Z3, Effort

        answer = refute(
            task.machine,
            task.prop,
            bounds,
            depth,
            Z3(Effort(task.left, megabytes=task.options.megabytes)),
        )
        if answer.finding is Finding.NOT_WITHIN:
            return task.disagree(
                f"the search refutes in {depth} steps what Z3 says cannot be refuted in so many"
            )
        if answer.run is not None:
            problem = replays(task, trace_of(task.lowered, task.machine, answer.run))
            if problem:
                return task.disagree(
                    "the interpreter does not confirm Z3's counterexample", problem
                )
            checked.append("z3")
    from onceproof.explain.impossibility import impossible

    scope = Scope(bounds.events, bounds.keys, found.peak_workers)
    never = impossible(task.lowered.design, task.claim, task.lowered.semantics, told)
    return replace(
        task.cell,
        unavoidable=_unavoidable(never),
        verdict=Verdict.REFUTED,
        assurance=Assurance.REPLAYED,
        scope=scope,
        trace=told,
        checked_by=tuple(checked),
        statistics=replace(sizes(task, found), engine=Engine.SEARCH),
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


def replays(task: Task, trace: Trace) -> str:
    """Why the interpreter does not follow the trace to a violation of the claim; empty if it
    does.
    """
    try:
        replayed = replay(task.lowered.design, trace)
    except ReplayError as error:
        return str(error)
    if not violated(task.lowered.design, task.claim, trace.semantics, replayed.states[-1]):
        return "the claim is not violated at the end of the replay"
    return ""
