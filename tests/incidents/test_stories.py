"""The story of every incident before its fix is the documented one: it was reviewed, and a change
of it is seen here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from onceproof.story import Story
from onceproof.verdict.check import check
from onceproof.verdict.result import DesignResult
from onceproof.verdict.task import Options

from support.repo import ROOT

INCIDENTS = ROOT / "examples/incidents"
STORIES = Path(__file__).parent / "stories"
NAMES = sorted(p.stem for p in INCIDENTS.glob("p*_before.once"))
FEW = ("p05_", "p10_", "p27_", "p28_")
"""Looked at in every run; all of them in the full one."""


def _told(design: DesignResult) -> Iterator[str]:
    """Each refuted claim with its story; stories that are the same under several guarantees
    once.
    """
    seen = set()
    for cell in design.cells:
        story = cell.narrative.story if cell.narrative is not None else None
        if story is None or (cell.claim, text := _text(story)) in seen:
            continue
        seen.add((cell.claim, text))
        yield f"{cell.claim}\n{text}"


def _text(story: Story) -> str:
    steps = [f"{s.number:3} {'!' if s.fault else ' '} {s.who}: {s.text}" for s in story.narrated]
    return "\n".join([f"  {story.headline}", *story.given, *steps, f"  {story.needs.words}", ""])


@pytest.mark.parametrize(
    "name", [n if n.startswith(FEW) else pytest.param(n, marks=pytest.mark.slow) for n in NAMES]
)
def test_the_story_is_the_reviewed_one(name: str, golden: Callable[[Path, str], None]) -> None:
    (design,) = check(INCIDENTS / f"{name}.once", Options(second_opinion=False)).designs
    golden(STORIES / f"{name}.txt", "\n".join(_told(design)))


def test_every_story_belongs_to_an_incident() -> None:
    assert {p.stem for p in STORIES.glob("*.txt")} == set(NAMES)
