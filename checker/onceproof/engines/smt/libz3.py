"""The few functions of Z3's library that are needed here, without the Python package around it.

All we hand to Z3 is SMT-LIB text, for which one function of its C interface is enough. Importing
the package ``z3`` for it takes four times as long as loading the library. The library is the one
inside the package. If it is not where we look, ``None`` is returned, and the package itself is
imported (``solver.py``).
"""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

NAMES = {"win32": "libz3.dll", "darwin": "libz3*.dylib"}


class Z3Error(Exception):
    """Z3 refused a text."""


@cache
def library() -> Any:
    """Z3's library, loaded once per process; None if it is not in the package's folder."""
    spec = find_spec("z3")
    folders = (
        [Path(place) / "lib" for place in (spec.submodule_search_locations or ())] if spec else []
    )
    for path in (
        p for folder in folders for p in sorted(folder.glob(NAMES.get(sys.platform, "libz3.so*")))
    ):
        try:
            return _typed(ctypes.CDLL(str(path)))
        except (OSError, AttributeError):
            continue
    return None


def _typed(lib: Any) -> Any:
    """The library with the types of the functions used."""
    pointer, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_uint
    for name, result, arguments in (
        ("Z3_mk_config", pointer, ()),
        ("Z3_mk_context", pointer, (pointer,)),
        ("Z3_del_config", None, (pointer,)),
        ("Z3_del_context", None, (pointer,)),
        ("Z3_set_error_handler", None, (pointer, pointer)),
        ("Z3_eval_smtlib2_string", text, (pointer, text)),
        ("Z3_get_error_code", number, (pointer,)),
        ("Z3_get_error_msg", text, (pointer, number)),
    ):
        function = getattr(lib, name)
        function.restype, function.argtypes = result, arguments
    return lib


class Context:
    """A Z3 context: options, declarations and assertions, until it is let go of."""

    def __init__(self, lib: Any) -> None:
        self._lib = lib
        config = lib.Z3_mk_config()
        self._ref = lib.Z3_mk_context(config)
        lib.Z3_del_config(config)
        lib.Z3_set_error_handler(
            self._ref, None
        )  # errors are asked for, never raised by the library

    def run(self, text: str) -> str:
        """Hand over commands; what Z3 prints. Raises Z3Error."""
        printed = self._lib.Z3_eval_smtlib2_string(self._ref, text.encode())
        code = self._lib.Z3_get_error_code(self._ref)
        if code:
            raise Z3Error(
                (self._lib.Z3_get_error_msg(self._ref, code) or b"").decode("utf-8", "replace")
            )
        return (printed or b"").decode("utf-8", "replace")

    def __del__(self) -> None:
        self._lib.Z3_del_context(self._ref)
