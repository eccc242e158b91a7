"""Generated designs on real products: what happens is among what the interpreter allows.

A sample runs with the slow tests; ``pytest -m nightly`` runs 500 designs × 20 schedules. Designs
that use what the model is known to misread are left out, by kind, and counted; a kind is taken off
the list when the model is mended.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from onceproof.drill.plan import NotDrillable

from support.designs import random_design
from support.drill import runs, stage, written

MISREAD = {
    "an update of an absent row": re.compile(r"^\s*update ", re.MULTILINE),
    "messages are not counted": re.compile(r"^\s*publish to ", re.MULTILINE),
    "publisher retries under at-most-once": re.compile(r"^publisher of \w+ retries", re.MULTILINE),
    "a serializable block is not optimistic": re.compile(r"atomic serializable"),
    "an effect in a store locks no row": re.compile(r"^ *atomic\n(?: +.*\n)*? +do ", re.MULTILINE),
    "a session lock ends with its connection": re.compile(r"^lock (?!.*expires)", re.MULTILINE),
    "a session lock can be taken twice by its holder": re.compile(
        r"acquire lease.*\n(?:.*\n)*.*acquire lease"
    ),
}
"""Constructs whose meaning differs from the products', by what a drill has shown."""

PLACES = [
    pytest.param("sqlite", "sqlite", id="sqlite"),
    pytest.param(
        "rabbitmq",
        "postgresql",
        id="rabbitmq-postgresql",
        marks=[pytest.mark.service("rabbitmq", "postgresql")],
    ),
    pytest.param(
        "redis",
        "postgresql",
        id="redis-postgresql",
        marks=[pytest.mark.service("redis", "postgresql")],
    ),
    pytest.param(
        "postgresql", "postgresql", id="postgresql", marks=[pytest.mark.service("postgresql")]
    ),
]


def _drilled(place: tuple[str, str], seeds: range, schedules: int, folder: Path) -> Counter[str]:
    """Drill generated designs; what was done and what was left out, counted."""
    queue, database = place
    count: Counter[str] = Counter()
    for seed in seeds:
        text = random_design(seed)
        reason = next((why for why, pattern in MISREAD.items() if pattern.search(text)), "")
        if reason:
            count[f"left out: {reason}"] += 1
            continue
        of = written(folder, text)
        assert of.design is not None
        for semantics in of.design.semantics:
            try:
                with stage(of, semantics, queue, database) as on:
                    found = runs(of, on, schedules)
            except NotDrillable:
                count["left out: not on these products"] += 1
                continue
            assert found.oddity is None, f"seed {seed}, {semantics.value}:\n{text}\n{found.oddity}"
            count["designs"] += 1
            count["steps"] += found.steps
            count["faults"] += sum(n for _, n in found.faults)
    return count


@pytest.mark.slow
@pytest.mark.parametrize(("queue", "database"), PLACES)
def test_a_sample(queue: str, database: str, home: Path, tmp_path: Path) -> None:
    count = _drilled((queue, database), range(24), 3, tmp_path)
    print(dict(count))
    assert count["designs"] >= 6
    assert count["faults"] > 10


@pytest.mark.nightly
@pytest.mark.parametrize(("queue", "database"), PLACES)
def test_500_designs(queue: str, database: str, home: Path, tmp_path: Path) -> None:
    count: Counter[str] = Counter()
    seed = 1_000
    while count["designs"] < 500:
        count += _drilled((queue, database), range(seed, seed + 20), 20, tmp_path)
        seed += 20
    print(dict(count))
