"""No text makes the reader of designs fail.

Whatever stands in a file, it answers with diagnostics that lie inside the text, and soon.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from onceproof.lang.diagnostics import Severity
from onceproof.lang.load import Loaded, load, load_text
from onceproof.lang.syntax.interactive import Grammar, Reading, Stack, grammar
from onceproof.report.diagnostics import closing, render, styled

from support.repo import ROOT

HERE = ROOT / "tests/designs"
VALID = (HERE / "valid/valid.once").read_text(encoding="utf-8")
SMALL = """event E(id, order, kind: a | b)
queue q of E
store s per id, unique
store t per order
  status: open | done
effect mail per id
  key id kept 24h
consumer c on q
  if id in s and t.status is not open
    ack
    stop
  else if kind is a
    nack
  else
    wait
  insert id into s
    on duplicate
      stop
  atomic
    update t.status from open to done or fail
  send mail
    retry 3 times
  ack
claim no duplicate mail
  expect violated under at-least-once
"""


def checked(text: str, path: str = "d.once") -> Loaded:
    """What came of a text, after looking at every diagnostic and rendering them all."""
    loaded = load_text(text, path)
    assert loaded.design is not None or any(
        d.severity is Severity.ERROR for d in loaded.diagnostics
    )
    for d in loaded.diagnostics:
        for label in (d.primary, *d.secondary):
            source = loaded.sources[label.span.path]
            line = source.line(label.span.line)
            assert 1 <= label.span.line <= len(source.lines), d
            assert label.span.end_line == label.span.line, d
            assert 1 <= label.span.column <= label.span.end_column <= max(len(line), 1) + 1, (
                d,
                line,
            )
    shown = render(loaded.diagnostics, loaded.sources)
    assert shown == "".join(text for text, _ in styled(loaded.diagnostics, loaded.sources))
    assert all(c.isprintable() or c == "\n" for c in shown)
    assert (
        not re.search(r"\b(_NL|_INDENT|_DEDENT|_ERROR|LPAR|RPAR|VBAR|OUTCOME|LIMIT_END)\b", shown)
        or "LPAR" in text
    )
    return loaded


def codes(text: str) -> list[str]:
    """The codes of what is wrong with a text."""
    return [d.code for d in checked(text).diagnostics]


# ---------------------------------------------------------------- odd files


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "S009"),
        ("\n\n  \n", "S009"),
        ("# a\n  # b\n", "S009"),
        ("\ufeff", "S009"),
        ("\f\n", "S009"),
    ],
)
def test_a_text_without_content_is_said_to_be_empty(text: str, found: str) -> None:
    assert codes(text) == [found]


@pytest.mark.parametrize(
    "data",
    [
        b"\x7fELF\x02\x01\x01\x00\x00",
        b"event E(id)\x00\n",
        b"\xff\xfee\x00v\x00",
        b"caf\xe9 \n",
        b"\x00" * 1000,
    ],
)
def test_a_file_that_is_no_text_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.once"
    path.write_bytes(data)
    assert [d.code for d in load(path).diagnostics] == ["S011"]


def test_marks_and_line_ends_of_other_systems_do_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "x.once"
    path.write_bytes(b"\xef\xbb\xbf" + SMALL.replace("\n", "\r\n").encode())
    assert load(path).design is not None
    path.write_bytes(SMALL.replace("queue q", "\fqueue q").rstrip("\n").encode())
    assert load(path).design is not None


def test_a_huge_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.once"
    path.write_bytes(b"event E(id)\n" * 900_000)
    assert [d.code for d in load(path).diagnostics] == ["S010"]


def test_a_long_line_is_left_out_and_the_rest_is_read() -> None:
    assert codes(SMALL + "x" * 100_000 + "\n") == ["S013"]
    assert codes(SMALL.replace("queue q of E", "queue q of E" + " " * 100_000 + "x")) == ["S013"]


def test_deep_nesting_is_reported_once() -> None:
    deep = "".join(" " * (i + 1) + "if id in s\n" for i in range(1000))
    assert codes(
        SMALL.split("consumer")[0] + "consumer c on q\n" + deep + " " * 1001 + "ack\n"
    ) == ["S007"]
    chain = "  if id in s\n    ack\n" + "  else if id not in s\n    ack\n" * 1000
    assert codes(SMALL.split("consumer")[0] + "consumer c on q\n" + chain) == ["S007"]


def test_thousands_of_mistakes_are_cut_off() -> None:
    found = codes(SMALL + "".join(f"queue q{i} E{i}\n" for i in range(5000)))
    assert found.count("S012") == 1
    assert len(found) <= 101
    found = codes(SMALL + "".join(f"queue q{i} of E{i}\n" for i in range(5000)))
    assert len(found) <= 101


def test_names_in_other_scripts_are_reported_and_still_match_each_other() -> None:
    text = SMALL.replace("queue q ", "queue 队列 ").replace("on q", "on 队列")
    found = checked(text).diagnostics
    assert [d.code for d in found] == ["S008"]
    assert found[0].notes == ("the same in line 8",)


@pytest.mark.parametrize(
    "c",
    [
        "\x01",
        "\x02",
        "\x1b",
        "\x7f",
        "\u200b",
        "\u202e",
        "\xa0",
        "\r",
        "\ud800",
        "“",
        "—",
        "🙂",
        "\x0b",
        "\x85",
        "\u2028",
    ],
)
@pytest.mark.parametrize(
    "place",
    [
        "queue q{} of E",
        "queue q{}of E",
        "{}queue q of E",
        "queue q of E{}",
        "queue q of {} E",
        "{}",
    ],
)
def test_a_strange_character_is_named(c: str, place: str) -> None:
    loaded = checked(SMALL.replace("queue q of E", place.format(c)))
    assert not any(d.code == "S012" for d in loaded.diagnostics)


def test_an_odd_character_in_a_comment_is_nobodys_business() -> None:
    assert load_text(SMALL + "# \x1b \u202e \ud800 \x01 🙂 (\n").design is not None


# ---------------------------------------------------------------- long texts


def long_design(kind: str, steps: int) -> str:
    """A design with three times as many steps; ``kind`` says what is wrong with it."""
    verb, end = ("sendx", ":") if kind == "all" else ("send", "")
    body = f"  {verb} mail\n  if id in s{end}\n    set t.status = open\n" * steps
    claim = "" if kind == "none" else "claim no duplicat mail\n"
    return SMALL.replace("  ack\nclaim", body + "  ack\nclaim") + claim


@pytest.mark.parametrize("kind", ["none", "one", "all"])
def test_the_work_grows_with_the_length_of_the_text(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []
    read = Grammar.read

    def counted(self: Grammar, stack: Stack, text: str) -> Reading:
        tried.append(text)
        return read(self, stack, text)

    monkeypatch.setattr(Grammar, "read", counted)
    work = []
    for steps in (500, 1000):
        tried.clear()
        load_text(long_design(kind, steps))
        work.append(len(tried))
    assert work[1] <= 2.1 * work[0], "at most the first hundred mistakes are looked into"
    assert (work[1] == 0) == (kind == "none"), "a sound text goes straight through the parser"


# ---------------------------------------------------------------- any text

WORDS = sorted(
    {w for words in grammar().literals.values() for w in words}
    | {"x", "id", "E", "q", "24h", "3", '"a"', "==", "{", "}", ";", "'", "#"}
)
quiet = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
    database=None,
)
line = st.tuples(st.integers(0, 5), st.lists(st.sampled_from(WORDS), max_size=9)).map(
    lambda x: " " * x[0] + " ".join(x[1])
)


@quiet
@given(st.binary(max_size=300))
def test_any_bytes(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("b") / "x.once"
    path.write_bytes(data)
    load(path)


@quiet
@given(st.text(max_size=200))
@example("\r")
@example("if\n\n if")
def test_any_characters(text: str) -> None:
    checked(text)


@quiet
@given(st.lists(line, max_size=14).map("\n".join))
def test_any_words_of_the_grammar(text: str) -> None:
    checked(text)


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A valid design with a few lines or characters deleted, doubled, exchanged or moved."""
    lines = draw(st.sampled_from([SMALL, VALID])).split("\n")
    for _ in range(draw(st.integers(1, 5))):
        i, j = draw(st.integers(0, len(lines) - 1)), draw(st.integers(0, len(lines) - 1))
        kind = draw(
            st.sampled_from(
                ["drop", "twice", "swap", "indent", "dedent", "cut", "letter", "insert"]
            )
        )
        if kind == "drop":
            lines[i] = ""
        elif kind == "twice":
            lines.insert(j, lines[i])
        elif kind == "swap":
            lines[i], lines[j] = lines[j], lines[i]
        elif kind in ("indent", "dedent"):
            lines[i] = (
                lines[i].removeprefix("  ")
                if kind == "dedent"
                else " " * draw(st.integers(1, 4)) + lines[i]
            )
        elif lines[i]:
            at = draw(st.integers(0, len(lines[i]) - 1))
            new = {
                "cut": "",
                "letter": lines[i][at] * 2,
                "insert": draw(st.sampled_from(["x", " ", ":", "(", "\t", ".", "ß"])),
            }[kind]
            lines[i] = lines[i][:at] + new + lines[i][at + (kind != "insert") :]
    return "\n".join(lines)


@settings(quiet, max_examples=150)
@given(mutated())
def test_any_clumsy_edit_of_a_sound_design(text: str) -> None:
    checked(text)


@pytest.mark.parametrize("damage", ["drop", "double", "exchange", "capitals"])
def test_a_damaged_keyword_is_one_mistake_in_its_line(damage: str) -> None:
    lines = SMALL.split("\n")
    for number, text in enumerate(lines, start=1):
        for word in re.finditer(r"[a-z][a-z\-]+", text):
            w = word[0]
            worse = {
                "drop": w[0] + w[2:],
                "double": w[:2] + w[1:],
                "exchange": w[0] + w[2:3] + w[1] + w[3:],
                "capitals": w.upper(),
            }[damage]
            if w not in WORDS or worse == w or len(w) < 3:
                continue
            broken = text[: word.start()] + worse + text[word.end() :]
            found = checked("\n".join([*lines[: number - 1], broken, *lines[number:]])).diagnostics
            assert [d.primary.span.line for d in found] == [number], (broken, found)


def test_the_closing_line_counts() -> None:
    assert closing(load_text("queue\nqueue\n").diagnostics) == "2 errors"
    assert closing([]) == ""
