"""The fault frontier: which faults, and no fewer, break a claim.

All inclusion-minimal combinations of single faults (each with its place, counted as often as it
happens) up to a size, each with a run that the interpreter has followed. What is not found within
the limits is not denied: they are part of the answer.
"""

from __future__ import annotations

import time
from collections import Counter

from msgspec import Struct
from msgspec.structs import replace

from onceproof.analysis.crash_map import gap_words
from onceproof.analysis.fault_model import Fault, Faulty, faulty
from onceproof.base.memo import remembering
from onceproof.counterexample.validate import Rejected, validated
from onceproof.engines import coverability
from onceproof.engines.search import Bounds, Budget
from onceproof.engines.search.min_fault_search import FREE, Combinations, combinations
from onceproof.interpreter.trace import Trace
from onceproof.lang.design import Claim, Design
from onceproof.lang.syntax.ast import Semantics
from onceproof.lower import Lowered, lower
from onceproof.machine.faults import FAULTS
from onceproof.machine.slicing import sliced
from onceproof.machine.system import Cause, Level, Property
from onceproof.properties import TooWide, property_of
from onceproof.verdict.decide import certain
from onceproof.verdict.task import Options

MOST = 2
"""Faults up to which all combinations are looked for, unless told otherwise."""

FARTHEST = 4
"""Faults up to which one goes for a claim that is known to be breakable, if fewer do not do it."""


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
    semantics: Semantics
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
    semantics: Semantics,
    options: Options | None = None,
    most: int = MOST,
) -> Frontier:
    """The frontier of one claim. ``options``: ``workers`` and ``events`` are the bounds (else they
    are chosen), ``seconds`` limits all of it, ``states`` each search.
    """
    options = options or Options()
    deadline = time.monotonic() + options.seconds
    lowered = lower(design, semantics)
    nothing = Frontier(claim.text, semantics, (), 0, 0, 0, False)
    try:
        prop = property_of(lowered, claim)
    except TooWide as error:
        return replace(nothing, reason=str(error))
    machine = sliced(lowered.machine, prop)
    proved, answer = certain(lowered, claim, (machine, prop), options)
    search = _Search(lowered, claim, prop, faulty(lowered, machine), (options, deadline))
    bounds = _bounds(machine.level(Level.COMPONENT) != (), options)
    if proved:
        return Frontier(claim.text, semantics, (), most, bounds.workers, bounds.events, True, True)
    found = search.frontier(bounds, most)
    if found.sets or not found.complete or not isinstance(answer, coverability.Coverable):
        return found
    wider = Bounds(max(bounds.workers, answer.workers), max(bounds.events, answer.events))
    if options.bounded:
        wider = bounds
    for size in range(most if wider != bounds else most + 1, FARTHEST + 1):
        further = search.frontier(wider, size)
        if further.complete or further.sets:
            found = further
        if further.sets or not further.complete:
            break
    return found


def breaks_by_itself(
    design: Design, claim: Claim, semantics: Semantics, cause: Cause, options: Options | None = None
) -> tuple[Fault, ...]:
    """The faults of this cause that break the claim when they happen once and nothing else goes
    wrong.

    Only runs with such faults are searched, in the bounds of ``frontier``. A search that stopped
    may leave some out.
    """
    options = options or Options()
    lowered = lower(design, semantics)
    try:
        prop = property_of(lowered, claim)
    except TooWide:
        return ()
    machine = sliced(lowered.machine, prop)
    single = faulty(lowered, machine).restricted_to(cause)
    search = _Search(lowered, claim, prop, single, (options, time.monotonic() + options.seconds))
    found = search.frontier(_bounds(machine.level(Level.COMPONENT) != (), options), most=1)
    return tuple(fault for s in found.sets for fault, _ in s.faults)


def _bounds(together: bool, options: Options) -> Bounds:
    """Two workers; two events if they can influence each other."""
    return Bounds(options.workers or 2, options.events or (2 if together else 1))


class _Search(Struct, frozen=True):
    """The search for one claim. ``limits``: the options, and until when."""

    lowered: Lowered
    claim: Claim
    prop: Property
    faulty: Faulty
    limits: tuple[Options, float]

    def frontier(self, bounds: Bounds, most: int) -> Frontier:
        """Everything up to ``most`` faults within the bounds."""
        options, deadline = self.limits
        every = sorted(self.faulty.every, key=_order)
        number = {fault: i for i, fault in enumerate(every)}
        labels = [FREE if fault is None else number[fault] for fault in self.faulty.faults]
        budget = Budget(options.states, max(0.05, deadline - time.monotonic()))
        got = combinations(self.faulty.machine, self.prop, labels, most, (bounds, budget))
        sets, reason = self._told(got, every)
        reached = most if got.complete else max(got.unsearched - 1, 0)
        complete = got.complete and not reason
        semantics = self.lowered.semantics
        return Frontier(
            self.claim.text,
            semantics,
            sets,
            reached,
            bounds.workers,
            bounds.events,
            complete,
            False,
            got.reason or reason,
        )

    def _told(self, got: Combinations, every: list[Fault]) -> tuple[tuple[FaultSet, ...], str]:
        """The combinations whose run the interpreter confirms, and what it does not."""
        sets, reason = [], ""
        for one in got.found:
            trace = validated(self.lowered, self.claim, self.faulty.machine, one.run)
            if isinstance(trace, Rejected):
                reason = "the interpreter does not confirm what the search found"
                continue
            counted = tuple((every[label], times) for label, times in Counter(one.labels).items())
            words = tuple(
                fault_words(self.lowered.design, fault, times) for fault, times in counted
            )
            sets.append(FaultSet(counted, words, trace, one.peak_workers))
        return tuple(sets), reason


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
    consumed = (p.queue for p in design.processes if p.name == fault.process and p.queue)
    effect = design.effects.get(subject)
    return kind.phrase.format(
        queue=f"`{fault.queue or next(consumed, '')}`",
        subject=f"`{subject}`",
        line=line,
        gap=gap_words(design, fault.gap) if fault.gap else f"before {line}",
        of=f" of {fault.process}" if len(design.processes) > 1 else "",
        kept=effect.retention if effect else "",
    )
