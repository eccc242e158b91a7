"""The report at a terminal: tables of every verdict, in every width, with and without colour, marks
and details.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace
from onceproof.lang.load import load_text
from onceproof.report.formats import formats, write
from onceproof.report.formats.text import render, to_text
from onceproof.report.lines import OURS, Line, columns
from onceproof.report.story_text import wrapped
from onceproof.report.terminal import Paint
from onceproof.report.words import clean, ground, reach, short, summary
from onceproof.story.headline import listed
from onceproof.verdict.check import check_loaded
from onceproof.verdict.result import Assurance, Result, Scope, Verdict
from onceproof.verdict.task import Options
from rich.cells import cell_len
from rich.text import Text

from support.results import ALO, AMO, EO, HERE, cell, checked, design, every_verdict, troubles

Golden = Callable[[Path, str], None]
PLAIN = Paint(80, False, True)


def lines(result: Result, verbosity: int = 1, width: int = 80, unicode: bool = True) -> list[str]:
    """The report without colour."""
    return to_text(result, verbosity, Paint(width, False, unicode)).splitlines()


@pytest.mark.parametrize("verbosity", [0, 1, 2], ids=["quiet", "normal", "verbose"])
def test_every_verdict(verbosity: int, golden: Golden) -> None:
    golden(
        HERE / "tables" / f"every_verdict_{verbosity}.txt",
        to_text(every_verdict(), verbosity, PLAIN),
    )


@pytest.mark.parametrize("width", [60, 80, 120])
def test_widths(width: int, golden: Golden) -> None:
    text = to_text(every_verdict(), 0, Paint(width, False, True))
    golden(HERE / "tables" / f"width_{width}.txt", text)


@pytest.mark.parametrize("width", range(60, 141, 5))
@pytest.mark.parametrize("verbosity", [0, 1, 2])
def test_no_line_is_wider_than_asked(width: int, verbosity: int) -> None:
    results = [
        checked(name)
        for name in ("worker_killed", "inside_the_broker", "kinds_of_claims", "outbox")
    ]
    for result in (*results, every_verdict()):
        *body, last = lines(result, verbosity, width)
        assert all(cell_len(line) <= width for line in body)
        assert last == summary(result)


def test_ascii(golden: Golden) -> None:
    text = to_text(every_verdict(), 1, Paint(80, False, False))
    assert text.isascii()
    golden(HERE / "tables" / "ascii.txt", text)


def test_colour_adds_nothing_but_colour() -> None:
    coloured = to_text(every_verdict(), 1, Paint(80, True, True))
    assert "\x1b[" in coloured
    from rich.text import Text

    assert Text.from_ansi(coloured).plain.splitlines() == lines(every_verdict())


@pytest.mark.parametrize("verbosity", [0, 1, 2])
def test_without_colour_there_is_no_escape(verbosity: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b" not in to_text(every_verdict(), verbosity, PLAIN)
    assert "\x1b" not in to_text(troubles(), verbosity, PLAIN)


def test_colour_does_not_depend_on_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    first = to_text(every_verdict(), 1, Paint(80, True, True))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    assert to_text(every_verdict(), 1, Paint(80, True, True)) == first


def test_lines_end_where_their_text_ends() -> None:
    assert all(line == line.rstrip() for line in lines(every_verdict(), 2))


def test_columns_are_those_of_rich() -> None:
    assert all(cell_len(c) == 1 for c in OURS)
    for text in ("", "abc", "✓ proved → 3", "日本", "e\u0301", "a\tb", "\u200b", "🎉 x"):
        assert columns(text) == cell_len(text), text


def test_colour_says_nothing_new() -> None:
    shown = render(every_verdict(), verbosity=2, width=80, unicode=True)
    coloured = Text.from_ansi(to_text(every_verdict(), 2, Paint(80, True, True)))
    assert coloured.plain.splitlines() == [line.plain for line in shown]
    assert len(coloured.spans) > len(shown) / 2


def test_a_line_loses_the_blanks_at_its_end_and_no_others() -> None:
    assert Line((("  a ", "x"), (" b  ", "y"), ("  ", "z"), ("", ""))).stripped() == Line(
        (("  a ", "x"), (" b", "y"))
    )
    assert Line((("  ", "x"),)).stripped() == Line(())


# ---------------------------------------------------------------- what must never get lost


def test_a_bounded_proof_never_looks_like_a_proof_for_all() -> None:
    bounded = cell(
        "no loss of x", ALO, Verdict.HOLDS, assurance=Assurance.EXHAUSTIVE, scope=Scope(1, 1, 2)
    )
    text = "\n".join(lines(Result((design(bounded),)), width=120))
    assert "≈ proved ≤2 workers" in text
    assert "✓" not in text
    assert "every state of a bounded graph visited" in text
    assert summary(Result((design(bounded),))) == "1 claim × 1 semantic: 1 proved (1 bounded)"


def test_assumptions_and_solvers_stay_with_the_verdict() -> None:
    made = cell("no loss of x", ALO, Verdict.HOLDS, assumptions=("no worker is killed",))
    assert (
        ground(made)
        == "proved for any number of events, keys, workers, deliveries, crashes and publisher"
        " retries; checked by Z3 and cvc5; assuming that no worker is killed"
    )
    assert ground(cell("no loss of x", ALO, Verdict.HOLDS, checked_by=("z3",))).endswith(
        "; checked by Z3 only"
    )


def test_scopes_in_words() -> None:
    assert (
        reach(Scope())
        == "any number of events, keys, workers, deliveries, crashes and publisher retries"
    )
    assert (
        reach(Scope(events=1, workers=3))
        == "up to 3 workers at once and up to 1 event per key; any number of keys, deliveries,"
        " crashes and publisher retries"
    )
    assert (
        reach(Scope(1, 1, 1, 1, 1))
        == "up to 1 worker at once, up to 1 event per key, up to 1 key, up to 1 crash and up to 1"
        " delivery"
    )


def test_verdicts_in_short() -> None:
    assert short(cell("c", ALO, Verdict.REFUTED)) == "REFUTED"
    assert short(cell("c", ALO, Verdict.REFUTED, Verdict.REFUTED)) == "REFUTED (expected)"
    assert short(cell("c", ALO, Verdict.HOLDS, Verdict.REFUTED)) == "proved (violation expected)"
    assert short(cell("c", ALO, Verdict.UNKNOWN, Verdict.VACUOUS)) == "unknown (vacuous expected)"


def test_what_nobody_expected_comes_first() -> None:
    text = lines(every_verdict(), width=120)
    unexpected = next(
        i
        for i, line in enumerate(text)
        if line.startswith("✗ no loss of ready_email, at-most-once: REFUTED")
    )
    expected = next(
        i
        for i, line in enumerate(text)
        if line.startswith("✗") and line.endswith("REFUTED (expected)")
    )
    assert unexpected < expected


def test_the_same_story_is_told_once() -> None:
    text = "\n".join(lines(checked("worker_killed"), width=100))
    assert "at-least-once and exactly-once (the same story): REFUTED" in text
    assert text.count("sends `ready_email` a second time") == 1


def test_one_story_may_show_several_claims() -> None:
    first = checked("worker_killed").designs[0]
    lost = next(c for c in first.cells if c.kind == "no-loss" and c.trace)
    result = Result((replace(first, cells=(lost, replace(lost, semantics=EO))),))
    assert "at-most-once and exactly-once (the same story)" in "\n".join(lines(result, width=100))


# ---------------------------------------------------------------- summaries and troubles


def test_summaries() -> None:
    assert (
        summary(every_verdict())
        == "3 claims × 3 semantics: 3 proved (1 bounded, 1 not expected), 3 refuted (2 expected), 1"
        " vacuous, 2 unknown (1 expected)"
    )
    assert summary(Result(())) == "0 designs, 0 claims, 0 verdicts: nothing checked"
    uneven = design(
        cell("a", AMO, Verdict.HOLDS), cell("a", ALO, Verdict.HOLDS), cell("b", ALO, Verdict.HOLDS)
    )
    assert summary(Result((uneven,))) == "2 claims, 3 verdicts: 3 proved"
    two = (
        design(cell("a", AMO, Verdict.HOLDS)),
        design(cell("a", AMO, Verdict.HOLDS), path="other.once"),
    )
    assert summary(Result(two)) == "2 designs, 2 claims × 1 semantic: 2 proved"


def test_troubles(golden: Golden, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onceproof.report.bug._versions", lambda: ["versions"])
    golden(HERE / "tables" / "troubles.txt", to_text(troubles(), 1, PLAIN))


def test_errors_are_shown_even_when_quiet() -> None:
    text = "\n".join(lines(troubles(), 0))
    assert "error[S001]" in text
    assert "warning[N104]" not in text


def test_a_claim_without_a_verdict_under_some_semantics() -> None:
    text = lines(Result((design(cell("a", AMO, Verdict.HOLDS), cell("b", ALO, Verdict.HOLDS)),)), 0)
    assert text[2:5] == [
        "      at-most-once   at-least-once",
        "  a   ✓ proved       -",
        "  b   -              ✓ proved",
    ]


# ---------------------------------------------------------------- hostile text


def test_design_text_is_no_markup_and_no_control() -> None:
    nasty = "no duplicate [red]x[/red] \x1b[31m\a\u202e"
    text = "\n".join(
        lines(Result((design(cell(nasty, ALO, Verdict.HOLDS), title="[b]T[/b]\x1b]0;x\a"),)))
    )
    assert "[red]x[/red]" in text
    assert "[b]T[/b]" in text
    assert not {"\x1b", "\a", "\u202e"} & set(text)


def test_wide_letters_keep_the_columns() -> None:
    text = lines(
        Result((design(cell("支払い", AMO, Verdict.HOLDS), cell("ab", AMO, Verdict.HOLDS)),)), 0
    )
    head, first, second = text[2:5]
    assert (
        cell_len(first.split("✓")[0])
        == cell_len(second.split("✓")[0])
        == head.index("at-most-once")
    )


def test_long_words_break() -> None:
    assert wrapped("x" * 25 + " yes", 10) == ["x" * 10, "x" * 10, "xxxxx yes"]
    assert wrapped("支払い支払い", 5) == ["支払", "い支", "払い"]
    assert wrapped("see (line 12)", 11) == ["see", "(line 12)"]
    assert wrapped("", 10) == [""]


def test_small_words() -> None:
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert clean("a → b ≤ 2 é\t.", False) == "a -> b <= 2 \\xe9 ."


# ---------------------------------------------------------------- formats


def test_formats_are_found_by_their_files() -> None:
    assert {"json", "text"} <= set(formats())
    assert all(f.summary for f in formats().values())


def test_write_by_name() -> None:
    assert write("text", every_verdict(), 1, PLAIN) == to_text(every_verdict(), 1, PLAIN)
    with pytest.raises(KeyError):
        write("papyrus", every_verdict(), 1, PLAIN)


TWO_GUARANTEES = """\
event E(id)
queue a of E at-most-once
queue b of E at-least-once
effect mail per id via smtp
effect sms per id via http
consumer ca on a, acks on return
  call sms or continue
consumer cb on b
  send mail
  ack
claim no duplicate mail
"""


def test_a_column_of_two_guarantees_is_named_after_both() -> None:
    result = check_loaded(load_text(TWO_GUARANTEES, "two.once"), Options())[0]
    lines = [x.plain for x in render(Result((result,)), verbosity=1, width=100, unicode=True)]
    assert [x.strip() for x in lines if "at-most-once" in x] == [
        "at-most-once and at-least-once",
        "✗ no duplicate mail, at-most-once and at-least-once: REFUTED",
        "mail: effectively once? No: it can be sent twice under at-most-once and at-least-once.",
    ]
