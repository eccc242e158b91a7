"""Questions to a solver about a machine: a bad run within bounds, or a proof without any."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from checker.machine import Machine, Property, Run
from checker.smt.checks import demand_wellformed
from checker.smt.solver import Solver, Status
from checker.smt.unroll import Bounds, decode, unrolling


class Finding(Enum):
    """What bounded model checking found."""

    REACHED = "reached"  # a bad configuration; the run is given and is as short as any
    NOT_WITHIN = "not within"  # no run of so many steps or fewer is bad, within the bounds: not a proof of anything longer
    UNKNOWN = "unknown"  # the solver gave up


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of :func:`refute`; every length below ``depth`` was examined to the end, for REACHED and NOT_WITHIN ``depth`` too."""

    finding: Finding
    depth: int
    run: Run | None = None
    reason: str = ""


def refute(machine: Machine, prop: Property, bounds: Bounds, depth: int, solver: Solver) -> Answer:
    """Look for a bad configuration after 0, 1, ..., ``depth`` steps, with exactly the bounds' events and components."""
    demand_wellformed(machine)
    unrolled = unrolling(machine, prop, bounds)
    session = solver.session()
    session.load(f"{unrolled.prelude}\n{unrolled.start()}")
    for number in range(depth + 1):
        reply = session.check(unrolled.bad(number), unrolled.asked(number))
        if reply.status is Status.UNKNOWN:
            return Answer(Finding.UNKNOWN, number, reason=f"{solver.name} at {number} steps: {reply.reason}")
        if reply.status is Status.SAT:
            return Answer(Finding.REACHED, number, decode(unrolled, reply.values, number))
        if not unrolled.choices:
            break
        session.add(unrolled.step(number))
    return Answer(Finding.NOT_WITHIN, depth)
