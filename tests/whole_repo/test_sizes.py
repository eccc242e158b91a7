"""Small modules and small functions: whoever reads one can keep it in mind."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.whole_repo.repo import PACKAGE, ROOT, files

MODULE = 400
FUNCTION = 60

EXCEPTIONS: dict[str, tuple[int, str]] = {}
"""What may be longer: ``path`` or ``path:function``, how long, and why. The only such list."""

PYTHON = [p for p in files() if p.suffix == ".py"]


def _most(name: str, usual: int) -> int:
    return EXCEPTIONS[name][0] if name in EXCEPTIONS else usual


@pytest.mark.parametrize("path", PYTHON, ids=str)
def test_modules_are_short(path: Path) -> None:
    lines = (ROOT / path).read_text(encoding="utf-8").count("\n")
    assert lines <= _most(str(path), MODULE)


@pytest.mark.parametrize("path", [p for p in PYTHON if PACKAGE in (ROOT / p).parents], ids=str)
def test_functions_are_short(path: Path) -> None:
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            length = node.end_lineno - node.lineno + 1
            assert length <= _most(f"{path}:{node.name}", FUNCTION), f"{path}:{node.lineno} {node.name} has {length} lines"


def test_exceptions_exist_and_have_reasons() -> None:
    for name, (most, reason) in EXCEPTIONS.items():
        assert Path(name.split(":")[0]) in PYTHON
        assert reason
        assert most > (FUNCTION if ":" in name else MODULE)
