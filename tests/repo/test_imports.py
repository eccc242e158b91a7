"""Imports go one way (ARCHITECTURE.md, "Who may import whom"), search and proof never print, and
``--help`` is quick.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import networkx as nx
import pytest

from support.repo import ROOT, modules, nodes

LAYERS = (
    ("base",),
    ("models",),
    ("machine",),
    ("lang",),
    ("engines",),
    ("export",),
    ("lower",),
    ("properties",),
    ("interpreter",),
    ("counterexample",),
    ("story",),
    ("explain",),
    ("verdict",),
    ("analysis",),
    ("repair",),
    ("testgen", "testing"),
    ("drill",),
    ("report",),
    ("api",),
    ("lsp",),
    ("cli",),
)
"""The folders of the package, lowest first. A module imports nothing from a higher layer."""

ENGINES = ("engines.search", "engines.coverability", "engines.smt", "export")
DATA = ("machine", "base")
"""What the engines may share."""

PRINTERS = ("report", "cli")
"""Parts that may write to a stream."""

FRONT = {"", "__main__"}
"""The package itself imports on demand and starts the command line: it is above everything."""


def _name(module: str) -> str:
    return module.removeprefix("onceproof").removeprefix(".")


@cache
def _part(module: str) -> str:
    """The entry of ``LAYERS`` a module belongs to."""
    name = _name(module)
    fitting = [
        part for layer in LAYERS for part in layer if name == part or name.startswith(part + ".")
    ]
    return max(fitting, key=len, default="")


def _layer(module: str) -> int:
    """The number of its layer; -1 if it has none, which is the mistake of one test only."""
    return next((i for i, layer in enumerate(LAYERS) if _part(module) in layer), -1)


def _base(module: str, path: Path, node: ast.ImportFrom) -> str:
    """The dotted name behind ``from``, with leading dots resolved."""
    if not node.level:
        return node.module or ""
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    start = package[: len(package) - node.level + 1]
    return ".".join([*start, *([node.module] if node.module else [])])


@cache
def imported(module: str) -> tuple[tuple[int, str], ...]:
    """The modules of the package that a module imports, anywhere in it, with the line."""
    return tuple(_imported(module, modules()[module]))


def _imported(module: str, path: Path) -> Iterator[tuple[int, str]]:
    for node in nodes(module):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = _base(module, path, node)
            names = [
                f"{base}.{alias.name}" if f"{base}.{alias.name}" in modules() else base
                for alias in node.names
            ]
        for name in names:
            if name in modules():
                yield node.lineno, name


def test_every_module_has_a_layer() -> None:
    lost = [m for m in modules() if _name(m) not in FRONT and _layer(m) < 0]
    assert not lost, "add them to LAYERS here, and to ARCHITECTURE.md"


def test_imports_go_one_way() -> None:
    layered = sorted(m for m in modules() if _name(m) not in FRONT and _layer(m) >= 0)
    upwards = [
        f"{modules()[module]}:{line} imports upwards: {target}"
        for module in layered
        for line, target in imported(module)
        if _name(target) in FRONT or _layer(target) > _layer(module)
    ]
    assert not upwards


def test_no_module_imports_itself_by_a_detour() -> None:
    """Imports inside functions and those for type checkers only count, too."""
    graph = nx.DiGraph((module, target) for module in modules() for _, target in imported(module))
    circles = [sorted(c) for c in nx.strongly_connected_components(graph) if len(c) > 1]
    assert not circles


@pytest.mark.parametrize("engine", ENGINES)
def test_engines_share_nothing_but_the_data(engine: str) -> None:
    for module in modules():
        if f"{_name(module)}.".startswith(f"{engine}."):
            foreign = {_name(t) for _, t in imported(module)}
            mine = {t for t in foreign if f"{t}.".startswith(f"{engine}.")}
            assert {t.split(".")[0] for t in foreign - mine} <= set(DATA), module


def test_the_interpreter_is_another_reading() -> None:
    for module in modules():
        if _name(module).split(".")[0] == "interpreter":
            foreign = {_part(t) for _, t in imported(module)}
            assert not foreign & {"lower", "properties", "engines", "counterexample"}, module


# ---------------------------------------------------------------- printing


def _streams(module: str) -> Iterator[tuple[int, str]]:
    """Where a module gets hold of a stream or prints."""
    for node in nodes(module):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id == "sys" and node.attr in (
                "stdout",
                "stderr",
                "__stdout__",
                "__stderr__",
            ):
                yield node.lineno, f"sys.{node.attr}"
            if node.value.id == "click" and node.attr in (
                "echo",
                "secho",
                "get_text_stream",
                "get_binary_stream",
            ):
                yield node.lineno, f"click.{node.attr}"
        elif isinstance(node, ast.ImportFrom) and node.module == "sys":
            yield from ((node.lineno, a.name) for a in node.names if a.name in ("stdout", "stderr"))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("rich.console"):
            yield node.lineno, "rich.console"


def _prints(module: str) -> Iterator[int]:
    for node in nodes(module):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in ("print", "input", "breakpoint")
        ):
            yield node.lineno


def _writes(module: str) -> Iterator[int]:
    for node in nodes(module):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in ("write", "writelines")
        ):
            if isinstance(node.func.value, ast.Attribute | ast.Name):
                last = (
                    node.func.value.attr
                    if isinstance(node.func.value, ast.Attribute)
                    else node.func.value.id
                )
                if last in ("stream", "stdout", "stderr", "console"):
                    yield node.lineno


def test_nothing_prints() -> None:
    found: list[tuple[str, object]] = []
    for module in sorted(modules()):
        part = _name(module).split(".")[0]
        found += [(module, line) for line in _prints(module)]
        if part not in PRINTERS:
            found += [(module, stream) for stream in _streams(module)]
        if part not in PRINTERS:
            found += [(module, line) for line in _writes(module)]
    assert not found


def test_only_the_exit_door_exits() -> None:
    exits = {
        module
        for module in modules()
        for node in nodes(module)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in ("exit", "quit", "sys.exit", "os._exit")
    }
    # A forked child of the drill ends by itself.
    assert exits == {"onceproof.cli.main", "onceproof.drill.nursery"}


# ---------------------------------------------------------------- start-up


HEAVY = (
    "z3",
    "cvc5",
    "networkx",
    "numpy",
    "lark",
    "rich",
    "tomllib",
    "difflib",
    "pickle",
)


def _loaded_by(script: str, watched: tuple[str, ...]) -> set[str]:
    script = (
        f"import sys; {script}; print('loaded:', *(m for m in {watched!r} if m in sys.modules))"
    )
    done = subprocess.run(
        (sys.executable, "-c", script), cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(done.stdout.splitlines()[-1].split()[1:])


@pytest.mark.parametrize(
    "start", ["onceproof", "onceproof.cli", "onceproof.cli.main", "onceproof.cli.check"]
)
def test_heavy_libraries_are_imported_on_demand(start: str) -> None:
    assert _loaded_by(f"import {start}", HEAVY) == set()


def test_a_refutation_loads_neither_a_solver_nor_what_only_proofs_need() -> None:
    words = [
        "check",
        "examples/article/invoice_email.once",
        "--no-cache",
        "--semantics",
        "at-least-once",
        "--claim",
    ]
    proofs = (
        "onceproof.engines.smt.certify",
        "onceproof.engines.smt.solver",
        "onceproof.verdict.side_conditions",
        "onceproof.verdict.vacuity",
    )
    run = "from onceproof.cli.main import main; main({!r})"
    # It reads a design that names a model of a provider, and compares names with each other.
    needed = {"lark", "tomllib", "difflib", "pickle"}  # Lark imports pickle; nothing is pickled
    assert _loaded_by(run.format([*words, "no duplicate"]), HEAVY + proofs) == needed
    only_proofs = ("numpy", "networkx", "rich", *proofs)
    assert _loaded_by(run.format([*words, "no loss"]), only_proofs) == {*proofs}
