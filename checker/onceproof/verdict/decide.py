"""Decides one claim under one delivery semantics, and trusts no engine alone.

REFUTED needs a run found by the search and replayed on the design itself by the interpreter. PROVED
needs an invariant from the coverability engine, checked rule by rule by a solver (or, within
bounds, a set of states checked to be closed). Engines that contradict each other make a
``Disagreement``, never a verdict.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator

from msgspec.structs import replace

from onceproof.base import interrupts
from onceproof.base.allowance import Exhausted, TooLarge, allowing
from onceproof.base.durations import seconds_words
from onceproof.base.memory import beyond
from onceproof.engines import coverability
from onceproof.engines.search import Bounds, Exploration, Found
from onceproof.engines.search.states import configurations
from onceproof.interpreter.trace import Trace
from onceproof.lang.design import Claim, Design
from onceproof.lower import Lowered, lower
from onceproof.lower.case import DEAD
from onceproof.machine.delivery import Delivery
from onceproof.machine.system import PLACE, Limit, Machine, Property, Test
from onceproof.properties import TooWide, other_keys, question
from onceproof.properties.examined import examined
from onceproof.properties.possibility import keys_in
from onceproof.verdict import inequalities
from onceproof.verdict.ladder import LADDER, Visited, fits, ladder, largest
from onceproof.verdict.refute import refuted
from onceproof.verdict.result import (
    ClaimResult,
    Disagreement,
    Engine,
    Proof,
    Reasons,
    Refutation,
    Scope,
    Undecided,
)
from onceproof.verdict.stories import Unconfirmed, search, unconfirmed
from onceproof.verdict.task import (
    Options,
    OutOfTime,
    Progress,
    Task,
    claim_result,
    limited,
    selected,
)

WHOLE = 8_000
"""Rows up to which a claim is looked at by the rows of the whole machine."""

SMALL = 2_000
"""Rows up to which the shapes of the whole machine are looked at before its handlers one by one."""

FEW_SHAPES = 1_000
"""Rows and shapes up to which a handler's shapes are followed before a story is looked for."""

FEW_STATES = 4_000
"""States of a first search where variables that sufficed before do not suffice any more."""

FIRST = 20_000
"""States of a first search for a story, before shapes are followed backwards."""

MEASURING = 50_000
"""Rows, shapes and states of each further look at a claim with other lengths of time."""

NOT_FOR_ANY_NUMBER = "there is no proof for any number"
"""Why a claim is undecided where no bounded proof is wanted."""

ALL_SPENT = "the time for all answers was spent before"
"""Why a claim is undecided whose turn did not come."""

MARKED = "workers are killed only at the marked crash points"


def judge(
    design: Design,
    options: Options,
    progress: Progress | None = None,
    until: float | None = None,
    turns: Collection[int] | None = None,
) -> Iterator[ClaimResult | Disagreement]:
    """The result of every selected claim under every selected semantics, as each is decided.

    ``turns``: only these, by their numbers in the order of ``selected``. ``until``: when all of
    them have to be decided, on the clock of ``time.monotonic``; those for which there is no time
    are undecided.
    """
    whole = WholeDesign(design, options.seconds)
    for number, (claim, semantics) in enumerate(selected(design, options)):
        if turns is not None and number not in turns:
            continue
        if until is not None:
            left = until - time.monotonic()
            if left <= 0:
                yield _task(whole.lowered(semantics), claim, options).undecided(ALL_SPENT)
                continue
            options = replace(options, seconds=min(options.seconds, left))
        result = judge_claim(whole.lowered(semantics), claim, options, progress)
        if isinstance(result, ClaimResult):
            result = whole.in_context(result)
        interrupts.demand()
        yield result


class Unlowered(Lowered, frozen=True):
    """There is no machine of a design under some semantics; the one that is here does nothing.
    ``reason`` says why.
    """

    reason: str


class WholeDesign:
    """What a verdict needs of the whole design and not of one claim: its lowerings, steps that can
    never run, assumptions that take nothing away. Each is computed once, when it is needed.

    ``seconds``: what one lowering may spend, and then an engine on its steps. ``megabytes``: what
    the process may hold meanwhile (None: no limit).
    """

    def __init__(self, design: Design, seconds: float, megabytes: int | None = None) -> None:
        self._design = design
        self._seconds = seconds
        self._megabytes = megabytes
        self._lowerings: dict[Delivery, Lowered] = {}
        self._unused: dict[Delivery, frozenset[str]] = {}
        self._dead: tuple[int, ...] | None = None

    def lowered(self, semantics: Delivery) -> Lowered:
        """The lowering of the design; ``Unlowered`` if it takes more than it may."""
        if semantics not in self._lowerings:
            self._lowerings[semantics] = self._lower(semantics)
        return self._lowerings[semantics]

    def _lower(self, semantics: Delivery) -> Lowered:
        seconds = self._seconds
        try:
            with limited(seconds), allowing(seconds, self._megabytes):
                return lower(self._design, semantics)
        except (TooLarge, Exhausted) as error:
            reason = str(error)
        except OutOfTime:
            reason = f"more than {seconds_words(seconds)}"
        except MemoryError:
            reason = "out of memory"
        nothing = Machine(self._design.path, semantics.value, (), ())
        return Unlowered(self._design, semantics, nothing, {}, {}, reason)

    def in_context(self, result: ClaimResult) -> ClaimResult:
        """A result as it stands in the whole design: vacuous beside a dead step, and with only the
        assumptions that it depends on.
        """
        lowerings = map(self.lowered, self._design.semantics)
        refused = next((x for x in lowerings if isinstance(x, Unlowered)), None)
        if refused is not None:  # which lines never run is not known
            proved = isinstance(result.outcome, Proof)
            return replace(result, outcome=Undecided(refused.reason)) if proved else result
        if isinstance(result.outcome, Proof):
            # A handler whose line never runs is not the handler that its author had in mind.
            from onceproof.verdict.vacuity import unless_dead

            result = unless_dead(self._design, result, self._dead_lines())
        if isinstance(result.outcome, Proof | Refutation):
            claim = self._design.claim_at(result.claim, result.line)
            words = examined(self.lowered(result.semantics), claim)
            result = replace(result, examined=words)
        if result.assumptions:
            unused = self._unused_assumptions(result.semantics)
            result = replace(
                result, assumptions=tuple(a for a in result.assumptions if a not in unused)
            )
        return result

    def _dead_lines(self) -> tuple[int, ...]:
        if self._dead is None:
            from onceproof.verdict.vacuity import dead_lines

            lowerings = [self.lowered(s) for s in self._design.semantics]
            self._dead = dead_lines(self._design, lowerings, self._seconds)
        return self._dead

    def _unused_assumptions(self, semantics: Delivery) -> frozenset[str]:
        if semantics not in self._unused:
            from onceproof.verdict.vacuity import unused_assumptions

            self._unused[semantics] = unused_assumptions(self.lowered(semantics))
        return self._unused[semantics]


def undecided(design: Design, options: Options, reason: str) -> Iterator[ClaimResult]:
    """Every selected claim, about which nothing is known for this reason."""
    for claim, semantics in selected(design, options):
        yield without_machine(design, claim, semantics, reason)


def without_machine(design: Design, claim: Claim, semantics: Delivery, reason: str) -> ClaimResult:
    """A claim of which nothing is known, not even the machine."""
    return claim_result(design, claim, semantics, Undecided(reason))


def _task(
    lowered: Lowered, claim: Claim, options: Options, progress: Progress | None = None
) -> Task:
    """The task of deciding a claim, before its property is known: the whole machine stands in for
    the slice.
    """
    return Task(lowered, claim, lowered.machine, Property(claim.text, ()), options, progress)


def judge_claim(
    lowered: Lowered,
    claim: Claim,
    options: Options,
    progress: Progress | None = None,
    focuses: tuple[frozenset[str], ...] = (),
) -> ClaimResult | Disagreement:
    """Decide one claim on one lowering. Out of time or memory, the result is unknown and says what
    was covered. ``focuses``: variables from which it followed in machines like this one.
    """
    task = replace(_task(lowered, claim, options, progress), focuses=focuses)
    result = _in_limits(task, _judged)
    return result if isinstance(result, Disagreement) else measured(task, result)


def review(task: Task, result: ClaimResult) -> ClaimResult | Disagreement:
    """What may be claimed of the design, of a proof for any number that solvers have accepted.

    ``result``: that the claim holds. Everything that ``judge_claim`` asks besides, which no solver
    file speaks of, is asked here, within the limits of the task.
    """
    reviewed = _in_limits(task, lambda asked: _reviewed(asked, result))
    return reviewed if isinstance(reviewed, Disagreement) else measured(task, reviewed)


def _reviewed(task: Task, result: ClaimResult) -> ClaimResult:
    proof = result.outcome
    if _two_keys(task) and not (isinstance(proof, Proof) and _is_carried(task, proof)):
        return task.undecided(_two_keys(task))
    from onceproof.verdict.vacuity import unless_vacuous

    return _narrowed(task, unless_vacuous(task, result))


def measured(task: Task, result: ClaimResult) -> ClaimResult:
    """Add the lengths of time that a proof depends on, or under which a refuted claim would hold,
    and the facts nobody has confirmed, unless the caller asked for neither.
    """
    lowered, claim, options = task.lowered, task.claim, task.options
    if not options.lengths:
        return result
    inner = replace(
        options,
        lengths=False,
        explain=False,
        second_opinion=False,
        elements=MEASURING,
        states=min(options.states, MEASURING),
    )
    match result.outcome:
        case Proof() as proof:
            machine, _ = question(lowered, claim)
            return replace(
                result,
                outcome=_with_left_out(
                    lowered, claim, inner, _conditional(lowered, claim, inner, proof)
                ),
                facts=inequalities.facts(lowered, machine, result),
            )
        case Refutation() as refutation:
            machine, _ = question(lowered, claim)
            return replace(
                result,
                outcome=_avoidable(lowered, claim, inner, refutation),
                facts=inequalities.facts(lowered, machine, result),
            )
        case _:
            return result


def _conditional(lowered: Lowered, claim: Claim, options: Options, proof: Proof) -> Proof:
    """A proof with the inequalities between lengths of time without which it is none."""
    machine, _ = question(lowered, claim)
    conditions = inequalities.conditions(lowered, machine)
    if not conditions:
        return proof
    # The same design without any of them: what still holds as widely does not depend on them.
    relaxed = lower(inequalities.relaxed(lowered.design), lowered.semantics)
    conditional = replace(proof, conditions=conditions)
    as_widely = replace(options, bounded_proofs=proof.scope != Scope())
    without = judge_claim(relaxed, claim, as_widely)
    if isinstance(without, ClaimResult):
        match without.outcome:
            case Proof() as other if other.scope == proof.scope:
                return proof
            case Undecided(reason) if not proof.reason and reason != NOT_FOR_ANY_NUMBER:
                return replace(
                    conditional,
                    reason=f"without these lengths of time nothing is decided ({reason})",
                )
            case _:
                pass
    return conditional


def _with_left_out(lowered: Lowered, claim: Claim, options: Options, proof: Proof) -> Proof:
    """A proof with the facts that the machine leaves out and that it would not survive."""
    machine, _ = question(lowered, claim)
    conditions: list[str] = []
    for condition, design in inequalities.left_out(lowered, machine):
        worse = judge_claim(lower(design, lowered.semantics), claim, options)
        if isinstance(worse, ClaimResult) and isinstance(worse.outcome, Proof):
            continue
        conditions.append(condition)
    return replace(proof, conditions=tuple(dict.fromkeys([*proof.conditions, *conditions])))


def _avoidable(
    lowered: Lowered, claim: Claim, options: Options, refutation: Refutation
) -> Refutation:
    """A refutation with the inequalities between lengths of time under which the claim would hold,
    if there are such.
    """
    design = lowered.design
    kinds: frozenset[str] = frozenset()
    trace: Trace | None = refutation.trace
    # Each story names the lengths that end in it; with those assumed there may be another story.
    while trace is not None and (more := inequalities.ended(design, trace) - kinds):
        kinds |= more
        bounded = lower(inequalities.with_lengths(design, kinds), lowered.semantics)
        better = judge_claim(bounded, claim, options)
        if isinstance(better, ClaimResult) and isinstance(better.outcome, Proof):
            machine, _ = question(bounded, claim)
            return replace(refutation, would_hold=inequalities.conditions(bounded, machine))
        trace = better.trace if isinstance(better, ClaimResult) else None
    return refutation


def judge_task(task: Task) -> ClaimResult | Disagreement:
    """Decide a claim for which everything is computed, in the same limits."""
    return _in_limits(task, _decided)


def _in_limits(
    task: Task, decide: Callable[[Task], ClaimResult | Disagreement]
) -> ClaimResult | Disagreement:
    result: ClaimResult | Disagreement
    try:
        with limited(task.options.seconds):
            result = decide(task)
    except OutOfTime as error:
        result = task.undecided(
            _with(f"more than {seconds_words(task.options.seconds)}", str(error))
        )
    except MemoryError as error:
        result = task.undecided(_with("out of memory", str(error)))
    interrupts.demand()
    if isinstance(result, ClaimResult):
        return replace(result, seconds=time.monotonic() - task.started)
    return result


def _with(reason: str, covered: str) -> str:
    return f"{reason}; {covered}" if covered else reason


def _judged(task: Task) -> ClaimResult | Disagreement:
    if isinstance(task.lowered, Unlowered):
        return task.undecided(task.lowered.reason)
    if beyond(task.options.megabytes):
        return task.undecided(f"more than {task.options.megabytes} MB")
    try:
        machine, prop = question(task.lowered, task.claim)
    except TooWide as error:
        return task.undecided(str(error))
    return _decided(replace(task, machine=machine, prop=prop))


def _decided(task: Task) -> ClaimResult | Disagreement:
    result = _bounded_look(task) if task.options.bounded else _unbounded(task)
    if isinstance(result, ClaimResult) and isinstance(result.outcome, Proof):
        from onceproof.verdict.vacuity import unless_vacuous  # a refutation needs none of it

        result = _explained(task, _narrowed(task, unless_vacuous(task, result)))
    return result


# ---------------------------------------------------------------- any number


def _unbounded(task: Task) -> ClaimResult | Disagreement:
    if _two_keys(task):
        return _by_one_key(task) or _climb(task, _two_keys(task), None)
    if task.focuses and (result := _by_focus(task) or _soon(task, FEW_STATES)) is not None:
        return result
    by_rows = coverability.prove_by_rows(task.machine, task.prop, task.proof_budget(WHOLE))
    if isinstance(by_rows, coverability.Safe):
        return _certified(task, by_rows)
    is_large = _is_large(task)
    if is_large and (result := _in_parts(task, FEW_SHAPES)) is not None:
        return result
    result = _soon(task)
    if result is not None:
        return result
    if is_large and (result := _in_parts(task)) is not None:
        return result
    answer = coverability.prove(task.machine, task.prop, task.proof_budget())
    match answer:
        case coverability.Safe():
            return _certified(task, answer)
        case coverability.Coverable() if not task.options.bounded_proofs:
            return task.undecided(NOT_FOR_ANY_NUMBER)
        case coverability.GaveUp(reason) if not task.options.bounded_proofs:
            return task.undecided(f"the unbounded engine gave up: {reason}")
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


def _is_large(task: Task) -> bool:
    """Whether a machine is looked at handler by handler before its shapes are followed."""
    reach = coverability.reachable(task.machine, task.proof_budget(SMALL))
    return isinstance(reach, coverability.GaveUp) and reach.large


def _by_focus(task: Task) -> ClaimResult | Disagreement | None:
    from onceproof.verdict.prove import by_focus

    return by_focus(task)


def _in_parts(task: Task, shapes: int | None = None) -> ClaimResult | Disagreement | None:
    from onceproof.verdict.prove import in_parts

    return in_parts(task, shapes)


def _certified(task: Task, answer: coverability.Safe) -> ClaimResult | Disagreement:
    """What a solver says of a candidate proof."""
    from onceproof.verdict.prove import check_certificate  # a refutation needs no solver

    return check_certificate(task, answer.invariant)


def _soon(task: Task, states: int = FIRST) -> ClaimResult | Disagreement | None:
    """A story of one or two workers; mostly there is one where a bad pattern fits into the rows."""
    for workers, events in ladder(task, None):
        if workers + events > 3:
            break
        searched = search(task, Bounds(workers, events), states)
        if isinstance(searched, Found):
            return refuted(task, searched, Bounds(workers, events))
        if isinstance(searched, Unconfirmed) or not searched.complete:
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


def _by_one_key(task: Task) -> ClaimResult | Disagreement | None:
    """A proof that looks at the rows of one business key only (T1b); None if there is none."""
    for machine, prop in _under_one_key(task):
        answer = coverability.prove(machine, prop, task.proof_budget(WHOLE))
        if isinstance(answer, coverability.Safe):
            whole = other_keys.lifted(answer.invariant, task.machine, machine)
            if whole is not None:
                return _certified(task, replace(answer, invariant=whole))
    return None


def _under_one_key(task: Task) -> Iterator[tuple[Machine, Property]]:
    """The machine and the claim under each business key for which the others can be left out."""
    if task.claim.kind in other_keys.KINDS:
        design = task.lowered.design
        for key in _keys_in(task) if task.claim.key is None else (task.claim.key,):
            found = other_keys.of_one_key(task.machine, task.prop, design, key)
            if found is not None:
                yield found


def _is_carried(task: Task, proof: Proof) -> bool:
    """Whether a solver accepts a proof also where the rows under the other keys answer anything."""
    from onceproof.engines.smt.certify import Outcome, certify
    from onceproof.verdict.prove import solvers_of

    if proof.invariant is None:
        return False
    for machine, prop in _under_one_key(task):
        kept = other_keys.of_kept_rows(proof.invariant, task.machine, machine)
        if certify(machine, prop, kept, solvers_of(task)).outcome is Outcome.PROVED:
            return True
    return False


def _keys_in(task: Task) -> tuple[str, ...]:
    """The business keys whose rows matter for this claim."""
    return tuple(sorted(keys_in(task.machine, task.lowered.design)))


# ---------------------------------------------------------------- bounded


def _climb(
    task: Task, reason: str, hint: coverability.Coverable | None
) -> ClaimResult | Disagreement:
    """Search with growing bounds for a story; if there is none, say how far that was."""
    exact = hint is not None and hint.exact
    farthest = (max(hint.workers, 1), max(hint.events, 1)) if hint is not None else None
    visited: list[Visited] = []
    set_aside: set[str] = set()
    for workers, events in ladder(task, hint):
        searched = search(task, Bounds(workers, events))
        if isinstance(searched, Found):
            return refuted(task, searched, Bounds(workers, events))
        if isinstance(searched, Unconfirmed):
            set_aside |= set(searched.names)
            if searched.searched is None:
                break
            searched = searched.searched
        if not searched.complete and set_aside:
            break
        if not searched.complete:
            return _stopped(task, searched, visited, reason)
        visited.append(Visited((workers, events), searched.states))
        if exact and not set_aside and (workers, events) == farthest:
            return task.disagree("the coverability engine refutes what the search cannot find")
        if not exact and not fits(searched.states):
            break
    if set_aside:
        return task.undecided(unconfirmed(tuple(sorted(set_aside))))
    return _within(task, largest(visited), reason)


def _stopped(
    task: Task, exploration: Exploration, visited: list[Visited], reason: str
) -> ClaimResult | Disagreement:
    if not visited:
        return task.undecided(f"the search stopped: {exploration.reason}", exploration)
    reason = reason or f"the search of larger bounds stopped: {exploration.reason}"
    return _within(task, largest(visited), reason)


def _bounded_look(task: Task) -> ClaimResult | Disagreement:
    """Only up to the bounds the caller gave. Living workers count; as many requests of dead ones
    may be on their way besides.
    """
    workers, events = task.options.workers or 2, task.options.events or 1
    task, pool = _with_late_requests(task, workers)
    bounds = Bounds(pool, events)
    searched = search(task, bounds)
    if isinstance(searched, Found):
        return refuted(task, _smallest(task, searched, bounds), bounds)
    if isinstance(searched, Unconfirmed):
        return task.undecided(searched.reason, searched.searched)
    if not searched.complete:
        return _smaller(task, (workers, events), f"the search stopped: {searched.reason}", searched)
    many = (
        "1 request of a dead worker is"
        if workers == 1
        else f"{workers} requests of dead workers are"
    )
    late = f"at most {many} under way at once"
    return _within(task, (pool, events), late if pool > workers else "", workers)


def _with_late_requests(task: Task, workers: int) -> tuple[Task, int]:
    """The task for so many living workers, and how many with those that are dead while their last
    request is under way.
    """
    machine = task.machine
    places = next((x.domain for x in machine.variables if x.name == PLACE), ())
    living = frozenset(pc for pc in places if not pc.endswith(DEAD))
    if len(living) == len(places):
        return task, workers
    limit = Limit((Test(PLACE, living),), workers)
    return replace(task, machine=replace(machine, limits=(*machine.limits, limit))), 2 * workers


def _smaller(
    task: Task, size: tuple[int, int], reason: str, searched: Exploration | None = None
) -> ClaimResult | Disagreement:
    """The result within the largest smaller bounds that can be searched and confirmed, or none.
    ``size``: where the search was cut off, for ``reason``.
    """
    smaller = [s for s in LADDER if s != size and s[0] <= size[0] and s[1] <= size[1]]
    visited: list[Visited] = []
    for workers, events in smaller:
        found = search(task, Bounds(workers, events))
        if isinstance(found, Found):
            return refuted(task, found, Bounds(workers, events))
        if isinstance(found, Unconfirmed) or not found.complete or not fits(found.states):
            break
        visited.append(Visited((workers, events), found.states))
    if not visited:
        return task.undecided(reason, searched)
    return _within(task, visited[-1].size, f"with {_words(size)}, {reason}")


def _words(size: tuple[int, int]) -> str:
    """``up to 2 workers and 1 event``."""
    workers, events = size
    return (
        f"up to {workers} worker{'' if workers == 1 else 's'} and {events}"
        f" event{'' if events == 1 else 's'}"
    )


def _smallest(task: Task, story: Found, bounds: Bounds) -> Found:
    """The story with the fewest workers within the bounds."""
    for workers, events in LADDER:
        if workers <= bounds.workers and events <= bounds.events:
            smaller = search(task, Bounds(workers, events))
            if isinstance(smaller, Found):
                return smaller
    return story


def _within(
    task: Task, size: tuple[int, int], reason: str, living: int | None = None
) -> ClaimResult | Disagreement:
    """No violation within bounds: a verdict once a solver has confirmed that the visited states are
    all there are. ``living``: how many of the workers may be alive, if not all.
    """
    bounds = Bounds(*size)
    if living is None and _with_late_requests(task, size[0])[1] > size[0]:
        late = "a dead worker whose request is under way counts as one of them"
        reason = f"{reason}; {late}" if reason else late
    visited = configurations(task.machine, bounds, task.budget())
    if isinstance(visited, Exploration):
        return _smaller(task, size, f"the search stopped: {visited.reason}")
    if _two_keys(task):
        return task.result(
            Undecided(_two_keys(task), Scope(bounds.events, bounds.keys, living or bounds.workers)),
            replace(task.statistics(), states=len(visited)),
        )
    from onceproof.verdict.prove import check_closed

    checked = check_closed(task, bounds, visited, reason)
    if isinstance(checked, Disagreement):
        return checked
    outcome = checked.outcome
    if isinstance(outcome, Undecided):
        # Fewer workers or events may be within what can be confirmed.
        smaller = _smaller(task, size, outcome.reason)
        if isinstance(smaller, Disagreement) or not isinstance(smaller.outcome, Undecided):
            return smaller
    if living is None:
        return checked
    assert isinstance(outcome, Proof | Undecided)
    return replace(checked, outcome=replace(outcome, scope=replace(outcome.scope, workers=living)))


FAIR = (
    "only finitely many things fail",
    "leases are accurate from some time on",
    "a step that stays possible is taken some day",
    "a worker that lives comes to its end",
)
"""What *eventually* takes for granted (theory T12)."""


def _narrowed(task: Task, result: ClaimResult) -> ClaimResult:
    """A side condition that is not met: nothing is claimed, and the reader sees which line is the
    reason and what would help.

    Explicit crash points only narrow the claim: they are listed with its assumptions.
    """
    if not isinstance(result.outcome, Proof):
        return result
    assumptions = result.assumptions
    if task.claim.kind == "eventually-settled":
        assumptions = (*assumptions, *FAIR)
    from onceproof.verdict.side_conditions import fragment

    lowered, most = task.lowered, result.scope.workers
    for finding in fragment(lowered.design, lowered, task.claim, task.machine, task.prop, most):
        if finding.only_exactness or (finding.several_keys and _is_carried(task, result.outcome)):
            continue
        if finding.condition == "T5":
            assumptions = tuple(dict.fromkeys((*assumptions, MARKED)))
            continue
        reason = (
            f"{finding.condition}, line {finding.line}: {finding.text}; {finding.cost};"
            f" {finding.remedy}"
        )
        return replace(
            result,
            outcome=Undecided(reason, result.scope),
            assumptions=assumptions,
            statistics=replace(result.statistics, engine=Engine.NONE),
        )
    return replace(result, assumptions=assumptions)


def _explained(task: Task, result: ClaimResult) -> ClaimResult:
    """Add what makes the proof hold, if asked for."""
    proof = result.outcome
    if not task.options.explain or not isinstance(proof, Proof) or proof.invariant is None:
        return result
    from onceproof.explain.proof import explain_proof  # only for those who ask why

    why = explain_proof(
        task.lowered, task.machine, task.prop, proof.invariant, task.claim, task.left
    )
    reasons = Reasons(tuple(f.text for f in why.facts), why.checked, why.ground, why.legend)
    return replace(result, outcome=replace(proof, why=reasons))


# ---------------------------------------------------------------- proved for any number?


def proved_unbounded(
    task: Task,
) -> tuple[bool, coverability.Safe | coverability.Coverable | coverability.GaveUp]:
    """Whether a claim is proved for any number, and what the coverability engine said.

    Nothing is searched for if that engine finds no candidate of a proof.
    """
    budget = coverability.Budget(seconds=task.options.seconds)
    answer = coverability.prove(task.machine, task.prop, budget)
    if not isinstance(answer, coverability.Safe):
        return False, answer
    plain = replace(task.options, workers=None, events=None, second_opinion=False, explain=False)
    result = judge_task(replace(task, options=plain, started=time.monotonic()))
    return isinstance(result, ClaimResult) and result.is_unbounded_proof, answer
