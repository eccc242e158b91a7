"""A run that a search has found, as a trace that the independent interpreter has followed to the
violation.
"""

from __future__ import annotations

from onceproof.counterexample.lift import serial, told_late, trace_of
from onceproof.interpreter import ReplayError, replay, violated
from onceproof.interpreter.trace import Trace
from onceproof.lang.design import Claim, Design
from onceproof.lower import Lowered
from onceproof.machine.system import Machine, Run


def confirmed(lowered: Lowered, claim: Claim, machine: Machine, run: Run) -> Trace | None:
    """The trace, told as late and as worker by worker as may be; None if the interpreter does not
    confirm it (a bug of ours).
    """
    design, trace = lowered.design, trace_of(lowered, machine, run)
    for told in (told_late(trace), trace):
        if breaks(design, claim, told):
            return serial(told, lambda candidate: breaks(design, claim, candidate))
    return None


def breaks(design: Design, claim: Claim, trace: Trace) -> bool:
    """Whether the design allows the trace, and the claim is violated at its end."""
    try:
        last = replay(design, trace).states[-1]
    except ReplayError:
        return False
    return violated(design, claim, trace.semantics, last)
