"""The harsher world as a whole, also what is not turned on yet."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

import pytest
from onceproof.interpreter import modelled


def of_brokers(patch: pytest.MonkeyPatch, *stages: str, reading: ModuleType = modelled) -> None:
    """Brokers as docs/semantics_world.md has them, as far as these stages go, in one of the two
    readings (its module ``modelled``), for one test: nothing is refused.
    """
    for part in stages:
        patch.setattr(reading, part, True)
    patch.setattr(import_module("onceproof.lang.resolve.unmodelled"), "NOT_MODELLED", {})
