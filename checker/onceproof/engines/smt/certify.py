"""Proofs, checked by solvers: an invariant for any number of everything, or a set of configurations
within bounds that no step leaves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from itertools import groupby

from msgspec import Struct
from msgspec.structs import replace

from onceproof.base import memo
from onceproof.engines.smt import terms
from onceproof.engines.smt.bmc import Bounds, too_big
from onceproof.engines.smt.checks import demand_wellformed, unknown_row
from onceproof.engines.smt.closed_sets import Configuration, closure_obligations, misplaced
from onceproof.engines.smt.induction import (
    Obligation,
    claim_obligations,
    inductive_obligations,
    invariant_rows,
)
from onceproof.engines.smt.solver import Session, Solver, Status
from onceproof.machine.invariant import Invariant
from onceproof.machine.system import Action, Machine, Property

MOST_STATES = 20_000


class Outcome(Enum):
    """What became of a proof attempt."""

    PROVED = "proved"  # every obligation is unsatisfiable, says every solver asked
    FAILED = (  # some obligation has a counterexample: the invariant is wrong (or the claim is)
        "failed"
    )
    UNKNOWN = "unknown"  # some solver gave up, or there was none


class Open(Struct, frozen=True):
    """An obligation that a solver did not discharge. ``rule`` and ``action`` are given if it is
    about a rule.

    ``before`` describes the configuration that breaks it, if the solver found one: (symbol, value)
    of the slots that are taken.
    """

    obligation: str
    solver: str
    status: Status
    rule: int = -1
    action: Action | None = None
    before: tuple[tuple[str, str], ...] = ()
    reason: str = ""


class Proof(Struct, frozen=True):
    """The result of :func:`certify` and :func:`bounded`; ``solvers`` names those that were asked
    about every obligation.
    """

    outcome: Outcome
    obligations: tuple[Obligation, ...] = ()
    solvers: tuple[str, ...] = ()
    failures: tuple[Open, ...] = ()
    reason: str = ""

    @property
    def proved(self) -> bool:
        """Nothing is left open."""
        return self.outcome is Outcome.PROVED


def certify(
    machine: Machine, prop: Property, invariant: Invariant, solvers: Sequence[Solver]
) -> Proof:
    """Check that the invariant proves the claim for any number of events, components, workers,
    deliveries and steps.

    The same invariant is checked once in a run (``memo``): two claims may have one, and parts of
    proofs return in changed designs.
    """
    demand_wellformed(machine)
    reason = unknown_row(machine, invariant_rows(invariant))
    if reason:
        return Proof(Outcome.FAILED, reason=reason)
    memory = memo.current()
    asked = tuple((type(solver), solver.name) for solver in solvers)
    question = ("inductive", machine.variables, machine.rules, invariant, asked)
    known: tuple[Obligation, ...] | None = memory.get(question) if memory is not None else None
    if known is not None:
        return _with_claim(machine, prop, invariant, (known, solvers))
    inductive = inductive_obligations(machine, invariant)
    claims = claim_obligations(machine, prop, invariant)
    proof = discharge(machine, (*inductive, *claims), solvers)
    if memory is not None and proof.proved:
        memory.put(question, inductive, len(invariant.workers) + 100 * len(inductive))
    return proof


def _with_claim(
    machine: Machine,
    prop: Property,
    invariant: Invariant,
    checked: tuple[tuple[Obligation, ...], Sequence[Solver]],
) -> Proof:
    """The same for an invariant that was checked: by which solvers, and what they were asked."""
    inductive, solvers = checked
    memory = memo.current()
    names = tuple(solver.name for solver in solvers)
    question = ("excludes", machine.variables, prop, invariant, names)
    known: Proof | None = memory.get(question) if memory is not None else None
    if known is not None:
        return known
    claims = claim_obligations(machine, prop, invariant)
    proof = discharge(machine, claims, solvers) if claims else Proof(Outcome.PROVED, solvers=names)
    proof = replace(proof, obligations=(*inductive, *claims))
    if memory is not None and proof.proved:
        memory.put(question, proof, 100 * len(claims))
    return proof


def discharge(machine: Machine, todo: Sequence[Obligation], solvers: Sequence[Solver]) -> Proof:
    """Ask every solver about every obligation; proved only if there is a solver, an obligation, and
    no answer but ``unsat``.
    """
    missing = [solver.name for solver in solvers if not solver.available()]
    if not solvers or missing or not todo:
        reason = (
            f"not installed: {', '.join(missing)}"
            if missing
            else "no obligation"
            if solvers
            else "no solver"
        )
        return Proof(Outcome.UNKNOWN, tuple(todo), reason=reason)
    failures = tuple(failure for solver in solvers for failure in _failures(machine, todo, solver))
    statuses = {failure.status for failure in failures}
    outcome = (
        Outcome.FAILED
        if Status.SAT in statuses
        else Outcome.UNKNOWN
        if statuses
        else Outcome.PROVED
    )
    return Proof(outcome, tuple(todo), tuple(solver.name for solver in solvers), failures)


def _failures(machine: Machine, todo: Sequence[Obligation], solver: Solver) -> Iterator[Open]:
    """The obligations that the solver does not find unsatisfiable."""
    session = solver.session()
    for prelude, group in groupby(todo, key=lambda obligation: obligation.prelude):
        session.load(prelude)
        together = tuple(group)
        if not _unsatisfiable_together(session, together, solver.steps_for_many):
            yield from _failures_of(machine, together, solver.name, session)


def _unsatisfiable_together(session: Session, todo: Sequence[Obligation], steps: int) -> bool:
    """Whether the solver finds the disjunction of the obligations unsatisfiable, and so each of
    them; else nothing is known.

    The solver propagates what they share once, and not once for each.
    """
    formulas = [obligation.formula for obligation in todo]
    if not steps or len(todo) < 2 or not all(formulas):
        return False
    return session.check(terms.claim(terms.disj(formulas)), steps=steps).status is Status.UNSAT


def _failures_of(
    machine: Machine, todo: Sequence[Obligation], name: str, session: Session
) -> Iterator[Open]:
    """The same for obligations whose prelude is loaded, one by one."""
    for obligation in todo:
        reply = session.check(obligation.body, obligation.symbols)
        if reply.status is not Status.UNSAT:
            action = machine.rules[obligation.rule].action if obligation.rule >= 0 else None
            before = _described(machine, reply.values)
            yield Open(
                obligation.name, name, reply.status, obligation.rule, action, before, reply.reason
            )


def _described(machine: Machine, values: Mapping[str, int]) -> tuple[tuple[str, str], ...]:
    """A solver's values in the machine's words, without the slots that are not taken."""
    domains = {variable.name: variable.domain for variable in machine.variables}
    described = []
    for name, value in values.items():
        path, dot, variable = name.partition(".")
        steps = path.split("/")
        if dot and all(values.get("/".join(steps[: i + 1]), 1) for i in range(len(steps))):
            described.append((name, domains[variable][value]))
        elif (
            not dot
            and value
            and all(values.get("/".join(steps[: i + 1]), 1) for i in range(len(steps)))
        ):
            described.append((name, "there"))
    return tuple(described)


def bounded(
    machine: Machine,
    prop: Property,
    bounds: Bounds,
    states: Sequence[Configuration],
    solver: Solver,
) -> Proof:
    """Check that ``states`` (up to order) are all that can be reached within the bounds by any
    number of steps, and none is bad.
    """
    demand_wellformed(machine)
    reason = misplaced(machine, states, bounds)
    if reason:
        return Proof(Outcome.FAILED, reason=reason)
    if len(states) > MOST_STATES:
        return Proof(
            Outcome.UNKNOWN,
            reason=(
                f"{len(states)} configurations are more than the {MOST_STATES} that are given to a"
                " solver"
            ),
        )
    return replace(
        discharge(machine, closure_obligations(machine, prop, states, bounds), [solver]),
        reason=too_big(prop, bounds),
    )
