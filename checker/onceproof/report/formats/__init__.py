"""The formats of a result: ``text``, ``json``, ``markdown``, ``html/``, ``mermaid``, ``msc`` (a
sequence diagram in plain text), ``itf`` (traces), ``sarif``, ``junit``, ``github``, ``gitlab``.

A format is a file here with its name that defines ``FORMAT``.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable

from msgspec import Struct

from onceproof.report.terminal import Paint
from onceproof.verdict.result import Result


class Format(Struct, frozen=True):
    """``name`` is what people type, ``summary`` what help says.

    ``write`` takes the verbosity (0 quiet, 1 normal, 2 verbose) and how the place looks it is
    written to. ``files``: for formats that hold one story per file, every file by its name.
    ``certificates``: it shows the hashes that ``Options.digests`` adds to a
    result.
    """

    name: str
    summary: str
    write: Callable[[Result, int, Paint], str]
    files: Callable[[Result], dict[str, str]] | None = None
    certificates: bool = False


def format_named(name: str) -> Format:
    """The format of this name; only its own module is loaded. Raises KeyError for an unknown
    one.
    """
    module = f"{__name__}.{name}"
    known = name.isidentifier() and importlib.util.find_spec(module) is not None
    form = getattr(importlib.import_module(module), "FORMAT", None) if known else None
    if not isinstance(form, Format):
        raise KeyError(name)
    return form


def formats() -> dict[str, Format]:
    """Every format, by name."""
    import pkgutil

    modules = (
        importlib.import_module(f"{__name__}.{m.name}") for m in pkgutil.iter_modules(__path__)
    )
    known = [m.FORMAT for m in modules if isinstance(getattr(m, "FORMAT", None), Format)]
    return {form.name: form for form in sorted(known, key=lambda form: form.name)}


def write(name: str, result: Result, verbosity: int, look: Paint) -> str:
    """The result in a format. Raises KeyError for an unknown one."""
    return format_named(name).write(result, verbosity, look)
