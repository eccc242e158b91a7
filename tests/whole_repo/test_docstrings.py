"""Every public module, class and function says what it is, in a full sentence."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.whole_repo.repo import modules, tree

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


def test_public_names_have_docstrings() -> None:
    silent = [module for module in sorted(modules()) if not ast.get_docstring(tree(module))]
    assert not silent, "they do not say what they are for"
    missing = [
        f"{name} (line {node.lineno})"
        for module in sorted(modules())
        for name, node in _public(module, tree(module).body)
        if not ast.get_docstring(node)
    ]
    assert not missing


def test_exceptions_exist() -> None:
    for name in ONE_PER_RULE:
        module, _, cls = name.rpartition(".")
        assert any(isinstance(node, ast.ClassDef) and node.name == cls for node in tree(module).body)
