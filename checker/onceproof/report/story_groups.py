"""The stories of a result: told once, shown by every format."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import PurePath

from msgspec import Struct

from onceproof.interpreter import Replay, replay
from onceproof.lang.design import Design
from onceproof.lang.load import Loaded, load_text
from onceproof.report.story_text import alike
from onceproof.story import Story, StoryStep, tell
from onceproof.story.scene import Situation, situations
from onceproof.verdict.result import Cell, DesignResult, Verdict


class Tale(Struct, frozen=True):
    """A story with what it was told from. ``cells``: the refutations that it shows, those of one
    claim together.
    """

    design: Design
    replay: Replay
    story: Story
    cells: tuple[tuple[Cell, str], ...]
    scenes: tuple[Situation, ...]

    @property
    def told(self) -> tuple[tuple[StoryStep, Situation], ...]:
        """The steps worth a sentence, each with the situation after it and what changed since the
        step told before.
        """
        kept = self.story.told_numbers
        return tuple(
            (step, self.scenes[number]) for step, number in zip(self.story.told, kept, strict=True)
        )

    def name(self, path: str) -> str:
        """A name for a file: the design, the claim and the semantics it is told for."""
        cell = self.cells[0][0]
        claim = re.sub(r"[^a-z0-9]+", "-", cell.claim.lower()).strip("-")[:60]
        return f"{PurePath(path).stem}--{claim}--{cell.semantics.value}"

    @property
    def expected(self) -> bool:
        """Whether the design expects it."""
        return self.cells[0][0].as_expected


def story_of(result: DesignResult, cell: Cell) -> Story | None:
    """The story of a refutation; None for other verdicts."""
    known = getattr(cell, "story", None)
    if isinstance(known, Story) or cell.trace is None:
        return known
    design = design_of(result)
    if design is None:
        return None
    claim = next(c for c in design.claims if (c.text, c.span.line) == (cell.claim, cell.line))
    return tell(design, claim, replay(design, cell.trace), result.sources)


def design_of(result: DesignResult) -> Design | None:
    """The checked design behind a result; None if it has errors."""
    return (
        _loaded(result.sources[result.path].text, result.path).design
        if result.path in result.sources
        else None
    )


def tales(result: DesignResult) -> tuple[Tale, ...]:
    """Every distinct story once, those nobody expected first."""
    groups: list[tuple[Story, list[tuple[Cell, str]]]] = []
    for cell in unexpected_first(c for c in result.cells if c.verdict is Verdict.REFUTED):
        story = story_of(result, cell)
        if story is None:
            continue
        same = next(
            (g for s, g in groups if g[0][0].as_expected == cell.as_expected and alike(s, story)),
            None,
        )
        if same is not None:
            same.append((cell, story.headline))
        else:
            groups.append((story, [(cell, story.headline)]))
    return tuple(_tale(result, story, cells) for story, cells in groups)


def unexpected_first(cells: Iterable[Cell]) -> list[Cell]:
    """In the order in which people want to read them."""
    return sorted(cells, key=lambda c: c.as_expected)


def _tale(result: DesignResult, story: Story, cells: list[tuple[Cell, str]]) -> Tale:
    design, trace = design_of(result), cells[0][0].trace
    assert design is not None
    assert trace is not None
    replayed = replay(design, trace)
    return Tale(design, replayed, story, tuple(cells), situations(design, replayed, result.sources))


@lru_cache(maxsize=8)
def _loaded(text: str, path: str) -> Loaded:
    return load_text(text, path)
