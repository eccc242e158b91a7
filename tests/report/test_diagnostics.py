"""How a diagnostic looks: carets under the right characters, labels that do not collide, nothing
that a terminal would act on.
"""

from __future__ import annotations

from onceproof.lang.diagnostics import Diagnostic, Label, Severity
from onceproof.lang.source import Source, Span
from onceproof.report.diagnostics import render, styled


def shown(text: str, *places: tuple[int, int, int, str], path: str = "d.once") -> list[str]:
    """The snippet lines for places (line, column, end, label); the first one is the primary."""
    labels = [
        Label(Span(line, start, line, end, path), label) for line, start, end, label in places
    ]
    found = Diagnostic("S001", Severity.ERROR, "headline", labels[0], tuple(labels[1:]))
    lines = render([found], {path: Source.of(path, text)}).split("\n")
    return lines[3 : lines.index("")]


def test_a_place_has_carets_and_its_label() -> None:
    assert shown("queue x of E\n", (1, 7, 8, "here")) == ["1 | queue x of E", "  |       ^ here"]


def test_an_empty_place_still_has_a_caret() -> None:
    assert shown("queue x E\n", (1, 9, 9, "add `of`")) == [
        "1 | queue x E",
        "  |         ^ add `of`",
    ]
    assert shown("queue\n", (1, 6, 6, "a name")) == ["1 | queue", "  |      ^ a name"]


def test_wide_characters_and_tabs_move_the_caret() -> None:
    assert shown('import "支払い" x\n', (1, 14, 15, "here")) == [
        '1 | import "支払い" x',
        "  |                 ^ here",
    ]
    assert shown("\tack\tx\n", (1, 6, 7, "here")) == ["1 |     ack x", "  |         ^ here"]
    assert shown("a支\tx\n", (1, 4, 5, "here")) == ["1 | a支 x", "  |     ^ here"]


def test_two_labels_on_one_line_hang_below_each_other() -> None:
    assert shown("event P(a, a)\n", (1, 12, 13, "again"), (1, 9, 10, "first")) == [
        "1 | event P(a, a)",
        "  |         -  ^ again",
        "  |         first",
    ]
    assert shown("a b c\n", (1, 1, 2, "one"), (1, 3, 4, "two"), (1, 5, 6, "three")) == [
        "1 | a b c",
        "  | ^ - - three",
        "  | | two",
        "  | one",
    ]


def test_labels_at_one_place_do_not_hide_each_other() -> None:
    lines = shown("abc def\n", (1, 1, 4, "inner"), (1, 1, 8, "outer"))
    assert lines[1].startswith("  | ^^^----")
    assert "inner" in "".join(lines)
    assert "outer" in "".join(lines)


def test_lines_between_are_shown_or_left_out() -> None:
    text = "one\ntwo\nthree\nfour\n"
    assert shown(text, (2, 1, 4, "b"), (1, 1, 4, "a")) == [
        "1 | one",
        "  | --- a",
        "2 | two",
        "  | ^^^ b",
    ]
    assert shown(text, (3, 1, 2, "b"), (1, 1, 2, "a")) == [
        "1 | one",
        "  | - a",
        "2 | two",
        "3 | three",
        "  | ^ b",
    ]
    assert shown(text, (4, 1, 2, "b"), (1, 1, 2, "a")) == [
        "1 | one",
        "  | - a",
        "...",
        "4 | four",
        "  | ^ b",
    ]


def test_a_long_place_shows_its_ends() -> None:
    found = Diagnostic(
        "S001", Severity.ERROR, "headline", Label(Span(1, 3, 9, 4, "d"), "all of this")
    )
    text = "\n".join(f"  line {i}" for i in range(1, 12))
    assert render([found], {"d": Source.of("d", text)}).split("\n")[3:10] == [
        "1 |   line 1",
        "  |   ^^^^^^",
        "2 |   line 2",
        "  |   ^^^^^^",
        "...",
        "9 |   line 9",
        "  |   ^ all of this",
    ]


def test_a_place_in_another_file_is_named() -> None:
    found = Diagnostic(
        "N103",
        Severity.ERROR,
        "`q` is declared twice",
        Label(Span(10, 1, 10, 2, "a.once"), "again"),
        (Label(Span(1, 7, 1, 8, "b.once"), "first"),),
    )
    sources = {
        "a.once": Source.of("a.once", "\n" * 9 + "q\n"),
        "b.once": Source.of("b.once", "queue q of E\n"),
    }
    assert (
        render([found], sources) == "error[N103]: `q` is declared twice\n"
        "  --> a.once:10:1\n"
        "   |\n"
        "10 | q\n"
        "   | ^ again\n"
        "  ::: b.once:1:7\n"
        "   |\n"
        " 1 | queue q of E\n"
        "   |       - first\n"
        "\n"
        "1 error\n"
    )


def test_a_far_place_in_a_long_line_is_cut_out() -> None:
    line = "x " * 300 + "here " + "y " * 300
    text, marks = shown(line, (1, 601, 605, "look"))
    assert len(text) <= 4 + 100
    assert text.startswith("1 | ...")
    assert text.endswith("...")
    assert text[marks.index("^") : marks.rindex("^") + 1] == "here"


def test_control_and_direction_characters_are_never_printed() -> None:
    lines = shown("a\x1b[31m\u202eb\x00c\n", (1, 9, 10, "c"))
    assert lines == ["1 | a�[31m�b�c", "  |         ^ c"]


def test_colour_says_nothing_new() -> None:
    found = Diagnostic(
        "S001",
        Severity.WARNING,
        "x [red] y",
        Label(Span(1, 1, 1, 2, "d"), "[bold]"),
        (),
        ("n",),
        "h",
    )
    sources = {"d": Source.of("d", "abc")}
    parts = list(styled([found], sources))
    text = "".join(part for part, _ in parts)
    assert text == render([found], sources)
    assert "[red]" in text
    assert any("yellow" in style for _, style in parts)


def test_without_the_source_the_place_is_still_named() -> None:
    found = Diagnostic(
        "S022",
        Severity.ERROR,
        "the file cannot be read",
        Label(Span(1, 1, 1, 1, "d"), "permission denied"),
    )
    assert (
        render([found], {})
        == "error[S022]: the file cannot be read\n --> d:1:1\n  |\n  = note: permission denied\n\n1"
        " error\n"
    )


def test_nothing_is_said_about_nothing() -> None:
    assert render([], {}) == ""
