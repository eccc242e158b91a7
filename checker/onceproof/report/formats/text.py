"""The report for people at a terminal: per design the verdict table, what it rests on, and every
story.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from onceproof.lang.diagnostics import Severity
from onceproof.report.bug import disagreement_report
from onceproof.report.diagnostics import styled
from onceproof.report.effectively_once import effect_lines
from onceproof.report.formats import Format
from onceproof.report.lines import Line, Part, columns, lines_of, painted
from onceproof.report.story_groups import StoryGroup, story_groups
from onceproof.report.story_text import StoryLines, wrapped
from onceproof.report.terminal import Paint
from onceproof.report.words import (
    DECIDED,
    clean,
    fact_signs,
    footnotes,
    ground,
    guarantees_of,
    mark,
    narrowed,
    promises,
    short,
    style,
    summary,
)
from onceproof.story.headline import listed
from onceproof.verdict.result import ClaimResult, DesignResult, Result, Verdict

QUIET, NORMAL, VERBOSE = 0, 1, 2
GAP = 3
STACKED = (22, 14)
"""Columns that what follows a verdict word may take in narrow tables."""


def render(result: Result, *, verbosity: int, width: int, unicode: bool) -> list[Line]:
    """The report as lines of text no wider than ``width`` (at least 60); only snippets and the
    summary may be wider.
    """
    page = _Page(max(width, 60), unicode, verbosity)
    for design in result.designs:
        page.design(design)
    page.lines.append(Line.of(page.clean(summary(result)), "bold"))
    return page.lines


def to_text(result: Result, verbosity: int, look: Paint) -> str:
    """The report as one string, with escape codes if the place likes colour."""
    return painted(
        render(result, verbosity=verbosity, width=look.width, unicode=look.unicode), look
    )


FORMAT = Format("text", "for people at a terminal", to_text)


class _Page:
    """Collects lines. Every text passes through ``clean`` on its way in."""

    def __init__(self, width: int, unicode: bool, verbosity: int) -> None:
        self.width = width
        self.unicode = unicode
        self.verbosity = verbosity
        self.lines: list[Line] = []

    def clean(self, text: str) -> str:
        """Text that may be printed here."""
        return clean(text, self.unicode)

    def add(self, text: str = "", style: str = "", *, indent: int = 0, hang: int = 0) -> None:
        """A paragraph, wrapped; ``hang``: further indentation of its second and later lines."""
        first = True
        for line in wrapped(self.clean(text), self.width - indent - hang):
            self.lines.append(Line.of(" " * (indent if first else indent + hang) + line, style))
            first = False

    # -- one design

    def design(self, design: DesignResult) -> None:
        """Everything about one design."""
        title = design.title.strip().splitlines()[0].strip() if design.title.strip() else ""
        self.add(design.path + (f": {title}" if title else ""), "bold", hang=2)
        self.add()
        self._diagnostics(design)
        for failure in design.failures:
            self.lines += [
                Line.of(self.clean(line), "red")
                for line in disagreement_report(design, failure).splitlines()
            ]
            self.add()
        if not design.cells:
            return
        for words in design.models:  # whose guarantees these are
            self.add(words, "dim", indent=2, hang=2)
        if design.models:
            self.add()
        self._table(design)
        if self.verbosity == QUIET:
            for words in promises(design):
                self.add(words, "dim", indent=2, hang=2)
        for words in footnotes(design, self.verbosity >= VERBOSE):
            self.add(words, "dim", indent=2, hang=2)
        if fact_signs(design) or (self.verbosity == QUIET and promises(design)):
            self.add()
        if self.verbosity == QUIET:
            self._effects(design)
            return
        self._grounds(design)
        self._open_questions(design)
        self._reasons(design)
        self._stories(design)
        if self.verbosity >= VERBOSE:
            self._statistics(design)
        self._effects(design)

    def _diagnostics(self, design: DesignResult) -> None:
        diagnostics = [
            d for d in design.diagnostics if self.verbosity > QUIET or d.severity is Severity.ERROR
        ]
        if diagnostics:
            lines = lines_of(styled(diagnostics, design.sources))
            self.lines += [
                line if self.unicode else Line.of(self.clean(line.plain)) for line in lines
            ]

    # -- the table

    def _table(self, design: DesignResult) -> None:
        heads = guarantees_of(design)
        rows = list(dict.fromkeys((c.line, c.claim) for c in design.cells))
        cells = {(c.line, c.claim, c.guarantee): c for c in design.cells}
        grid = [[cells.get((*row, head)) for head in heads] for row in rows]
        claims = [self.clean(claim) for _, claim in rows]
        signs = fact_signs(design)
        for stacked in (0, *STACKED):
            bodies = [[self._cell(c, stacked, signs) for c in row] for row in grid]
            widths = [
                max(len(h), *(columns(t) for row in bodies for t, _ in row[i]))
                for i, h in enumerate(heads)
            ]
            room = self.width - 2 - sum(w + GAP for w in widths)
            longest = max(columns(c) for c in claims)
            if room >= (longest if not stacked else min(longest, 20)):
                self._grid(claims, heads, bodies, [min(longest, room), *widths])
                return
        self._list(claims, grid, signs)

    def _cell(
        self, cell: ClaimResult | None, stacked: int, signs: Mapping[str, str]
    ) -> list[tuple[str, str]]:
        """The lines of a cell with their styles. ``stacked``: how wide they are (0: one line)."""
        if cell is None:
            return [("-", "dim")]
        text, colour = self.clean(f"{mark(cell)} {short(cell, signs)}"), style(cell)
        if cell.verdict is Verdict.REFUTED and not cell.as_expected:
            colour = "bold red"
        if not stacked:
            return [(text, colour)]
        sign, word, *rest = text.split(" ")
        lines = wrapped(" ".join(rest), stacked) if rest else ()
        return [(f"{sign} {word}", colour), *((f"  {line}", colour) for line in lines)]

    def _grid(
        self,
        claims: list[str],
        heads: list[str],
        bodies: list[list[list[tuple[str, str]]]],
        widths: list[int],
    ) -> None:
        self._row([[("", "")], *([(h, "bold")] for h in heads)], widths)
        for claim, body in zip(claims, bodies, strict=True):
            self._row([[(line, "") for line in wrapped(claim, widths[0])], *body], widths)
        self.add()

    def _row(self, cells: Sequence[list[tuple[str, str]]], widths: Sequence[int]) -> None:
        for number in range(max(map(len, cells))):
            line: list[Part] = [("  ", "")]
            for cell, width in zip(cells, widths, strict=True):
                text, colour = cell[number] if number < len(cell) else ("", "")
                line += [(text, colour), (" " * (width - columns(text) + GAP), "")]
            self.lines.append(Line(tuple(line)).stripped())

    def _list(
        self, claims: list[str], grid: list[list[ClaimResult | None]], signs: Mapping[str, str]
    ) -> None:
        """The table where there is no room for one."""
        for claim, row in zip(claims, grid, strict=True):
            self.add(claim, indent=2, hang=2)
            for cell in row:
                if cell is not None:
                    self.add(
                        f"{cell.guarantee:<14} {mark(cell)} {short(cell, signs)}",
                        style(cell),
                        indent=4,
                        hang=17,
                    )
        self.add()

    # -- what it rests on

    def _grounds(self, design: DesignResult) -> None:
        """One line per distinct ground of a verdict."""
        grounds: dict[str, list[ClaimResult]] = {}
        signs = fact_signs(design)
        for cell in sorted(design.cells, key=lambda c: c.verdict is not Verdict.HOLDS):
            if cell.verdict in (Verdict.HOLDS, Verdict.REFUTED):
                grounds.setdefault(
                    ground(cell, signs) + (f". {narrowed(cell)}" if cell.reason else ""), []
                ).append(cell)
        several = {
            v for v in Verdict if sum(cells[0].verdict is v for cells in grounds.values()) > 1
        }
        for text, cells in grounds.items():
            where = f" ({self._where(cells)})" if cells[0].verdict in several else ""
            self.add(f"{text}{where}", "dim", indent=2, hang=2)
        if grounds:
            self.add()

    def _where(self, cells: Sequence[ClaimResult]) -> str:
        claims: dict[str, list[str]] = {}
        for cell in cells:
            claims.setdefault(cell.claim, []).append(cell.guarantee)
        return "; ".join(f"{claim}: {listed(semantics)}" for claim, semantics in claims.items())

    def _open_questions(self, design: DesignResult) -> None:
        """What is not as expected, unknown or vacuous, with the reason."""
        for cell in sorted(design.cells, key=lambda c: c.as_expected):
            text = f"{mark(cell)} {cell.claim}, {cell.guarantee}: {short(cell)}"
            missing = not cell.as_expected and cell.expected is Verdict.REFUTED
            if cell.verdict in (Verdict.UNKNOWN, Verdict.VACUOUS):
                self.add(
                    f"{text}, because {cell.reason}" if cell.reason else text,
                    style(cell),
                    indent=2,
                    hang=2,
                )
            elif missing:
                self.add(
                    f"{text}; the design expects a violation, and there is none",
                    "yellow",
                    indent=2,
                    hang=2,
                )
            else:
                continue
            self.add()

    # -- stories

    def _stories(self, design: DesignResult) -> None:
        """Every distinct story once, those nobody expected first."""
        for group in story_groups(design):
            self._story(group)

    def _story(self, group: StoryGroup) -> None:
        """What was violated, then the steps they have in common."""
        first, story = group.cells[0][0], group.narrative.story
        claims = list(dict.fromkeys((c.line, c.claim, headline) for c, headline in group.cells))
        for line, claim, headline in claims:
            semantics = [
                c.guarantee
                for c, words in group.cells
                if (c.line, c.claim, words) == (line, claim, headline)
            ]
            same = " (the same story)" if len(semantics) > 1 else ""
            text = f"{mark(first)} {claim}, {listed(semantics)}{same}: {short(first)}"
            self.add(text, "red" if first.as_expected else "bold red", hang=2)
            self.add(f"{headline}.", "bold", indent=2)
        self.add()
        if len(claims) > 1:
            self.add(
                f"One story shows {'both' if len(claims) == 2 else f'all {len(claims)}'}:", indent=2
            )
        for given in story.given:
            self.add(given, indent=2, hang=2)
        if story.given:
            self.add()
        details = 2 if self.verbosity >= VERBOSE else 0 if first.as_expected else 1
        self.lines += StoryLines(self.width, self.unicode, details).lines(story)
        self.add()
        self.add(f"This takes {story.needs.words}.", indent=2, hang=2)
        self.add()
        if first.blame:
            self.add("Why it breaks:", indent=2)
            for sentence in first.blame:
                self.add(f"- {sentence}", indent=4, hang=2)
            self.add()
        if first.unavoidable:
            for sentence in (
                first.unavoidable[-2:] if self.verbosity < VERBOSE else first.unavoidable
            ):
                self.add(sentence, indent=2, hang=2)
            self.add()

    # -- why proofs hold

    def _reasons(self, design: DesignResult) -> None:
        """The invariants in the design's words, each once."""
        groups: dict[tuple[str, ...], list[ClaimResult]] = {}
        for cell in design.cells:
            if cell.why is not None:
                groups.setdefault((cell.claim, *cell.why.facts, cell.why.ground), []).append(cell)
        for cells in groups.values():
            why = cells[0].why
            assert why is not None
            self.add(
                f"{mark(cells[0])} why {cells[0].claim} holds,"
                f" {listed([c.guarantee for c in cells])}:",
                "green",
                indent=2,
                hang=2,
            )
            for fact in why.facts:
                self.add(f"- {fact}", indent=4, hang=2)
            self.add(f"{why.ground} {why.legend}", "dim", indent=4)
            self.add()

    # -- effects

    def _effects(self, design: DesignResult) -> None:
        """The question that most people come with, once per effect."""
        lines = effect_lines(design)
        for line in lines:
            self.add(line, indent=2, hang=2)
        if lines:
            self.add()

    # -- sizes

    def _statistics(self, design: DesignResult) -> None:
        self.add("Sizes", "bold", indent=2)
        for cell in design.cells:
            s = cell.statistics
            words = ("states", "transitions", "obligations", "variables")
            counts = (s.states, s.transitions, s.obligations, s.variables)
            sizes = ", ".join(
                f"{count:,} {word}" for count, word in zip(counts, words, strict=True)
            )
            self.add(
                f"{cell.claim}, {cell.guarantee}: {sizes}; decided by {DECIDED[s.engine]}",
                indent=4,
                hang=2,
            )
        self.add()
