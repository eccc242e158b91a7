"""Every design in these folders gets the answers that its header states.

The header is the comment at the top: why the design is here, then one line for each result, in the
order of the report:

    # expect: refuted; by worker killed, late effect; workers 2; events 1
    # expect: proved; assuming no-crash; if handler (20s) < lease (30s)
    # expect: unknown; because T1
    # expect: rejected; codes N135

``by``: causes that occur in the story. ``workers``, ``events``: how many the story needs.
``assuming``: assumptions that the proof names. ``if``, ``would hold if``: inequalities, all of
them, or ``nothing``. ``because``: a part of the reason. ``codes``: all errors of a design that is
none. ``proved`` is for any number of everything, with a certificate that Z3 has checked.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from onceproof.machine.system import Cause
from onceproof.verdict.result import ClaimResult

from support.trap import cells, codes, open_question, proved, refuted

HERE = Path(__file__).parent
FOLDERS = ("proved", "refuted", "traps", "unknown")
DESIGNS = sorted(p for folder in FOLDERS for p in (HERE / folder).rglob("*.once"))
EXPECT = re.compile(r"^# expect: (.*)$", re.MULTILINE)
CAUSES = {cause.value.replace("-", " "): cause for cause in Cause}
CLAUSES = {
    "by": {"refuted"},
    "workers": {"refuted"},
    "events": {"refuted"},
    "assuming": {"proved"},
    "if": {"proved", "refuted"},
    "would hold if": {"proved", "refuted"},
    "because": {"unknown"},
    "codes": {"rejected"},
}
"""What a header may say, and of which verdict."""


def expectation(line: str) -> tuple[str, dict[str, str]]:
    """The verdict of an ``expect`` line and its clauses; a clause that means nothing fails."""
    verdict, *clauses = line.split("; ")
    found = {}
    for clause in clauses:
        name = next(n for n in sorted(CLAUSES, key=len, reverse=True) if clause.startswith(n + " "))
        assert verdict in CLAUSES[name], line
        found[name] = clause.removeprefix(name + " ")
    return verdict, found


def inequalities(text: str) -> tuple[str, ...]:
    """``A and B``, or ``nothing``."""
    return () if text == "nothing" else tuple(text.split(" and "))


def check_cell(cell: ClaimResult, line: str) -> None:
    """One result against its line."""
    verdict, clauses = expectation(line)
    match verdict:
        case "proved":
            assumptions = clauses["assuming"].split(", ") if "assuming" in clauses else []
            assert proved(cell, *assumptions), cell
        case "refuted":
            causes = [CAUSES[name] for name in clauses["by"].split(", ")] if "by" in clauses else []
            number = {n: int(clauses[n]) for n in ("workers", "events") if n in clauses}
            assert refuted(cell, *causes, **number), cell
        case "unknown":
            assert open_question(cell, clauses["because"]), cell
        case _:
            pytest.fail(f"no such verdict: {verdict}")
    if "if" in clauses:
        assert cell.conditions == inequalities(clauses["if"])
    if "would hold if" in clauses:
        assert cell.would_hold == inequalities(clauses["would hold if"])


@pytest.mark.parametrize("path", DESIGNS, ids=lambda p: p.relative_to(HERE).as_posix())
def test_the_answers_of_the_header(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    lines = EXPECT.findall(text)
    assert lines, "the header states no expectation"
    if lines[0].startswith("rejected"):
        (line,) = lines
        _, clauses = expectation(line)
        assert codes(text) == set(clauses["codes"].split(", "))
        return
    results = cells(text)
    assert len(results) == len(lines)
    for result, line in zip(results, lines, strict=True):
        check_cell(result, line)
    if path.parent.name in ("proved", "refuted", "unknown"):
        assert {expectation(line)[0] for line in lines} == {path.parent.name}


def test_every_trap_has_its_naive_design() -> None:
    """What is faithful stands beside something that is not, or it is no trap."""
    names = [p.name.split(".") for p in (HERE / "traps").rglob("*.once")]
    assert {kind.split("_")[0] for _, kind, _ in names} == {"naive", "faithful"}
    naive = {stem for stem, kind, _ in names if kind.startswith("naive")}
    looks_wrong_and_is_not = {"two_business_keys_in_one_handler_that_do_not_meet"}
    assert {stem for stem, _, _ in names} - naive == looks_wrong_and_is_not
