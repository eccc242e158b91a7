"""A few hundred random inputs in every run, many at night; and that the judge of them can say
no.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onceproof.lang.diagnostics import Severity
from onceproof.lang.load import load_text

from fuzz import judge
from fuzz.__main__ import PART, part, run
from fuzz.explosions import EXPLOSIONS, fragments, retries
from fuzz.inputs import text_of
from fuzz.sentences import Sentence
from support.repo import ROOT

quiet = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
    database=None,
)


def _check(first: int, count: int) -> None:
    failed = [
        f"input {n}: {text}"
        for n in range(first, first + count)
        if (text := judge.problem(text_of(n), thorough=n % 8 < 4))
    ]
    assert failed == []


def test_some_random_inputs_are_answered() -> None:
    _check(0, 60)


@quiet
@given(st.randoms(use_true_random=False), st.integers(10, 120))
def test_any_sentence_of_the_grammar_is_answered(dice: random.Random, size: int) -> None:
    assert judge.problem(Sentence(dice, size).text(), thorough=True) == ""


WITH_TESTS = {**os.environ, "PYTHONPATH": str(ROOT / "tests")}


@pytest.mark.slow
@pytest.mark.parametrize("first", range(100, 4_100, 1_000))
def test_thousands_of_random_inputs_are_answered(first: int) -> None:
    _check(first, 1_000)


@pytest.mark.nightly
def test_a_million_random_inputs_are_answered(
    record_property: Callable[[str, object], None],
) -> None:
    done, failed = 0, []
    for _, failures in run(0, 1_000_000, 2):
        done += PART
        failed += failures
    record_property("says", f"fuzzing: {done:,} inputs, {len(failed)} failures")
    assert failed == []


@pytest.mark.nightly
def test_bytes_that_find_their_own_way_are_answered() -> None:
    pytest.importorskip("atheris", reason="atheris is not installed (dependency group fuzz)")
    command = [
        sys.executable,
        "-m",
        "fuzz.coverage",
        "-runs=100000",
        "-verbosity=0",
        "-print_final_stats=1",
    ]
    done = subprocess.run(
        command, cwd=ROOT, env=WITH_TESTS, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "number_of_executed_units: 1" in done.stderr


def test_inputs_are_the_same_every_time_and_of_many_kinds() -> None:
    texts = [text_of(n) for n in range(80)]
    assert texts == [text_of(n) for n in range(80)]
    assert len(set(texts)) > 70
    sound = sum(
        load_text(text_of(n)).design is not None for n in range(2, 1_200, 4)
    )  # the damaged designs
    assert sound >= 5, (
        "hardly any random text is a sound design, so what comes after reading is not tried"
    )


@pytest.mark.parametrize(
    "name", ["a\x00b", "\ud800", "/dev/zero", "/dev/stdin", "x" * 900, ".", ""]
)
def test_a_file_that_cannot_be_one_is_not_imported(name: str) -> None:
    assert judge.problem(f'import "{name}"\n', thorough=True) == ""


# ---------------------------------------------------------------- the judge can say no


def test_a_reader_that_raises_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(text: str, path: str) -> None:
        raise IndexError("list index out of range")

    monkeypatch.setattr(judge, "load_text", broken)
    assert "IndexError" in judge.problem("x")
    assert len(part(0)) == PART


def test_a_reader_that_hangs_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(text: str, path: str) -> None:
        while True:
            pass

    monkeypatch.setattr(judge, "load_text", broken)
    monkeypatch.setattr(judge, "HANGS", 0.05)
    assert "hangs" in judge.problem("x")


def test_a_reader_that_says_nothing_or_points_elsewhere_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loaded = load_text("queue q\n")
    moved = load_text("\n\n\n\nqueue q\n")
    assert judge._places(loaded) == ""
    monkeypatch.setattr(
        judge, "load_text", lambda *_: type(loaded)(loaded.path, None, (), loaded.sources)
    )
    assert judge.problem("x") == "neither a design nor an error"
    monkeypatch.setattr(
        judge,
        "load_text",
        lambda *_: type(loaded)(loaded.path, None, _at_home(moved), loaded.sources),
    )
    assert "line 5" in judge.problem("x")


def _at_home(loaded):  # type: ignore[no-untyped-def]
    """The diagnostics of a text, as if they were about ``design.once``."""
    return loaded.diagnostics


# ---------------------------------------------------------------- designs made to explode


LIMITED = {"S007", "S013", "N150"}
CALLS, CALLS_PER_CHARACTER = 100_000, 50
"""Measured: at most 26,000 calls for a short text, since modules are imported while it is read, and
at most 17 a character for one of 90,000 characters.
"""
BOMB = """
import resource, sys
from onceproof.lang.diagnostics import Severity
from onceproof.lang.load import load_text
from onceproof.lower import lower
from fuzz.explosions import EXPLOSIONS
resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
make, size = EXPLOSIONS[int(sys.argv[1])]
text = make(size)
load_text("event E(id)\\n")
calls = 0
def count(frame, event, _):
    global calls
    calls += event == "call"
sys.setprofile(count)
loaded = load_text(text)
sys.setprofile(None)
print(len(text), calls, *(d.code for d in loaded.diagnostics if d.severity.value == "error"))
if loaded.design is not None:
    print(len(lower(loaded.design, loaded.design.semantics[-1]).machine.rules))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "number",
    range(len(EXPLOSIONS)),
    ids=lambda n: f"{EXPLOSIONS[n][0].__name__}-{EXPLOSIONS[n][1]}",
)
def test_a_design_made_to_explode_ends_cleanly(number: int) -> None:
    """A minute and 2 GB at most, for reading and lowering; reading calls a limited number of
    functions for each character.
    """
    done = subprocess.run(
        [sys.executable, "-c", BOMB, str(number)],
        cwd=ROOT,
        env=WITH_TESTS,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    length, calls, *codes = done.stdout.splitlines()[0].split()
    assert int(calls) < CALLS + CALLS_PER_CHARACTER * int(length)
    assert len(done.stdout.splitlines()) == 2 or codes


@pytest.mark.parametrize("text", [fragments(60), retries(10**9), retries(10**30)])
def test_what_would_never_end_is_refused_at_once(text: str) -> None:
    assert [d.code for d in load_text(text).diagnostics if d.severity is Severity.ERROR] == ["N150"]
