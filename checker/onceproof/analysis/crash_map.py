"""The crash map: what a crash in exactly one gap of a handler does to each claim, if nothing else
goes wrong.

Workers are killed in that gap only, as often as it takes; the messages and locks of the dead come
back. Nothing is guessed: a harm is a run that the search found and the interpreter followed;
harmless is a search that was completed within its bounds, or a proof.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

from msgspec import Struct
from msgspec.structs import replace

from onceproof.analysis.fault_model import Fault, Gap, faulty
from onceproof.analysis.session import Session, Unasked, validated_trace
from onceproof.base.memo import remembering
from onceproof.base.questions import ask, searching
from onceproof.counterexample.validate import Rejected
from onceproof.engines.search import Bounds, Found, simplest
from onceproof.interpreter import replay
from onceproof.interpreter.claims import Judge
from onceproof.interpreter.context import Context
from onceproof.interpreter.trace import Trace
from onceproof.lang.design import Claim, Design
from onceproof.lang.syntax import ast as n
from onceproof.lang.syntax.visit import inner, walk
from onceproof.lower import Lowered, lower
from onceproof.machine.delivery import Delivery
from onceproof.machine.system import Cause, Level, Machine
from onceproof.verdict.task import Options, Task, target_words


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
    """What a crash in one gap does to one claim. ``line``: the claim's; ``effect``: what it is
    about. ``trace``: the replayed run, if it does harm.

    ``crashes``: how many crashes that run takes. ``proved`` (harmless): not only within the bounds
    of the search, but for any number of workers and events and together with any other fault.
    ``reason``: why unknown.
    """

    claim: str
    line: int
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
        harms = dict.fromkeys(h.harm for h in self.harms if h.harm is not Harm.HARMLESS)
        return tuple(harms) or (Harm.HARMLESS,)


class CrashMap(Struct, frozen=True):
    """Every gap of every handler under one semantics, in the order of the lines.

    ``workers`` and ``events``: how many of them at once the searches went through. ``complete``:
    nothing is unknown.
    """

    path: str
    semantics: Delivery
    gaps: tuple[MappedGap, ...]
    workers: int
    events: int
    complete: bool


@remembering()
def crash_map(design: Design, semantics: Delivery, options: Options | None = None) -> CrashMap:
    """The crash map under one semantics.

    ``options``: ``claims`` selects, ``seconds`` limits the whole map, ``states`` each search.
    """
    session = Session.of(options or Options())
    lowered = lower(design, semantics)
    together = any(x.level is Level.COMPONENT for x in lowered.machine.variables)
    bounds = Bounds(max(2, len(design.processes)), 2 if together else 1)
    crashes = _crashes(lowered)
    columns = [
        _Column(session, lowered, claim, bounds).harms(crashes)
        for claim in session.claims(design, semantics)
    ]
    mapped = []
    for number, crash in enumerate(crashes):
        if crash.gap is not None:
            harms = tuple(column[number] for column in columns)
            mapped.append(MappedGap(crash.gap, gap_words(design, crash.gap), design.path, harms))
    unknown = any(h.harm is Harm.UNKNOWN for g in mapped for h in g.harms)
    return CrashMap(
        design.path, semantics, tuple(mapped), bounds.workers, bounds.events, not unknown
    )


def _crashes(lowered: Lowered) -> list[Fault]:
    """Every gap in which the design lets workers die, process by process and line by line."""
    crashes = {
        f: None
        for f in faulty(lowered, lowered.machine).every
        if f.cause is Cause.KILLED and f.gap is not None
    }
    order = {p.name: i for i, p in enumerate(lowered.design.processes)}
    return sorted(
        crashes,
        key=lambda f: (order[f.process], f.gap.before, f.gap.during, f.gap.after) if f.gap else (),
    )


class _Column(Struct, frozen=True):
    """One claim, gap by gap."""

    session: Session
    lowered: Lowered
    claim: Claim
    bounds: Bounds

    def harms(self, crashes: list[Fault]) -> list[GapHarm]:
        """What each of the crashes does, if it is the only fault."""
        about = f"crashes / {self.claim.text} / {self.lowered.semantics.value}"
        ask(about)
        task = self.session.task(self.lowered, self.claim)
        if isinstance(task, Unasked):
            return [self._harm(Harm.UNKNOWN, reason=task.reason)] * len(crashes)
        proved, _ = self.session.proved_unbounded(task)
        if proved:  # whatever fails: then no single gap need be looked at
            return [self._harm(Harm.HARMLESS, proved=True)] * len(crashes)
        machine = faulty(self.lowered, task.machine)
        anyway = self._search(task, machine.only())
        if anyway.harm is Harm.UNKNOWN:
            return [anyway] * len(crashes)
        if anyway.harm is not Harm.HARMLESS:
            return [self._harm(Harm.ANYWAY, anyway.trace)] * len(crashes)
        harms = []
        for number, crash in enumerate(crashes, 1):
            ask(about, number, len(crashes))
            harms.append(self._search(task, machine.only(crash)))
        return harms

    def _harm(
        self, harm: Harm, trace: Trace | None = None, reason: str = "", proved: bool = False
    ) -> GapHarm:
        crashes = (
            sum(s.cause is Cause.KILLED and s.outcome != "request lost" for s in trace.steps)
            if trace
            else 0
        )
        claim = self.claim
        about = target_words(claim)
        return GapHarm(
            claim.text, claim.span.line, claim.kind, about, harm, trace, crashes, proved, reason
        )

    def _broken(self, trace: Trace) -> GapHarm:
        """The harm of a run that violates the claim, or one half of it."""
        design = self.lowered.design
        end = replay(design, trace).states[-1]
        kind = Judge(Context.of(design, trace.semantics)).half(self.claim, end).kind
        return replace(self._harm(KINDS.get(kind, Harm.BREAKS), trace), kind=kind)

    def _search(self, task: Task, machine: Machine) -> GapHarm:
        """What a machine with one crash does. Smaller bounds first: they show the simplest run."""
        for bounds in _up_to(self.bounds):
            if self.session.is_over():
                return self._harm(Harm.UNKNOWN, reason="the time is spent")
            result = simplest(machine, task.prop, bounds, self.session.budget(), searching)
            if isinstance(result, Found):
                trace = validated_trace(task, result.run, machine)
                if isinstance(trace, Rejected):
                    reason = "the interpreter does not confirm what the search found"
                    return self._harm(Harm.UNKNOWN, reason=reason)
                return self._broken(trace)
            if not result.complete:
                return self._harm(Harm.UNKNOWN, reason=f"the search stopped: {result.reason}")
        return self._harm(Harm.HARMLESS)


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
    return f"`{design.line_text(line)}` (line {line})"


def _transactions(steps: tuple[n.Step, ...]) -> Iterator[tuple[int, int]]:
    """The first and last lines of the atomic blocks."""
    for step in steps:
        if isinstance(step, n.Atomic):
            yield step.span.line, max(s.span.line for s in walk(step.body))
        for block in inner(step):
            yield from _transactions(block)
