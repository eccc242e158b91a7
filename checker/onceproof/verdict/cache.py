"""Results of whole designs, kept between runs. The question is everything that decides them: tool,
design, imports, options.

Results that came near a time or memory limit are not kept: a rerun could differ. Entries are
MessagePack, decoded against the type of a result; bytes of any other shape count as not there.
"""

from __future__ import annotations

import os
from pathlib import Path

from msgspec import DecodeError, ValidationError, msgpack

from onceproof.base.paths import file_of
from onceproof.base.project import project_of
from onceproof.base.store import Answers, Store
from onceproof.base.untrusted import Refused
from onceproof.base.untrusted import read as read_file
from onceproof.lang.diagnostics import Severity
from onceproof.lang.source import MAX_BYTES, Source
from onceproof.verdict.result import ClaimResult, DesignResult, Verdict
from onceproof.verdict.task import Options

LIBRARY = b"library"
"""Kept for a file in a folder that only declares things for others."""


class ResultCache:
    """The results kept for one set of options."""

    def __init__(self, store: Store, options: Options) -> None:
        self._answers = Answers(store, "design")
        self._options = options

    def known(self, path: Path) -> DesignResult | bytes | None:
        """What was found for this design: a result, ``LIBRARY``, or nothing."""
        data = self._answers.known(self._question(path))
        if data is None or data == LIBRARY:
            return data
        return decode(data)

    def keep(self, path: Path, result: DesignResult) -> None:
        """Keep a result, if it would be the same the next time."""
        if lasting(result, self._options) and unchanged(result.sources):
            data = encode(result)
            if data is not None:
                self._answers.keep(self._question(path), result.sources, data)

    def keep_library(self, path: Path, sources: dict[str, Source]) -> None:
        """Keep that a file is a library, if what was read is still there."""
        if unchanged(sources):
            self._answers.keep(self._question(path), sources, LIBRARY)

    def _question(self, path: Path) -> tuple[str, ...]:
        return (str(path), os.getcwd(), project_of(str(path)), repr(self._options))


def lasting(result: DesignResult, options: Options) -> bool:
    """The design is healthy, and no answer came near a limit of time or memory."""
    if result.failures or any(d.severity is Severity.ERROR for d in result.diagnostics):
        return False
    return all(_lasting(cell, options) for cell in result.cells)


def _lasting(cell: ClaimResult, options: Options) -> bool:
    spent = cell.verdict is Verdict.UNKNOWN and (
        options.megabytes is not None or "memory" in cell.reason
    )
    return not spent and cell.seconds < options.seconds / 4


def unchanged(sources: dict[str, Source]) -> bool:
    """The files still hold the texts that were checked."""
    try:
        return all(
            read_file(file_of(path), MAX_BYTES).decode("utf-8-sig") == source.text
            for path, source in sources.items()
        )
    except (OSError, UnicodeDecodeError, Refused):
        return False


_ENCODER = msgpack.Encoder(order="deterministic")
_DECODER = msgpack.Decoder(DesignResult)


def encode(result: DesignResult) -> bytes | None:
    """A result as bytes; None if it names a file whose path is no Unicode text."""
    try:
        return _ENCODER.encode(result)
    except UnicodeEncodeError:
        return None


def decode(data: bytes) -> DesignResult | None:
    """The result that was encoded; None for bytes that are not exactly one."""
    try:
        return _DECODER.decode(data)
    except (DecodeError, ValidationError):
        return None
