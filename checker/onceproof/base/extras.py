"""What is installed only on demand, and how it is had: the extras of ``pyproject.toml``."""

from __future__ import annotations


def how_to_get(extra: str) -> str:
    """How somebody gets an extra, for the end of a message. The package is in no index yet, so it
    is installed from a checkout.
    """
    return f"it needs the extra `{extra}`: pip install '.[{extra}]' in the checkout of onceproof"
