"""The command line in a folder of its own, with a store of its own beside the folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from onceproof.base import store

from support.repo import SOURCES


def run(folder: Path, *arguments: str, **environment: str) -> tuple[int, bytes, bytes]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("ONCEPROOF_")}
    clean |= {
        "PYTHONPATH": str(SOURCES),
        "PYTHONUTF8": "1",
        store.NAME: str(folder.parent / "kept"),
        **environment,
    }
    done = subprocess.run(
        [sys.executable, "-m", "onceproof", *arguments],
        cwd=folder,
        env=clean,
        capture_output=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr
