"""The walk of a check in ARCHITECTURE.md is the one that the code takes."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType

from support.command_line import run
from support.repo import ROOT

EXAMPLE = "examples/article/invoice_email.once"
OPTIMIZED = 1
"""The flag of the code of functions: not of modules and classes, which run when they are loaded."""


def _passed(walk: Callable[[], object]) -> list[str]:
    """The files of the package whose functions run, each once, in the order of their first call."""
    codes: dict[CodeType, None] = {}

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_flags & OPTIMIZED:
            codes.setdefault(frame.f_code)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        walk()
    finally:
        sys.setprofile(before)
    package = ROOT / "checker" / "onceproof"
    files = [Path(code.co_filename) for code in codes]
    inside = [f.relative_to(package).as_posix() for f in files if package in f.parents]
    return list(dict.fromkeys(inside))


def test_a_check_passes_the_files_in_their_order() -> None:
    page = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    section = page.partition("## One check\n")[2].partition("\n## ")[0]
    assert EXAMPLE in section
    named = re.findall(r"`checker/onceproof/([a-z_/]+\.py)`", section)
    assert len(named) > 20
    words = ("check", EXAMPLE, "--no-cache")
    assert run(*words).returncode == 0  # whatever is made once for all is made now
    passed = _passed(lambda: run(*words))
    assert [f for f in passed if f in named] == named
