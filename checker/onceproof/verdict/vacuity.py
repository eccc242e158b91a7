"""Vacuity: steps, assumptions and claims that do nothing.

A handler line that nobody ever reaches proves nothing about that line. The thread-modular fixpoint
over-approximates what is reachable, so a line it never reaches is certainly dead; so does the
fixpoint of an abstraction to one handler, which is asked where the whole design is too large. A
line counts as dead only if it is dead under every semantics the design is checked under, and does
not handle a failure (``on failure``, ``on duplicate``, ``on conflict``): such a case may be
excluded on purpose.

An assumption is unused if the machine is the same without it, rule by rule: a design may assume
that no partition moves although its broker has none. A result names only assumptions it rests on.

A claim is vacuous if what it speaks about never happens.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from onceproof.engines import coverability
from onceproof.engines.compositional.abstraction import NotExpressible, View, abstract_machine
from onceproof.engines.search import Bounds, Found, simplest
from onceproof.lang.design import Design
from onceproof.lang.syntax import ast as n
from onceproof.lang.syntax.visit import inner
from onceproof.lower import Lowered, lower
from onceproof.machine.slicing import home, place_variable, regions, sliced
from onceproof.machine.system import Cause, Machine, Property, Rule, Update
from onceproof.properties import witnesses
from onceproof.verdict.result import ClaimResult, Engine, Proof, Vacuous
from onceproof.verdict.task import Task

WHOLE = 5_000
"""Rows of the fixpoint of a whole design."""

ROWS = 50_000
"""Rows up to which they are asked whether something never happens, between these searches."""

SMALL = ((1, 1), (2, 1), (1, 2), (2, 2))
"""Workers and events of the searches that show that what a claim speaks about can happen."""


# ---------------------------------------------------------------- steps


def dead_lines(design: Design, lowerings: Iterable[Lowered], seconds: float) -> tuple[int, ...]:
    """The lines of handler steps that never run under any of the lowerings (nothing is said if an
    engine gives up).
    """
    handled = {line for p in design.processes for line in _lines(p.body)}
    ruled: set[int] = set()
    fired: set[int] = set()
    for lowered in lowerings:
        runs = _runs(lowered.machine, seconds)
        if runs is None:
            return ()
        ruled |= _lines_of(lowered.machine.rules)
        fired |= runs
    return tuple(sorted((handled & ruled) - fired))


def _lines_of(rules: Iterable[Rule]) -> set[int]:
    """The lines of handler steps."""
    return {r.action.line for r in rules if r.action.cause is Cause.HANDLER}


def _runs(machine: Machine, seconds: float) -> set[int] | None:
    """The lines that may run, and perhaps more; None if an engine gives up."""
    reach = coverability.reachable(machine, coverability.Budget(WHOLE, seconds))
    if not isinstance(reach, coverability.GaveUp):
        return _lines_of(machine.rules[i] for i in reach.fired)
    place = place_variable(machine)
    if not reach.large or place is None:
        return None
    lines: set[int] = set()
    for part in regions(machine, place):
        own = [r for r in machine.rules if part & (home(r, place) or frozenset())]
        read = {t.variable for r in own for t in r.guard} | {
            u.source for u in _updates(own) if u.source is not None
        }
        try:
            small = abstract_machine(
                machine,
                View(
                    frozenset(read | {place.name}), place.name, tuple((p, p) for p in sorted(part))
                ),
            )
        except NotExpressible:
            return None
        inside = coverability.reachable(small, coverability.Budget(seconds=seconds))
        if isinstance(inside, coverability.GaveUp):
            return None
        # a rule that changes nothing of what is seen is not in the small machine, and may run
        lines |= _lines_of(small.rules[i] for i in inside.fired) | (
            _lines_of(own) - _lines_of(small.rules)
        )
    return lines


def _updates(rules: Iterable[Rule]) -> Iterator[Update]:
    """Everything that the rules write."""
    for rule in rules:
        yield from rule.updates
        for broadcast in rule.others:
            yield from broadcast.updates


def _lines(steps: tuple[n.Step, ...], in_atomic: bool = False) -> Iterator[int]:
    """Lines that take a step of their own; in an atomic block only those that certainly do."""
    for step in steps:
        silent = n.Stop | n.Fail | n.CrashHere | n.Section | n.Atomic | n.Use | n.BrokenStep
        if not isinstance(step, silent) and not in_atomic:
            yield step.span.line
        if isinstance(step, n.Insert | n.UpdateIf | n.Do):
            continue
        for block in inner(step):
            yield from _lines(block, in_atomic or isinstance(step, n.Atomic))


def unless_dead(design: Design, result: ClaimResult, dead: tuple[int, ...]) -> ClaimResult:
    """A proof about a handler with a step that can never run is a proof about another handler than
    the one in mind.
    """
    if not dead:
        return result
    reason = f"`{design.line_text(dead[0])}` (line {dead[0]}) can never run"
    return _vacuous(result, reason, Engine.COVERABILITY)  # its fixpoint of what is reachable


# ---------------------------------------------------------------- assumptions


def unused_assumptions(lowered: Lowered) -> frozenset[str]:
    """The assumptions of a design, in words, without which its machine under these semantics is the
    same.

    Two that take the same away are each idle beside the other; so all are left out together, too,
    and if that makes a difference none is called idle.
    """
    design = lowered.design
    unused = []
    for assumption in design.assumptions:
        others = tuple(a for a in design.assumptions if a != assumption)
        if lower(replace(design, assumptions=others), lowered.semantics).machine == lowered.machine:
            unused.append(assumption)
    if len(unused) > 1:
        others_left = tuple(a for a in design.assumptions if a not in unused)
        if (
            lower(replace(design, assumptions=others_left), lowered.semantics).machine
            != lowered.machine
        ):
            return frozenset()
    return frozenset(a.words for a in unused)


# ---------------------------------------------------------------- claims


def unless_vacuous(task: Task, result: ClaimResult) -> ClaimResult:
    """A claim about something that never happens says nothing."""
    for witness in witnesses(task.lowered, task.claim):
        if _never_happens(task, sliced(task.lowered.machine, witness), witness):
            what = (
                f"no reachable state has `{witness.name}`"
                if task.claim.kind == "one-worker"
                else f"`{witness.name}` never happens"
            )
            return _vacuous(result, what, Engine.COVERABILITY)
    if not task.prop.bad and task.claim.kind in ("no-loss", "together"):
        reason = "no event leads to it by itself"
        return _vacuous(result, reason, result.statistics.engine)
    return result


def _never_happens(task: Task, machine: Machine, witness: Property) -> bool:
    """Whether it is certain that nothing of this kind can happen."""
    for size in SMALL:
        if isinstance(simplest(machine, witness, Bounds(*size), task.budget()), Found):
            return False
        # Mostly one worker at one event shows it. If not, it is rather looked for why.
        by_rows = coverability.prove_by_rows(machine, witness, task.proof_budget(ROWS))
        if isinstance(by_rows, coverability.Safe):
            return True
    answer = coverability.prove(machine, witness, task.proof_budget())
    return isinstance(answer, coverability.Safe)


def _vacuous(result: ClaimResult, reason: str, engine: Engine) -> ClaimResult:
    """A proof whose claim says nothing. ``engine``: whose answer that is."""
    assert isinstance(result.outcome, Proof)
    return replace(
        result,
        outcome=Vacuous(result.outcome, reason),
        statistics=replace(result.statistics, engine=engine),
    )
