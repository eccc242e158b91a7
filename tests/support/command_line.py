"""The command line within this process: what ``python -m onceproof`` does, without the start of
another Python.

For tests of what is printed. That the real thing does the same is the matter of
``test_exit_codes.py``.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
from contextlib import chdir
from pathlib import Path
from unittest.mock import patch

from onceproof.cli.main import entry

from support.repo import ROOT


def run(
    *arguments: str | Path, stdin: bytes = b"", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a command as a pipe sees it, in the folder of the repository; ``stdin``: what it
    reads.
    """
    given = [str(a) for a in arguments]
    out, err = (
        io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="", write_through=True)
        for _ in range(2)
    )
    streams = {
        "stdin": io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"),
        "stdout": out,
        "stderr": err,
    }
    with (
        chdir(ROOT),
        patch.dict(os.environ, environment),
        patch.multiple(sys, argv=["onceproof", *given], **streams),
    ):
        code = _code()
    out.flush()
    err.flush()
    texts = (stream.buffer.getvalue().decode() for stream in (out, err))  # type: ignore[attr-defined]
    return subprocess.CompletedProcess(given, code, *texts)


def _code() -> int:
    """The exit code of the console script."""
    try:
        entry()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return 0
