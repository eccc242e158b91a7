"""Under which assumptions a refuted claim holds, and which of its assumptions a proved one needs.

A set of assumptions *suffices* if the claim is proved under it for any number, with a checked
certificate; it is *minimal* if no smaller part of it suffices. If a story is possible under some
assumptions, every sufficient set has one of the others (it must *hit* the story). Most sets are
rejected by stories that are known already: minimal hitting sets, as in Reiter, "A theory of
diagnosis from first principles" (Artificial Intelligence 32, 1987). The interpreter says under
which assumptions a story is possible.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations

from msgspec import Struct, field
from msgspec.structs import replace

from onceproof.analysis.session import INTERRUPTED, Session, Unasked, same_question
from onceproof.base.memo import remembering
from onceproof.base.questions import ask
from onceproof.counterexample.lift import trace_of
from onceproof.counterexample.validate import violates
from onceproof.engines import coverability
from onceproof.interpreter.trace import Trace
from onceproof.lang.assumptions import ASSUMPTIONS, TRIED
from onceproof.lang.design import Assumption, Claim, Design
from onceproof.lang.source import Span
from onceproof.lower import lower
from onceproof.machine.delivery import Delivery
from onceproof.verdict.result import ClaimResult, Disagreement, Proof, Refutation, Vacuous
from onceproof.verdict.task import Options, Task

SIZES = ((1, 1), (2, 1), (1, 2), (2, 2))
"""Workers and events of the searches that reject a set before it is decided."""


class Sufficient(Struct, frozen=True):
    """A minimal set of assumptions under which the claim is proved; ``cell`` is that verdict.
    Empty: it needs none.
    """

    kinds: tuple[str, ...]
    phrases: tuple[str, ...]
    words: tuple[str, ...]
    cell: ClaimResult


class Need(Struct, frozen=True):
    """One assumption of a proved claim: ``needed`` without it the claim is refuted (None: not
    decided).
    """

    kind: str
    phrase: str
    needed: bool | None


class Assuming(Struct, frozen=True):
    """The result of the search for one claim under one semantics. ``cell``: the verdict on the
    design as it is.

    ``sufficient``: the minimal sets, smallest first; for a refuted claim of assumptions to add, for
    a proved one of those it has. ``needs`` (proved): each assumption by itself. ``hopeless``:
    refuted even under all of them. ``undecided``: the smallest sets that are neither proved for any
    number nor refuted. ``complete``: there is no other minimal set of at most the size asked for;
    else ``reason`` says why that is not known.
    """

    claim: str
    semantics: Delivery
    cell: ClaimResult | Disagreement
    sufficient: tuple[Sufficient, ...] = ()
    needs: tuple[Need, ...] = ()
    hopeless: bool = False
    undecided: tuple[tuple[str, ...], ...] = ()
    complete: bool = True
    reason: str = ""
    judged: int = 0
    failures: tuple[Disagreement, ...] = ()


@remembering()
def assumptions_for(
    design: Design, claim: Claim, semantics: Delivery, options: Options, most: int = 3
) -> Assuming:
    """Search for one claim. ``most``: the largest set tried for a refuted claim.
    ``options.seconds`` limits the whole search.

    If no set of that size suffices but all assumptions together do, one minimal set is reduced
    from those.
    """
    options = replace(options, workers=None, events=None, second_opinion=False, lengths=False)
    session = Session.of(options)
    lowered = lower(design, semantics)
    result = session.decide(lowered, claim)
    start = Assuming(claim.text, semantics, result)
    if isinstance(result, Disagreement):
        return replace(
            start, complete=False, reason="the engines contradict each other", failures=(result,)
        )
    if result.refutation is not None:
        candidates = _candidates(session, design, claim, semantics)
        search = _SetSearch(session, design, claim, semantics, candidates)
        search.learn(result.refutation.trace, frozenset())
        return search.refuted(start, most)
    if result.is_unbounded_proof:
        if not design.assumptions:
            return start
        own = tuple(dict.fromkeys(a.kind for a in design.assumptions))
        session.learn(session.task(lowered, claim), result)
        candidates = {kind: tuple(a for a in design.assumptions if a.kind == kind) for kind in own}
        bare = replace(design, assumptions=())
        return _SetSearch(session, bare, claim, semantics, candidates).proved(start)
    return replace(
        start,
        complete=False,
        reason=result.reason or "the claim is neither proved for any number nor refuted",
    )


def _phrase(assumption: Assumption) -> str:
    return ASSUMPTIONS[assumption.kind].written(assumption.effect)


Kinds = frozenset[str]
Candidates = dict[str, tuple[Assumption, ...]]


def _candidates(session: Session, design: Design, claim: Claim, semantics: Delivery) -> Candidates:
    """The assumptions that change anything for this claim: those whose machine is another one."""
    candidates: Candidates = {}
    now = session.task(lower(design, semantics), claim)
    for kind in TRIED:
        if not design.assumes(kind):
            added = Assumption(kind, None, Span(0, 0, 0, 0, design.path))
            task = session.task(lower(_with(design, (added,)), semantics), claim)
            both_unasked = isinstance(task, Unasked) and isinstance(now, Unasked)
            if not both_unasked and not same_question(task, now):
                candidates[kind] = (added,)
    return candidates


def _with(design: Design, assumptions: Iterable[Assumption]) -> Design:
    return replace(design, assumptions=(*design.assumptions, *assumptions))


class _Conflict(Struct, frozen=True):
    """A story: where the assumptions ``under`` are made it happens, unless one of ``hits`` is made,
    too.
    """

    under: Kinds
    hits: Kinds


class _OutOfTime(Exception):
    """The budget is spent."""


class _SetSearch(Struct):
    """The search for sufficient sets of the ``candidates``, which can be added to the design."""

    session: Session
    design: Design
    claim: Claim
    semantics: Delivery
    candidates: Candidates
    conflicts: list[_Conflict] = field(default_factory=list)
    proofs: dict[Kinds, ClaimResult] = field(default_factory=dict)
    minimal: list[Kinds] = field(default_factory=list)
    vacuous: list[Kinds] = field(default_factory=list)
    unsure: dict[Kinds, str] = field(default_factory=dict)
    failures: list[Disagreement] = field(default_factory=list)
    judged: int = 0
    asked: int = 0

    # -- the two questions

    def refuted(self, start: Assuming, most: int) -> Assuming:
        """Minimal sets to add to a design whose claim is refuted."""
        hopeless, reason = False, ""
        try:
            every = frozenset(self.candidates)
            whole = self.holds(every)
            hopeless = whole is False and every not in self.unsure and not self._is_vacuous(every)
            if not hopeless:
                self._smallest_first(min(most, len(every)))
                if not self.minimal and whole:
                    self._shrunk(every)
        except _OutOfTime as spent:
            reason = str(spent)
        except KeyboardInterrupt:
            reason = INTERRUPTED
        return self._answer(start, reason, hopeless)

    def proved(self, start: Assuming) -> Assuming:
        """Which of its assumptions a proved claim needs; none if it holds without any, for an
        assumption only takes steps away.
        """
        every, reason = frozenset(self.candidates), ""
        answers: dict[str, bool | None] = dict.fromkeys(self.candidates)
        asked: set[str] = set()
        try:
            none_needed = self.holds(frozenset())
            for kind in self.candidates:
                if none_needed:
                    answers[kind] = False
                    continue
                rest = every - {kind}
                answers[kind] = not self.holds(rest)
                asked.add(kind)
                if rest in self.unsure or self._is_vacuous(rest):
                    answers[kind] = None
            self._smallest_first(len(every))
        except _OutOfTime as spent:
            reason = str(spent)
        except KeyboardInterrupt:
            reason = INTERRUPTED
            answers.update({kind: None for kind in answers if kind not in asked})
        needs = tuple(
            Need(kind, _phrase(self.candidates[kind][0]), needed)
            for kind, needed in answers.items()
        )
        return replace(self._answer(start, reason, hopeless=False), needs=needs)

    def _answer(self, start: Assuming, reason: str, hopeless: bool) -> Assuming:
        sets = tuple(self._sufficient(kinds) for kinds in sorted(self.minimal, key=self._rank))
        unsure = [
            kinds for kinds in self.unsure if not any(other <= kinds for other in self.minimal)
        ]
        unsure = sorted(
            (k for k in unsure if not any(other < k for other in unsure)), key=self._rank
        )
        if unsure and not reason:
            reason = (
                "not every set was either proved for any number or refuted:"
                f" {self.unsure[unsure[0]]}"
            )
        undecided = tuple(tuple(map(_phrase, self._made(kinds))) for kinds in unsure)
        done = replace(
            start,
            sufficient=sets,
            hopeless=hopeless,
            undecided=undecided,
            complete=not reason,
            reason=reason,
        )
        return replace(done, judged=self.judged, failures=tuple(self.failures))

    def _rank(self, kinds: Kinds) -> tuple[int, tuple[int, ...]]:
        names = list(self.candidates)
        return len(kinds), tuple(sorted(names.index(kind) for kind in kinds))

    def _sufficient(self, kinds: Kinds) -> Sufficient:
        made = self._made(kinds)
        words = tuple(a.words for a in made)
        return Sufficient(
            tuple(dict.fromkeys(a.kind for a in made)),
            tuple(map(_phrase, made)),
            words,
            self.proofs[kinds],
        )

    def _made(self, kinds: Kinds) -> tuple[Assumption, ...]:
        return tuple(a for kind in self.candidates if kind in kinds for a in self.candidates[kind])

    # -- going through the sets

    def _smallest_first(self, most: int) -> None:
        for size in range(most + 1):
            for kinds in self._sets(size):
                if self.holds(kinds):
                    self.minimal.append(kinds)

    def _sets(self, size: int) -> Iterator[Kinds]:
        """The sets of one size that may be minimal and sufficient, as far as is known when their
        turn comes.
        """
        for combination in combinations(self.candidates, size):
            kinds = frozenset(combination)
            if (
                not any(known < kinds for known in self.minimal)
                and not self._is_vacuous(kinds)
                and not self._is_refuted(kinds)
            ):
                yield kinds

    def _shrunk(self, kinds: Kinds) -> None:
        """One minimal part of a sufficient set: leave out what is not needed, one by one."""
        for kind in reversed(list(self.candidates)):
            if kind in kinds and self.holds(kinds - {kind}):
                kinds -= {kind}
        self.minimal.append(kinds)

    def _is_refuted(self, kinds: Kinds) -> bool:
        return any(
            conflict.under <= kinds and not conflict.hits & kinds for conflict in self.conflicts
        )

    def _is_vacuous(self, kinds: Kinds) -> bool:
        return any(known <= kinds for known in self.vacuous)

    # -- one set

    def holds(self, kinds: Kinds) -> bool:
        """Whether the claim is proved under a set; stories, vacuity and doubts are remembered."""
        if kinds in self.proofs:
            return True
        if kinds in self.unsure or self._is_vacuous(kinds) or self._is_refuted(kinds):
            return False
        if self.session.is_over():
            raise _OutOfTime(self.session.over)
        self.asked += 1
        ask(f"sets of assumptions / {self.claim.text} / {self.semantics.value}", self.asked)
        lowered = lower(_with(self.design, self._made(kinds)), self.semantics)
        task = self.session.task(lowered, self.claim)
        if (
            isinstance(task, Task)
            and not self.session.is_likely(task)
            and (self._quickly_refuted(task, kinds) or self._beyond_proof(task, kinds))
        ):
            return False
        self.judged += 1
        result = self.session.decide(lowered, self.claim)
        if isinstance(result, Disagreement):
            self.failures.append(result)
            self.unsure[kinds] = "the engines contradict each other"
            return False
        match result.outcome:
            case Proof() if result.is_unbounded_proof:
                self.proofs[kinds] = result
                self.session.learn(task, result)
            case Vacuous():
                self.vacuous.append(kinds)
            case Refutation(run):
                self.learn(run.trace, kinds)
            case _:
                self.unsure[kinds] = result.reason
        return kinds in self.proofs

    def _quickly_refuted(self, task: Task, kinds: Kinds) -> bool:
        run = self.session.quickly_refuted(task, SIZES)
        return run is not None and self.learn(trace_of(task.lowered, task.machine, run), kinds)

    def _beyond_proof(self, task: Task, kinds: Kinds) -> bool:
        """No story in small bounds, and outside what is decided for any number: a bounded answer
        would not be reported anyway.
        """
        budget = coverability.Budget(seconds=self.session.left)
        answer = coverability.prove(task.machine, task.prop, budget)
        if isinstance(answer, coverability.Coverable) and not answer.exact:
            self.unsure[kinds] = (
                "what depends on nobody else being at work is decided for bounds only"
            )
        return kinds in self.unsure

    def learn(self, trace: Trace, kinds: Kinds) -> bool:
        """Remember a story that happens under ``kinds``: which assumptions end it. False if the
        interpreter does not follow it.
        """
        if not self._happens(trace, kinds):
            return False
        under = next(
            u
            for u in (frozenset[str](), kinds & {"within-lease"}, kinds)
            if self._happens(trace, u)
        )
        hits = frozenset(
            k for k in self.candidates if k not in under and not self._happens(trace, under | {k})
        )
        self.conflicts.append(_Conflict(under, hits))
        return True

    def _happens(self, trace: Trace, kinds: Kinds) -> bool:
        return violates(_with(self.design, self._made(kinds)), self.claim, trace)
