"""The stories of a result, each once, with all the claims it refutes: what every format shows."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import PurePath

from msgspec import Struct

from onceproof.explain.narrative import Narrative
from onceproof.report.story_text import alike
from onceproof.story.outline import Outline
from onceproof.verdict.result import ClaimResult, DesignResult, Result


class StoryGroup(Struct, frozen=True):
    """One story. ``cells``: the refutations that it shows, each with its headline, those of one
    claim together; ``narrative``: that of the first.
    """

    narrative: Narrative
    outline: Outline
    cells: tuple[tuple[ClaimResult, str], ...]

    def name(self, path: str) -> str:
        """A name for a file: the design, the claim and the semantics of the first refutation."""
        cell = self.cells[0][0]
        claim = re.sub(r"[^a-z0-9]+", "-", cell.claim.lower()).strip("-")[:60]
        return f"{PurePath(path).stem}--{claim}--{cell.semantics.value}"

    @property
    def expected(self) -> bool:
        """Whether the design expects it."""
        return self.cells[0][0].as_expected


def story_files(
    result: Result, ending: str, write: Callable[[StoryGroup, str], str]
) -> dict[str, str]:
    """One file per story, by its name. ``write`` takes a story and the path of its design."""
    return {
        f"{group.name(design.path)}.{ending}": write(group, design.path)
        for design in result.designs
        for group in story_groups(design)
    }


def story_groups(result: DesignResult) -> tuple[StoryGroup, ...]:
    """Every distinct story, those that the design does not expect first."""
    if result.outline is None:
        return ()
    groups: list[list[tuple[ClaimResult, Narrative]]] = []
    for cell in sorted(result.cells, key=lambda c: c.as_expected):
        narrative = cell.narrative
        if narrative is None:
            continue
        for group in groups:
            first, first_narrative = group[0]
            if first.as_expected == cell.as_expected and alike(
                first_narrative.story, narrative.story
            ):
                group.append((cell, narrative))
                break
        else:
            groups.append([(cell, narrative)])
    return tuple(
        StoryGroup(
            group[0][1],
            result.outline,
            tuple((cell, narrative.story.headline) for cell, narrative in group),
        )
        for group in groups
    )
