"""Stories as lanes of plain text: a sequence diagram that needs no renderer."""

from __future__ import annotations

from collections.abc import Sequence

from onceproof.report.formats import Format
from onceproof.report.lines import columns
from onceproof.report.sequence import ANSWERS, SECOND, Chart, Mark, Way, chart
from onceproof.report.story_groups import StoryGroup, story_groups
from onceproof.report.terminal import Paint
from onceproof.report.words import clean, ground, mark, short, summary
from onceproof.verdict.result import Result

LANE = 22
"""Columns per lane."""
PLAIN = str.maketrans(
    {"│": "|", "─": "-", "▶": ">", "◀": "<", "╳": "X", "●": "*", "╌": ".", "┊": " "}
)


def lanes(group: StoryGroup, unicode: bool) -> list[str]:
    """The diagram of a story, line by line."""
    drawn = chart(group)
    page = _Page(drawn)
    lines = [page.heads([lane.name for lane in drawn.lanes])]
    if any(lane.detail for lane in drawn.lanes):
        lines.append(
            page.heads([f"({lane.detail})" if lane.detail else "" for lane in drawn.lanes])
        )
    for row in drawn.marks:
        lines += page.rows(row)
    return [clean(line if unicode else line.translate(PLAIN), unicode).rstrip() for line in lines]


class _Page:
    """Rows of a diagram; remembers which lanes have ended."""

    def __init__(self, drawn: Chart) -> None:
        self.drawn = drawn
        self.over: set[int] = set()
        self.first = min((m.start for m in drawn.marks), default=0)

    def centre(self, lane: int) -> int:
        """The column of a lane."""
        return 6 + lane * LANE + 4

    def heads(self, names: Sequence[str]) -> str:
        """Names above their lanes."""
        line = ""
        for number, name in enumerate(names):
            gap = 1 if line else 0
            start = max(self.centre(number) - columns(name) // 2, len(line) + gap)
            line = line.ljust(start) + name
        return line

    def _blank(self) -> list[str]:
        line = [" "] * (self.centre(len(self.drawn.lanes) - 1) + LANE)
        for number in range(len(self.drawn.lanes)):
            line[self.centre(number)] = "┊" if number in self.over else "│"
        return line

    def rows(self, row: Mark) -> list[str]:
        """A line with the label, and one with the arrow."""
        label, arrow = self._blank(), self._blank()
        fault = "!" if row.fault else "»" if row.is_second else " "
        _put(label, 0, f"{fault}{row.number:>3}")
        low = min(row.start, row.end)
        words = f"{row.label} — {SECOND}" if row.is_second else row.label
        if row.start == row.end:
            sign = "╳" if row.way is Way.CRASH else "●"
            label[self.centre(row.start)] = sign
            _put(label, self.centre(row.start) + 2, words)
            if row.ends_lane:
                self.over.add(row.start)
            return ["".join(label)]
        _put(label, self.centre(low) + 2, words)
        for other in sorted(
            (row.end, *row.also), key=lambda lane: abs(lane - row.start), reverse=True
        ):
            self._arrow(arrow, row, other)
        if row.ends_lane:
            self.over.add(row.start)
        rows = ["".join(label), "".join(arrow)]
        if row.way in ANSWERS:
            rows.append("".join(self._answer(row)))
        return rows

    def _arrow(self, line: list[str], row: Mark, end: int) -> None:
        a, b = self.centre(row.start), self.centre(end)
        body = "╌" if row.way is Way.LATE else "─"
        for column in range(min(a, b) + 1, max(a, b)):
            line[column] = body if line[column] != "│" else "┼" if body == "─" else line[column]
        near = b - 1 if b > a else b + 1
        line[near] = "▶" if b > a else "◀"
        if row.way is Way.LOST:
            middle = (a + b) // 2
            for column in range(min(middle, near), max(middle, near) + 1):
                line[column] = " " if line[column] != "│" else "│"
            line[middle] = "╳"

    def _answer(self, row: Mark) -> list[str]:
        line = self._blank()
        a, b = self.centre(row.end), self.centre(row.start)
        middle = (a + b) // 2
        lost = row.way is Way.ANSWER_LOST
        stop = middle if lost else b - 1 if b > a else b + 1
        for column in range(min(a, stop) + 1, max(a, stop)):
            line[column] = "╌" if line[column] == " " else line[column]
        line[stop] = "╳" if lost else "▶" if b > a else "◀"
        _put(line, max(a, b) + 2, ANSWERS[row.way])
        return line


def _put(line: list[str], start: int, text: str) -> None:
    line += [" "] * (start + len(text) - len(line))
    line[start : start + len(text)] = list(text)


def to_msc(result: Result, look: Paint) -> str:
    """Every distinct story of a result, with the claims it refutes, and the summary."""
    lines: list[str] = []
    for design in result.designs:
        for group in story_groups(design):
            for cell, headline in group.cells:
                title = f"{mark(cell)} {cell.claim}, {cell.guarantee}: {short(cell)}; {headline}"
                lines.append(clean(title, look.unicode))
                lines.append(clean(f"  {ground(cell)}", look.unicode))
            lines += ["", *lanes(group, look.unicode), ""]
    return "\n".join([*lines, clean(summary(result), look.unicode)]) + "\n"


FORMAT = Format(
    "msc",
    "the stories as lanes of plain text",
    lambda result, verbosity, look: to_msc(result, look),
)
