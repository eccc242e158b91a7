"""The two readings of databases, locks and providers that fail (docs/semantics_world.md) agree on
random designs.
"""

from __future__ import annotations

from collections import Counter

import pytest
from onceproof.lang import resolve
from onceproof.lang.load import load_text
from onceproof.lang.resolve.unmodelled import Declared, uses
from onceproof.lang.source import Source
from onceproof.lang.syntax.parser import parse

from support import world_designs as worlds
from support.readings import compare

QUICK, FULL, ALL, STEP, MOST = 13, 273, 2_639, 26, 4_000
LOOKED_AT = 36
"""Designs of each theme that are looked through for every construct."""
CONSTRUCTS = {
    "database",
    "write clause",
    "atomic clause",
    "until released",
    "owner releases",
    "no time to live",
    "key in a row",
    "keeps errors",
    "on refused",
    "on no answer",
    "no-database-failures",
    "option isolation",
    "option reads",
    "option innodb_snapshot_isolation",
    "option global-table",
    "option WATCH",
    "option pooled",
    "option release",
    "option synchronous_commit",
}
"""What the designs are to contain, by the names of ``unmodelled.uses``."""


def _problems(first: int, last: int) -> list[str]:
    return [
        f"design {seed}: {p}"
        for seed in range(first, last)
        for p in compare(seed, worlds.world_design, pool=2, most=MOST).problems
    ]


def test_everything_agrees_on_random_worlds() -> None:
    assert _problems(0, QUICK) == []


@pytest.mark.slow
@pytest.mark.parametrize("first", range(QUICK, FULL, STEP))
def test_everything_agrees_on_many_random_worlds(first: int) -> None:
    assert _problems(first, first + STEP) == []


@pytest.mark.nightly
@pytest.mark.parametrize("first", range(FULL, ALL, STEP))
def test_nightly_everything_agrees_on_many_random_worlds(first: int) -> None:
    assert _problems(first, first + STEP) == []


def test_the_designs_have_every_construct(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether or not the readings model it yet: what no design has is never compared."""
    monkeypatch.setattr(resolve, "unmodelled", lambda items: [])
    monkeypatch.setattr(worlds, "NOT_MODELLED", {})
    found: Counter[str] = Counter()
    for seed in range(LOOKED_AT * len(worlds.THEMES)):
        text = worlds.world_design(seed)
        tree, _ = parse(Source.of("design.once", text))
        declared = Declared.of(tuple(tree.items))
        found.update({c for item in tree.items for c, _ in uses(item, declared)})
    assert {c for c in CONSTRUCTS if found[c] < 2} == set()


def test_most_designs_are_valid_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the lines that the language refuses together would hide what is compared."""
    monkeypatch.setattr(resolve, "unmodelled", lambda items: [])
    monkeypatch.setattr(worlds, "NOT_MODELLED", {})
    themes = list(worlds.THEMES)
    texts = [worlds.one_of(themes[s % len(themes)], s, 0) for s in range(6 * len(themes))]
    assert sum(load_text(t).design is not None for t in texts) > 0.9 * len(texts)
