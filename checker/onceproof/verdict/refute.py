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
from onceproof.verdict.task import Question

if TYPE_CHECKING:
    from onceproof.explain.impossibility import Impossible

DEEPEST = 40
"""Steps up to which a solver is asked to find a refutation by itself."""


def sizes(q: Question, found: Exploration | Found) -> Statistics:
    """What was searched."""
    return replace(q.cell.statistics, states=found.states, transitions=found.transitions)


def by(cell: Cell, engine: Engine) -> Cell:
    """The cell with the name of the engine that decided it."""
    return replace(cell, statistics=replace(cell.statistics, engine=engine))


def refuted(q: Question, found: Found, bounds: Bounds) -> Cell | Disagreement:
    """The verdict on a run that the search found: told, replayed, and, if asked for, looked for by
    Z3 as well.
    """
    trace = trace_of(q.lowered, q.machine, found.run)
    told = told_late(trace)
    problem = replays(q, told)
    if problem and told != trace:
        told, problem = trace, replays(q, trace)
    if problem:
        return q.disagree("the interpreter does not confirm the search's counterexample", problem)
    if found.peak_workers > 1:
        told = serial(told, lambda candidate: not replays(q, candidate))
    checked = ["interpreter"]
    depth = len(found.run.moves)
    if q.options.second_opinion and depth <= DEEPEST:
        from onceproof.engines.smt.certify import Finding, refute
        from onceproof.engines.smt.solver import Z3, Effort

        answer = refute(
            q.machine, q.prop, bounds, depth, Z3(Effort(q.left, megabytes=q.options.megabytes))
        )
        if answer.finding is Finding.NOT_WITHIN:
            return q.disagree(
                f"the search refutes in {depth} steps what Z3 says cannot be refuted in so many"
            )
        if answer.run is not None:
            problem = replays(q, trace_of(q.lowered, q.machine, answer.run))
            if problem:
                return q.disagree("the interpreter does not confirm Z3's counterexample", problem)
            checked.append("z3")
    from onceproof.explain.impossibility import impossible

    scope = Scope(bounds.events, bounds.keys, found.peak_workers)
    never = impossible(q.lowered.design, q.claim, q.lowered.semantics, told)
    return replace(
        q.cell,
        unavoidable=_unavoidable(never),
        verdict=Verdict.REFUTED,
        assurance=Assurance.REPLAYED,
        scope=scope,
        trace=told,
        checked_by=tuple(checked),
        statistics=replace(sizes(q, found), engine=Engine.SEARCH),
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


def replays(q: Question, trace: Trace) -> str:
    """Why the interpreter does not follow the trace to a violation of the claim; empty if it
    does.
    """
    try:
        replayed = replay(q.lowered.design, trace)
    except ReplayError as error:
        return str(error)
    if not violated(q.lowered.design, q.claim, trace.semantics, replayed.states[-1]):
        return "the claim is not violated at the end of the replay"
    return ""
