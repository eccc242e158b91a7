"""The examples say what they expect, and the checker agrees; an example that says something else
fails.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from onceproof.machine.delivery import Delivery
from onceproof.verdict.check import check
from onceproof.verdict.exit_codes import Exit, of_result
from onceproof.verdict.result import Assurance, Result, Verdict
from onceproof.verdict.task import Options

from support.repo import ROOT

EXAMPLES = ROOT / "examples"
SLOW = {"theory/four_workers", "theory/saga"}
LONG = {*SLOW, "theory/three_workers"}
"""Examples that are not checked again and again with changed expectations."""
FILES = sorted(str(p.relative_to(EXAMPLES).with_suffix("")) for p in EXAMPLES.rglob("*.once"))
NAMES = [n for n in FILES if "\nclaim " in (EXAMPLES / f"{n}.once").read_text(encoding="utf-8")]
"""The designs. The other files are made to be imported."""
INDEXED = ("incidents", "patterns")
"""Folders with an index of their own."""
FEW = ("p05_", "p10_", "p27_", "inbox", "outbox", "lease")
"""From these folders, these are looked at in every run; all of them in the full one."""

EXPECT = re.compile(r"^  expect violated.*\n", re.MULTILINE)
CLAIM = re.compile(r"^claim ([^#\n]*?) *(?:#.*)?\n", re.MULTILINE)

SEED = {
    ("no duplicate ready_email", Delivery.AT_MOST_ONCE): Verdict.HOLDS,
    ("no duplicate ready_email", Delivery.AT_LEAST_ONCE): Verdict.REFUTED,
    ("no duplicate ready_email", Delivery.EXACTLY_ONCE): Verdict.REFUTED,
    ("no loss of ready_email", Delivery.AT_MOST_ONCE): Verdict.REFUTED,
    ("no loss of ready_email", Delivery.AT_LEAST_ONCE): Verdict.HOLDS,
    ("no loss of ready_email", Delivery.EXACTLY_ONCE): Verdict.HOLDS,
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


def _sampled(names: list[str]) -> list[object]:
    """The names as test parameters, the slow ones and most of the large folders for the full
    run.
    """

    def later(name: str) -> bool:
        folder, _, last = name.partition("/")
        return name in SLOW or (folder in INDEXED and not last.startswith(FEW))

    return [pytest.param(n, marks=pytest.mark.slow) if later(n) else n for n in names]


def _text(name: str) -> str:
    return (EXAMPLES / f"{name}.once").read_text(encoding="utf-8")


def _checked(name: str) -> Result:
    return check(EXAMPLES / f"{name}.once")


def _edited(folder: Path, name: str, text: str, claim: str) -> Result:
    """The result of a changed example, for one of its claims; what it imports comes along."""
    for beside in (p for p in (EXAMPLES / name).parent.iterdir() if p.is_dir()):
        shutil.copytree(beside, folder / beside.name, dirs_exist_ok=True)
    path = folder / "edited.once"
    path.write_text(text, encoding="utf-8")
    return check(path, Options(claims=(claim,), second_opinion=False))


def _expecting(text: str) -> tuple[re.Match[str], str]:
    """The first expectation of a text, and the claim it belongs to."""
    expect = EXPECT.search(text)
    assert expect is not None
    return expect, list(CLAIM.finditer(text, 0, expect.start()))[-1][1]


@pytest.mark.parametrize("name", _sampled(NAMES))
def test_every_cell_is_as_expected(name: str) -> None:
    result = _checked(name)
    (design,) = result.designs
    assert design.diagnostics == ()
    assert design.failures == ()
    assert design.cells
    assert [
        (c.claim, c.semantics.value, c.verdict.value, c.reason)
        for c in design.cells
        if not c.as_expected
    ] == []
    assert all(c.assurance is not Assurance.NONE for c in design.cells)
    assert of_result(result) is Exit.HOLDS
    if name in NEEDS:
        refuted = [
            c for c in design.cells if c.verdict is Verdict.REFUTED and c.kind == "no-duplicate"
        ]
        assert {(c.scope.workers, c.scope.events) for c in refuted} == {NEEDS[name]}


@pytest.mark.parametrize("name", NAMES)
def test_the_title_is_the_first_line(name: str) -> None:
    first = _text(name).splitlines()[0]
    assert first.startswith("## ")
    assert not first.endswith(".")


def _index(name: str) -> Path:
    """The index that names an example."""
    folder = name.partition("/")[0]
    return EXAMPLES / folder / "README.md" if folder in INDEXED else EXAMPLES / "README.md"


@pytest.mark.parametrize("index", sorted({_index(n) for n in FILES}), ids=lambda p: p.parent.name)
def test_the_index_names_its_examples_and_no_other_file(index: Path) -> None:
    listed = re.findall(r"\]\(([^)]*\.once)\)", index.read_text(encoding="utf-8"))
    mine = {
        (EXAMPLES / f"{n}.once").relative_to(index.parent).as_posix()
        for n in FILES
        if _index(n) == index
    }
    assert set(listed) == mine


@pytest.mark.parametrize("name", [n for n in NAMES if n.startswith("incidents/")])
def test_an_incident_comes_in_a_pair_with_its_source(name: str) -> None:
    stem, _, side = name.rpartition("_")
    other = {"before": "after", "after": "before"}[side]
    assert f"{stem}_{other}" in NAMES
    text = _text(name)
    number = stem.partition("/")[2].partition("_")[0].upper()
    assert text.startswith(f"## {number} {side}: ")
    assert "\n# https://" in text
    assert "\nclaim no duplicate " in text or "\nclaim no loss of " in text
    if side == "before":
        assert EXPECT.search(text), "nothing is refuted before the fix"


def _sign(text: str, claim: str) -> str:
    """What the table of incidents shows for a kind of claim: refuted if one of them is expected to
    be.
    """
    bodies = re.findall(rf"^claim {claim}.*\n((?:  expect .*\n)*)", text, re.MULTILINE)
    if not bodies:
        return "–"
    return "✗" if any("violated" in b for b in bodies) else "✓"


SIDE = r"\[([✗✓–])(?: if)?, ([✗✓–])(?: if)?\]\((\w+)\.once\)"
ROW = re.compile(rf"^\| (P\d\d) .*? \| {SIDE} \| {SIDE} \|(.*)\|$", re.MULTILINE)


def test_the_table_of_incidents_says_what_the_designs_expect() -> None:
    rows = ROW.findall((EXAMPLES / "incidents" / "README.md").read_text(encoding="utf-8"))
    assert len(rows) * 2 == len([n for n in NAMES if n.startswith("incidents/")])
    for number, *cells, rest in rows:
        for twice, never, name in (cells[:3], cells[3:]):
            assert name.startswith(number.lower())
            text = _text(f"incidents/{name}")
            assert (twice, never) == (_sign(text, "no duplicate"), _sign(text, "no loss of")), name
        judged, _, _, steps, _ = (c.strip() for c in rest.split(" | "))
        assert "→" in judged
        assert steps.startswith("yes"), f"{number}: the story is not the documented one"


@pytest.mark.parametrize(
    "name", [n for n in NAMES if n.startswith("patterns/") and not n.endswith("_broken")]
)
def test_a_pattern_has_a_twin_that_is_broken(name: str) -> None:
    assert not EXPECT.search(_text(name)), "a pattern is proved"
    assert EXPECT.search(_text(f"{name}_broken"))


def test_the_first_handler_has_its_table_on_25_lines() -> None:
    assert len(_text("article/invoice_email").splitlines()) <= 25
    (design,) = _checked("article/invoice_email").designs
    assert {(c.claim, c.semantics): c.verdict for c in design.cells} == SEED


@pytest.mark.parametrize(
    "name", _sampled([n for n in NAMES if n not in LONG and EXPECT.search(_text(n))])
)
def test_an_expectation_taken_away_or_turned_round_fails(name: str, tmp_path: Path) -> None:
    text = _text(name)
    expect, claim = _expecting(text)
    assert (
        of_result(_edited(tmp_path, name, text[: expect.start()] + text[expect.end() :], claim))
        is Exit.VIOLATED
    )
    turned = expect[0].replace("violated", "proved")
    assert (
        of_result(
            _edited(tmp_path, name, text[: expect.start()] + turned + text[expect.end() :], claim)
        )
        is Exit.VIOLATED
    )


@pytest.mark.parametrize("name", _sampled([n for n in NAMES if not EXPECT.search(_text(n))]))
def test_an_expectation_added_to_a_proof_fails(name: str, tmp_path: Path) -> None:
    text = _text(name)
    claim = CLAIM.search(text)
    assert claim is not None
    added = text[: claim.end()] + "  expect violated\n" + text[claim.end() :]
    assert of_result(_edited(tmp_path, name, added, claim[1])) is Exit.VIOLATED
