"""Writes files: all of a file or nothing, with the mode, the line ends and the links it had.

A file is written beside its place and then moved there. A reader never sees half of it, and a full
disk costs nothing.
"""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from pathlib import Path

MARK = b"\xef\xbb\xbf"
"""A byte order mark."""

UNFINISHED = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EPIPE, errno.EFBIG)
"""The place could be opened and did not take the text; any other error is about the place
itself.
"""


def as_before(old: bytes, text: str) -> bytes:
    """A new text with the byte order mark and the line ends that a file had."""
    ends = old.count(b"\r\n") * 2 > old.count(b"\n")
    body = text.replace("\r\n", "\n").replace("\n", "\r\n") if ends else text
    return (MARK if old.startswith(MARK) else b"") + body.encode("utf-8", "backslashreplace")


def replace_file(path: Path, data: bytes) -> None:
    """Write a file. What a link leads to is written, and the link stays; so does the mode. Raises
    OSError.
    """
    real = Path(os.path.realpath(path))
    try:
        mode: int | None = real.stat().st_mode
    except FileNotFoundError:
        mode = None
    if mode is not None and not stat.S_ISREG(mode):
        with open(real, "wb") as file:  # a device or a pipe stays what it is
            file.write(data)
        return
    _move_there(real, data, None if mode is None else stat.S_IMODE(mode))


def create_in(folder: Path, name: str, data: bytes) -> None:
    """Write a file of our own in a folder of our own; a link in its place is replaced and not
    followed. Raises OSError.
    """
    _move_there(folder / name, data, None)


def _move_there(place: Path, data: bytes, mode: int | None) -> None:
    handle, beside = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name[:40]}.")
    try:
        with open(handle, "wb") as file:
            file.write(data)
        os.chmod(beside, _usual_mode() if mode is None else mode)
        os.replace(beside, place)
    except BaseException:
        os.unlink(beside)
        raise


def _usual_mode() -> int:
    """The mode of a new file."""
    mask = os.umask(0o022)
    os.umask(mask)
    return 0o666 & ~mask


def make_folders(base: Path, below: Path) -> Path:
    """The folder ``below`` in ``base``, made if it is not there. A link on the way is refused:
    ValueError. Raises OSError.
    """
    base.mkdir(parents=True, exist_ok=True)
    place = base
    for part in below.parts:
        place = place / part
        if place.is_symlink():
            raise ValueError(f"{place} is a link")
        place.mkdir(exist_ok=True)
    return place


def is_same(first: Path, second: Path) -> bool:
    """Whether two paths lead to one file that is there."""
    try:
        return os.path.samefile(first, second)
    except (OSError, ValueError):
        return False
