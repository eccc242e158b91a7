"""The part of the playground that runs in Python, inside the page's worker: the mistakes of a text,
and the review of a design. Both take and give plain values, since JavaScript is on the other side.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from onceproof.lang.diagnostics import Diagnostic
from onceproof.lang.load import load_text
from onceproof.report.formats import write
from onceproof.report.terminal import Paint
from onceproof.verdict.check import check
from onceproof.verdict.task import Options

FOLDER = Path("designs")
DESIGN = FOLDER / "design.once"
SECONDS = 20.0
"""For each claim. The solver counts its own steps here, so this is the same on every machine."""
STATES = 300_000
"""For each search; more would fill a browser's memory."""


def mistakes(text: str) -> str:
    """The mistakes and warnings of a design as JSON, in the order of the text."""
    loaded = load_text(text, str(DESIGN))
    return json.dumps([_mistake(d) for d in loaded.diagnostics])


def _mistake(diagnostic: Diagnostic) -> dict[str, object]:
    span = diagnostic.primary.span
    parts = [diagnostic.headline, diagnostic.primary.text, *diagnostic.notes]
    if diagnostic.help:
        parts.append(f"help: {diagnostic.help}")
    return {
        "line": span.line,
        "column": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
        "severity": diagnostic.severity.value,
        "code": diagnostic.code,
        "text": "\n".join(part for part in parts if part),
    }


def review(text: str, told: Callable[[str], object]) -> str:
    """Check a design. JSON with ``page`` (the review as HTML), ``text`` (what the command line
    prints) and ``cells`` (each claim's verdict and who checked it). ``told`` is called with what is
    being asked.
    """
    FOLDER.mkdir(parents=True, exist_ok=True)
    DESIGN.write_text(text, encoding="utf-8")
    options = Options(seconds=SECONDS, states=STATES, second_opinion=False)
    result = check(DESIGN, options, lambda what, done, most: told(what))
    look = Paint(100, False, True)
    cells = [
        {
            "claim": cell.claim,
            "semantics": cell.semantics.value,
            "verdict": cell.verdict.value,
            "expected": cell.as_expected,
            "checkedBy": list(cell.checked_by),
        }
        for design in result.designs
        for cell in design.cells
    ]
    return json.dumps(
        {
            "page": write("html", result, 1, look),
            "text": write("text", result, 1, look),
            "cells": cells,
        }
    )
