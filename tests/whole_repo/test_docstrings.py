"""Every public module, class and function says what it is, in a full sentence."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.whole_repo.repo import modules

_RULES = "one method per rule of the grammar, of the same name; the class says so"
ONE_PER_RULE = {"checker.syntax.parse.Build": _RULES, "checker.syntax.build.BuildSteps": _RULES}
"""Classes whose methods need no docstrings, with the reason."""

Public = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def _public(name: str, body: list[ast.stmt]) -> Iterator[tuple[str, Public]]:
    """Public definitions of a module and of its public classes. Overrides of a library's methods are the library's."""
    for node in body:
        if isinstance(node, Public) and not node.name.startswith("_"):
            yield f"{name}.{node.name}", node
            if isinstance(node, ast.ClassDef) and f"{name}.{node.name}" not in ONE_PER_RULE:
                yield from _public(f"{name}.{node.name}", node.body)


@pytest.mark.parametrize("module", sorted(modules()))
def test_public_names_have_docstrings(module: str) -> None:
    tree = ast.parse(modules()[module].read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), f"{module} does not say what it is for"
    missing = [f"{name} (line {node.lineno})" for name, node in _public(module, tree.body) if not ast.get_docstring(node)]
    assert not missing


def test_exceptions_exist() -> None:
    for name in ONE_PER_RULE:
        module, _, cls = name.rpartition(".")
        tree = ast.parse(modules()[module].read_text(encoding="utf-8"))
        assert any(isinstance(node, ast.ClassDef) and node.name == cls for node in tree.body)
