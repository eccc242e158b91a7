"""The command line in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from support.repo import ROOT

SEED = ROOT / "examples" / "article" / "invoice_email.once"


HANDLER = """\
event Paid(id)
queue paid of Paid at-least-once
store done per id
effect mail per id via smtp
consumer c on paid
{body}
{claims}
"""


CAREFUL = "  if id not in done\n    send mail\n    add id to done\n  ack"


def run(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "onceproof", *map(str, arguments)]
    return subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def design(folder: Path, claims: str, body: str = CAREFUL) -> Path:
    path = folder / "design.once"
    path.write_text(HANDLER.format(body=body, claims=claims), encoding="utf-8")
    return path
