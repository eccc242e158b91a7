"""Which crash points are worth a test: every gap in which a crash breaks a claim, with the story
that shows it.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from onceproof.analysis.crash_map import CrashMap, GapHarm, Harm, MappedGap, crash_map
from onceproof.interpreter import followed
from onceproof.lang.design import Claim, Design
from onceproof.lang.load import Loaded
from onceproof.machine.delivery import Delivery
from onceproof.story import tell
from onceproof.verdict.task import Options

TESTABLE = {
    "no-duplicate": "at most once",
    "no-loss": "at least once",
    "effectively-once": "exactly once",
}
"""The kinds of claims that a count of one effect decides."""


class Point(Struct, frozen=True):
    """A test to write: one claim, one gap.

    ``after`` / ``before``: the lines beside the gap as written, without comments; ``""``: there is
    none. ``lines``: their numbers. ``effect``: what is counted. ``fatal``: a crash here breaks the
    claim; then ``story`` says how. ``crashes``: how many it takes. ``event``: the fields of the
    message with their values. ``aside``: why there can be no test; empty if there can.
    """

    claim: str
    kind: str
    effect: str
    process: str
    text: str
    after: str
    before: str
    lines: tuple[int, int]
    fatal: bool
    crashes: int = 1
    event: tuple[tuple[str, str], ...] = ()
    headline: str = ""
    story: tuple[str, ...] = ()
    aside: str = ""


def points(
    loaded: Loaded, semantics: Delivery, options: Options | None = None, every: bool = False
) -> tuple[Point, ...]:
    """The fatal points of a design, in the order of its lines; ``every``: the harmless ones, too.

    ``loaded`` must have a design. Claims that a count does not decide are left out.
    """
    assert loaded.design is not None
    mapped = crash_map(loaded.design, semantics, options)
    return tuple(_points(loaded, loaded.design, mapped, every))


def _points(loaded: Loaded, design: Design, mapped: CrashMap, every: bool) -> Iterator[Point]:
    for gap in mapped.gaps:
        for harm in gap.harms:
            fatal = harm.harm in (Harm.LOSES, Harm.DUPLICATES)
            if (
                harm.kind in TESTABLE
                and harm.effect in design.effects
                and (fatal or (every and harm.harm is Harm.HARMLESS))
            ):
                yield _point(loaded, design, mapped.semantics, gap, harm)


def _point(
    loaded: Loaded, design: Design, semantics: Delivery, gap: MappedGap, harm: GapHarm
) -> Point:
    after = gap.gap.after[0] if len(gap.gap.after) == 1 else 0
    headline, aside = "", ""
    story: tuple[str, ...] = ()
    event = _fields(design, gap.gap.process)
    if harm.trace is not None:
        claim = design.claim_at(harm.claim, harm.line)
        headline, story = _story(loaded, design, claim, harm)
        payload = dict(harm.trace.events[0].payload)
        event = tuple((name, payload.get(name, value)) for name, value in event)
        if len(harm.trace.events) > 1 and len({s.event for s in harm.trace.steps}) > 1:
            aside = "it takes several messages of one key"
    if gap.gap.during:
        aside = "the worker dies while its request is under way"
    return Point(
        harm.claim,
        harm.kind,
        harm.effect,
        gap.gap.process,
        gap.text,
        _line(design, after),
        _line(design, gap.gap.before),
        (after, gap.gap.before),
        harm.harm is not Harm.HARMLESS,
        max(harm.crashes, 1),
        event,
        headline,
        story,
        aside,
    )


def _line(design: Design, number: int) -> str:
    """A line of a handler without its comment; ``""`` for none and for the line of the handler
    itself.
    """
    heads = {p.span.line for p in design.processes}
    if not 0 < number <= len(design.lines) or number in heads:
        return ""
    return design.lines[number - 1].split("#", 1)[0].strip()


def _fields(design: Design, process: str) -> tuple[tuple[str, str], ...]:
    """The fields of the message a process gets, with plausible values."""
    handler = next(p for p in design.processes if p.name == process)
    event = design.events[handler.events[0]]
    keys = [(event.id_field, "event-1"), *((key, f"{key}-1") for key in event.keys)]
    return (*keys, *((name, values[0]) for name, values in event.payload))


def _story(
    loaded: Loaded, design: Design, claim: Claim, harm: GapHarm
) -> tuple[str, tuple[str, ...]]:
    assert harm.trace is not None
    story = tell(design, claim, followed(design, claim, harm.trace), loaded.sources)
    steps = tuple(
        f"{'! ' if s.fault else '  '}{s.number}. {s.who} {s.text}" for s in story.narrated
    )
    return story.headline, steps
