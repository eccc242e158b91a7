"""Onceproof: a formal model checker for message-delivery designs.

>>> from checker import check
>>> result = check("examples/article/invoice_email.once")

The public names are listed in docs/python.md.
"""

from __future__ import annotations

import sys
from types import ModuleType

TYPE_CHECKING = False  # type checkers take it for true; importing ``typing`` would cost 5 ms

if TYPE_CHECKING:
    from typing import Any

    from checker.api import NoDesign, Options, Shown, check, load, load_text

__all__ = ["NoDesign", "Options", "Shown", "__version__", "check", "load", "load_text"]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Import what is asked for, so that ``import checker`` costs nothing."""
    if name in __all__:
        from importlib import import_module

        return getattr(import_module("checker.api"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class _Package(ModuleType):
    """``checker.check`` and ``checker.load`` are functions here, although modules of these names exist.

    Importing a module sets it as an attribute of its package; for the public names that must not happen.
    """

    def __setattr__(self, name: str, value: object) -> None:
        if name not in __all__ or not isinstance(value, ModuleType):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
