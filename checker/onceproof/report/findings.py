"""What machines are told about a run, one by one: every verdict and every mistake, with a place, a
message and a fingerprint.

SARIF, JUnit, GitHub and GitLab are written from these. A fingerprint does not depend on line
numbers: the claim, the guarantee and the shape of the story make it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import PurePath
from urllib.parse import quote

from msgspec import Struct
from msgspec.structs import replace

from onceproof.base.paths import file_of
from onceproof.lang.diagnostics import Diagnostic, Severity
from onceproof.lang.source import Source, Span
from onceproof.report.story_text import place
from onceproof.report.words import ground, narrowed, short
from onceproof.story import Story
from onceproof.verdict.exit_codes import Exit, of_cell
from onceproof.verdict.result import ClaimResult, DesignResult, Result, Verdict


class Level(Enum):
    """How much it matters."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"
    PASS = "pass"


class Finding(Struct, frozen=True):
    """One verdict or mistake. ``rule``: a stable name for its kind; ``title``: in a few words;
    ``text``: all that belongs to it.

    ``span`` is the place in the file, ``design`` the path of the design (a Markdown page may hold
    several). ``cell`` and ``story`` are set for verdicts and refutations.
    """

    rule: str
    level: Level
    title: str
    text: str
    span: Span
    fingerprint: str
    design: str
    cell: ClaimResult | None = None
    story: Story | None = None


RULES = {
    "no-duplicate": "An effect happens at most once",
    "no-loss": "An effect that should happen is not lost",
    "effectively-once": "An effect happens once: not twice, and it is not lost",
    "together": "Two effects happen both or not at all",
    "before": "One thing happens before another",
    "one-worker": "At most one worker is there at a time",
    "at-rest-never": "Something does not stay for good",
    "no-deadlock": "No worker waits for good",
    "never": "Something never happens",
    "failure-transparent": "Whatever fails, the effects are those of a run without failures",
    "recoverable": "What should happen can still happen by itself",
    "eventually-settled": "Every message is settled some day",
    "gone": "A violation that the design expects is gone",
    "vacuous": "A claim holds only because what it speaks about never happens",
    "unknown": "A claim could not be decided",
    "engines-disagree": "Two engines contradict each other: a bug of the tool, and no verdict",
}
"""Every kind of finding about a claim."""


def findings(result: Result) -> Iterator[Finding]:
    """Everything, in the order of the designs: mistakes, then disagreements, then verdicts."""
    for design in result.designs:
        yield from (_mistake(d, design) for d in design.diagnostics)
        for failure in design.failures:
            text = f"{failure.claim}, {failure.semantics.value}: {failure.what}" + "".join(
                f"\n{d}" for d in failure.details
            )
            place = Span(1, 1, 1, 1, file_of(design.path))
            yield Finding(
                "engines-disagree",
                Level.ERROR,
                "no verdict: two engines disagree",
                text,
                place,
                _hash(design.path, text),
                design.path,
            )
        yield from (_verdict(design, cell) for cell in design.cells)


def _in_file(span: Span, sources: Mapping[str, Source]) -> Span:
    """The place in the file, also where the file only carries the design."""
    source = sources.get(span.path)
    if source is None or not source.shifts:
        return replace(span, path=file_of(span.path))
    return Span(
        span.line,
        source.file_column(span.line, span.column),
        span.end_line,
        source.file_column(span.end_line, span.end_column),
        file_of(span.path),
    )


def _mistake(diagnostic: Diagnostic, design: DesignResult) -> Finding:
    notes = [
        diagnostic.primary.text,
        *diagnostic.notes,
        *([f"help: {diagnostic.help}"] if diagnostic.help else []),
    ]
    text = "\n".join([diagnostic.headline, *(n for n in notes if n)])
    level = Level.ERROR if diagnostic.severity is Severity.ERROR else Level.WARNING
    span = diagnostic.primary.span
    return Finding(
        diagnostic.code,
        level,
        diagnostic.headline,
        text,
        _in_file(span, design.sources),
        _hash(diagnostic.code, uri(span.path), diagnostic.headline),
        design.path,
    )


def _verdict(design: DesignResult, cell: ClaimResult) -> Finding:
    story = cell.narrative.story if cell.narrative else None
    code = of_cell(cell)
    level = (
        Level.PASS
        if code is Exit.HOLDS
        else Level.ERROR
        if code is Exit.VIOLATED
        else Level.WARNING
    )
    rule = cell.kind
    if cell.verdict in (Verdict.UNKNOWN, Verdict.VACUOUS):
        rule = cell.verdict.value
    elif cell.verdict is Verdict.HOLDS and not cell.as_expected:
        rule = "gone"
    title = f"{cell.claim}, {cell.guarantee}: {short(cell)}"
    source = design.sources.get(design.path)
    line = source.line(cell.line) if source else ""
    span = _in_file(Span.at_line(line, cell.line, design.path), design.sources)
    shape = (
        [
            (s.cause.value, s.process, s.source, s.subject, s.outcome, s.event)
            for s in story.narrated
        ]
        if story
        else []
    )
    print_of = _hash(
        uri(design.path), cell.claim, cell.semantics.value, cell.verdict.value, repr(shape)
    )
    return Finding(
        rule,
        level,
        title,
        "\n".join(message_lines(cell, story)),
        span,
        print_of,
        design.path,
        cell,
        story,
    )


def message_lines(cell: ClaimResult, story: Story | None) -> Iterator[str]:
    """Verdict, assurance, scope and assumptions, and the story, line by line."""
    if story is not None:
        yield f"{story.headline}."
    if cell.verdict in (Verdict.HOLDS, Verdict.REFUTED):
        yield ground(cell)
    if cell.reason:
        yield (f"because {cell.reason}" if cell.verdict is not Verdict.HOLDS else narrowed(cell))
    if not cell.as_expected and cell.verdict is Verdict.HOLDS:
        yield "The design expects a violation, and there is none."
    if story is not None:
        yield from story.given
        for step in story.narrated:
            where = place(step, story.path)
            yield (
                f"{'!' if step.fault else ' '} {step.number}."
                f" {step.who}{f', {where},' if where else ''} {step.text}"
            )
        yield f"This takes {story.needs.words}."
    yield from cell.unavoidable[-2:]


def uri(path: str) -> str:
    """A path as tools on every system write it."""
    return "".join(
        c if c.isprintable() else quote(c.encode("utf-8", "surrogateescape"))
        for c in PurePath(path).as_posix()
    )


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
