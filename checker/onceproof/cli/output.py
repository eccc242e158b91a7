"""The one way in which commands print and write: cleaned, in the stream's encoding, and never over
a design.

Names and texts come from strangers. No control character reaches a terminal or a log, whoever made
it; our own colours do. Only click is imported here: this module is read for ``onceproof --help``.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from onceproof.base.paths import ENDING, printable, shown

if TYPE_CHECKING:
    from onceproof.report.terminal import Paint

COLOR = re.compile(r"\x1b\[[0-9;]*m")
"""What our own colours are made of."""


class Unwritten(click.ClickException):
    """The answer could not be written as far as it goes: a full disk, a pipe that nobody reads."""

    exit_code = 74
    """``Exit.OUTPUT``, known without loading it."""


def cleaned(text: str, color: bool = False) -> str:
    """A text without control characters, line ends and tabs aside; with ``color``, our colours
    stay.
    """
    parts = re.split(f"({COLOR.pattern})", text) if color else [text]
    return "".join(part if i % 2 else printable(part, "\n\t") for i, part in enumerate(parts))


def say(text: str = "", err: bool = False, nl: bool = True) -> None:
    """Print a text."""
    stream = sys.stderr if err else sys.stdout
    write(stream, cleaned(text) + ("\n" if nl else ""))


def write(stream: TextIO, text: str) -> None:
    """Write a text to a stream; what its encoding does not have is spelt out. Raises OSError."""
    encoding = stream.encoding or "utf-8"
    stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
    stream.flush()


def emit(
    output: Path | None,
    text: str | Callable[[Paint], str],
    color: str = "never",
    inputs: Iterable[str | Path] = (),
) -> str:
    """Write to a file, or to standard output (None or ``-``); returns what was written.

    ``text``: the text, or what makes it for the place that it is written to. ``inputs``: files that
    must stay. Raises UsageError and Unwritten if the file cannot be written.
    """
    from onceproof.report.terminal import Paint

    to_stream = output is None or str(output) == "-"
    look = Paint.for_stream(sys.stdout, color) if to_stream else Paint.plain(color == "always")
    if output is not None and not to_stream:
        demand_no_input(output, inputs)
    data = cleaned(text if isinstance(text, str) else text(look), look.color)
    data = data if data.endswith("\n") else data + "\n"
    if output is None or to_stream:
        write(sys.stdout, data)
    else:
        write_file(output, data)
    return data


def write_file(path: Path, text: str) -> None:
    """Write a file that the user has named. Raises UsageError if there is no such place, Unwritten
    if it does not take the text.
    """
    from onceproof.base.writing import replace_file

    try:
        replace_file(path, text.encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise cannot_write(path, error) from error


def cannot_write(path: Path, error: OSError) -> click.ClickException:
    """The mistake of a place that cannot be written to, or that does not take the text."""
    from onceproof.base.writing import UNFINISHED

    message = f"cannot write {shown(path)}: {(error.strerror or 'failed').lower()}"
    return Unwritten(message) if error.errno in UNFINISHED else click.UsageError(message)


def demand_no_input(output: Path, inputs: Iterable[str | Path] = ()) -> None:
    """Refuse to write over a design, or over a file that was read. Raises UsageError."""
    from onceproof.base.writing import is_same

    if output.name.endswith(ENDING) or os.path.realpath(output).endswith(ENDING):
        raise click.UsageError(
            f"cannot write {shown(output)}: a file that ends in {ENDING} is a design"
        )
    for path in inputs:
        if is_same(output, Path(path)):
            raise click.UsageError(
                f"cannot write {shown(output)}: it would overwrite what was read"
            )
