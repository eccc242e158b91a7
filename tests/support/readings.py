"""One random design, decided by everything that can decide it: the search on the machine, Z3 on its
own encoding, and the interpreter.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from msgspec.structs import replace
from onceproof.counterexample.lift import trace_of
from onceproof.engines.search import Bounds, Budget, Found, simplest
from onceproof.engines.search.states import configurations
from onceproof.engines.smt.bmc import Finding, refute
from onceproof.engines.smt.certify import Outcome, bounded
from onceproof.engines.smt.solver import Z3, Effort
from onceproof.interpreter import ReplayError, replay, violated
from onceproof.interpreter.oracle import event_sets, explore
from onceproof.lang.design import Claim, Design
from onceproof.lang.load import load_text
from onceproof.lower import Lowered, lower
from onceproof.machine import approximation
from onceproof.properties import TooWide, asked, question

from support.designs import random_design
from support.observe import Seen, interpreter_shows, machine_shows

MOST = 1_200
FOR_Z3 = 300
DEEPEST = 14


@dataclass(frozen=True, slots=True)
class Compared:
    """What came of one design: ``skipped`` says why nothing was compared; ``problems`` are
    contradictions (there must be none).
    """

    seed: int
    claims: int = 0
    refuted: int = 0
    by_z3: int = 0
    skipped: str = ""
    problems: tuple[str, ...] = ()


def compare(
    seed: int, make: Callable[[int], str] = random_design, pool: int = 0, most: int = MOST
) -> Compared:
    """Compare everything on the random design of a seed, under one of its semantics. ``pool``:
    workers (0: one or two, by the seed); ``most``: the states that are compared.
    """
    loaded = load_text(make(seed))
    assert loaded.design is not None, [d.headline for d in loaded.diagnostics]
    design = loaded.design
    semantics = design.semantics[seed % len(design.semantics)]
    lowered, pool = lower(design, semantics), pool or 1 + seed % 2
    shown = machine_shows(lowered, pool, most)
    explored = (
        [explore(design, semantics, events, pool, most) for events in event_sets(design, 1)]
        if shown is not None
        else []
    )
    if shown is None or not all(e.complete for e in explored):
        return Compared(seed, skipped="more states than are compared")
    problems = []
    exact = replace(lowered, machine=approximation.exact(lowered.machine))
    narrow = shown if exact.machine is lowered.machine else machine_shows(exact, pool, most)
    assert narrow is not None
    mine, narrow_mine, theirs = (
        frozenset(x for x in side if not _only_dead(x))
        for side in (shown, narrow, interpreter_shows(lowered, explored))
    )
    if not narrow_mine <= theirs <= mine:
        problems.append(
            f"{len(narrow_mine - theirs)} situations only in the machine, {len(theirs - mine)} only"
            " in the interpreter"
        )
    refuted = by_z3 = 0
    for index, claim in enumerate(design.claims):
        interpreter = any(index in e.violations for e in explored)
        try:
            search, solver, found = _decide(design, lowered, claim, (pool, seed))
        except TooWide:
            continue
        refuted += search
        by_z3 += solver is not None
        problems += [f"{claim.text}: {p}" for p in found]
        wider = not approximation.is_exact(*asked(lowered, claim))
        if search != interpreter and not (wider and search):
            problems.append(
                f"{claim.text}: the search says {'violated' if search else 'fine'}, the interpreter"
                " the opposite"
            )
        if solver is not None and solver != search:
            problems.append(
                f"{claim.text}: the search says {'violated' if search else 'fine'}, Z3 the opposite"
            )
    return Compared(seed, len(design.claims), refuted, by_z3, "", tuple(problems))


def _only_dead(seen: Seen) -> bool:
    """A dead worker's request that may turn out to change nothing: the two readings offer it under
    slightly different conditions.
    """
    return any(fact.endswith(" dead") for part in seen for fact in part)


def _decide(
    design: Design, lowered: Lowered, claim: Claim, how: tuple[int, int]
) -> tuple[bool, bool | None, list[str]]:
    """Whether the search and Z3 (None: not asked) find a violation within the bounds, and what went
    wrong with its replay.
    """
    pool, seed = how
    machine, prop = question(lowered, claim)
    bounds = Bounds(pool, 1)
    found = simplest(machine, prop, bounds, Budget())
    if not isinstance(found, Found):
        return False, _z3_proves(machine, prop, bounds, claim, seed), []
    depth = len(found.run.moves)
    if approximation.names_used(machine, prop, found.run):
        return True, None, []
    problems = _replay_problems(design, lowered, claim, trace_of(lowered, machine, found.run))
    if depth > DEEPEST or not _chosen(claim, seed):
        return True, None, problems
    answer = refute(machine, prop, bounds, depth, Z3(Effort(20)))
    if answer.run is not None and not approximation.names_used(machine, prop, answer.run):
        problems += _replay_problems(design, lowered, claim, trace_of(lowered, machine, answer.run))
    return (
        True,
        answer.finding is Finding.REACHED if answer.finding is not Finding.UNKNOWN else None,
        problems,
    )


def _chosen(claim: Claim, seed: int) -> bool:
    """Z3 is asked about one claim of each design, a different one each time."""
    return (claim.span.line + seed) % 4 == 0


def _z3_proves(machine, prop, bounds, claim: Claim, seed: int) -> bool | None:  # type: ignore[no-untyped-def]
    visited = configurations(machine, bounds, Budget(FOR_Z3, None))
    if not isinstance(visited, list) or not _chosen(claim, seed):
        return None
    proof = bounded(machine, prop, bounds, visited, Z3(Effort(20)))
    return None if proof.outcome is Outcome.UNKNOWN else proof.outcome is Outcome.FAILED


def _replay_problems(design: Design, lowered: Lowered, claim: Claim, trace) -> list[str]:  # type: ignore[no-untyped-def]
    try:
        run = replay(design, trace, lambda end: violated(design, claim, lowered.semantics, end))
        end = run.states[-1]
    except ReplayError as error:
        return [f"not replayed: {error}"]
    return (
        []
        if violated(design, claim, lowered.semantics, end)
        else ["replayed, but nothing is violated at the end"]
    )
