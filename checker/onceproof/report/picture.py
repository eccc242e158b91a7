"""A sequence diagram as inline SVG: classes only, so that the page's style decides colours, light
and dark, screen and paper.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from onceproof.report.sequence import ANSWERS, Chart, Kind, Mark, Way
from onceproof.report.words import clean

LEFT = 40
"""Room for the numbers of the steps."""
LANE = 124
HEAD = 46
ROW = 46
LETTER = 7.6
"""Width of a letter of a label: enough to keep it inside the picture."""


def picture(chart: Chart, name: str, title: str) -> str:
    """The picture; ``name`` begins the ids of its title and description."""
    return "\n".join(_Picture(chart, name, title).lines())


def _text(x: float, y: float, text: str, style: str, anchor: str = "middle") -> str:
    return (
        f'<text class="{style}" x="{x:g}" y="{y:g}"'
        f' text-anchor="{anchor}">{escape(clean(text, True))}</text>'
    )


class _Picture:
    """Lanes first, so that rows lie over them."""

    def __init__(self, chart: Chart, name: str, title: str) -> None:
        self.chart = chart
        self.name = name
        self.title = title
        self.width = LEFT + LANE * len(chart.lanes) + 8
        self.height = HEAD + 20 + ROW * len(chart.marks) + 14

    def x(self, lane: int) -> float:
        """The middle of a lane."""
        return LEFT + LANE * (lane + 0.5)

    def y(self, row: int) -> float:
        """The height of the arrow of a row."""
        return HEAD + 20 + ROW * row + 32

    def lines(self) -> Iterator[str]:
        """The elements, from the back to the front."""
        box = (
            f'viewBox="0 0 {self.width:g} {self.height:g}" width="{self.width:g}"'
            f' height="{self.height:g}"'
        )
        yield (
            f'<svg class="diagram" role="img" aria-labelledby="{self.name}-t {self.name}-d" {box}>'
        )
        yield f'<title id="{self.name}-t">Sequence diagram: {escape(self.title)}</title>'
        lanes = ", ".join(f"{lane.name} {lane.detail}".strip() for lane in self.chart.lanes)
        description = f"Lanes: {lanes}. {len(self.chart.marks)} steps, told in the list beside it."
        yield f'<desc id="{self.name}-d">{escape(description)}</desc>'
        for number, mark in enumerate(self.chart.marks):
            style = _style(mark)
            top = HEAD + 20 + ROW * number + 2
            box = f'x="2" y="{top}" width="{self.width - 4:g}" height="{ROW - 4}" rx="6"'
            yield f'<rect class="band{style}" data-step="{mark.number}" {box}/>'
        for number in range(len(self.chart.lanes)):
            yield from self._lane(number)
        for number, mark in enumerate(self.chart.marks):
            yield f'<g class="row" data-step="{mark.number}">'
            yield _text(20, self.y(number) - 4, str(mark.number), "number")
            yield from self._row(number, mark)
            yield "</g>"
        yield "</svg>"

    def _lane(self, number: int) -> Iterator[str]:
        lane, x = self.chart.lanes[number], self.x(number)
        used = [i for i, m in enumerate(self.chart.marks) if number in (m.start, m.end, *m.also)]
        over = next(
            (i for i, m in enumerate(self.chart.marks) if m.ends_lane and m.start == number), None
        )
        top = self.y(used[0]) if lane.kind is Kind.WORKER and used else HEAD + 4
        bottom = self.y(over) if over is not None else self.height - 6
        yield f'<line class="lane" x1="{x:g}" y1="{HEAD + 4}" x2="{x:g}" y2="{self.height - 6:g}"/>'
        if lane.kind is Kind.WORKER:
            born = self.chart.marks[used[0]].number if used else 0
            yield (
                f'<line class="life" data-step="{born}" x1="{x:g}" y1="{top:g}" x2="{x:g}"'
                f' y2="{bottom:g}"/>'
            )
        kind = lane.kind.value
        box = (
            f'x="{x - LANE / 2 + 7:g}" y="4" width="{LANE - 14}" height="{HEAD - 4}"'
            f' rx="{_RADIUS[lane.kind]}"'
        )
        yield f'<rect class="head {kind}" {box}/>'
        caption = lane.detail
        if lane.kind is not Kind.WORKER and lane.name != kind:
            caption = f"{kind} {lane.detail}".strip()
        yield _text(x, 24 if caption else 31, _cut(lane.name, 15), "name")
        if caption:
            yield _text(x, 40, _cut(caption, 18), "caption")

    def _row(self, number: int, mark: Mark) -> Iterator[str]:
        y, a, b = self.y(number), self.x(mark.start), self.x(mark.end)
        if mark.way is Way.CRASH:
            yield f'<path class="crash" d="M{a - 9:g} {y - 9:g}l18 18m0 -18l-18 18"/>'
            yield self._beside(a, y + 4, mark.label)
            return
        if mark.start == mark.end:
            yield f'<circle class="spot" cx="{a:g}" cy="{y:g}" r="6"/>'
            yield self._beside(a, y + 4, mark.label)
            return
        lost = mark.way is Way.LOST
        stop = (a + b) / 2 if lost else b
        style = " late" if mark.way is Way.LATE else ""
        yield (
            f'<path class="arrow{style}" d="M{a:g}'
            f' {y:g}H{stop - _sign(b - a) * (0 if lost else 2):g}"/>'
        )
        if lost:
            yield f'<path class="crash" d="M{stop - 6:g} {y - 6:g}l12 12m0 -12l-12 12"/>'
        else:
            yield _tip(b, y, _sign(b - a))
        for other in mark.also:
            yield f'<path class="arrow" d="M{a:g} {y:g}H{self.x(other):g}"/>'
            yield _tip(self.x(other), y, _sign(self.x(other) - a))
        if mark.way in ANSWERS:
            yield from self._answer(mark, y + 8, (b, a))
        yield self._over((a, b), y - 7, mark.label)

    def _answer(self, mark: Mark, y: float, way: tuple[float, float]) -> Iterator[str]:
        """What comes back, or does not."""
        a, b = way
        lost = mark.way is Way.ANSWER_LOST
        stop = (a + b) / 2 if lost else b
        yield f'<path class="arrow late" d="M{a:g} {y:g}H{stop:g}"/>'
        yield (
            f'<path class="crash" d="M{stop - 5:g} {y - 5:g}l10 10m0 -10l-10 10"/>'
            if lost
            else _tip(b, y, _sign(b - a))
        )

    def _beside(self, x: float, y: float, label: str) -> str:
        """A label right of a point, or left of it where there is no room."""
        if x + 14 + len(label) * LETTER < self.width:
            return _text(x + 14, y, label, "label", "start")
        return _text(x - 14, y, label, "label", "end")

    def _over(self, ends: tuple[float, float], y: float, label: str) -> str:
        """A label above an arrow, kept inside the picture."""
        half = len(label) * LETTER / 2
        middle = min(max((ends[0] + ends[1]) / 2, LEFT + half), self.width - half - 4)
        return _text(max(middle, half + LEFT - 8), y, label, "label")


_RADIUS = {
    Kind.PUBLISHER: 4,
    Kind.OPERATOR: 4,
    Kind.BROKER: 4,
    Kind.WORKER: 18,
    Kind.STORE: 4,
    Kind.LOCK: 4,
    Kind.PROVIDER: 4,
}
"""Workers are round, everything else has corners."""


def _style(mark: Mark) -> str:
    """Further classes of the band behind a row."""
    match mark:
        case Mark(effect=2):
            return " second"
        case Mark(effect=1):
            return " first"
        case Mark(fault=True):
            return " fault"
    return ""


def _sign(value: float) -> int:
    return 1 if value > 0 else -1


def _tip(x: float, y: float, sign: int) -> str:
    return f'<path class="tip" d="M{x:g} {y:g}l{-9 * sign} -5v10z"/>'


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
