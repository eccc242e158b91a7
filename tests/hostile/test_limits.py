"""What a hostile design may spend before the first claim is looked at, and what is said then."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from onceproof.base import allowance
from onceproof.lang.load import load_text
from onceproof.lang.syntax import parser
from onceproof.lower import lower
from onceproof.lower.worker import MOST_STEPS
from onceproof.machine.delivery import Delivery
from onceproof.verdict import check as checking
from onceproof.verdict.check import check
from onceproof.verdict.result import Verdict
from onceproof.verdict.task import Options, OutOfTime

from support.command_line import run


def choices(count: int, block: str = "atomic") -> str:
    """A design with so many choices in one transaction: twice as many ways with each."""
    stores = "".join(f"store s{i} per id, unique\n" for i in range(count))
    inserts = "".join(f"    insert id into s{i} or continue\n" for i in range(count))
    return f"""event Paid(id, order)
queue q of Paid at-least-once
{stores}effect mail per id via http
consumer h on q
  {block}
{inserts}  send mail
  ack
claim no duplicate mail
claim no loss of mail
"""


def test_each_choice_doubles_the_ways() -> None:
    """Which is why there is a bound; below it the machine has them all."""
    design = load_text(choices(8)).design
    assert design is not None
    rules = lower(design, Delivery.AT_LEAST_ONCE).machine.rules
    assert sum(rule.action.outcome == "commit" for rule in rules) == 2**8


@pytest.mark.parametrize(("block", "count"), [("atomic", 40), ("atomic serializable", 14)])
def test_a_design_that_goes_on_in_too_many_ways(block: str, count: int, tmp_path: Path) -> None:
    """A serializable block takes a bit for each pair of rows, so that each way costs more."""
    path = tmp_path / "a.once"
    path.write_text(choices(count, block), encoding="utf-8")
    (result,) = check(path, Options()).designs
    assert [c.verdict for c in result.cells] == [Verdict.UNKNOWN] * 2
    assert all("`h` goes on in too many ways" in c.reason for c in result.cells)
    for command in ("check", "graph"):
        done = run(command, path)
        assert done.returncode == {"check": 3, "graph": 2}[command], done.stdout + done.stderr
        assert "goes on in too many ways" in " ".join((done.stdout + done.stderr).split())
        assert "Traceback" not in done.stderr


def test_lowering_looks_at_what_it_may_spend() -> None:
    """Within a bounded number of lines."""
    design = load_text(choices(11)).design
    assert design is not None
    with pytest.raises(allowance.Exhausted, match=r"more than 1e-09 s"), allowance.allowing(1e-9):
        lower(design, Delivery.AT_LEAST_ONCE)
    with pytest.raises(allowance.Exhausted, match="more than 1 MB"), allowance.allowing(60, 1):
        lower(design, Delivery.AT_LEAST_ONCE)
    with allowance.allowing(600):
        lower(design, Delivery.AT_LEAST_ONCE)
    allowance.demand()  # outside, nothing is counted
    assert MOST_STEPS < 1_000_000


def test_the_limits_of_a_claim_are_those_of_its_machine() -> None:
    """It is made once, and refused once."""
    loaded = load_text(choices(11))
    for options, reason in (
        (Options(seconds=1e-9), "more than 1e-09 s"),
        (Options(megabytes=1), "more than 1 MB"),
    ):
        result, _ = checking.check_loaded(loaded, options)
        assert [c.verdict for c in result.cells] == [Verdict.UNKNOWN] * 2
        assert {c.reason for c in result.cells} == {reason}


def test_the_limits_of_a_claim_are_those_of_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.once"
    path.write_text(choices(2), encoding="utf-8")
    (result,) = check(path, Options(megabytes=1)).designs
    assert "reading it takes more than 1 MB" in str(result.diagnostics)

    def slow(path: Path) -> None:
        raise OutOfTime

    monkeypatch.setattr(checking, "loaded_from", slow)
    (result,) = check(path, Options(seconds=7)).designs
    assert "reading it takes more than 7 s" in str(result.diagnostics)
    assert not result.cells


def test_more_lines_than_a_person_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are counted, not read: with one mistake, every line would be read twice."""
    line = "store s per id\n"
    (mistake,) = load_text("# a comment\n" * 20_000 + "\n" * 9_000 + line * 10_001).diagnostics
    assert mistake.code == "S010"
    assert mistake.primary.span.line == 39_001
    monkeypatch.setattr(parser, "MOST_LINES", 10)
    text = "# a comment\n\n" * 20 + line * 10
    assert "S010" not in {d.code for d in load_text(text).diagnostics}
    assert "S010" in {d.code for d in load_text(text + line).diagnostics}


def test_verify_has_the_same_limits(tmp_path: Path) -> None:
    path = tmp_path / "a.once"
    path.write_text(choices(2).replace("via http", "via http\n  key id, kept for ever"), "utf-8")
    assert run("check", path, "--certificate", tmp_path / "proofs").returncode == 0
    assert run("verify", tmp_path / "proofs", path).returncode == 0
    done = run("verify", tmp_path / "proofs", path, "--timeout", "0.000001")
    assert done.returncode == 3, done.stdout + done.stderr
    assert "UNKNOWN" in done.stdout
    assert "0 of 2 certificates accepted" in done.stdout


@pytest.mark.parametrize(
    "line",
    ["store s{} per id\n", "event E{0}(id, a{0})\n", "claim never s is present\n"],
    ids=["stores", "events", "claims"],
)
def test_reading_takes_as_many_steps_as_there_are_lines(line: str) -> None:
    """Not as many for each line as there are lines: twice the text takes twice the calls."""

    def calls(count: int) -> int:
        counted = 0

        def count_call(frame: object, event: str, argument: object) -> None:
            nonlocal counted
            counted += event in ("call", "c_call")

        text = choices(2) + "".join(line.format(i) for i in range(count))
        sys.setprofile(count_call)
        try:
            load_text(text)
        finally:
            sys.setprofile(None)
        return counted

    calls(10)  # what is made once
    few, many = calls(300), calls(600)
    assert many < 2.3 * few
