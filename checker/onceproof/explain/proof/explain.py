"""Puts the parts together: facts found, the best set chosen, said and checked."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from enum import Enum

from msgspec import Struct

from onceproof.engines.search import Bounds, Budget, Exploration
from onceproof.engines.search.states import configurations
from onceproof.explain.proof.allowed import Allowed, Reached, TooBig
from onceproof.explain.proof.before import steps
from onceproof.explain.proof.general import READER, TASTES, Generaliser, Taste
from onceproof.explain.proof.grow import (
    Backward,
    Clock,
    Group,
    OutOfTime,
    Task,
    grow,
    reduce,
    simplified,
)
from onceproof.explain.proof.oneof import one_ofs, pairs
from onceproof.explain.proof.rebuild import confirm, unreal
from onceproof.explain.proof.sentences import Case, Sentences, cases, tests_of
from onceproof.explain.proof.space import Cube, Space, possible
from onceproof.explain.proof.words import Words
from onceproof.lang.design import Claim
from onceproof.lower import Lowered
from onceproof.lower import variables as v
from onceproof.machine.invariant import Invariant
from onceproof.machine.system import EventPattern, Machine, Pattern, Property, Test
from onceproof.properties.compile import counter

DERIVED = ("no-loss", "effectively-once", "together")
"""Claims that the facts imply; the others are facts themselves."""

SIMPLE = 2
"""Facts, with the claim, that nobody needs fewer of."""

STEPS = 300_000
"""Steps of the search for facts: a few seconds."""

FEW = 1_500
"""Configurations of the small search for stronger facts."""


class Kind(Enum):
    """What a fact is about."""

    ONE_OF = "one of"  # situations of which at most one is at a time
    ROWS = "rows"  # what the shared rows say of each other
    WORKER = "worker"  # what a worker at some lines may rely on, or where there is none
    APART = "apart"  # workers that are never there together
    CLAIM = "claim"  # the claim itself


class Fact(Struct, frozen=True):
    """A sentence in the design's words, the design lines it speaks about, and the situations it
    says never are.
    """

    kind: Kind
    text: str
    lines: tuple[int, ...]
    never: tuple[Pattern, ...]


class Why(Struct, frozen=True):
    """Why a claim holds: the claim is the last fact.

    ``checked``: a solver confirmed that the facts together hold at the start, are kept by every
    step, and imply the claim. If not, each fact holds in every reachable configuration (the proof's
    own invariant says so), and ``reason`` says why no more.
    """

    facts: tuple[Fact, ...]
    checked: bool
    reason: str = ""
    obligations: int = 0

    @property
    def ground(self) -> str:
        """What may be said of the facts."""
        if self.checked:
            return (
                "Together these facts hold at the start, are kept by every step, and imply the"
                " claim (checked by Z3)."
            )
        return (
            "Each of these facts holds in every reachable state. Whether they are the whole reason"
            " was not checked."
        )

    @property
    def legend(self) -> str:
        """What the sentences mean by a place."""
        return "A worker is at a line when that line is what it runs next."


class Found(Struct, frozen=True):
    """A closed set of facts: groups that are said as one, with the situations of those of the form
    "at most one of".
    """

    groups: tuple[Group, ...]
    atoms: dict[Group, tuple[Cube, ...]]
    cost: float


def explain_proof(
    lowered: Lowered,
    machine: Machine,
    prop: Property,
    invariant: Invariant,
    claim: Claim | None = None,
    seconds: float = 60.0,
) -> Why:
    """Why ``prop`` holds on ``machine`` (sliced for it), given the certified ``invariant``; within
    ``STEPS``, and ``seconds``. ``claim``: what ``prop`` was made of, if it is a claim.
    """
    clock = Clock(time.monotonic() + seconds, STEPS)
    teller = _Teller(lowered, machine, prop, claim)
    proved, guessed, reason = _candidates(lowered, machine, prop, invariant, clock, claim)
    for candidate in sorted((*proved, *guessed), key=lambda f: f.cost)[:3]:
        facts = teller.facts(candidate)
        obligations, problem = confirm(machine, prop, reasons(facts, claim), clock.left)
        if problem and (more := teller.unreal()):
            facts = (*more, *facts)
            obligations, problem = confirm(machine, prop, reasons(facts, claim), clock.left)
            for fact in more if not problem else ():
                fewer = tuple(f for f in facts if f != fact)
                number, worse = confirm(machine, prop, reasons(fewer, claim), clock.left)
                facts, obligations = (facts, obligations) if worse else (fewer, number)
        if not problem:
            return Why(facts, True, "", obligations)
        reason = reason or problem
    if proved:
        return Why(teller.facts(min(proved, key=lambda f: f.cost)), False, reason)
    return Why((teller.claim(),), False, reason or "the invariant was not understood")


def reasons(facts: Iterable[Fact], claim: Claim | None) -> list[Pattern]:
    """What must be inductive: all that the facts exclude, with the claim if it is a fact like the
    others.
    """
    derived = claim is not None and claim.kind in DERIVED
    return [
        pattern
        for fact in facts
        if not (derived and fact.kind is Kind.CLAIM)
        for pattern in fact.never
    ]


# ---------------------------------------------------------------- finding


def _candidates(
    lowered: Lowered,
    machine: Machine,
    prop: Property,
    invariant: Invariant,
    clock: Clock,
    claim: Claim | None,
) -> tuple[list[Found], list[Found], str]:
    """Sets of facts from the invariant, and from a small search (whose facts are only as good as
    their check).
    """
    space = Space(machine)
    goals = tuple(dict.fromkeys(cube for pattern in prop.bad for cube in space.cubes(pattern)))
    fixed = () if claim is not None and claim.kind in DERIVED else goals
    backward = Backward(steps(space))
    proved: list[Found] = []
    guessed: list[Found] = []
    oracles: list[tuple[list[Found], Callable[[Clock], Allowed | None]]] = [
        (proved, lambda budget: Allowed(space, invariant, budget.tick)),
        (guessed, lambda budget: _reached(space, machine, budget)),
    ]
    reason = ""
    for candidates, oracle in oracles:
        if any(len(candidate.groups) <= SIMPLE for candidate in proved):
            break
        oracle_clock = clock if candidates is guessed or space.full[0] else clock.half()
        try:
            allowed = oracle(oracle_clock)
            if allowed is not None:
                _search(
                    Task(
                        goals, fixed, Generaliser(space, allowed, lowered), backward, oracle_clock
                    ),
                    candidates,
                )
        except OutOfTime as over:
            reason = str(over)
        except TooBig as big:
            reason = str(big)
    return proved, guessed, reason


def _reached(space: Space, machine: Machine, clock: Clock) -> Reached | None:
    """The configurations of one event and two workers, if they are few and other events do not
    matter.
    """
    if space.full[0]:
        return None
    states = configurations(machine, Bounds(2, 1), Budget(states=FEW, seconds=clock.left))
    return None if isinstance(states, Exploration) else Reached(space, states, 2, clock.tick)


def _search(task: Task, candidates: list[Found]) -> None:
    """Closed sets of facts, by every taste and by all together; each also with what can be said as
    "at most one of".
    """
    pool: dict[Cube, None] = {}
    seen: set[frozenset[Cube]] = set()
    for taste in (*TASTES, None):
        facts = list(pool) if taste is None else _grown(task, taste)
        if frozenset(facts) in seen or (not facts and task.goals):
            continue
        seen.add(frozenset(facts))
        pool.update(dict.fromkeys(facts))
        plain = _reduced(task, [(fact,) for fact in facts], {})
        candidates.append(plain)
        simple = [cube for group in plain.groups for cube in group]
        for atoms in one_ofs(task.space, task.general.allowed, simple):
            apart = pairs(task.space, atoms)
            more = _grown(task, READER, [*apart, *simple])
            if more:
                candidates.append(
                    _reduced(
                        task,
                        [apart, *((fact,) for fact in more if fact not in apart)],
                        {apart: atoms},
                    )
                )


def _grown(task: Task, taste: Taste, known: Sequence[Cube] = ()) -> list[Cube]:
    try:
        return grow(task, taste, known) or []
    except TooBig:
        return []


def _reduced(task: Task, groups: Sequence[Group], atoms: dict[Group, tuple[Cube, ...]]) -> Found:
    def cost(group: Group) -> float:
        if group in atoms:
            return 0.5 + sum(
                task.general.cost(READER, cube) + cube.workers for cube in atoms[group]
            )
        return sum(task.general.cost(READER, cube) for cube in group)

    chosen = simplified(task, reduce(task, groups, cost))
    return Found(
        tuple(chosen), {g: a for g, a in atoms.items() if g in chosen}, sum(map(cost, chosen))
    )


# ---------------------------------------------------------------- saying


class _Teller:
    """Turns closed sets of facts into facts with words."""

    def __init__(
        self, lowered: Lowered, machine: Machine, prop: Property, asked: Claim | None
    ) -> None:
        self._lowered = lowered
        self._space = Space(machine)
        self._words = Words(lowered, machine, possible(machine))
        self._sentences = Sentences(self._words)
        self._prop = prop
        self._claim = asked
        goals = [cube for pattern in prop.bad for cube in self._space.cubes(pattern)]
        self._fixed = (
            {(goal,) for goal in goals} if asked is None or asked.kind not in DERIVED else set()
        )

    def claim(self) -> Fact:
        """The claim as a fact."""
        text = self._sentences.claim(self._claim) if self._claim else f"{self._prop.name}."
        never = tuple(
            self._space.pattern(cube)
            for pattern in self._prop.bad
            for cube in self._space.cubes(pattern)
        )
        if self._claim and self._claim.kind in DERIVED:
            lines = self._words.writers(
                counter(self._lowered, target) for target in self._claim.targets
            )
            return Fact(Kind.CLAIM, text, tuple(sorted(lines)), never)
        return Fact(Kind.CLAIM, text, self._lines(never), never)

    def unreal(self) -> tuple[Fact, ...]:
        """That what some step waits for never comes: nothing writes it."""
        facts = []
        for test in unreal(self._space.machine, possible(self._space.machine)):
            if not self._words.is_local(test.variable):
                component = self._space.at(test.variable)[0] == 0
                never = Pattern((test,)) if component else Pattern((), (EventPattern((test,)),))
                facts.append(Fact(Kind.ROWS, self._sentences.nothing(test), (), (never,)))
        return tuple(facts)

    def facts(self, candidate: Found) -> tuple[Fact, ...]:
        """All facts of a set, the claim last."""
        facts = [
            self._one_of(group, candidate.atoms[group])
            for group in candidate.groups
            if group in candidate.atoms
        ]
        singles = [
            self._space.pattern(g[0])
            for g in candidate.groups
            if g not in candidate.atoms and g not in self._fixed
        ]
        simple = [
            p for p in singles if len(p.events) < 2 and sum(len(e.workers) for e in p.events) < 2
        ]
        facts += self._rows_and_workers(simple)
        facts += [
            self._fact(Kind.APART, self._sentences.single(p), (p,))
            for p in singles
            if p not in simple
        ]
        order = list(Kind)
        return (*sorted(facts, key=lambda f: order.index(f.kind)), self.claim())

    def _one_of(self, group: Group, atoms: tuple[Cube, ...]) -> Fact:
        text = self._sentences.one_of([self._space.pattern(atom) for atom in atoms])
        return self._fact(Kind.ONE_OF, text, tuple(self._space.pattern(cube) for cube in group))

    def _rows_and_workers(self, patterns: list[Pattern]) -> list[Fact]:
        """Facts about rows and single workers; those with the same conclusion are said together."""
        readings = {p: cases(self._words, p) for p in patterns}
        best = {
            p: [c for c in some if c.rank == some[0].rank] for p, some in readings.items() if some
        }
        counts = Counter(so for some in best.values() for so in {c.so for c in some})
        chosen = {
            p: max(some, key=lambda c: counts[c.so] if self._mergeable(c) else 0)
            for p, some in best.items()
        }
        groups: dict[Test | Pattern, list[Pattern]] = {}
        for p, case in chosen.items():
            groups.setdefault(
                case.so if case.so is not None and self._mergeable(case) else p, []
            ).append(p)
        return [self._together(some, chosen) for some in groups.values()]

    def _mergeable(self, case: Case) -> bool:
        """Its conclusion is about shared rows, under some condition."""
        return (
            case.so is not None
            and not self._words.is_local(case.so.variable)
            and bool(case.rows or case.worker is not None)
        )

    def _together(self, patterns: list[Pattern], chosen: dict[Pattern, Case]) -> Fact:
        cases = sorted((chosen[p] for p in patterns), key=lambda c: c.worker is not None)
        kind = Kind.ROWS if all(c.worker is None for c in cases) else Kind.WORKER
        if len(cases) > 1 and cases[0].so is not None:
            return self._fact(kind, self._sentences.merged(cases[0].so, cases), tuple(patterns))
        return self._fact(kind, self._sentences.case(cases[0]), tuple(patterns))

    def _fact(self, kind: Kind, text: str, never: tuple[Pattern, ...]) -> Fact:
        return Fact(kind, text, self._lines(never), never)

    def _lines(self, never: Iterable[Pattern]) -> tuple[int, ...]:
        """The lines of the places a fact names; if it names none, the lines that write what it
        speaks of.
        """
        tests = tests_of(never)
        places = {line for t in tests if t.variable == v.PC for line in self._words.lines(t)}
        return tuple(sorted(places or self._words.writers({t.variable for t in tests})))
