"""The closed catalogue of edits, one file per kind. Adding one is adding one file here that defines
``EDITS``.

``ack``: move the acknowledgement, or look at the broker's answer.
``assumption``: an assumption about the surroundings.
``broker``: another value for an option of a queue's model.
``business``: recognize repetitions by the business key.
``fence``: a fencing token, checked together with the write.
``key``: an idempotency key for an external effect.
``outbox``: an outbox, with a relay that sends it.
``transaction``: the dedup record and the write in one transaction.
``version``: a conditional update by version.
``window``: keep keys and records as long as a repetition can come.
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
