"""What every test can use: ``golden`` compares a text with a file, and ``pytest --update`` writes
the file anew.
"""

from __future__ import annotations

import atexit
import difflib
import gc
import os
import shutil
import signal
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

if "ONCEPROOF_CACHE" not in os.environ:
    # One cache per run of the tests, shared by its processes: nothing is answered from an earlier
    # run, nor from the user's cache.
    os.environ["ONCEPROOF_CACHE"] = tempfile.mkdtemp(prefix="onceproof-tests-")
    atexit.register(shutil.rmtree, os.environ["ONCEPROOF_CACHE"], ignore_errors=True)
os.environ.pop(
    "PYTHONDONTWRITEBYTECODE", None
)  # some hundred processes are started, and each would compile the package anew

signal.signal(signal.SIGINT, signal.default_int_handler)
"""A shell that puts the tests in the background has them, and all that they start, ignore Ctrl-C.
"""


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--update``: take what the program says now as the expectation."""
    parser.addoption(
        "--update",
        action="store_true",
        help="rewrite the golden files instead of comparing with them",
    )


def pytest_collection_finish() -> None:
    """What was collected stays: the garbage collector need not look at thousands of tests again and
    again.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[Path, str], None]:
    """``golden(path, text)``: the text is what the file holds; with ``--update`` the file is made
    to hold it.
    """
    update = bool(request.config.getoption("--update"))

    def compare(path: Path, text: str) -> None:
        if update:
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                path.write_text(text, encoding="utf-8")
            return
        assert path.exists(), (
            f"there is no {path.name}: run `pytest --update` and read what it wrote"
        )
        wanted = path.read_text(encoding="utf-8")
        if wanted != text:
            lines = difflib.unified_diff(
                wanted.splitlines(),
                text.splitlines(),
                f"{path.name} (expected)",
                "now",
                lineterm="",
                n=2,
            )
            pytest.fail(
                "\n".join([*lines, "", "if the new text is right, run `pytest --update`"]),
                pytrace=False,
            )

    return compare


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests have to say about how much they looked at: ``record_property("says",
    …)``.
    """
    reports = [r for key in ("passed", "failed") for r in terminalreporter.stats.get(key, [])]
    for line in sorted(
        str(value)
        for r in reports
        if r.when == "call"
        for name, value in r.user_properties
        if name == "says"
    ):
        terminalreporter.line(line)
    _count_skipped(terminalreporter)


def _count_skipped(terminalreporter: pytest.TerminalReporter) -> None:
    """One line about the tests that wanted a server and found none: how many, and why."""
    reasons = [
        str(report.longrepr[2])
        for report in terminalreporter.stats.get("skipped", ())
        if isinstance(report.longrepr, tuple)
    ]
    asked = Counter(
        r.removeprefix("Skipped: service ") for r in reasons if r.startswith("Skipped: service ")
    )
    if asked:
        listed = "; ".join(f"{count} ({why})" for why, count in sorted(asked.items()))
        terminalreporter.write_line(f"reality tests skipped: {sum(asked.values())}: {listed}")
