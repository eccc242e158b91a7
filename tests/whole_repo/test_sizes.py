"""Small modules and small functions: whoever reads one can keep it in mind."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.whole_repo.repo import ROOT, files, modules, nodes

MODULE = 400
FUNCTION = 60

EXCEPTIONS: dict[str, tuple[int, str]] = {}
"""What may be longer: ``path`` or ``path:function``, how long, and why. The only such list."""

PYTHON = [p for p in files() if p.suffix == ".py"]


def _most(name: str, usual: int) -> int:
    return EXCEPTIONS[name][0] if name in EXCEPTIONS else usual


def test_modules_are_short() -> None:
    lines = {str(path): (ROOT / path).read_text(encoding="utf-8").count("\n") for path in PYTHON}
    assert len(lines) > 300
    assert {path: many for path, many in lines.items() if many > _most(path, MODULE)} == {}


def test_functions_are_short() -> None:
    long = []
    for module, path in modules().items():
        shown = path.relative_to(ROOT)
        for node in nodes(module):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert node.end_lineno is not None
                length = node.end_lineno - node.lineno + 1
                if length > _most(f"{shown}:{node.name}", FUNCTION):
                    long.append(f"{shown}:{node.lineno} {node.name} has {length} lines")
    assert not long


def test_exceptions_exist_and_have_reasons() -> None:
    for name, (most, reason) in EXCEPTIONS.items():
        assert Path(name.split(":")[0]) in PYTHON
        assert reason
        assert most > (FUNCTION if ":" in name else MODULE)
