"""Onceproof: a formal model checker for message-delivery designs.

>>> from onceproof import check
>>> result = check("examples/article/invoice_email.once")

The public names are listed in docs/python.md, the folders in ARCHITECTURE.md.

``api``: what ``from onceproof import …`` gives.
``__main__``: ``python -m onceproof``.
"""

from __future__ import annotations

TYPE_CHECKING = False  # type checkers take it for true; importing ``typing`` would cost 5 ms

if TYPE_CHECKING:
    from typing import Any

    from onceproof.api import NoDesign, Options, Shown, check, load, load_text
    from onceproof.base.version import VERSION as __version__

__all__ = ["NoDesign", "Options", "Shown", "__version__", "check", "load", "load_text"]


def __getattr__(name: str) -> Any:
    """Import what is asked for, so that ``import onceproof`` costs nothing."""
    if name == "__version__":
        from onceproof.base.version import VERSION

        return VERSION
    if name in __all__:
        from importlib import import_module

        return getattr(import_module("onceproof.api"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
