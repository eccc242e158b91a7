"""The crash map: what a crash in exactly one gap of a handler does to each claim, if nothing else
goes wrong.

Workers are killed in that gap only, as often as it takes; the messages and locks of the dead come
back. Nothing is guessed: a harm is a run that the search found and the interpreter followed;
harmless is a search that was completed within its bounds, or a proof.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from enum import Enum

from msgspec import Struct
from msgspec.structs import replace

from onceproof.analysis.fault_model import Fault, Faulty, Gap, faulty
from onceproof.base.memo import remembering
from onceproof.counterexample.validate import Rejected, validated
from onceproof.engines.search import Bounds, Budget, Found, simplest
from onceproof.interpreter.trace import Trace
from onceproof.lang.design import Claim, Design
from onceproof.lang.syntax import ast as n
from onceproof.lang.syntax.ast import Semantics
from onceproof.lang.syntax.visit import inner, walk
from onceproof.lower import Lowered, lower
from onceproof.machine.slicing import sliced
from onceproof.machine.system import Cause, Level, Machine, Property
from onceproof.properties import TooWide, property_of
from onceproof.verdict.decide import certain
from onceproof.verdict.task import Options


class Harm(Enum):
    """What a crash in a gap does to one claim."""

    HARMLESS = "harmless"
    LOSES = "loses"
    DUPLICATES = "duplicates"
    BREAKS = "breaks"  # a claim that is about something else than happening twice or never
    ANYWAY = "broken without a crash"
    UNKNOWN = "unknown"


KINDS = {"no-duplicate": Harm.DUPLICATES, "no-loss": Harm.LOSES}
"""What a violation of a claim is called; any other breaks it."""


class GapHarm(Struct, frozen=True):
    """What a crash in one gap does to one claim. ``effect``: what the claim is about. ``trace``:
    the replayed run, if it does harm.

    ``crashes``: how many crashes that run takes. ``proved`` (harmless): not only within the bounds
    of the search, but for any number of workers and events and together with any other fault.
    ``reason``: why unknown.
    """

    claim: str
    kind: str
    effect: str
    harm: Harm
    trace: Trace | None = None
    crashes: int = 0
    proved: bool = False
    reason: str = ""


class MappedGap(Struct, frozen=True):
    """A gap with what a crash there does, claim by claim in the order of the design. ``text``:
    where it is, in words.

    ``path``: the file its lines belong to.
    """

    gap: Gap
    text: str
    path: str
    harms: tuple[GapHarm, ...]

    @property
    def worst(self) -> tuple[Harm, ...]:
        """The harms a crash here does, without repetition; ``(HARMLESS,)`` if none."""
        found = dict.fromkeys(h.harm for h in self.harms if h.harm is not Harm.HARMLESS)
        return tuple(found) or (Harm.HARMLESS,)


class CrashMap(Struct, frozen=True):
    """Every gap of every handler under one semantics, in the order of the lines.

    ``workers`` and ``events``: how many of them at once the searches went through. ``complete``:
    nothing is unknown.
    """

    path: str
    semantics: Semantics
    gaps: tuple[MappedGap, ...]
    workers: int
    events: int
    complete: bool


class _Question(Struct, frozen=True):
    """One claim, with the machine in which its faults are told apart, or why that cannot be."""

    claim: Claim
    prop: Property | None
    machine: Faulty | None
    reason: str = ""


@remembering()
def crash_map(design: Design, semantics: Semantics, options: Options | None = None) -> CrashMap:
    """The crash map under one semantics.

    ``options``: ``claims`` selects, ``seconds`` limits the whole map, ``states`` each search.
    """
    options = options or Options()
    deadline = time.monotonic() + options.seconds
    lowered = lower(design, semantics)
    asked = [
        c
        for c in design.claims
        if not options.claims or any(part in c.text for part in options.claims)
    ]
    questions = [
        _question(lowered, claim)
        for claim in asked
        if not claim.semantics or semantics in claim.semantics
    ]
    together = any(x.level is Level.COMPONENT for x in lowered.machine.variables)
    bounds = Bounds(max(2, len(design.processes)), 2 if together else 1)
    crashes = _crashes(lowered)
    search = _Search(lowered, bounds, options, deadline)
    mapped = []
    columns = [search.column(question, crashes) for question in questions]
    for number, crash in enumerate(crashes):
        if crash.gap is not None:
            harms = tuple(column[number] for column in columns)
            mapped.append(MappedGap(crash.gap, gap_words(design, crash.gap), design.path, harms))
    unknown = any(h.harm is Harm.UNKNOWN for g in mapped for h in g.harms)
    return CrashMap(
        design.path, semantics, tuple(mapped), bounds.workers, bounds.events, not unknown
    )


def _question(lowered: Lowered, claim: Claim) -> _Question:
    try:
        prop = property_of(lowered, claim)
    except TooWide as error:
        return _Question(claim, None, None, str(error))
    return _Question(claim, prop, faulty(lowered, sliced(lowered.machine, prop)))


def _crashes(lowered: Lowered) -> list[Fault]:
    """Every gap in which the design lets workers die, process by process and line by line."""
    found = {
        f: None
        for f in faulty(lowered, lowered.machine).every
        if f.cause is Cause.KILLED and f.gap is not None
    }
    order = {p.name: i for i, p in enumerate(lowered.design.processes)}
    return sorted(
        found,
        key=lambda f: (order[f.process], f.gap.before, f.gap.during, f.gap.after) if f.gap else (),
    )


class _Search(Struct, frozen=True):
    """The searches of one map."""

    lowered: Lowered
    bounds: Bounds
    options: Options
    deadline: float

    def column(self, q: _Question, crashes: list[Fault]) -> list[GapHarm]:
        """One claim, gap by gap."""
        if q.machine is None or q.prop is None:
            return [self._harm(q, Harm.UNKNOWN, reason=q.reason)] * len(crashes)
        if self._proved(q, q.prop):
            return [self._harm(q, Harm.HARMLESS, proved=True)] * len(crashes)
        anyway = self._ask(q, q.machine.only())
        if anyway.harm is not Harm.HARMLESS:
            return [
                anyway if anyway.harm is Harm.UNKNOWN else self._harm(q, Harm.ANYWAY, anyway.trace)
            ] * len(crashes)
        return [self._ask(q, q.machine.only(crash)) for crash in crashes]

    def _proved(self, q: _Question, prop: Property) -> bool:
        """Whether the claim holds whatever fails: then no single gap need be looked at."""
        options = replace(self.options, seconds=max(0.1, self.deadline - time.monotonic()))
        return certain(self.lowered, q.claim, (sliced(self.lowered.machine, prop), prop), options)[
            0
        ]

    def _harm(
        self,
        q: _Question,
        harm: Harm,
        trace: Trace | None = None,
        reason: str = "",
        proved: bool = False,
    ) -> GapHarm:
        crashes = (
            sum(s.cause is Cause.KILLED and s.outcome != "request lost" for s in trace.steps)
            if trace
            else 0
        )
        target = " and ".join(
            t.name.text + (f".{t.column.text}" if t.column else "") for t in q.claim.targets
        )
        return GapHarm(q.claim.text, q.claim.kind, target, harm, trace, crashes, proved, reason)

    def _ask(self, q: _Question, machine: Machine) -> GapHarm:
        """Search the smaller bounds first: they show the simplest run."""
        assert q.prop is not None
        for bounds in _up_to(self.bounds):
            left = self.deadline - time.monotonic()
            if left <= 0:
                return self._harm(q, Harm.UNKNOWN, reason="the time is spent")
            found = simplest(machine, q.prop, bounds, Budget(self.options.states, left))
            if isinstance(found, Found):
                trace = validated(self.lowered, q.claim, machine, found.run)
                if isinstance(trace, Rejected):
                    return self._harm(
                        q,
                        Harm.UNKNOWN,
                        reason="the interpreter does not confirm what the search found",
                    )
                return self._harm(q, KINDS.get(q.claim.kind, Harm.BREAKS), trace)
            if not found.complete:
                return self._harm(q, Harm.UNKNOWN, reason=f"the search stopped: {found.reason}")
        return self._harm(q, Harm.HARMLESS)


def _up_to(bounds: Bounds) -> Iterator[Bounds]:
    """One worker and event first, then the whole."""
    if bounds.events > 1:
        yield Bounds(bounds.workers, 1)
    yield bounds


# ---------------------------------------------------------------- words


def gap_words(design: Design, gap: Gap) -> str:
    """Where a gap is: ``after `send mail` (line 8) and before `ack` (line 9)``."""
    process = next(p for p in design.processes if p.name == gap.process)
    blocks = tuple(_transactions(process.body))
    before = _step(design, gap.before, gap.after, blocks)
    if gap.before == process.span.line:
        before = f"the acknowledgement on return (line {gap.before})"
    if gap.during:
        return f"while the request of {before} is under way"
    if gap.after == (gap.before,):
        return f"in the middle of {before}"
    started = "it got the message" if process.queue else "it started"
    parts = [
        started if line == 0 else _step(design, line, (gap.before,), blocks) for line in gap.after
    ]
    return (
        f"after {' or '.join(dict.fromkeys(parts))} and before {before}"
        if parts
        else f"before {before}"
    )


def _step(
    design: Design, line: int, others: tuple[int, ...], blocks: tuple[tuple[int, int], ...]
) -> str:
    """A line; or the transaction it belongs to, if the gap lies outside that."""
    for first, last in blocks:
        if first < line <= last and not any(first < other <= last for other in others):
            return f"the transaction of line {first}"
    text = design.lines[line - 1].split("#", 1)[0].strip() if 0 < line <= len(design.lines) else ""
    return f"`{text}` (line {line})"


def _transactions(steps: tuple[n.Step, ...]) -> Iterator[tuple[int, int]]:
    """The first and last lines of the atomic blocks."""
    for step in steps:
        if isinstance(step, n.Atomic):
            yield step.span.line, max(s.span.line for s in walk(step.body))
        for block in inner(step):
            yield from _transactions(block)
