"""A design review as one frozen record: everything a decider reads, in the order in which it is
read.

``review_of`` makes it from a result and from what else was found out; the HTML and Markdown writers
only set it.

``answer``: the question and the answer, in one sentence each.
``changes``: what to change: the verified repairs.
``crashes``: the crash map and the combinations of faults, as tables.
``grounds``: what the answers rest on: assumptions, conditions, facts about products.
``lines``: which lines the proofs need.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from onceproof.analysis.crash_map import CrashMap
from onceproof.analysis.cut_sets import Frontier
from onceproof.analysis.validity_core import Needs
from onceproof.base.paths import shown
from onceproof.base.version import VERSION
from onceproof.lang.diagnostics import Diagnostic
from onceproof.machine.system import Cause
from onceproof.repair import Repairs
from onceproof.report.effectively_once import effect_lines
from onceproof.report.review.answer import Tone, answer, question, tone_of
from onceproof.report.review.changes import Remedy, remedies
from onceproof.report.review.crashes import CrashTable, FrontierRow, crash_table, frontier_rows
from onceproof.report.review.grounds import Support, rests_on
from onceproof.report.review.lines import NeedTable, need_tables
from onceproof.report.sequence import Chart, chart
from onceproof.report.story_groups import StoryGroup, story_groups
from onceproof.report.story_text import place
from onceproof.report.words import (
    counted,
    fact_signs,
    footnotes,
    ground,
    guarantees_of,
    mark,
    narrowed,
    note,
    promises,
    under_words,
    word,
    would_hold,
)
from onceproof.story import StoryStep
from onceproof.story.headline import listed
from onceproof.story.outline import Outline
from onceproof.story.scene import Fact, Situation
from onceproof.verdict.result import ClaimResult, DesignResult, Disagreement, Result, Verdict


class Extras(Struct, frozen=True):
    """What was found out about a design besides its verdicts."""

    maps: tuple[CrashMap, ...] = ()
    frontiers: tuple[Frontier, ...] = ()
    repairs: tuple[Repairs, ...] = ()
    needs: tuple[Needs, ...] = ()


class Answer(Struct, frozen=True):
    """One cell of the verdict table. ``target``: the part of the review that says why."""

    mark: str
    word: str
    note: str
    tone: Tone
    target: str


class Row(Struct, frozen=True):
    """One claim with its answers, one per column (None: not asked)."""

    claim: str
    line: int
    answers: tuple[Answer | None, ...]


class Moment(Struct, frozen=True):
    """One step of a story with what there is after it. ``facts``: (fact, whether this step changed
    it).
    """

    number: int
    who: str
    where: str
    text: str
    fault: bool
    effect: int
    line: int
    facts: tuple[tuple[Fact, bool], ...]


class Refuted(Struct, frozen=True):
    """A story. ``shows``: (claim, guarantees, headline) of everything it refutes. ``start``: the
    situation before it.
    """

    id: str
    headline: str
    shows: tuple[tuple[str, str, str], ...]
    expected: bool
    given: tuple[str, ...]
    start: tuple[Fact, ...]
    moments: tuple[Moment, ...]
    chart: Chart
    needs: str
    gist: tuple[str, ...]
    ground: str
    would_hold: tuple[str, ...]
    unavoidable: tuple[str, ...]
    group: StoryGroup


class Proof(Struct, frozen=True):
    """Why a claim holds. ``certificates``: (guarantee, hash of its files, who checked it)."""

    id: str
    claim: str
    semantics: str
    mark: str
    tone: Tone
    facts: tuple[str, ...]
    about_facts: str
    ground: str
    narrowed: str
    certificates: tuple[tuple[str, str, str], ...]


class Open(Struct, frozen=True):
    """An answer that is neither a proof nor a refutation, and why."""

    id: str
    claim: str
    semantics: str
    mark: str
    word: str
    reason: str


class DesignReview(Struct, frozen=True):
    """Everything about one design. ``guarantees``: whose the delivery guarantees are, where a
    broker is named. ``footnotes``: the untested facts that signs in the table point to. ``once``: a
    line per effect (``report.effectively_once``). ``promises``: what the reader must ensure.
    ``parts`` and ``fatal``: for the picture, with (handler, line before which a crash is fatal).
    """

    number: int
    path: str
    title: str
    sha256: str
    question: str
    answer: str
    tone: Tone
    lines: tuple[str, ...]
    columns: tuple[str, ...]
    guarantees: tuple[str, ...]
    footnotes: tuple[str, ...]
    promises: tuple[str, ...]
    parts: Outline | None
    fatal: tuple[tuple[str, int], ...]
    rows: tuple[Row, ...]
    once: tuple[str, ...]
    refuted: tuple[Refuted, ...]
    proofs: tuple[Proof, ...]
    opens: tuple[Open, ...]
    crashes: CrashTable | None
    frontier: tuple[FrontierRow, ...]
    remedies: tuple[Remedy, ...]
    needs: tuple[NeedTable, ...]
    supports: tuple[Support, ...]
    diagnostics: tuple[Diagnostic, ...]
    failures: tuple[Disagreement, ...]


class Review(Struct, frozen=True):
    """The whole review. ``command``: what makes it again; ``limits``: what it does not say."""

    title: str
    question: str
    answer: str
    tone: Tone
    designs: tuple[DesignReview, ...]
    limits: tuple[str, ...]
    command: str
    version: str

    @property
    def single(self) -> bool:
        """Whether it is about one design only."""
        return len(self.designs) == 1


LIMITS = (
    (
        "It speaks about the design: a handler that does not do what its design says is outside."
        " The code was not read."
    ),
    "It speaks about the effects and rows that the design names, line by line.",
    (
        "“Never lost” means that whenever nobody is at work on an event, its effect has happened or"
        " can still happen without outside help. That it happens some day also needs a broker that"
        " delivers, and workers that do not crash forever."
    ),
    (
        "Time is not modelled: what may expire may do so at any moment. That a handler is fast"
        " enough is an assumption; you must ensure it."
    ),
    (
        "“Exactly-once” is what a broker promises about itself. Databases, HTTP calls and mail are"
        " outside that promise."
    ),
)
"""What no review of this kind says (docs/verdicts.md)."""


def review_of(
    result: Result,
    extras: Mapping[str, Extras] | None = None,
    command: str = "",
    left_out: Sequence[str] = (),
) -> Review:
    """The review of a result. ``extras``: by design path; a section without its data is left out.
    ``left_out``: what was not asked for want of time, and why.
    """
    more = extras or {}
    designs = tuple(
        _design(i, d, more.get(d.path, Extras())) for i, d in enumerate(result.designs, 1)
    )
    title = designs[0].title if len(designs) == 1 else f"{len(designs)} designs"
    return Review(
        title,
        question(result),
        answer(result),
        tone_of(result),
        designs,
        (*left_out, *LIMITS),
        command,
        VERSION,
    )


def _design(number: int, result: DesignResult, extras: Extras) -> DesignReview:
    single = Result((result,))
    columns, signs = guarantees_of(result), fact_signs(result)
    refuted = tuple(
        _refuted(f"d{number}-story-{i}", group, result)
        for i, group in enumerate(story_groups(result), 1)
    )
    proofs, opens = _proofs(number, result), _opens(number, result)
    targets = {_key(cell): part.id for part in refuted for cell, _ in part.group.cells}
    targets |= {_key(cell): part.id for cells, part in proofs for cell in cells}
    targets |= {_key(cell): part.id for cells, part in opens for cell in cells}
    rows = list(dict.fromkeys((c.line, c.claim) for c in result.cells))
    cells = {_key(c): c for c in result.cells}
    table = [
        Row(
            claim,
            line,
            tuple(_answer(cells.get((line, claim, s)), targets, signs) for s in columns),
        )
        for line, claim in rows
    ]
    path = shown(result.path)
    title = result.title.strip().splitlines()[0].strip() if result.title.strip() else path
    source = result.sources.get(result.path)
    return DesignReview(
        number,
        path,
        title,
        result.sha256,
        question(single),
        answer(single),
        tone_of(single),
        source.lines if source else (),
        tuple(columns),
        result.models,
        tuple(footnotes(result)),
        tuple(promises(result)),
        result.outline,
        tuple(_fatal(result).items()),
        tuple(table),
        effect_lines(result),
        refuted,
        tuple(p for _, p in proofs),
        tuple(o for _, o in opens),
        crash_table(extras.maps),
        frontier_rows(extras.frontiers),
        remedies(extras.repairs),
        need_tables(extras.needs),
        rests_on(result),
        result.diagnostics,
        result.failures,
    )


def _fatal(result: DesignResult) -> dict[str, int]:
    """The line before which a story kills each handler; the first story that nobody expects comes
    first.
    """
    lines: dict[str, int] = {}
    for group in story_groups(result):
        for step in group.narrative.story.narrated:
            if step.cause is Cause.KILLED and step.process and step.line:
                lines.setdefault(step.process, step.line)
    return lines


_Key = tuple[int, str, str]


def _key(cell: ClaimResult) -> _Key:
    """What tells the answers about one design apart."""
    return cell.line, cell.claim, cell.guarantee


def _answer(
    cell: ClaimResult | None, targets: Mapping[_Key, str], signs: Mapping[str, str]
) -> Answer | None:
    if cell is None:
        return None
    assumed = ""
    if cell.assumptions and cell.verdict is Verdict.HOLDS:
        assumed = f"under {counted(len(cell.assumptions), 'assumption')}"
    return Answer(
        mark(cell),
        word(cell),
        f"{note(cell, signs)} {assumed}".strip(),
        Tone.of(cell),
        targets.get(_key(cell), ""),
    )


# ---------------------------------------------------------------- refutations


def _refuted(name: str, group: StoryGroup, result: DesignResult) -> Refuted:
    every = {c.guarantee for c in result.cells}
    shows: dict[tuple[str, str], list[str]] = {}
    for cell, headline in group.cells:
        shows.setdefault((cell.claim, headline), []).append(cell.guarantee)
    first, headline = group.cells[0]
    narrative, story = group.narrative, group.narrative.story
    claims = tuple(
        (claim, under_words(under, every), words) for (claim, words), under in shows.items()
    )
    drawn = chart(group)
    moments, before = [], narrative.situations[0]
    for (step, scene), row in zip(narrative.scenes, drawn.marks, strict=True):
        moments.append(_moment(story.path, step, (before, scene), row.effect))
        before = scene
    return Refuted(
        name,
        headline,
        claims,
        group.expected,
        story.given,
        narrative.situations[0].facts,
        tuple(moments),
        drawn,
        story.needs.words,
        narrative.causes,
        ground(first),
        would_hold(first),
        first.unavoidable[-2:],
        group,
    )


def _moment(path: str, step: StoryStep, scenes: tuple[Situation, Situation], effect: int) -> Moment:
    """``path``: the design's own file; ``scenes``: before and after the step."""
    before, now = scenes
    facts = tuple(
        (fact, fact.value != was.value) for was, fact in zip(before.facts, now.facts, strict=True)
    )
    own = step.path in ("", path)
    return Moment(
        step.number,
        step.who,
        place(step, path),
        step.text,
        step.fault is not None,
        effect,
        step.line if own else 0,
        facts,
    )


# ---------------------------------------------------------------- proofs, and what is open


def _proofs(number: int, result: DesignResult) -> list[tuple[list[ClaimResult], Proof]]:
    groups: dict[tuple[object, ...], list[ClaimResult]] = {}
    for cell in result.cells:
        if cell.verdict is Verdict.HOLDS:
            why = (cell.why.facts, cell.why.ground) if cell.why else ()
            alike = (cell.line, cell.claim, why, ground(cell), cell.reason, mark(cell))
            groups.setdefault(alike, []).append(cell)
    return [
        (cells, _proof(f"d{number}-proof-{i}", result, cells))
        for i, cells in enumerate(groups.values(), 1)
    ]


def _proof(name: str, result: DesignResult, cells: Sequence[ClaimResult]) -> Proof:
    first = cells[0]
    why = first.why
    unexpected = "" if first.as_expected else "The design expects a violation, and there is none. "
    limits = unexpected + (f"{narrowed(first)}." if first.reason else "")
    return Proof(
        name,
        first.claim,
        listed([c.guarantee for c in cells]),
        mark(first),
        Tone.of(first),
        why.facts if why else (),
        f"{why.ground} {why.legend}" if why else "",
        ground(first),
        limits.strip(),
        tuple(
            (c.semantics.value, c.sha256, c.folder)
            for c in result.certificates
            if c.claim == first.claim and any(c.semantics is cell.semantics for cell in cells)
        ),
    )


def _opens(number: int, result: DesignResult) -> list[tuple[list[ClaimResult], Open]]:
    undecided = [c for c in result.cells if c.verdict in (Verdict.UNKNOWN, Verdict.VACUOUS)]
    return [
        ([c], Open(f"d{number}-open-{i}", c.claim, c.guarantee, mark(c), word(c), c.reason))
        for i, c in enumerate(undecided, 1)
    ]
