"""Lengths of time as they are written: ``30s``, ``5min``, ``24h``, ``7d``."""

from __future__ import annotations

import re

_UNITS = {"ms": 1, "s": 1_000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}
_SHAPE = re.compile(r"([0-9]+)(ms|s|min|h|d)")


def milliseconds(text: str) -> int | None:
    """The length in milliseconds; None if the text is not a duration."""
    match = _SHAPE.fullmatch(text)
    return int(match[1]) * _UNITS[match[2]] if match else None


def seconds_words(seconds: float) -> str:
    """A length of time that was left, for a message: ``60 s``, ``1.5 s``, ``0.8 s``."""
    return f"{round(seconds, 1):g} s" if seconds >= 0.05 else f"{seconds * 1000:.0f} ms"


def shorter(duration: str, other: str) -> bool:
    """Whether one duration is strictly shorter than another; False if one of them is no
    duration.
    """
    first, second = milliseconds(duration), milliseconds(other)
    return first is not None and second is not None and first < second
