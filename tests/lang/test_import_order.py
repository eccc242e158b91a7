"""Whatever part of the language is imported first, designs can be loaded."""

from __future__ import annotations

import subprocess
import sys

import pytest

from support.repo import ROOT, modules

FIRST = sorted(m for m in modules() if m.startswith("onceproof.lang.syntax"))


@pytest.mark.parametrize("module", FIRST)
def test_any_order_of_imports(module: str) -> None:
    script = (
        f"import {module}; from onceproof.lang.load import load_text; print(load_text('event"
        " A(id)').path)"
    )
    done = subprocess.run(
        (sys.executable, "-c", script), cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "design.once\n"), done.stderr
