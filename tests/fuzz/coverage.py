"""Bytes that find their own way: atheris changes the corpus by what it reaches in the reader of
designs.

    ./dev fuzz coverage -runs=100000                   from the examples and the tests' designs
    ./dev fuzz coverage -max_total_time=600 corpus/    keep what is interesting in corpus/

Options are libFuzzer's. atheris is in the dependency group ``fuzz``.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from fuzz.inputs import corpus


def _one(data: bytes) -> None:
    from fuzz.judge import problem

    found = problem(data.decode("utf-8", "replace"))
    if found:
        raise AssertionError(found)


def main() -> int:
    """Instrument the package, then let atheris run; it ends the process itself."""
    try:
        import atheris
    except ImportError:
        print("atheris is not installed (dependency group fuzz; it needs Python 3.11)")
        return 0
    with atheris.instrument_imports(include=["onceproof"]):
        import fuzz.judge  # noqa: F401
    with tempfile.TemporaryDirectory(prefix="corpus-") as folder:
        for number, text in enumerate(corpus()):
            (Path(folder) / str(number)).write_text(text, encoding="utf-8")
        atheris.Setup([*sys.argv, "-max_len=3000", "-timeout=20", folder], _one)
        atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
