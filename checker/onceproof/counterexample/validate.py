"""Counterexample validation: a run that a search found counts only once the interpreter, the second
reading of the design, has followed it to the violation.
"""

from __future__ import annotations

from msgspec import Struct

from onceproof.counterexample.lift import sorted_by_worker, trace_of, with_late_redeliveries
from onceproof.interpreter import ReplayError, replay, violated
from onceproof.interpreter.trace import Trace
from onceproof.lang.design import Claim, Design
from onceproof.lower import Lowered
from onceproof.machine.system import Machine, Run


class Rejected(Struct, frozen=True):
    """The interpreter does not confirm a run that the search found: a bug of ours. ``reason``: what
    it says.
    """

    reason: str


def validated(
    lowered: Lowered, claim: Claim, machine: Machine, run: Run, by_worker: bool = True
) -> Trace | Rejected:
    """The trace of a run of ``machine``, with every redelivery as late as may be and, if asked for,
    worker by worker.
    """
    design, lifted = lowered.design, trace_of(lowered, machine, run)
    trace = with_late_redeliveries(lifted)
    problem = rejection(design, claim, trace)
    if problem and trace != lifted:
        # moving a redelivery may break a run; the run as it was found is as good a witness
        trace, problem = lifted, rejection(design, claim, lifted)
    if problem:
        return Rejected(problem)
    if not by_worker:
        return trace
    return sorted_by_worker(trace, lambda candidate: not rejection(design, claim, candidate))


def rejection(design: Design, claim: Claim, trace: Trace) -> str:
    """Why a trace is no counterexample: the design does not allow it, or the claim is not violated
    at its end. Empty if it is one.
    """
    try:
        last = replay(design, trace).states[-1]
    except ReplayError as error:
        return str(error)
    if not violated(design, claim, trace.semantics, last):
        return "the claim is not violated at the end of the replay"
    return ""


def violates(design: Design, claim: Claim, trace: Trace) -> bool:
    """Whether the design allows the trace, and the claim is violated at its end."""
    return not rejection(design, claim, trace)
