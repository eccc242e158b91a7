"""Designs with the answers that are right in reality: what databases, brokers, locks and providers
really do (``world``), lines of a model that make a proof too strong (``facts``), public bug reports
before and after their mend (``reports``), published models with known results (``peers``), designs
that were once answered wrongly (``faults``), and mistakes that a message must name (``messages``).

The ``expect`` lines of a design say what is right (none below a claim: proved). A line ``# must
say: N169`` in its header says that a message with this code has to be given; a design that is
refused with it has no answers. Where the right answer was argued, the header has the argument.

``open.toml`` lists the designs that are not answered rightly yet, how they differ, and the issue
that mends them. A design that is listed and agrees fails here, too: take it off the list.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from onceproof.lang.load import load_text
from onceproof.verdict.check import check_loaded
from onceproof.verdict.result import ClaimResult, Verdict
from onceproof.verdict.task import Options

HERE = Path(__file__).parent
DESIGNS = {p.relative_to(HERE).with_suffix("").as_posix(): p for p in sorted(HERE.rglob("*.once"))}
KINDS = ("not said", "wrong proved", "false alarm", "undecided", "not modelled")
"""How an answer differs, the first of these that applies: answered without the message that it
needs; proved but it breaks; refuted but safe; no answer; refused at a line.
"""
EVERY = 9
"""Each ninth design is one of the quick tests."""
MUST_SAY = re.compile(r"^# must say: (N\d{3})$", re.MULTILINE)
LISTED = {
    f"{folder}/{name}": entry
    for folder, entries in tomllib.loads((HERE / "open.toml").read_text(encoding="utf-8")).items()
    for name, entry in entries.items()
}


def kind_of(cell: ClaimResult) -> str:
    """How an answer differs from the one that is right; nothing if it does not."""
    match cell.verdict, cell.expected:
        case got, right if got is right:
            return ""
        case Verdict.HOLDS, Verdict.REFUTED:
            return "wrong proved"
        case Verdict.REFUTED, Verdict.HOLDS:
            return "false alarm"
        case _:
            return "undecided"


def difference(path: Path) -> tuple[str, str]:
    """How a design's worst answer differs, and a word about it."""
    text = path.read_text(encoding="utf-8")
    loaded = load_text(text)
    given = {d.code for d in loaded.diagnostics}
    wanted = set(MUST_SAY.findall(text))
    if loaded.design is None:
        if wanted and wanted <= given:
            return "", ""
        return "not modelled", ", ".join(sorted(given))
    result, _ = check_loaded(loaded, Options(lengths=False))
    assert result.failures == (), "two engines contradict each other"
    assert result.cells or wanted
    found = [(kind_of(c), f"{c.claim}: {c.verdict.value} {c.reason}") for c in result.cells]
    if not wanted <= given:
        found.append(("not said", ", ".join(sorted(wanted - given))))
    worst = [next((f for f in found if f[0] == kind), None) for kind in KINDS]
    return next((w for w in worst if w), ("", ""))


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if number % EVERY == 0 else pytest.mark.slow)
        for number, name in enumerate(DESIGNS)
    ],
)
def test_the_answer_is_the_one_that_is_right(name: str) -> None:
    kind, about = difference(DESIGNS[name])
    listed = LISTED.get(name, {"kind": ""})["kind"]
    assert kind == listed, f"{name}: {kind or 'agrees'} ({about}), listed as: {listed or 'agrees'}"


def test_the_list_names_designs_kinds_and_issues() -> None:
    assert LISTED.keys() <= DESIGNS.keys()
    assert {entry["kind"] for entry in LISTED.values()} <= set(KINDS)
    assert all(isinstance(entry["issue"], int) for entry in LISTED.values())


def test_every_design_says_in_words_why_it_is_there() -> None:
    assert [n for n, p in DESIGNS.items() if not p.read_text("utf-8").startswith("# ")] == []
