"""The story is made once: it travels in the result, and no format makes it again."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from onceproof.explain.narrative import narrate
from onceproof.interpreter import replay, violated
from onceproof.lang.load import load_text
from onceproof.report.formats import formats, write
from onceproof.report.terminal import Paint
from onceproof.verdict.cache import decode, encode
from onceproof.verdict.result import Result, Verdict

from support.repo import ROOT
from support.results import STORIES, checked

MAKERS = {"load", "load_text", "replay", "tell", "situations", "blame", "narrate", "lower"}
"""What makes a story, or what a story is made from."""


@pytest.mark.parametrize("name", STORIES)
def test_every_refutation_has_its_narrative(name: str) -> None:
    (design,) = checked(name).designs
    loaded = load_text(design.sources[design.path].text, design.path)
    assert loaded.design is not None
    claims = {(c.text, c.span.line): c for c in loaded.design.claims}
    for cell in design.cells:
        assert (cell.narrative is not None) == (cell.verdict is Verdict.REFUTED)
        if cell.narrative is not None:
            assert cell.refutation is not None
            claim, run = claims[cell.claim, cell.line], cell.refutation.run
            assert run == replay(loaded.design, run.trace)
            assert violated(loaded.design, claim, cell.semantics, run.states[-1])
            assert len(cell.narrative.situations) == len(run.states)
            made = narrate(loaded.design, claim, run, design.sources)
            assert made == cell.narrative


@pytest.mark.parametrize("form", sorted(formats()))
def test_a_result_that_was_kept_feeds_every_format(form: str) -> None:
    """Nothing but the result is needed: the design's file does not exist."""
    for name in STORIES[:4]:
        result = checked(name)
        assert not Path(result.designs[0].path).exists()
        data = [encode(design) for design in result.designs]
        kept = Result(tuple(d for d in map(decode, filter(None, data)) if d is not None))
        assert kept == result
        look = Paint(100, False, True)
        assert write(form, kept, 2, look) == write(form, result, 2, look)


def test_no_format_loads_a_design_or_follows_a_run() -> None:
    calls = [
        (path.name, node.lineno, node.func.id)
        for path in sorted((ROOT / "checker" / "onceproof" / "report").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        if node.func.id in MAKERS
    ]
    assert not calls
