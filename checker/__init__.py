"""Onceproof: a formal model checker for message-delivery designs.

>>> from checker import check
>>> result = check("examples/article/invoice_email.once")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from checker.check import check
    from checker.load import load, load_text
    from checker.options import Options

__all__ = ["Options", "__version__", "check", "load", "load_text"]

__version__ = "0.1.0"

_HOME = {"check": "checker.check", "load": "checker.load", "load_text": "checker.load", "Options": "checker.options"}


def __getattr__(name: str) -> Any:
    """Import what is asked for, so that ``import checker`` costs nothing."""
    if name in _HOME:
        from importlib import import_module

        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
