"""The public names, what they give, and how a result shows itself."""

from __future__ import annotations

import subprocess
import sys
from html.parser import HTMLParser

import onceproof
import pytest
from onceproof import Options, check, load, load_text
from onceproof.machine.delivery import Delivery

from support.repo import ROOT

SEED = ROOT / "examples/article/invoice_email.once"
QUICK = Options(semantics=(Delivery.AT_LEAST_ONCE,), claims=("no duplicate",), second_opinion=False)


def test_every_public_name_is_there() -> None:
    for name in onceproof.__all__:
        assert getattr(onceproof, name) is not None
    with pytest.raises(AttributeError, match="nothing"):
        onceproof.__getattr__("nothing")


def test_the_functions_are_not_hidden_by_the_modules_of_their_names() -> None:
    script = (
        "import onceproof.verdict.check, onceproof.lang.load; from onceproof import check, load;"
        " print(callable(check), callable(load))"
    )
    done = subprocess.run(
        (sys.executable, "-c", script), cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["True", "True"]


def test_importing_the_package_costs_nothing() -> None:
    script = (
        "import sys, onceproof; print(sorted(m for m in sys.modules if m.startswith('onceproof')))"
    )
    done = subprocess.run(
        (sys.executable, "-c", script), cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "['onceproof']"


class Tags(HTMLParser):
    """Collects tags and text, and fails on tags that do not close."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.words = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.seen.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data


def test_a_result_shows_itself() -> None:
    result = check(SEED, QUICK)
    assert result.designs[0].cells[0].verdict.value == "refuted"
    assert "is killed after" in str(result)
    read = Tags()
    read.feed(result._repr_html_())
    assert read.open == []
    assert "script" not in read.seen
    assert "✗ REFUTED (expected)" in read.words
    from rich.console import Console

    console = Console(width=100, record=True, file=open("/dev/null", "w", encoding="utf-8"))  # noqa: SIM115
    console.print(result)
    assert "REFUTED (expected)" in console.export_text()


def test_a_design_with_mistakes_is_shown_with_them() -> None:
    broken = load_text("quue q of E\n")
    assert broken.design is None
    assert broken.diagnostics
    assert load(SEED).design is not None
