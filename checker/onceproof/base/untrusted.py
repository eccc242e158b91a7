"""Reads files that a stranger may have put beside a design: what a design imports, its models,
certificates.

A name in a design must not lead to a file that its author could not read anyway, nor to something
that never ends. So only regular files are read, only as far as a limit, and, where a folder is
given, only files that really lie in it: a symbolic link may lead to another place in the folder,
and to nowhere else.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

OUTSIDE = "it is outside the folder of the design"
OUTSIDE_PROJECT = "it is outside the folder of the project"
NO_FILE = "it is not a file"
MISSING = "there is no such file"


class Refused(Exception):
    """The file is not read. The message says why, in words for whoever wrote the name, and nothing
    about a place outside.
    """


def place_in(folder: Path, path: str | Path, outside: str = OUTSIDE) -> Path:
    """Where a file really is, if that is in the folder. Raises Refused, with ``outside`` if not.

    The text of the path is looked at first, so that nothing outside is so much as asked for.
    """
    text = os.path.normpath(os.path.join(os.path.abspath(folder), path))
    if not _is_below(text, os.path.abspath(folder)):
        raise Refused(outside)
    try:
        real = os.path.realpath(text)
        if not _is_below(real, os.path.realpath(folder)):
            raise Refused(outside)
    except (OSError, ValueError) as error:
        raise Refused(NO_FILE) from error
    return Path(real)


def _is_below(path: str, folder: str) -> bool:
    try:
        return os.path.commonpath((path, folder)) == folder
    except ValueError:  # another drive
        return False


def read(path: str | Path, most: int) -> bytes:
    """The bytes of a regular file, and no more than ``most + 1`` of them. Raises OSError, and
    Refused for anything else.
    """
    flags = (
        os.O_RDONLY
        | getattr(os, "O_NONBLOCK", 0)
        | getattr(os, "O_BINARY", 0)
        | getattr(os, "O_CLOEXEC", 0)
    )
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise Refused(NO_FILE)
    handle = os.open(path, flags)  # does not wait where a pipe took the file's place
    with open(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise Refused(NO_FILE)
        return file.read(most + 1)


def read_in(folder: Path, path: str | Path, most: int) -> bytes:
    """The bytes of a regular file that is in the folder, at most ``most + 1`` of them. Raises
    Refused and no OSError.
    """
    real = place_in(folder, path)
    try:
        return read(real, most)
    except FileNotFoundError as error:
        raise Refused(MISSING) from error
    except OSError as error:
        raise Refused((error.strerror or "it cannot be read").lower()) from error
