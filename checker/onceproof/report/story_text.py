"""A story as lines for a terminal: who in one column, then the design's line, then what happens.
Faults carry a mark.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import PurePath

from msgspec import Struct

from onceproof.machine.system import Cause
from onceproof.report.lines import Line, Part, columns
from onceproof.report.words import clean
from onceproof.story import Change, Story, StoryStep

FAULT_MARK = "!"
INDENT = 2
_QUOTED = re.compile(r"(`[^`]+`)")
_NUMBER_OF_WORKER = re.compile(r"\bworker \d+")
_NUMBERED = re.compile(r"\b(lines?|workers?|event) (\d)")


def wrapped(text: str, width: int) -> list[str]:
    """Lines no wider than ``width`` columns; words break only if they are wider themselves."""
    lines, line = [], ""
    for word in _NUMBERED.sub("\\1\N{NO-BREAK SPACE}\\2", text).split(" "):
        while columns(word) > width:
            room = width - columns(line) - 1 if line else width
            cut = _fitting(word, room) if room > 4 or not line else 0
            lines.append(f"{line} {word[:cut]}".strip() if line else word[:cut])
            line, word = "", word[cut:]
        longer = f"{line} {word}" if line else word
        if columns(longer) <= width:
            line = longer
        else:
            lines.append(line)
            line = word
    return [broken.replace("\N{NO-BREAK SPACE}", " ") for broken in (*lines, line)]


def _fitting(word: str, width: int) -> int:
    """How many characters of a word fit into ``width`` columns, at least one."""
    return next((i for i in range(len(word), 1, -1) if columns(word[:i]) <= width), 1)


def alike(first: Story, second: Story) -> bool:
    """Whether two stories take the same steps; what brokers keep for themselves in between does not
    count.
    """
    return _read(first) == _read(second)


def _read(story: Story) -> tuple[object, ...]:
    steps = [
        (s.who, s.text, s.line, s.path, s.fault, tuple(c for c in s.changes if c.kind != "message"))
        for s in story.narrated
    ]
    return (story.given, steps, story.needs)


class StoryLines(Struct, frozen=True):
    """``details``: 0 the steps, 1 also what they changed where the sentence does not say it, 2
    every change.
    """

    width: int
    unicode: bool
    details: int

    def lines(self, story: Story) -> Iterator[Line]:
        """The numbered steps."""
        steps = story.narrated
        number = len(str(len(steps)))
        names = [clean(s.who, self.unicode) for s in steps]
        # A name is never broken inside a word.
        words = max((columns(word) for name in names for word in name.split()), default=0)
        longest = max(map(columns, names), default=0)
        who = max(min(longest, 12 if self.width < 100 else 22), min(words, self.width // 3))
        where = max((columns(place(s, story.path)) for s in steps), default=0)
        before, again = "", repeated(steps) if self.details < 2 else None
        for index, (step, name) in enumerate(zip(steps, names, strict=True)):
            if again is not None and again.start + again.length <= index < again.end:
                if index == again.start + again.length:
                    text = " " * (INDENT + 2 + number + 2 + who + 2) + clean(
                        again.words, self.unicode
                    )
                    yield Line.of(text, "dim")
                before = ""
                continue
            left = "" if name == before and step.fault is None else name
            before = name
            yield from self._step(step, (left, place(step, story.path)), (number, who, where))

    def _step(
        self, step: StoryStep, left: tuple[str, str], widths: tuple[int, int, int]
    ) -> Iterator[Line]:
        (name, place), (number, who, where) = left, widths
        colour = "yellow" if step.fault else ""
        start = INDENT + 2 + number + 2 + who + 2
        indent = where + 2 if place else 0
        sentence = wrapped(clean(step.text, self.unicode), self.width - start - indent)
        names = wrapped(name, who) if name else [""]
        for index, (text, part) in enumerate(zip_longest(sentence, names, fillvalue="")):
            mark = FAULT_MARK if step.fault and not index else " "
            place_text = "" if index or not place else place
            yield Line(
                (
                    (" " * INDENT, ""),
                    (mark, "bold red"),
                    (f" {step.number if not index else '':>{number}}  ", "dim"),
                    (part + " " * (who - columns(part) + 2), "bold"),
                    (place_text + " " * (where - columns(place_text) + 2) if place else "", "dim"),
                    *_quoted(text, colour),
                )
            ).stripped()
        for change in step.changes:
            if self._shows(step, change):
                text = clean(f"{change.what}: {change.before} → {change.after}", self.unicode)
                for index, part in enumerate(wrapped(text, self.width - start - indent - 2)):
                    yield Line.of(" " * (start + indent + (2 if index else 0)) + part, "dim italic")

    def _shows(self, step: StoryStep, change: Change) -> bool:
        """A plain write says what it writes, a delivery what happens to the message; the rest is
        worth a line.
        """
        if self.details == 0 or change.kind == "message":
            return self.details == 2
        committed = step.outcome.startswith("commit")
        only_handler = step.cause is Cause.HANDLER and not committed and step.outcome != "done"
        return self.details == 2 or change.kind == "effect" or not only_handler


class Round(Struct, frozen=True):
    """Steps that a story goes through again and again: from ``start`` (from 0) on ``length`` steps,
    until before ``end``.
    """

    start: int
    length: int
    end: int

    @property
    def words(self) -> str:
        """For the place of all rounds but the first."""
        first, last = self.start + 1, self.start + self.length
        again = (self.end - self.start) // self.length - 1
        between = "and" if self.length == 2 else "to"
        these = f"step {first}" if first == last else f"steps {first} {between} {last}"
        return f"… {these} again, {again} times (steps {last + 1} to {self.end})"


LONGEST_ROUND, FEWEST_ROUNDS = 6, 4
"""Steps of a round, at most; rounds that are worth folding, at least."""


def repeated(steps: Sequence[StoryStep]) -> Round | None:
    """The steps that come again most often, whoever the worker is; None if none do."""
    said = [_NUMBER_OF_WORKER.sub("worker", f"{s.who} {s.text}") for s in steps]
    best: Round | None = None
    for start in range(len(said)):
        for length in range(1, LONGEST_ROUND + 1):
            end = start + length
            while said[end : end + length] == said[start : start + length]:
                end += length
            if (end - start) // length >= FEWEST_ROUNDS and (
                best is None or end - start > best.end - best.start
            ):
                best = Round(start, length, end)
    return best


def place(step: StoryStep, path: str) -> str:
    """The line a sentence is about, if it is about one; a death stands between two, and says so."""
    if not step.line or step.cause in (
        Cause.KILLED,
        Cause.LATE_EFFECT,
        Cause.DELIVERY,
        Cause.START,
    ):
        return ""
    return (
        f"line {step.line}"
        if step.path in ("", path)
        else f"{PurePath(step.path).name}:{step.line}"
    )


def _quoted(text: str, style: str) -> Iterator[Part]:
    """Words of the design, between backticks, stand out."""
    for index, piece in enumerate(_QUOTED.split(text)):
        yield (piece, "cyan" if index % 2 else style)
