"""Results of whole designs, kept between runs. The question is everything that decides them: tool,
design, imports, options.

An answer that leaned on a clock or on memory is not kept, since it might be another one the next
time. What is read back is data: records and enumerations of this package, and nothing else.
"""

from __future__ import annotations

import io
import os
import pickle
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import Any

from msgspec import Struct

from onceproof.base.store import Answers, Store
from onceproof.lang.diagnostics import Severity
from onceproof.lang.source import Source
from onceproof.verdict.result import ClaimResult, DesignResult, Verdict
from onceproof.verdict.task import Options

LIBRARY = b"library"
"""Kept for a file in a folder that only declares things for others."""


class Kept:
    """The results kept for one set of options."""

    def __init__(self, store: Store, options: Options) -> None:
        self._answers = Answers(store, "design")
        self._options = options

    def known(self, path: Path) -> DesignResult | bytes | None:
        """What was found for this design: a result, ``LIBRARY``, or nothing."""
        data = self._answers.known(self._question(path))
        if data is None or data == LIBRARY:
            return data
        found = read(data)
        return found if isinstance(found, DesignResult) else None

    def keep(self, path: Path, result: DesignResult) -> None:
        """Keep a result, if it would be the same the next time."""
        if lasting(result, self._options) and unchanged(result.sources):
            self._answers.keep(self._question(path), result.sources, written(result))

    def keep_library(self, path: Path, sources: dict[str, Source]) -> None:
        """Keep that a file is a library, if what was read is still there."""
        if unchanged(sources):
            self._answers.keep(self._question(path), sources, LIBRARY)

    def _question(self, path: Path) -> tuple[str, ...]:
        return (str(path), os.getcwd(), repr(self._options))


def lasting(result: DesignResult, options: Options) -> bool:
    """The design is healthy, and no answer came near a limit of time or memory."""
    if result.failures or any(d.severity is Severity.ERROR for d in result.diagnostics):
        return False
    return all(_lasting(cell, options) for cell in result.cells)


def _lasting(cell: ClaimResult, options: Options) -> bool:
    limit = min(options.seconds, 5.0) if options.explain else options.seconds
    spent = cell.verdict is Verdict.UNKNOWN and (
        options.megabytes is not None or "memory" in cell.reason
    )
    return not spent and cell.seconds < limit / 4


def unchanged(sources: dict[str, Source]) -> bool:
    """The files still hold the texts that were checked."""
    try:
        return all(
            Path(path).read_bytes().decode("utf-8-sig") == source.text
            for path, source in sources.items()
        )
    except (OSError, UnicodeDecodeError):
        return False


class _Writer(pickle.Pickler):
    """Writes an enumeration's member as its class and value; Python's own way differs from version
    to version.
    """

    def reducer_override(self, obj: object) -> Any:
        return (type(obj), (obj.value,)) if isinstance(obj, Enum) else NotImplemented


def written(record: object) -> bytes:
    """A record as bytes, to be kept."""
    stream = io.BytesIO()
    _Writer(stream, protocol=5).dump(record)
    return stream.getvalue()


class _Records(pickle.Unpickler):
    """Reads records and enumerations of this package, and nothing that could run."""

    def find_class(self, module: str, name: str) -> Any:
        if module.startswith("onceproof."):
            found = getattr(import_module(module), name, None)
            if isinstance(found, type) and issubclass(found, Struct | Enum):
                return found
        raise pickle.UnpicklingError(f"{module}.{name} has no place in a result")


def read(data: bytes) -> object:
    """The record that was written; None for whatever cannot be read."""
    try:
        found: object = _Records(io.BytesIO(data)).load()
    except Exception:
        return None
    return found
