"""Minimal cut sets: which faults, and no fewer, break a claim.

All inclusion-minimal combinations of single faults (each with its place, counted as often as it
happens) up to a size, each with a run that the interpreter has followed. Larger combinations are
not ruled out; the limits are reported with the answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from msgspec import Struct

from onceproof.analysis.crash_map import gap_words
from onceproof.analysis.fault_model import Fault, Faulty, faulty
from onceproof.analysis.session import Session, Unasked, validated_trace
from onceproof.base.memo import remembering
from onceproof.counterexample.validate import Rejected
from onceproof.engines import coverability
from onceproof.engines.coverability.distance import Distance
from onceproof.engines.search import Bounds
from onceproof.engines.search.min_fault_search import FREE, Combinations, combinations
from onceproof.interpreter.trace import Trace
from onceproof.lang.design import Claim, Design
from onceproof.lower import lower
from onceproof.machine.delivery import Delivery
from onceproof.machine.faults import FAULTS
from onceproof.machine.system import Cause, Level
from onceproof.verdict.task import Options, Task

MOST = 2
"""Faults up to which all combinations are looked for, unless told otherwise."""

FARTHEST = 4
"""Faults up to which one goes for a claim that is known to be breakable, if fewer do not do it."""

PLAIN = 2_000
"""States that are searched without a guide, which costs more than it saves where there are few."""

GUIDED = 20_000
"""Rows and shapes up to which a guide is worked out."""


class FaultSet(Struct, frozen=True):
    """A minimal combination: each fault with how often it happens (none: it breaks without any).
    ``words``: one phrase per fault.

    ``trace``: a replayed run with exactly these faults. ``workers``: how many live at once in it.
    """

    faults: tuple[tuple[Fault, int], ...]
    words: tuple[str, ...]
    trace: Trace
    workers: int

    @property
    def size(self) -> int:
        """How many faults it takes."""
        return sum(count for _, count in self.faults)


class Frontier(Struct, frozen=True):
    """The frontier of one claim under one semantics, smallest sets first.

    ``most``: every minimal combination of at most so many faults is listed, within ``workers`` and
    ``events`` at once (0: not even the run without faults could be searched). ``proved``: no
    combination of any size breaks it, for any number of workers and events. ``reason``: why the
    search ended early, or what is not confirmed.
    """

    claim: str
    semantics: Delivery
    sets: tuple[FaultSet, ...]
    most: int
    workers: int
    events: int
    complete: bool
    proved: bool = False
    reason: str = ""

    @property
    def fewest(self) -> int | None:
        """How many faults it takes to break the claim; None if no combination was found."""
        return min((s.size for s in self.sets), default=None)


@remembering()
def frontier(
    design: Design,
    claim: Claim,
    semantics: Delivery,
    options: Options | None = None,
    most: int = MOST,
) -> Frontier:
    """The frontier of one claim. ``options``: ``workers`` and ``events`` are the bounds (else they
    are chosen), ``seconds`` limits all of it, ``states`` each search.
    """
    options = options or Options()
    session = Session.of(options)
    lowered = lower(design, semantics)
    task = session.task(lowered, claim)
    if isinstance(task, Unasked):
        return Frontier(claim.text, semantics, (), 0, 0, 0, False, reason=task.reason)
    proved, answer = session.proved_unbounded(task)
    bounds = _bounds(task, options)
    if proved:
        return Frontier(claim.text, semantics, (), most, bounds.workers, bounds.events, True, True)
    search = _Combinations(session, task, faulty(lowered, task.machine))
    frontier = search.frontier(bounds, most)
    if frontier.sets or not frontier.complete or not isinstance(answer, coverability.Coverable):
        return frontier
    wider = Bounds(max(bounds.workers, answer.workers), max(bounds.events, answer.events))
    if options.bounded:
        wider = bounds
    for size in range(most if wider != bounds else most + 1, FARTHEST + 1):
        further = search.frontier(wider, size)
        if further.complete or further.sets:
            frontier = further
        if further.sets or not further.complete:
            break
    return frontier


def breaks_by_itself(
    design: Design, claim: Claim, semantics: Delivery, cause: Cause, options: Options | None = None
) -> tuple[Fault, ...]:
    """The faults of this cause that break the claim when they happen once and nothing else goes
    wrong.

    Only runs with such faults are searched, in the bounds of ``frontier``. A search that stopped
    may leave some out.
    """
    options = options or Options()
    session = Session.of(options)
    lowered = lower(design, semantics)
    task = session.task(lowered, claim)
    if isinstance(task, Unasked):
        return ()
    search = _Combinations(session, task, faulty(lowered, task.machine).restricted_to(cause))
    frontier = search.frontier(_bounds(task, options), most=1)
    return tuple(fault for s in frontier.sets for fault, _ in s.faults)


def _bounds(task: Task, options: Options) -> Bounds:
    """Two workers; two events if they can influence each other."""
    together = task.machine.level(Level.COMPONENT) != ()
    return Bounds(options.workers or 2, options.events or (2 if together else 1))


class _Combinations(Struct, frozen=True):
    """The search for combinations of the faults of ``faulty`` that break one claim."""

    session: Session
    task: Task
    faulty: Faulty

    def frontier(self, bounds: Bounds, most: int) -> Frontier:
        """Everything up to ``most`` faults within the bounds."""
        every = sorted(self.faulty.every, key=_order)
        number = {fault: i for i, fault in enumerate(every)}
        labels = [FREE if fault is None else number[fault] for fault in self.faulty.faults]
        question = (self.faulty.machine, self.task.prop, labels, most)
        states = self.session.options.states
        searched = combinations(*question, (bounds, self.session.budget(min(PLAIN, states))))
        if searched.by_states and states > PLAIN:
            guide = self._guide(labels, bounds, most)
            searched = combinations(*question, (bounds, self.session.budget()), guide=guide)
        sets, problem = self._validated(searched, every)
        return Frontier(
            self.task.claim.text,
            self.task.lowered.semantics,
            sets,
            most if searched.complete else max(searched.unsearched - 1, 0),
            bounds.workers,
            bounds.events,
            searched.complete and not problem,
            False,
            searched.reason or problem,
        )

    def _guide(self, labels: list[int], bounds: Bounds, most: int) -> Distance | None:
        """How many faults it takes at least from each state; None if that is too much to work
        out.
        """
        budget = coverability.Budget(GUIDED, self.session.left)
        reach = coverability.reachable(self.faulty.machine, budget)
        if isinstance(reach, coverability.GaveUp):
            return None
        prices = [int(label != FREE) for label in labels]
        guide = Distance(self.task.prop, reach, prices, (bounds.workers, bounds.events))
        budget = coverability.Budget(GUIDED, self.session.left)
        return guide if guide.settle(most, budget) else None

    def _validated(
        self, searched: Combinations, every: list[Fault]
    ) -> tuple[tuple[FaultSet, ...], str]:
        """The combinations whose run the interpreter confirms; and whether there is one that it
        does not.
        """
        sets, problem = [], ""
        for combination in searched.combinations:
            trace = validated_trace(self.task, combination.run, self.faulty.machine)
            if isinstance(trace, Rejected):
                problem = "the interpreter does not confirm what the search found"
                continue
            counts = Counter({every[n]: times for n, times in Counter(combination.labels).items()})
            counts += _further(trace, counts, every)
            faults = tuple(counts.items())
            design = self.task.lowered.design
            words = tuple(fault_words(design, fault, times) for fault, times in faults)
            sets.append(FaultSet(faults, words, trace, combination.peak_workers))
        return tuple(sets), problem


def _further(trace: Trace, known: Mapping[Fault, int], every: list[Fault]) -> Counter[Fault]:
    """The faults of the failed deliveries that a delivery limit takes, beside those that the search
    found: whatever workers suffer in the trace and is not among the known ones.
    """
    further: Counter[Fault] = Counter()
    if not any(s.cause is Cause.DEAD_LETTERED for s in trace.steps):
        return further
    told = Counter(
        (s.cause, s.process) for s in trace.steps if s.worker >= 0 and s.outcome != "request lost"
    )
    for fault, times in known.items():
        told[fault.cause, fault.process] -= times
    for (cause, process), count in told.items():
        if count > 0 and cause.is_fault:
            candidates = [f for f in (*known, *every) if (f.cause, f.process) == (cause, process)]
            first = candidates if cause is not Cause.KILLED else sorted(candidates, key=_order)
            further.update(dict.fromkeys(first[:1], count))
    return further


_LISTED = {cause: number for number, cause in enumerate(FAULTS)}


def _order(fault: Fault) -> tuple[object, ...]:
    gap = fault.gap
    return (
        _LISTED[fault.cause],
        fault.process,
        fault.line,
        gap.during if gap else False,
        gap.after if gap else (),
        fault.queue,
        fault.subject,
    )


# ---------------------------------------------------------------- words


def fault_words(design: Design, fault: Fault, times: int = 1) -> str:
    """A fault as a phrase: ``a crash after `send mail` (line 8) and before `ack` (line 9)``."""
    return _phrase(design, fault) + (
        f", {'twice' if times == 2 else f'{times} times'}" if times > 1 else ""
    )


def _phrase(design: Design, fault: Fault) -> str:
    kind, subject = FAULTS[fault.cause], fault.subject
    line = f"`{design.line_text(fault.line)}` (line {fault.line})"
    if fault.cause is Cause.VANISHED and not fault.queue:
        return f"a message that vanishes after {line}"
    if fault.cause is Cause.KEY_EXPIRED and subject not in design.effects:
        return f"a row of `{subject}` at the end of its time to live"
    if fault.cause is Cause.CONNECTION_LOST and subject and not fault.queue:
        with_whom = design.part_words(subject) if subject in design.databases else f"`{subject}`"
        return f"a lost session with {with_whom} while its worker is at work"
    if fault.cause is Cause.FAILOVER and subject not in design.stores:
        known = subject in design.databases
        words = design.part_words(subject) if known else f"`{subject}`"
        return f"a failover of {words} that {'goes back' if known else 'forgets that it is held'}"
    consumed = (p.queue for p in design.processes if p.name == fault.process and p.queue)
    effect = design.effects.get(subject)
    return kind.phrase.format(
        queue=f"`{fault.queue or next(consumed, '')}`",
        subject=f"`{subject}`",
        line=line,
        gap=gap_words(design, fault.gap) if fault.gap else f"before {line}",
        of=f" of {fault.process}" if len(design.processes) > 1 else "",
        retention=effect.retention if effect else "",
    )
