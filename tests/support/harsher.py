"""The harsher world as a whole, also what the machine does not have yet."""

from __future__ import annotations

from importlib import import_module

import pytest
from onceproof.interpreter import modelled

OF_BROKERS_AND_CLAIMS = {
    "also fed",
    "queue in a database",
    "dead letters",
    "new id",
    "redelivered",
    "killed",
    "log",
    "parallel",
    "failures",
    "seek back",
    "keyed",
    "cursor",
    "notified",
    "publisher under at-most-once",
    "broker-loses-nothing",
    "fails-fewer",
    "at-rest-never",
    "effectively-once",
    "one-worker per",
}
"""Constructs that stay refused."""


def of_brokers(patch: pytest.MonkeyPatch, *stages: str) -> None:
    """Brokers as docs/semantics_world.md has them, as far as these stages go, for one test: nothing
    of them is refused.
    """
    for part in stages:
        patch.setattr(modelled, part, True)
    unmodelled = import_module("onceproof.lang.resolve.unmodelled")
    refused = unmodelled.NOT_MODELLED.items()
    left = {name: words for name, words in refused if name not in OF_BROKERS_AND_CLAIMS}
    patch.setattr(unmodelled, "NOT_MODELLED", left)
