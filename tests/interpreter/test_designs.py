"""The generator of random designs: always valid, always the same, and never one-sided."""

from __future__ import annotations

import pytest
from onceproof.lang.load import load_text

from support.designs import random_design

SEEDS = range(300)

WORDS = (
    "atomic\n",
    "atomic serializable",
    "acquire lease",
    "release lease",
    "checks token",
    "late ack",
    "delivery limit",
    "crash here",
    "nack",
    "relay ",
    "retry 1 times",
    "on failure",
    "on duplicate",
    "on conflict",
    "inside orders",
    "section critical",
    "publish to",
    "acks on return",
    "acks on delivery",
    ", workers",
    "let known",
    "kind is",
    "kept 24h",
    "key attempt",
    "cache",
    "replicated",
    "expires",
    "else",
    "increment",
    "delete",
    "at most one worker",
    "together",
    "before",
    "never",
    "no loss of",
    "no duplicate",
    "crash only after",
    "with a new id",
    "fail\n",
    "event Cancelled",
    "ack or stop",
    "assume no crash",
    "within the key window",
    "within the lease",
    "operator replays",
    "at-most-once",
)


@pytest.mark.parametrize("start", range(0, 300, 50))
def test_every_design_loads(start: int) -> None:
    for seed in range(start, start + 50):
        loaded = load_text(random_design(seed))
        assert loaded.design is not None, (seed, loaded.diagnostics)


def test_the_same_seed_gives_the_same_text() -> None:
    assert all(random_design(seed) == random_design(seed) for seed in SEEDS)
    assert len({random_design(seed) for seed in SEEDS}) > 290


@pytest.mark.parametrize("word", WORDS)
def test_every_construct_occurs(word: str) -> None:
    assert sum(word in random_design(seed) for seed in SEEDS) >= 5
