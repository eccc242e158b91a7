"""Nothing that is read from a disk becomes code: no pickle, no marshal, no eval."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.process import SEED
from support.repo import ROOT, modules, nodes

READERS = {
    "_pickle",
    "cloudpickle",
    "dbm",
    "dill",
    "imp",
    "joblib",
    "jsonpickle",
    "marshal",
    "pickle",
    "runpy",
    "shelve",
    "yaml",
}
"""Modules that make objects or code of bytes."""

BUILTINS = {"eval", "exec", "compile", "__import__"}
"""Functions that make code of text."""

KEYWORDS = {"allow_pickle", "cache_grammar"}
"""Arguments with which a library does so for us."""

BY_NAME = {
    "onceproof": "its own list of names",
    "onceproof.cli.group": "its own list of commands",
    "onceproof.drill.adapters": "its own list of products",
    "onceproof.drill.nursery": "the same list",
    "onceproof.repair.edits": "the files of its own folder",
    "onceproof.report.formats": "the files of its own folder",
    "onceproof.testing": "the tests of a user name their own handler on the command line",
}
"""Modules that import others by name, and where the name comes from: never from what is read."""


def _code_makers(module: str) -> list[tuple[str, int, str]]:
    """The places of a module that could make code of what they are given."""
    places: list[tuple[str, int, str]] = []
    for node in nodes(module):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [a.name for a in node.names if a.name.split(".")[0] in READERS]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""] if (node.module or "").split(".")[0] in READERS else []
        elif isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name) and node.func.id in BUILTINS:
                names = [node.func.id]
            names += [k.arg for k in node.keywords if k.arg in KEYWORDS]
            if isinstance(node.func, ast.Name) and node.func.id == "Lark":
                names += [k.arg for k in node.keywords if k.arg == "cache"]
            if "import_module" in ast.unparse(node.func) and module not in BY_NAME:
                names.append("import_module")
        places += [(module, node.lineno, name) for name in names]  # type: ignore[attr-defined]
    return places


def test_no_module_makes_code_of_what_it_reads() -> None:
    assert [place for module in sorted(modules()) for place in _code_makers(module)] == []


WATCHED = """
import sys

def watch(event, arguments):
    if event == "pickle.find_class":
        raise SystemExit(f"unpickled: {arguments}")

sys.addaudithook(watch)
from onceproof.cli.main import entry
sys.argv = ["onceproof", *sys.argv[1:]]
entry()
"""


@pytest.mark.slow
def test_nothing_is_unpickled(tmp_path: Path) -> None:
    """Also not by a library (the quick tests read the package's text): a check, the same from the
    cache, certificates, and a saved walk.
    """
    proofs, walk, script = tmp_path / "proofs", tmp_path / "walk", tmp_path / "script"
    script.write_text(f"1\nsave {walk}\nload {walk}\n", encoding="utf-8")
    environment = {**os.environ, "ONCEPROOF_CACHE": str(tmp_path / "cache")}
    for words in (
        ("check", SEED),
        ("check", SEED),
        ("check", SEED, "--events", "1"),
        ("check", SEED, "--certificate", proofs),
        ("verify", proofs, SEED),
        ("models", "show", "sqs.fifo"),
        ("step", SEED, "--script", script),
    ):
        done = subprocess.run(
            [sys.executable, "-c", WATCHED, *map(str, words)],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert "unpickled" not in done.stderr, (words, done.stderr)
        assert done.returncode == 0, (words, done.stderr)
    assert any((tmp_path / "cache").rglob("*-*")), "the cache was in use"
