"""How the tests are laid out: what several modules use is in ``tests/support``, and the folder of
sources is not importable.
"""

from __future__ import annotations

import ast
import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path

from support.repo import ROOT, files, read

MODULES = tuple(p for p in files() if p.suffix == ".py")
TESTS = tuple(p for p in MODULES if p.parts[0] == "tests")
RUNNABLE = {"peers", "fuzz", "reality"}
"""Folders that also have helpers of their own, because parts of them run without pytest."""


def imported(path: Path) -> Iterator[str]:
    """Every dotted name that a module may mean in an import."""
    for node in ast.walk(ast.parse(read(path))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (alias.name for alias in node.names)


def test_no_test_module_imports_another() -> None:
    found = {
        (str(path), name)
        for path in TESTS
        for name in imported(path)
        if name.split(".")[0] == "tests" or any(p.startswith("test_") for p in name.split("."))
    }
    assert found == set(), "move what both need to tests/support, and import it as support.NAME"


def test_no_script_in_a_string_imports_tests_as_a_package() -> None:
    """For scripts that a test runs in another process."""
    script = re.compile(r"^\W*(?:from|import) tests\b", re.MULTILINE)
    assert [str(p) for p in TESTS if script.search(read(p))] == []


def test_helpers_are_in_support() -> None:
    helpers = [
        p
        for p in TESTS
        if not p.name.startswith("test_")
        and p.name != "conftest.py"
        and p.parts[1] not in {"support", *RUNNABLE}
    ]
    assert helpers == []


def test_nobody_imports_the_folder_of_sources() -> None:
    found = [str(p) for p in MODULES if "checker" in {n.split(".")[0] for n in imported(p)}]
    assert found == []


def test_the_folder_of_sources_cannot_be_imported() -> None:
    assert importlib.util.find_spec("checker") is None, (
        f"{ROOT} is on the path: run ./dev test or .venv/bin/pytest, not python -m pytest"
    )
