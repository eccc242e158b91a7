"""The examples say what they expect, and the checker agrees; an example that says something else fails."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from checker.check import check
from checker.exits import Exit, of_result
from checker.options import Options
from checker.result import Assurance, Result, Verdict
from checker.syntax.nodes import Semantics

EXAMPLES = Path(__file__).parent.parent / "examples"
SLOW = {"theory/four_workers"}
LONG = {*SLOW, "theory/three_workers"}
"""Examples that are not checked again and again with changed expectations."""
NAMES = sorted(str(p.relative_to(EXAMPLES).with_suffix("")) for p in EXAMPLES.rglob("*.once"))

EXPECT = re.compile(r"^  expect violated.*\n", re.MULTILINE)
CLAIM = re.compile(r"^claim ([^#\n]*?) *(?:#.*)?\n", re.MULTILINE)

SEED = {
    ("no duplicate ready_email", Semantics.AT_MOST_ONCE): Verdict.HOLDS,
    ("no duplicate ready_email", Semantics.AT_LEAST_ONCE): Verdict.REFUTED,
    ("no duplicate ready_email", Semantics.EXACTLY_ONCE): Verdict.REFUTED,
    ("no loss of ready_email", Semantics.AT_MOST_ONCE): Verdict.REFUTED,
    ("no loss of ready_email", Semantics.AT_LEAST_ONCE): Verdict.HOLDS,
    ("no loss of ready_email", Semantics.EXACTLY_ONCE): Verdict.HOLDS,
}
"""The table of the first handler, written here a second time."""

NEEDS = {
    "article/invoice_email": (1, 1),
    "article/without_dedup_record": (2, 1),
    "theory/lease_runs_out": (2, 1),
    "theory/lease": (2, 1),
    "theory/dedup_without_unique": (2, 1),
    "theory/version_not_compared": (2, 1),
    "theory/dedup_by_event": (1, 2),
    "theory/three_workers": (3, 1),
    "theory/four_workers": (4, 1),
}
"""Workers at once and events of an example's story about a duplicate."""


def _text(name: str) -> str:
    return (EXAMPLES / f"{name}.once").read_text(encoding="utf-8")


def _checked(name: str) -> Result:
    return check(EXAMPLES / f"{name}.once")


def _edited(folder: Path, text: str, claim: str) -> Result:
    """The result of a changed example, for one of its claims."""
    path = folder / "edited.once"
    path.write_text(text, encoding="utf-8")
    return check(path, Options(claims=(claim,), second_opinion=False))


def _expecting(text: str) -> tuple[re.Match[str], str]:
    """The first expectation of a text, and the claim it belongs to."""
    expect = EXPECT.search(text)
    assert expect is not None
    return expect, list(CLAIM.finditer(text, 0, expect.start()))[-1][1]


def test_there_are_enough_examples() -> None:
    assert len(NAMES) >= 20


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow) if n in SLOW else n for n in NAMES])
def test_every_cell_is_as_expected(name: str) -> None:
    result = _checked(name)
    (design,) = result.designs
    assert design.diagnostics == ()
    assert design.failures == ()
    assert design.cells
    assert [(c.claim, c.semantics.value, c.verdict.value, c.reason) for c in design.cells if not c.as_expected] == []
    assert all(c.assurance is not Assurance.NONE for c in design.cells)
    assert of_result(result) is Exit.HOLDS
    if name in NEEDS:
        refuted = [c for c in design.cells if c.verdict is Verdict.REFUTED and c.kind == "no-duplicate"]
        assert {(c.scope.workers, c.scope.events) for c in refuted} == {NEEDS[name]}


@pytest.mark.parametrize("name", NAMES)
def test_the_title_is_the_first_line(name: str) -> None:
    first = _text(name).splitlines()[0]
    assert first.startswith("## ")
    assert not first.endswith(".")


@pytest.mark.parametrize("name", NAMES)
def test_the_index_names_the_example(name: str) -> None:
    assert f"]({name}.once)" in (EXAMPLES / "README.md").read_text(encoding="utf-8")


def test_the_index_names_no_other_file() -> None:
    listed = re.findall(r"\]\(([^)]*)\.once\)", (EXAMPLES / "README.md").read_text(encoding="utf-8"))
    assert set(listed) == set(NAMES)


def test_the_first_handler_has_its_table_on_25_lines() -> None:
    assert len(_text("article/invoice_email").splitlines()) <= 25
    (design,) = _checked("article/invoice_email").designs
    assert {(c.claim, c.semantics): c.verdict for c in design.cells} == SEED


@pytest.mark.parametrize("name", [n for n in NAMES if n not in LONG and EXPECT.search(_text(n))])
def test_an_expectation_taken_away_or_turned_round_fails(name: str, tmp_path: Path) -> None:
    text = _text(name)
    expect, claim = _expecting(text)
    assert of_result(_edited(tmp_path, text[: expect.start()] + text[expect.end() :], claim)) is Exit.VIOLATED
    turned = expect[0].replace("violated", "proved")
    assert of_result(_edited(tmp_path, text[: expect.start()] + turned + text[expect.end() :], claim)) is Exit.VIOLATED


@pytest.mark.parametrize("name", [n for n in NAMES if not EXPECT.search(_text(n))])
def test_an_expectation_added_to_a_proof_fails(name: str, tmp_path: Path) -> None:
    text = _text(name)
    claim = CLAIM.search(text)
    assert claim is not None
    added = text[: claim.end()] + "  expect violated\n" + text[claim.end() :]
    assert of_result(_edited(tmp_path, added, claim[1])) is Exit.VIOLATED
