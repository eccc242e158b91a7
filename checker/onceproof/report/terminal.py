"""How the place we print to looks."""

from __future__ import annotations

import os
from typing import TextIO

from msgspec import Struct


class Paint(Struct, frozen=True):
    """``width`` in columns; ``color``: escape codes are welcome; ``unicode``: marks outside ASCII
    can be printed.
    """

    width: int = 80
    color: bool = False
    unicode: bool = True

    @staticmethod
    def plain(color: bool = False) -> Paint:
        """For files."""
        return Paint(100, color, True)

    @staticmethod
    def for_stream(stream: TextIO, wish: str) -> Paint:
        """For a stream; ``wish`` is --color, then NO_COLOR, then FORCE_COLOR / CLICOLOR_FORCE, then
        whether it is a terminal.
        """
        terminal = stream.isatty()
        return Paint(
            max(60, min(_width() if terminal else 80, 140)),
            wants_color(wish, terminal),
            can_print(stream),
        )


def _width() -> int:
    from shutil import get_terminal_size

    return get_terminal_size((80, 24)).columns


def wants_color(wish: str, terminal: bool) -> bool:
    """Whether to use colour."""
    if wish != "auto":
        return wish == "always"
    if os.environ.get("NO_COLOR"):
        return False
    forced = os.environ.get("FORCE_COLOR") or os.environ.get("CLICOLOR_FORCE", "0") not in ("", "0")
    return bool(forced) or (terminal and os.environ.get("TERM") != "dumb")


def can_print(stream: TextIO) -> bool:
    """Whether the stream's encoding has our marks."""
    try:
        "✓✗→≤│…".encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
