"""Decides one claim under one delivery semantic, and trusts no engine alone.

REFUTED needs a run found by the search and replayed on the design itself by the interpreter. PROVED
needs an invariant from the coverability engine, checked rule by rule by a solver (or, within
bounds, a set of states checked to be closed). Engines that contradict each other make a
``Disagreement``, never a verdict.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator

from msgspec.structs import replace

from onceproof.base import interrupts
from onceproof.engines import coverability
from onceproof.engines.search import Bounds, Exploration, Found
from onceproof.engines.search.states import configurations
from onceproof.lang.design import Claim, Design
from onceproof.lang.syntax.ast import Semantics
from onceproof.lower import Lowered, lower
from onceproof.machine.slicing import sliced
from onceproof.machine.system import Level, Machine, Property
from onceproof.properties import TooWide, property_of
from onceproof.verdict import inequalities
from onceproof.verdict.refute import by, refuted, sizes
from onceproof.verdict.result import Assurance, Cell, Disagreement, Engine, Reasons, Scope, Verdict
from onceproof.verdict.task import FOR_SOLVERS, Options, OutOfTime, Progress, Task, limited

LADDER = ((1, 1), (2, 1), (1, 2), (2, 2), (3, 1), (3, 2), (4, 1), (4, 2))
"""Workers and events of the searches for a story, smallest first."""

SMALL = 2_000
"""Rows and shapes up to which a machine is looked at as a whole before it is looked at handler by
handler.
"""

FIRST = 50_000
"""States of a first search for a story in a machine that is larger."""

MEASURING = 5.0
"""Seconds for each further look at a claim with other lengths of time."""

MARKED = "workers are killed only at the marked crash points"


def judge(
    design: Design,
    options: Options,
    progress: Progress | None = None,
) -> Iterator[Cell | Disagreement]:
    """The result of every selected claim under every selected semantics, as each is decided."""
    lowerings: dict[Semantics, Lowered] = {}
    unused: dict[Semantics, frozenset[str]] = {}
    dead: tuple[int, ...] | None = None
    for claim, semantics in _selected(design, options):
        found = judge_claim(_lowered(design, semantics, lowerings), claim, options, progress)
        if isinstance(found, Cell) and found.verdict is Verdict.HOLDS:
            if dead is None:
                from onceproof.verdict.vacuity import dead_lines, unless_dead

                dead = dead_lines(
                    design,
                    [_lowered(design, s, lowerings) for s in design.semantics],
                    options.seconds,
                )
            found = unless_dead(design, found, dead)
        if isinstance(found, Cell) and found.assumptions:
            if semantics not in unused:
                from onceproof.verdict.vacuity import unused_assumptions

                unused[semantics] = unused_assumptions(lowerings[semantics])
            found = replace(
                found, assumptions=tuple(a for a in found.assumptions if a not in unused[semantics])
            )
        interrupts.demand()
        yield found


def _lowered(design: Design, semantics: Semantics, known: dict[Semantics, Lowered]) -> Lowered:
    """The lowering of a design, made once."""
    if semantics not in known:
        known[semantics] = lower(design, semantics)
    return known[semantics]


def _selected(design: Design, options: Options) -> Iterator[tuple[Claim, Semantics]]:
    """The cells that were asked for."""
    chosen = [s for s in design.semantics if not options.semantics or s in options.semantics]
    for claim in design.claims:
        if not options.claims or any(part in claim.text for part in options.claims):
            yield from ((claim, s) for s in chosen if not claim.semantics or s in claim.semantics)


def undecided(design: Design, options: Options, reason: str) -> Iterator[Cell]:
    """Every selected cell, about which nothing is known for this reason."""
    lowerings: dict[Semantics, Lowered] = {}
    for claim, semantics in _selected(design, options):
        lowered = _lowered(design, semantics, lowerings)
        yield replace(
            Task(lowered, claim, lowered.machine, Property(claim.text, ()), options).cell,
            reason=reason,
        )


def judge_claim(
    lowered: Lowered, claim: Claim, options: Options, progress: Progress | None = None
) -> Cell | Disagreement:
    """Decide one claim on one lowering. Out of time or memory, the cell is unknown and says what
    was covered.
    """
    found = _in_limits(
        Task(lowered, claim, lowered.machine, Property(claim.text, ()), options, progress),
        _judged,
    )
    return (
        _measured(lowered, claim, options, found)
        if options.lengths and isinstance(found, Cell)
        else found
    )


def _measured(lowered: Lowered, claim: Claim, options: Options, cell: Cell) -> Cell:
    """Add the lengths of time that the answer rests on, or that would change it, and the facts
    nobody has confirmed.
    """
    if cell.verdict not in (Verdict.HOLDS, Verdict.REFUTED):
        return cell
    inner = replace(
        options,
        lengths=False,
        explain=False,
        second_opinion=False,
        seconds=min(options.seconds, MEASURING),
    )
    machine = sliced(lowered.machine, property_of(lowered, claim))
    cell = replace(cell, facts=inequalities.facts(lowered, machine, cell))
    design, semantics = lowered.design, lowered.semantics
    if cell.verdict is Verdict.HOLDS:
        found = inequalities.conditions(lowered, machine)
        if found:
            without = judge_claim(lower(inequalities.relaxed(design), semantics), claim, inner)
            needed = not isinstance(without, Cell) or (without.verdict, without.scope) != (
                Verdict.HOLDS,
                cell.scope,
            )
            cell = replace(cell, conditions=found if needed else ())
        return cell
    kinds: frozenset[str] = frozenset()
    trace = cell.trace
    while trace is not None and (more := inequalities.ended(design, trace) - kinds):
        kinds |= more
        bounded = lower(inequalities.with_lengths(design, kinds), semantics)
        better = judge_claim(bounded, claim, inner)
        if isinstance(better, Cell) and better.verdict is Verdict.HOLDS:
            there = sliced(bounded.machine, property_of(bounded, claim))
            return replace(cell, would_hold=inequalities.conditions(bounded, there))
        trace = better.trace if isinstance(better, Cell) else None
    return cell


def judge_task(task: Task) -> Cell | Disagreement:
    """Decide a claim for which everything is computed, in the same limits."""
    return _in_limits(task, _decided)


def _in_limits(task: Task, decide: Callable[[Task], Cell | Disagreement]) -> Cell | Disagreement:
    try:
        with limited(task.options.seconds):
            found = decide(task)
    except OutOfTime as error:
        found = replace(
            task.cell, reason=_with(f"more than {task.options.seconds:g} s", str(error))
        )
    except MemoryError as error:
        found = replace(task.cell, reason=_with("out of memory", str(error)))
    interrupts.demand()
    return (
        replace(found, seconds=time.monotonic() - task.started)
        if isinstance(found, Cell)
        else found
    )


def _with(reason: str, covered: str) -> str:
    return f"{reason}; {covered}" if covered else reason


def _judged(task: Task) -> Cell | Disagreement:
    try:
        prop = property_of(task.lowered, task.claim)
    except TooWide as error:
        return replace(task.cell, reason=str(error))
    return _decided(replace(task, machine=sliced(task.lowered.machine, prop), prop=prop))


def _decided(task: Task) -> Cell | Disagreement:
    found = _bounded_look(task) if task.options.bounded else _unbounded(task)
    if isinstance(found, Cell) and found.verdict is Verdict.HOLDS:
        from onceproof.verdict.vacuity import unless_vacuous  # a refutation needs none of it

        found = _explained(task, _narrowed(task, unless_vacuous(task, found)))
    return found


# ---------------------------------------------------------------- any number


def _unbounded(task: Task) -> Cell | Disagreement:
    if _two_keys(task):
        return _climb(task, _two_keys(task), None)
    answer = coverability.prove(
        task.machine, task.prop, coverability.Budget(SMALL, task.left, task.options.megabytes)
    )
    if isinstance(answer, coverability.GaveUp) and answer.large:
        from onceproof.verdict.prove import in_parts

        found = in_parts(task) or _soon(task)
        if found is not None:
            return found
        answer = coverability.prove(
            task.machine,
            task.prop,
            coverability.Budget(seconds=task.left, megabytes=task.options.megabytes),
        )
    match answer:
        case coverability.Safe(invariant):
            from onceproof.verdict.prove import certified  # a refutation needs no solver

            return certified(task, invariant)
        case coverability.Coverable():
            reason = (
                ""
                if answer.exact
                else (
                    "workers that wait for each other, or limits, are outside what is decided for"
                    " any number"
                )
            )
            return _climb(task, reason, answer)
        case coverability.GaveUp(reason):
            return _climb(task, f"the unbounded engine gave up: {reason}", None)


def _soon(task: Task) -> Cell | Disagreement | None:
    """A story that is found before a large machine is looked at as a whole."""
    for workers, events in LADDER[:2]:
        found = task.search(Bounds(workers, events), FIRST)
        if isinstance(found, Found):
            return refuted(task, found, Bounds(workers, events))
        if not found.complete:
            break
    return None


def _two_keys(task: Task) -> str:
    """Why nothing but a refutation can be said, if rows of several business keys matter; empty
    otherwise.
    """
    keys = _keys_in(task)
    if len(keys) < 2:
        return ""
    return (
        f"rows are kept per {' and per '.join(keys)}, and only events that share all of them were"
        " examined (T1)"
    )


def _keys_in(task: Task) -> tuple[str, ...]:
    """The business keys whose rows matter for this claim."""
    kept = {
        re.split(r"[.# ]", v.name)[0] for v in task.machine.variables if v.level is Level.COMPONENT
    }
    return tuple(sorted({key for name in kept for key in task.lowered.design.keys_of(name)}))


# ---------------------------------------------------------------- bounded


def _climb(task: Task, reason: str, hint: coverability.Coverable | None) -> Cell | Disagreement:
    """Search with growing bounds for a story; if there is none, say how far that was."""
    sizes = set(LADDER)
    if hint is not None:
        sizes |= {(w, e) for w in range(1, hint.workers + 1) for e in range(1, hint.events + 1)}
        sizes.add((max(hint.workers, 1), max(hint.events, 1)))
    exact = hint is not None and hint.exact
    ladder = sorted(
        (s for s in sizes if exact or s[0] <= _most_workers(task)),
        key=lambda s: (s[0] + s[1], s[0]),
    )
    visited: tuple[int, int] | None = None
    together = any(v.level is Level.COMPONENT for v in task.machine.variables)
    for workers, events in ladder:
        if (
            events > 1
            and not together
            and len(task.prop.bad)
            and all(len(b.events) < 2 for b in task.prop.bad)
        ):
            continue  # events that share nothing cannot influence each other
        found = task.search(Bounds(workers, events))
        if isinstance(found, Found):
            return refuted(task, found, Bounds(workers, events))
        if not found.complete:
            return _stopped(task, found, visited, reason)
        visited = (workers, events)
        if (
            hint is not None
            and hint.exact
            and (workers, events) == (max(hint.workers, 1), max(hint.events, 1))
        ):
            return task.disagree("the coverability engine refutes what the search cannot find")
        if hint is None or not hint.exact:
            if found.states > FOR_SOLVERS:
                break
    return _within(task, visited or (1, 1), reason)


def _most_workers(task: Task) -> int:
    """How many workers there can be at once, if the design limits every consumer and relay; else
    more than is ever searched.
    """
    limits = [p.workers for p in task.lowered.design.processes]
    return (
        sum(n for n in limits if n is not None) if None not in limits else max(n for n, _ in LADDER)
    )


def _stopped(
    task: Task, found: Exploration, visited: tuple[int, int] | None, reason: str
) -> Cell | Disagreement:
    if visited is None:
        return replace(
            task.cell, reason=f"the search stopped: {found.reason}", statistics=sizes(task, found)
        )
    return _within(task, visited, reason or f"the search of larger bounds stopped: {found.reason}")


def _bounded_look(task: Task) -> Cell | Disagreement:
    """Only up to the bounds the caller gave."""
    workers, events = task.options.workers or 2, task.options.events or 1
    found = task.search(Bounds(workers, events))
    if isinstance(found, Found):
        return refuted(
            task, _smallest(task, found, Bounds(workers, events)), Bounds(workers, events)
        )
    if not found.complete:
        return replace(
            task.cell, reason=f"the search stopped: {found.reason}", statistics=sizes(task, found)
        )
    return _within(task, (workers, events), "")


def _smallest(task: Task, found: Found, bounds: Bounds) -> Found:
    """The story with the fewest workers within the bounds."""
    for workers, events in LADDER:
        if workers <= bounds.workers and events <= bounds.events:
            smaller = task.search(Bounds(workers, events))
            if isinstance(smaller, Found):
                return smaller
    return found


def _within(task: Task, size: tuple[int, int], reason: str) -> Cell | Disagreement:
    """No violation within bounds: a verdict once a solver has confirmed that the visited states are
    all there are.
    """
    bounds = Bounds(*size)
    visited = configurations(task.machine, bounds, task.budget())
    if isinstance(visited, Exploration):
        return replace(task.cell, reason=f"the search stopped: {visited.reason}")
    cell = replace(
        task.cell, reason=reason, scope=Scope(bounds.events, bounds.keys, bounds.workers)
    )
    statistics = replace(cell.statistics, states=len(visited))
    if _two_keys(task):
        return replace(cell, statistics=statistics, reason=_two_keys(task))
    from onceproof.verdict.prove import confirmed

    return confirmed(task, replace(cell, statistics=statistics), bounds, visited)


FAIR = (
    "only finitely many things fail",
    "leases are accurate from some time on",
    "a step that stays possible is taken some day",
    "a worker that lives comes to its end",
)
"""What *eventually* takes for granted (theory T12)."""


def _narrowed(task: Task, cell: Cell) -> Cell:
    """A side condition that is not met: nothing is claimed, and the reader is told which line costs
    it and what would lift it.

    Explicit crash points only narrow the claim: they are listed with its assumptions.
    """
    if cell.verdict is not Verdict.HOLDS:
        return cell
    if task.claim.kind == "eventually-settled":
        cell = replace(cell, assumptions=(*cell.assumptions, *FAIR))
    from onceproof.verdict.side_conditions import fragment

    for finding in fragment(task.lowered.design, task.lowered, task.claim, task.machine, task.prop):
        if finding.only_exactness:
            continue
        if finding.condition == "T5":
            cell = replace(cell, assumptions=tuple(dict.fromkeys((*cell.assumptions, MARKED))))
            continue
        reason = (
            f"{finding.condition}, line {finding.line}: {finding.text}; {finding.cost};"
            f" {finding.remedy}"
        )
        cell = by(cell, Engine.NONE)
        cell = replace(cell, invariant=None, lemmas=())
        return replace(
            cell, verdict=Verdict.UNKNOWN, assurance=Assurance.NONE, checked_by=(), reason=reason
        )
    return cell


def _explained(task: Task, cell: Cell) -> Cell:
    """Add what makes the proof hold, if asked for."""
    if not task.options.explain or cell.invariant is None or cell.verdict is not Verdict.HOLDS:
        return cell
    from onceproof.explain.proof import explain_proof  # only for those who ask why

    why = explain_proof(task.lowered, task.machine, task.prop, cell.invariant, min(task.left, 5.0))
    return replace(
        cell, why=Reasons(tuple(f.text for f in why.facts), why.checked, why.ground, why.legend)
    )


# ---------------------------------------------------------------- proved for any number?


def is_certain(cell: object) -> bool:
    """Whether a verdict is *proved*, with a certificate and for any number."""
    return (
        isinstance(cell, Cell)
        and cell.verdict is Verdict.HOLDS
        and cell.assurance is Assurance.CERTIFICATE
        and cell.scope == Scope()
    )


def certain(
    lowered: Lowered, claim: Claim, asked: tuple[Machine, Property], options: Options
) -> tuple[bool, coverability.Safe | coverability.Coverable | coverability.GaveUp]:
    """Whether the claim (``asked``: its machine and property) is proved; and what the coverability
    engine said.

    Nothing is searched for if the engine finds no candidate of a proof.
    """
    answer = coverability.prove(*asked, coverability.Budget(seconds=options.seconds))
    if not isinstance(answer, coverability.Safe):
        return False, answer
    plain = replace(options, workers=None, events=None, second_opinion=False, explain=False)
    return is_certain(judge_task(Task(lowered, claim, *asked, plain))), answer
