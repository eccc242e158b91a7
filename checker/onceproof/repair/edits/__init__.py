"""The closed catalogue of edits, one file per kind. Adding one is adding one file here that defines
``EDITS``.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from onceproof.repair.plan import Edit


@cache
def catalogue() -> tuple[Edit, ...]:
    """Every edit, cheapest first; of equal cost, by name."""
    modules = (
        importlib.import_module(f"{__name__}.{m.name}") for m in pkgutil.iter_modules(__path__)
    )
    return tuple(
        sorted(
            (edit for module in modules for edit in module.EDITS), key=lambda e: (e.cost, e.name)
        )
    )
