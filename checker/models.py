"""Reads the models that ship with the package (``models/``): what is known about a provider, with its source."""

from __future__ import annotations

import tomllib
from functools import cache

from checker.records import dataclass
from checker.resources import resource


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider of external effects. ``keys``: ``never`` (it ignores them), ``unknown`` (the design decides), ``for ever`` or
    a duration."""

    name: str
    summary: str
    keys: str
    status: str
    source: str
    note: str


@cache
def providers() -> dict[str, Provider]:
    """Every provider model by name. Raises KeyError or TOMLDecodeError for a broken model file: that is a broken installation."""
    found: dict[str, Provider] = {}
    for path in sorted((resource("models") / "providers").glob("*.toml")):
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        keys = data["keys"]
        found[data["name"]] = Provider(data["name"], data["summary"], keys["kept"], keys["status"], keys["source"], keys["note"])
    return found
