"""Counterexample validation: a run that a search found counts only once the interpreter, the second
reading of the design, has followed it to the violation.
"""

from __future__ import annotations

from msgspec import Struct

from onceproof.counterexample.attempts import with_all_attempts
from onceproof.counterexample.delivery_limits import with_failed_deliveries
from onceproof.counterexample.lift import sorted_by_worker, trace_of, with_late_redeliveries
from onceproof.interpreter import Replay, ReplayError, Unordered, replay, violated
from onceproof.interpreter.trace import Trace
from onceproof.lang.design import Claim, Design
from onceproof.lower import Lowered
from onceproof.machine.system import Machine, Run


class Rejected(Struct, frozen=True):
    """The interpreter does not confirm a run that the search found. ``reason``: what it says.
    ``rule``: what both readings let through, and only the replay of a whole run finds out; empty: a
    bug of ours.
    """

    reason: str
    rule: str = ""


def validated(
    lowered: Lowered,
    claim: Claim,
    machine: Machine,
    run: Run,
    by_worker: bool = True,
    attempts: bool = True,
) -> Replay | Rejected:
    """A run of ``machine`` as the interpreter follows it, with every redelivery as late as may be,
    as many failed deliveries as the limit of a queue says and, if asked for, worker by worker.
    ``attempts``: and, if it is none otherwise, with the attempts that it lacks.
    """
    design, lifted = lowered.design, trace_of(lowered, machine, run)
    trace = with_late_redeliveries(lifted)
    followed = confirmed(design, claim, trace)
    if isinstance(followed, Rejected) and trace != lifted:
        # moving a redelivery may break a run; the run as it was found is as good a witness
        followed = confirmed(design, claim, lifted)
    if isinstance(followed, Rejected) and attempts:
        # the machine may give up before all attempts of `retry N times` have failed
        for candidate in (trace, lifted):
            longer = with_all_attempts(design, candidate)
            if isinstance(followed, Rejected) and longer != candidate:
                followed = confirmed(design, claim, longer)
    if isinstance(followed, Rejected):
        return followed
    runs = {followed.trace: followed}

    def is_valid(candidate: Trace) -> bool:
        changed = confirmed(design, claim, candidate)
        if isinstance(changed, Replay):
            runs[candidate] = changed
        return isinstance(changed, Replay)

    told = with_failed_deliveries(design, followed.trace, is_valid)
    return runs[sorted_by_worker(told, is_valid) if by_worker else told]


def confirmed(design: Design, claim: Claim, trace: Trace) -> Replay | Rejected:
    """A trace followed by the interpreter to the violation of the claim; rejected if the design
    does not allow it, or the claim is not violated at its end.
    """
    try:
        run = replay(design, trace, lambda end: violated(design, claim, trace.semantics, end))
    except Unordered as unordered:
        return Rejected(str(unordered), unordered.rule)
    except ReplayError as error:
        return Rejected(str(error))
    if not violated(design, claim, trace.semantics, run.states[-1]):
        return Rejected("the claim is not violated at the end of the replay")
    return run


def violates(design: Design, claim: Claim, trace: Trace) -> bool:
    """Whether the design allows the trace, and the claim is violated at its end."""
    return isinstance(confirmed(design, claim, trace), Replay)
