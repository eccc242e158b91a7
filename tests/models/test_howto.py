"""Each setting that a how-to page recommends is a design with its answer, in a table of the page.

The settings are read from the page's first table: ``via …`` is a model with options, and what a row
says to ``add`` goes to the last model before it. ``pytest --update`` writes the answers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from onceproof.lang.load import load_text
from onceproof.models import brokers
from onceproof.verdict.check import check_loaded
from onceproof.verdict.result import ClaimResult, Verdict
from onceproof.verdict.task import Options

from support.repo import ROOT

Golden = Callable[[Path, str], None]
PAGES = sorted((ROOT / "docs/howto").glob("*.md"))
START = "<!-- what each setting gives: `pytest --update tests/models/test_howto.py` writes it -->"
END = "<!-- end of what each setting gives -->"
ROW = """event E(id)
queue q of E via {use}
store done per id, unique
effect work per id in done
consumer c on q
  atomic
    insert id into done or stop
    do work
{ack}claim no duplicate work
claim no loss of work
"""
MAIL = """event E(id)
queue q of E via {use}
effect work per id via smtp
consumer c on q
  send work
{ack}claim no duplicate work
claim no loss of work
"""
WORDS = {Verdict.HOLDS: "proved", Verdict.REFUTED: "refuted"}


def settings(text: str) -> list[str]:
    """What the first table of a page recommends."""
    rows = text.split("|---|---|\n", 1)[1].split("\n\n", 1)[0].splitlines()
    return list(dict.fromkeys(use for use in _uses(rows)))


def _uses(rows: list[str]) -> Iterator[str]:
    base = ""
    for row in rows:
        spans = re.findall(r"`([^`]+)`", row.rsplit("|", 2)[1])
        vias = [span.removeprefix("via ") for span in spans if span.startswith("via ")]
        if vias:
            base = vias[0].split("(")[0] if "add" not in row else base
            yield from vias
        else:
            yield from (f"{base}({span})" for span in spans if "=" in span and " " not in span)


def _answers(text: str, use: str) -> tuple[str, str]:
    model, _, options = use.partition("(")
    given = dict(re.findall(r"([\w.-]+)=\"?([^,\")]+)", options))
    by_hand = brokers()[model].switches(given).ack in ("handler", "cumulative")
    loaded = load_text(text.format(use=use, ack="  ack\n" if by_hand else ""))
    assert loaded.design is not None, (use, [d.headline for d in loaded.diagnostics])
    result, _ = check_loaded(loaded, Options(second_opinion=False))
    duplicate, loss = result.cells
    return _word(duplicate), _word(loss)


def _word(cell: ClaimResult) -> str:
    word = WORDS.get(cell.verdict, cell.verdict.value)
    return word + "".join(f", if {condition}" for condition in cell.conditions)


def table(text: str) -> str:
    """The settings of a page with their answers, as Markdown."""
    lines = [
        "| setting | a unique row: duplicate | loss | a mail: duplicate | loss |",
        "|---|---|---|---|---|",
    ]
    for use in settings(text):
        cells = [*_answers(ROW, use), *_answers(MAIL, use)]
        lines.append(f"| `via {use}` | {' | '.join(cells)} |")
    return "\n".join(lines)


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_each_setting_of_a_page_has_its_answers(page: Path, golden: Golden) -> None:
    text = page.read_text(encoding="utf-8")
    before, start, rest = text.partition(START)
    assert start, "the page has no place for its answers"
    _, end, after = rest.partition(END)
    assert end
    golden(page, f"{before}{START}\n\n{table(text)}\n\n{END}{after}")


def test_every_page_recommends_settings() -> None:
    for page in PAGES:
        assert len(settings(page.read_text(encoding="utf-8"))) > 1, page.stem
