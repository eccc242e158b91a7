"""The pages about models say what the files say. ``pytest --update`` writes them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from onceproof.models import Option, kinds
from onceproof.report import cards, words

from support.pairs import Pair, pairs
from support.repo import ROOT, blocks, read

MARK = (
    "<!-- what follows is `onceproof models --format markdown`; `pytest --update` writes it -->\n"
)
Golden = Callable[[Path, str], None]


def test_the_table_of_what_is_known(golden: Golden) -> None:
    head, mark, _ = read("docs/models.md").partition(MARK)
    assert mark
    every = [shelf[name] for shelf in kinds().values() for name in shelf]
    golden(ROOT / "docs/models.md", f"{head}{mark}\n{cards.coverage(every)}")


@pytest.mark.parametrize("folder", list(kinds()))
def test_the_cards_as_pages(folder: str, golden: Golden) -> None:
    shelf = kinds()[folder]
    lines = [
        f"# {cards.TITLES[folder]}",
        "",
        "Generated from `models/`; [how to read a card](../models.md).",
        "",
    ]
    for title, found in cards.groups(shelf.values()):
        lines += [f"## {title}", ""] if folder == "brokers" else []
        lines += [cards.card_markdown(m, 3 if folder == "brokers" else 2) for m in found]
    golden(ROOT / f"docs/models/{folder}.md", "\n".join(lines).rstrip("\n") + "\n")


def test_the_table_of_guarantees(golden: Golden) -> None:
    every = [shelf[name] for shelf in kinds().values() for name in shelf]
    head = (
        "# What models guarantee\n\nGenerated from `models/`, under the defaults of each product;"
        " [how to read it](../models.md).\n\n"
    )
    golden(ROOT / "docs/models/guarantees.md", head + cards.guarantees(every))


def _does(pair: Pair | None, option: Option) -> tuple[str, str]:
    """What an option changes, and the pair of designs that shows it."""
    if option.idle:
        return f"{option.meaning}. *Nothing: {option.idle}*", "named in a design, it says so (N147)"
    if option.not_modelled:
        return f"{option.meaning}. *Not modelled yet*", "refused (N173)"
    assert pair is not None, option.name
    sides = [f"`via {use}`: {said}" for use, said in zip(pair.uses(), pair.answers, strict=True)]
    return f"{option.meaning}.", f"{pair.setting}. {'; but '.join(sides)}"


def test_the_table_of_options(golden: Golden) -> None:
    """Every option with what it changes, and two designs whose answers differ: no cell is empty."""
    known = {(p.model, p.option): p for p in pairs()}
    lines = [
        "# What options change",
        "",
        "Generated from `models/` and `tests/models/pairs.toml`: for every option a setting (what"
        " the handler does, and what can go wrong), and two designs that differ in it, with their"
        " answers.",
        "",
        "| model | option | what it changes | the pair |",
        "|---|---|---|---|",
    ]
    for shelf in kinds().values():
        for name in shelf:
            for option in shelf[name].options.values():
                key = (name, option.name)
                does, shown = _does(known.get(key), option)
                cells = [f"`{name}`", f"`{option.name}`", words.markdown_cell(does)]
                lines.append(f"| {' | '.join([*cells, shown.replace('|', '/')])} |")
    golden(ROOT / "docs/models/options.md", "\n".join(lines) + "\n")


def test_the_guide_shows_a_whole_file() -> None:
    """A broker is one file of less than forty lines; the guide shows one that ships."""
    text = read("models/brokers/beanstalkd.toml")
    assert [b.text for b in blocks("CONTRIBUTING.md") if b.kind == "toml"] == [text]
    assert text.count("\n") < 40
