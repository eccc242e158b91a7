"""Two claims may have one text: whatever is made of a result is made of the claim in its line."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from onceproof import repair
from onceproof.drill import session
from onceproof.drill.plan import Choice
from onceproof.drill.story import of_kind
from onceproof.lang.design import Claim, Design
from onceproof.lang.load import Loaded, load
from onceproof.lsp import verdicts
from onceproof.machine.delivery import Delivery
from onceproof.testgen import points
from onceproof.verdict import certificates, decide
from onceproof.verdict.check import check_loaded
from onceproof.verdict.result import Disagreement
from onceproof.verdict.task import Options

DESIGN = Path(__file__).parent / "designs/one_text_twice.once"
LINES = [13, 15]
LEAST = Delivery.AT_LEAST_ONCE


@pytest.fixture
def twice() -> Loaded:
    """The design with the two claims."""
    return load(DESIGN)


def spy(
    monkeypatch: pytest.MonkeyPatch, module: Any, name: str, position: int, lines: list[int]
) -> None:
    """Note the line of the claim among the arguments of a function of a module."""
    function = getattr(module, name)

    def noting(*arguments: Any) -> Any:
        claim = arguments[position]
        assert isinstance(claim, Claim)
        lines.append(claim.span.line)
        return function(*arguments)

    monkeypatch.setattr(module, name, noting)


def test_the_drill_plays_each_story_for_its_claim(
    twice: Loaded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONCEPROOF_CACHE", str(tmp_path))
    (column,) = session.drill(twice, session.Wish(Choice(), (LEAST,))).columns
    assert [run.expected for run in column.stories] == [False, True]


def test_the_story_of_another_design_is_played_for_its_counterpart(twice: Loaded) -> None:
    """A claim under the guarantee of the story comes before one of the same text under another."""
    assert twice.design is not None
    first, second = twice.design.claims
    elsewhere = replace(first, semantics=(Delivery.AT_MOST_ONCE,))
    design = replace(twice.design, claims=(elsewhere, second))
    assert [c.span.line for c in of_kind(design, first, LEAST)] == [LINES[1]] * 2


def test_the_editor_marks_a_disagreement_in_its_line(
    twice: Loaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    def disagreeing(*_: object) -> Iterator[Disagreement]:
        for line in LINES:
            yield Disagreement(twice.path, "no duplicate mail", line, LEAST, "for the test")

    monkeypatch.setattr(decide, "judge", disagreeing)
    text = DESIGN.read_text(encoding="utf-8")
    assert [r.line for r in verdicts.verdicts(text, twice.path, 10.0)] == LINES


def test_crash_tests_tell_the_story_of_their_claim(
    twice: Loaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[int] = []
    spy(monkeypatch, sys.modules["onceproof.testgen.points"], "tell", 1, lines)
    assert twice.design is not None
    made = points(twice, LEAST)
    assert made
    assert set(lines) == set(LINES)


def test_repairs_are_searched_for_the_claim_in_the_line(
    twice: Loaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    goals_of = repair.goals_of

    def noting(design: Design, cells: Any, claims: tuple[tuple[Claim, Delivery], ...]) -> Any:
        asked.extend(claim.span.line for claim, _ in claims)
        return goals_of(design, cells, claims)

    monkeypatch.setattr(repair, "goals_of", noting)
    text = DESIGN.read_text(encoding="utf-8")
    changed = list(
        verdicts.repair(text, twice.path, "no duplicate mail", LINES[1], LEAST.value, 20.0)
    )
    assert len(changed) == 1
    assert asked == LINES[1:]


def test_certificates_are_made_for_their_claim(
    twice: Loaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[int] = []
    spy(monkeypatch, certificates, "question", 1, lines)
    options = Options(semantics=(Delivery.AT_MOST_ONCE,), digests=True)
    assert len(check_loaded(twice, options)[0].certificates) == 2
    assert lines == LINES
