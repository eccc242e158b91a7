"""A proof in parts: several machines, each with patterns that it never reaches, and that nothing of
a claim is left beside them.

The machines are pictures of one (``onceproof.engines.compositional.abstraction``): a pattern that a
part excludes does not occur in the large machine either. What is asked here is the rest: a
configuration that contains a bad pattern of the claim and none of the parts' patterns. A bad
pattern that is literally one of a part's needs no solver.
"""

from __future__ import annotations

from collections.abc import Sequence

from onceproof.engines.smt import terms
from onceproof.engines.smt.certify import Outcome, Proof, certify, discharge
from onceproof.engines.smt.encode import Layout, Place, bad_at, in_domain, legend
from onceproof.engines.smt.induction import Obligation
from onceproof.engines.smt.script import Script
from onceproof.engines.smt.solver import Solver
from onceproof.engines.smt.terms import claim, declare, quote
from onceproof.machine.invariant import Invariant
from onceproof.machine.system import Machine, Pattern, Property

Part = tuple[Machine, Property, Invariant]
"""A machine, what it never reaches, and why."""


def beside(machine: Machine, prop: Property, excluded: Sequence[Pattern]) -> tuple[Obligation, ...]:
    """What must be unsatisfiable for the ``excluded`` patterns to leave nothing of ``prop``."""
    usable = [
        p
        for p in excluded
        if len(p.events) == 1 and not p.events[0].workers and p.events[0].absent is None
    ]
    todo = []
    for index, pattern in enumerate(prop.bad):
        if pattern in excluded:
            continue
        profile = tuple(len(event.workers) for event in pattern.events)
        layout = Layout(machine, (profile,), optional=True)
        lines = ["(set-logic QF_BV)", *legend(layout)]
        lines += [declare(quote(layout.path(event)), "Bool") for event in layout.events(0)]
        lines += [declare(quote(cell.name), cell.sort) for cell in layout.cells()]
        lines += [
            claim(in_domain(cell)) for cell in layout.cells() if in_domain(cell) != terms.TRUE
        ]
        body = Script().remark(
            f"The claim {prop.name} is violated (bad pattern {index}), and no part excludes it."
        )
        body.require(
            bad_at(
                layout,
                pattern,
                0,
                tuple((e, tuple(range(count))) for e, count in enumerate(profile)),
            )
        )
        for excluding in usable if profile else ():
            body.require(terms.negate(bad_at(layout, excluding, 0, ((0, ()),))))
        symbols = (
            *(layout.path(Place(0, e)) for e in range(len(profile))),
            *(cell.name for cell in layout.cells()),
        )
        todo.append(
            Obligation(f"beside-{index}", -1, "\n".join(lines), body.text, symbols, body.formula)
        )
    return tuple(todo)


def certify_jointly(
    parts: Sequence[Part], machine: Machine, rest: Sequence[Obligation], solvers: Sequence[Solver]
) -> Proof:
    """Check that every part proves its patterns, and that nothing of the claim is left beside them:
    ``rest`` is what ``beside`` says for what the parts exclude, in the words of the large machine.
    """
    proofs = [certify(small, excluded, invariant, solvers) for small, excluded, invariant in parts]
    proofs += [discharge(machine, rest, solvers)] if rest else []
    outcomes = {proof.outcome for proof in proofs}
    outcome = next(
        (o for o in (Outcome.FAILED, Outcome.UNKNOWN, Outcome.PROVED) if o in outcomes),
        Outcome.UNKNOWN,
    )
    return Proof(
        outcome,
        tuple(o for p in proofs for o in p.obligations),
        proofs[0].solvers if proofs else (),
        tuple(f for p in proofs for f in p.failures),
        "; ".join(p.reason for p in proofs if p.reason),
    )
