"""Stories as Mermaid sequence diagrams, for Markdown pages and pull requests.

Within what Mermaid 10 understands, since hosts lag behind. ``#`` and ``;`` mean something to its
parser and are escaped in one pass.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from onceproof.report.formats import Format
from onceproof.report.sequence import ANSWERS, SECOND, Kind, Mark, Way, chart
from onceproof.report.story_groups import StoryGroup, story_files
from onceproof.report.words import clean, ground, summary
from onceproof.verdict.result import Result

MOST = 40_000
"""Characters of one diagram; renderers refuse more than 50,000."""
FOLDED = 400
"""Rows of one diagram; the rest is counted."""
_HEADS = {Kind.PUBLISHER: "actor", Kind.OPERATOR: "actor"}
_RED, _AMBER = "rgb(255, 214, 210)", "rgb(255, 240, 200)"


def escaped(text: str) -> str:
    """A text that Mermaid shows as it is."""
    return re.sub(r"[#;]", lambda special: f"#{ord(special[0])};", clean(text, True))


def diagram(group: StoryGroup) -> str:
    """The sequence diagram of a story."""
    drawn = chart(group)
    title = escaped(group.cells[0][1])
    lines = [
        "sequenceDiagram",
        f"  accTitle: {title}",
        f"  accDescr: How it comes to this, in {len(drawn.marks)} steps",
    ]
    lines += [f"  %% {escaped(f'{c.claim} / {c.guarantee}. {ground(c)}')}" for c, _ in group.cells]
    for number, lane in enumerate(drawn.lanes):
        head = _HEADS.get(lane.kind, "participant")
        lines.append(f"  {head} p{number} as {escaped(lane.title)}")
    size = sum(map(len, lines))
    for count, mark in enumerate(drawn.marks):
        rows = list(_rows(mark))
        size += sum(map(len, rows)) + len(rows)
        if size > MOST or count >= FOLDED:
            last = len(drawn.lanes) - 1
            lines.append(f"  Note over p0,p{last}: … {len(drawn.marks) - count} more steps")
            break
        lines += rows
    return "\n".join(lines) + "\n"


def _rows(mark: Mark) -> Iterator[str]:
    start, end, label = f"p{mark.start}", f"p{mark.end}", escaped(f"{mark.number}. {mark.label}")
    body = []
    match mark.way:
        case Way.CALL:
            body.append(f"{start}->>{end}: {label}")
            body += [f"{start}->>p{other}: (with it)" for other in mark.also]
        case Way.LOST:
            body.append(f"{start}-x{end}: {label}, lost")
        case Way.ANSWER_LOST:
            body += [f"{start}->>{end}: {label}", f"{end}--x{start}: {ANSWERS[mark.way]}"]
        case Way.REFUSED:
            body += [f"{start}->>{end}: {label}", f"{end}-->>{start}: {ANSWERS[mark.way]}"]
        case Way.LATE:
            body.append(f"{start}-->>{end}: {label}, arrives late")
        case Way.CRASH:
            body.append(f"Note over {start}: ✗ {label}")
        case Way.NOTE:
            body.append(f"Note over {start}: {label}")
    if mark.is_second:
        body.append(f"Note over {end}: {SECOND}")
    match mark:
        case Mark(effect=2) | Mark(way=Way.CRASH):
            body = _on(_RED, body)
        case Mark(effect=1) | Mark(fault=True):
            body = _on(_AMBER, body)
    yield from (f"  {line}" for line in body)


def _on(colour: str, body: list[str]) -> list[str]:
    """The lines on a ground of this colour."""
    return [f"rect {colour}", *(f"  {line}" for line in body), "end"]


def to_mermaid(result: Result) -> str:
    """The first story of a result, and how many more there are: one file holds one diagram."""
    diagrams = list(files(result).values())
    if not diagrams:
        return (
            "sequenceDiagram\n  participant p0 as onceproof\n  Note over p0:"
            f" {escaped(summary(result))}\n"
        )
    first, *rest = diagrams
    if not rest:
        return first
    return (
        f"{first}  %% {len(rest)} more stories: --report mermaid=FOLDER writes one file for each\n"
    )


def files(result: Result) -> dict[str, str]:
    """One file per story."""
    return story_files(result, "mmd", lambda group, path: diagram(group))


FORMAT = Format(
    "mermaid",
    "sequence diagrams of the stories",
    lambda result, verbosity, look: to_mermaid(result),
    files,
)
