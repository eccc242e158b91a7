"""Two designs compared: what got worse, what got better, and which stories are new, gone or
others.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from onceproof.analysis.diff import Comparison, Turn, compare
from onceproof.cli.main import main
from onceproof.lang.load import load_text
from onceproof.report.diff import markdown, summary
from onceproof.verdict.exit_codes import Exit
from onceproof.verdict.task import Options

HERE = Path(__file__).parent
PLAIN = Options(second_opinion=False)
BAD = """## Look, credit, remember

event PaymentReceived(id, account)
queue payments of PaymentReceived at-least-once
store processed per id, unique
store account   per account
effect credit per id in account

consumer bank on payments
  if id in processed
    ack
    stop
  do credit
  add id to processed
  ack

claim no duplicate credit
claim no loss of credit
"""
GOOD = BAD.replace(
    "  if id in processed\n    ack\n    stop\n  do credit\n  add id to processed\n",
    "  atomic\n    insert id into processed\n      on duplicate\n        ack\n        stop\n    do"
    " credit\n",
)


def _compared(old: str, new: str) -> Comparison:
    return compare(load_text(old, "old.once"), load_text(new, "new.once"), PLAIN)


def _turns(found: Comparison) -> dict[str, Turn]:
    return {c.claim: c.turn for c in found.cells}


def test_worse_and_better() -> None:
    worse = _compared(GOOD, BAD)
    assert _turns(worse) == {"no duplicate credit": Turn.WORSE, "no loss of credit": Turn.SAME}
    assert [c.claim for c in worse.worse] == ["no duplicate credit"]
    assert [(s.before, s.after is not None) for s in worse.stories] == [(None, True)]
    better = _compared(BAD, GOOD)
    assert _turns(better) == {"no duplicate credit": Turn.BETTER, "no loss of credit": Turn.SAME}
    assert better.worse == ()
    assert [(s.before is not None, s.after) for s in better.stories] == [(True, None)]


def test_lines_comments_and_spaces_are_no_difference() -> None:
    moved = BAD.replace("consumer", "# a comment\n\n# and more\nconsumer").replace(
        "  do credit\n", "  do   credit   # here\n"
    )
    found = _compared(BAD, moved)
    assert found.stories == ()
    assert {c.turn for c in found.cells} == {Turn.SAME}


def test_another_story_is_told() -> None:
    found = _compared(BAD, BAD.replace("  do credit\n", "  wait\n  do credit\n"))
    assert found.worse == ()
    assert [(s.before is not None, s.after is not None) for s in found.stories] == [(True, True)]


def test_a_proof_that_rests_on_more_is_worse() -> None:
    found = _compared(GOOD, GOOD.replace("claim no dup", "assume no replay\n\nclaim no dup"))
    assert [c.reasons for c in found.worse] == [("assuming that no operator replays messages",)] * 2
    assert found.assumptions_added == ("no operator replays messages",)
    assert (
        _compared(GOOD.replace("claim no dup", "assume no replay\n\nclaim no dup"), GOOD).worse
        == ()
    )


def test_claims_that_come_and_go() -> None:
    less = GOOD.replace("claim no loss of credit\n", "")
    gone = _compared(GOOD, less)
    assert gone.claims_gone == ("no loss of credit",)
    assert [c.reasons for c in gone.worse] == [("it was proved, and is not claimed any more",)]
    assert _compared(less, GOOD).worse == ()
    refuted = less.replace(
        "claim", "claim no loss of processed\nclaim at most one worker in s\nclaim"
    ).replace("  atomic\n", "  section s\n    wait\n  atomic\n")
    added = _compared(less, refuted)
    assert [(c.claim, c.reasons) for c in added.worse] == [
        ("at most one worker in s", ("a new claim that is not as expected",))
    ]
    expected = refuted.replace("in s\n", "in s\n  expect violated\n")
    assert _compared(less, expected).worse == ()
    assert _compared(expected, less).worse[0].claim == "no loss of processed"


def test_a_guarantee_that_is_no_longer_there() -> None:
    found = _compared(GOOD.replace(" at-least-once", ""), GOOD)
    assert found.worse == ()
    assert {c.semantics.value for c in found.cells if c.turn is Turn.GONE} == {
        "at-most-once",
        "exactly-once",
    }
    assert found.stories == ()


@pytest.mark.parametrize("form", ["text", "markdown", "json"])
def test_what_is_printed(
    form: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    golden: Callable[[Path, str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in (
        ("old.once", GOOD),
        ("new.once", BAD.replace("claim no loss", "assume no replay\n\nclaim no loss")),
    ):
        Path(name).write_text(text, encoding="utf-8")
    words = ["diff", "old.once", "new.once", "--format", form]
    assert main(words) == Exit.VIOLATED
    printed = capsys.readouterr().out
    golden(HERE / f"worse.{form}", printed)
    assert main([*words, "--exit-zero"]) == Exit.HOLDS
    if form == "json":
        assert json.loads(printed)["worse"]


def test_nothing_changed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "same.once"
    path.write_text(GOOD, encoding="utf-8")
    assert main(["diff", str(path), str(path)]) == Exit.HOLDS
    assert capsys.readouterr().out.endswith("0 worse, 2 the same\n")
    found = _compared(GOOD, GOOD)
    assert markdown(found).startswith(f"### Onceproof: {summary(found)}\n")


def test_a_mistake_in_a_design(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "broken.once"
    path.write_text("event\n", encoding="utf-8")
    assert main(["diff", str(path), str(path)]) == Exit.USAGE
    assert capsys.readouterr().err
