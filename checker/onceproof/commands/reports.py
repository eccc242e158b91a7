"""``--report KIND=PATH``: the same result in several formats at once."""

from __future__ import annotations

from pathlib import Path

import click
from msgspec import Struct

from onceproof.commands.shared import emit
from onceproof.report import formats, one
from onceproof.verdict.result import Result


class Target(Struct, frozen=True):
    """A format and where it goes. ``folder``: one file per story goes there."""

    form: str
    path: Path
    folder: bool


def target(text: str) -> Target:
    """Read ``KIND=PATH``. A path without an ending, or one that is a folder, stands for a folder
    where the format allows one.
    """
    form, sign, path = text.partition("=")
    try:
        each = one(form).each
    except KeyError:
        known = sorted(formats())
        from difflib import get_close_matches

        close = get_close_matches(form, known, 1)
        hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}"
        raise click.UsageError(f"--report {text}: there is no format {form!r}; {hint}") from None
    if not sign or not path:
        raise click.UsageError(
            f"--report {text}: write KIND=PATH, for example {form}=result.{form}"
        )
    place = Path(path)
    folder = each is not None and (place.is_dir() or path.endswith("/") or not place.suffix)
    return Target(form, place, folder)


def written(place: Target, result: Result, verbosity: int) -> None:
    """Write one report. Raises UsageError if the place cannot be written to."""
    form = one(place.form)
    if not place.folder or form.each is None:
        emit(place.path, "never", lambda look: form.write(result, verbosity, look))
        return
    try:
        place.path.mkdir(parents=True, exist_ok=True)
        for name, text in form.each(result).items():
            (place.path / name).write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise click.UsageError(
            f"cannot write {place.path}: {(error.strerror or 'failed').lower()}"
        ) from error
