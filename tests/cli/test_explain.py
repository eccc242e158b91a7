"""``onceproof explain``: the page of each code."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from onceproof.cli.main import main
from onceproof.lang.errors.pages import mistakes

from support.repo import ROOT

HERE = Path(__file__).parent
CODES = {
    c
    for p in (ROOT / "checker/onceproof/lang/errors").glob("*.py")
    for c in re.findall(r'"([SN]\d{3})"', p.read_text(encoding="utf-8"))
}


def test_every_code_has_a_page_with_all_its_parts() -> None:
    assert set(mistakes()) >= CODES
    assert CODES
    for page in mistakes().values():
        assert [word for word, _ in page.parts] == ["What", "Why", "Example", "Fix"], page.code
        assert all(text for _, text in page.parts)


def test_a_page(golden: Callable[[Path, str], None], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "n101"]) == 0
    golden(HERE / "explain.txt", capsys.readouterr().out)


def test_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0] for line in lines] == list(mistakes())
    assert "S001  unexpected word" in lines


def test_as_it_stands_in_a_message(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "[S002]"]) == 0
    assert capsys.readouterr().out.startswith("S002: the line ends too early\n\nWhat     The line")


def test_an_unknown_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "S0001"]) == 2
    assert "there is no code S0001; did you mean S001" in capsys.readouterr().err
    assert main(["explain", "nonsense"]) == 2
    assert "did you mean" not in capsys.readouterr().err
