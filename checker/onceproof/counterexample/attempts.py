"""Stories with `retry N times` on a database: the machine may give up after any failure, the design
only when N more attempts have failed, too (docs/semantics.md, "Clauses of a database step").

A story of the machine that gives up too early is no run of the design. The attempts that are
missing are put in front: they fail as well, and nothing of them is done.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from onceproof.interpreter.trace import Step, Trace
from onceproof.lang.design import Design
from onceproof.lang.syntax import ast as n
from onceproof.lang.syntax.visit import walk
from onceproof.machine.system import Cause

FAILED = (Cause.DATABASE_FAILED, Cause.DATABASE_ANSWER_LOST)
REASONS = ("serialization failure", "deadlock victim")
"""Outcomes of steps that fail for a reason in the design, after which there is another attempt."""


def with_all_attempts(design: Design, trace: Trace) -> Trace:
    """The trace with as many failed attempts, before a worker gives up, as the line or block says;
    as it is where none is missing.
    """
    for process in design.processes:
        for step in walk(process.body):
            retries = getattr(step, "retries", 0)
            if retries and isinstance(step, n.Write | n.Atomic):
                lines = _lines(step)
                for begin, failed, count in list(_given_up(trace, process.name, lines)):
                    missing = retries + 1 - count
                    if missing > 0:
                        more = (_fails(trace.steps[begin], trace.steps[failed]),) * missing
                        steps = (*trace.steps[:begin], *more, *trace.steps[begin:])
                        return with_all_attempts(
                            design, Trace(trace.semantics, trace.events, steps)
                        )
    return trace


def _lines(step: n.Step) -> frozenset[int]:
    """The lines of an attempt: the line itself, and those of a block."""
    inside = walk(step.body) if isinstance(step, n.Atomic) else ()
    return frozenset({step.span.line, *(x.span.line for x in inside)})


def _given_up(trace: Trace, process: str, lines: frozenset[int]) -> Iterator[tuple[int, int, int]]:
    """Where workers of a process give up: the first step of the last attempt, the step that failed,
    and how many attempts have failed.
    """
    for worker in dict.fromkeys(s.worker for s in trace.steps if s.process == process):
        begin, count = -1, 0
        own = [
            i for i, s in enumerate(trace.steps) if s.worker == worker and s.cause in _OF_HANDLERS
        ]
        for position, i in enumerate(own):
            step = trace.steps[i]
            if step.line not in lines:
                begin, count = -1, 0
                continue
            begin = i if begin < 0 else begin
            if step.cause not in FAILED and step.outcome not in REASONS:
                continue
            count += 1
            following = own[position + 1 : position + 2]
            if not following or trace.steps[following[0]].line not in lines:
                yield begin, i, count
                count = 0
            begin = -1


_OF_HANDLERS = (Cause.HANDLER, *FAILED, Cause.REFUSED, Cause.ANSWER_LOST, Cause.ACK_LOST)


def _fails(first: Step, failed: Step) -> Step:
    """An attempt that fails at once: at its first step."""
    at = failed if first is failed else first
    return replace(at, cause=Cause.DATABASE_FAILED, outcome="failed")
