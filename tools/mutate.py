#!/usr/bin/env python3
"""Breaks the trusted code on purpose, one place at a time, and asks whether the quick tests notice.

    python tools/mutate.py --list                      which mutants there are
    python tools/mutate.py --count 40 --seed 1         try some of them
    python tools/mutate.py lower/queues.py             try all of one file
    python tools/mutate.py --match 'and.*_uncovered'   try those whose names match

A wrong *proved* comes from a machine with a step too few, from a slice or a view that drops what
matters, from a claim with a violation too few, or from an obligation that asks too little. So
conditions are negated or weakened there, and rules, updates and obligations are left out. A mutant
that survives either needs a test, or an argument in ``tools/equivalent_mutants.toml`` that it does
the same as the code. Works on a copy of the checkout.

Exit codes: 0 every mutant tried was killed or is argued, 1 one survives, 2 there is none, or the
tests fail anyway.
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "checker/onceproof"
ARGUED = ROOT / "tools" / "equivalent_mutants.toml"

CHECKER = "tools/verify_certificate.py"
"""The one that is not below the package: the checker of written proofs."""

MEANING = ("tests/conformance", "tests/designs", "tests/databases", "tests/traps")
PROOFS = ("tests/engines/smt", "tests/traps", "tests/conformance")
TRUSTED = {
    "lower/case.py": MEANING,
    "lower/effects.py": MEANING,
    "lower/environment.py": MEANING,
    "lower/queues.py": MEANING,
    "lower/worker.py": MEANING,
    "machine/slicing.py": ("tests/machine", "tests/traps", "tests/engines/compositional"),
    "engines/compositional/abstraction.py": ("tests/engines/compositional", "tests/traps"),
    "engines/smt/checks.py": ("tests/engines/compositional", *PROOFS),
    "engines/smt/encode.py": PROOFS,
    "engines/smt/induction.py": PROOFS,
    "engines/smt/joint.py": ("tests/engines/smt", "tests/engines/compositional", "tests/traps"),
    CHECKER: ("tests/traps/test_written_proofs.py",),
    "properties/compile.py": ("tests/properties", *MEANING),
    "properties/possibility.py": ("tests/properties", *MEANING),
    "properties/progress.py": ("tests/properties", *MEANING),
    "properties/quiescence.py": ("tests/properties", *MEANING),
    "properties/transparent.py": ("tests/properties", *MEANING),
}
"""What a proof rests on, below the package but for one, and the tests that can notice."""

SECONDS = 900
"""After so long the tests count as having noticed: they never end otherwise."""


class Mutant(NamedTuple):
    """A change of one file: from ``start`` to ``end`` (in bytes) stands ``text`` instead."""

    file: str
    name: str
    start: int
    end: int
    text: str

    @property
    def title(self) -> str:
        """How it is called, also after other lines have changed."""
        return f"{self.file}: {self.name}"


def path_in(root: Path, file: str) -> Path:
    """Where a file of ``TRUSTED`` is."""
    return root / file if file == CHECKER else root / PACKAGE / file


def mutants(file: str) -> list[Mutant]:
    """All mutants of a file below the package, in the order of their places."""
    source = path_in(ROOT, file).read_bytes()
    finder = _Finder(file, source)
    finder.visit(ast.parse(source))
    numbered: dict[str, int] = {}
    named = []
    for mutant in sorted(finder.found, key=lambda m: (m.start, m.end, m.name)):
        numbered[mutant.name] = numbered.get(mutant.name, 0) + 1
        again = numbered[mutant.name]
        named.append(mutant if again == 1 else mutant._replace(name=f"{mutant.name} ({again})"))
    return named


class _Finder(ast.NodeVisitor):
    """Collects the mutants of one file."""

    def __init__(self, file: str, source: bytes) -> None:
        self.file = file
        self.source = source
        self.starts = [0]
        for line in source.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))
        self.found: list[Mutant] = []
        self.inside: list[str] = []

    def _span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return (
            self.starts[node.lineno - 1] + node.col_offset,
            self.starts[node.end_lineno - 1] + node.end_col_offset,
        )

    def _text(self, node: ast.expr | ast.stmt) -> str:
        start, end = self._span(node)
        return self.source[start:end].decode()

    def _add(self, kind: str, node: ast.expr | ast.stmt, text: str) -> None:
        where = ".".join(self.inside)
        shown = " ".join(self._text(node).split())[:70]
        self.found.append(Mutant(self.file, f"{where}: {kind}: {shown}", *self._span(node), text))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        """Names are those of the functions around."""
        self.inside.append(node.name)
        for part in node.body:
            self.visit(part)
        self.inside.pop()

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        """Likewise; fields of records have nothing to break."""
        self.inside.append(node.name)
        for part in node.body:
            if isinstance(part, ast.FunctionDef):
                self.visit(part)
        self.inside.pop()

    def visit_Raise(self, node: ast.Raise) -> None:
        """Texts of messages are no meaning."""

    def visit_If(self, node: ast.If) -> None:
        """Both ways."""
        self._condition(node.test)
        self.generic_visit(node)

    def visit_IfExp(self, node: ast.IfExp) -> None:
        """Both ways."""
        self._condition(node.test)
        self.generic_visit(node)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        """Without the filter."""
        for test in node.ifs:
            self._add("not filtered", test, "True")
        self.generic_visit(node)

    def _condition(self, test: ast.expr) -> None:
        self._add("always", test, "True")
        self._add("never", test, "False")

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        """One operand less."""
        neutral = "True" if isinstance(node.op, ast.And) else "False"
        word = "and" if isinstance(node.op, ast.And) else "or"
        for value in node.values:
            self._add(f"{word} without", value, neutral)
        self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        """A rule, an update, or an obligation less."""
        match node.value:
            case ast.Yield() | ast.YieldFrom():
                self._add("dropped", node, "yield from ()")
            case ast.Call(func=ast.Attribute(attr="append" | "add" | "update" | "require")):
                self._add("dropped", node, "pass")
        self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        """The same for lists and sets."""
        if isinstance(node.op, ast.Add | ast.BitOr | ast.Sub):
            self._add("dropped", node, "pass")
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        """All or any; without a keyword that says what a rule does to others."""
        if isinstance(node.func, ast.Name) and node.func.id in ("all", "any"):
            other = "any" if node.func.id == "all" else "all"
            self._add(f"{node.func.id} is {other}", node.func, other)
        self.generic_visit(node)


def argued() -> dict[str, str]:
    """Why mutants do the same as the code, by title."""
    return {m["mutant"]: m["why"] for m in tomllib.loads(ARGUED.read_text("utf-8"))["equivalent"]}


class Copy:
    """A copy of the checkout in which one file at a time is broken."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        leave = shutil.ignore_patterns(".git", ".venv", "__pycache__", ".*_cache", "node_modules")
        shutil.copytree(ROOT, folder, ignore=leave, dirs_exist_ok=True)

    def survives(self, mutant: Mutant, tests: tuple[str, ...]) -> bool:
        """Whether these quick tests pass."""
        path = path_in(self.folder, mutant.file)
        good = path.read_bytes()
        try:
            path.write_bytes(good[: mutant.start] + mutant.text.encode() + good[mutant.end :])
            return self.passes(tests)
        finally:
            path.write_bytes(good)

    def passes(self, tests: tuple[str, ...]) -> bool:
        """Whether the quick tests of some folders pass."""
        cache = self.folder / ".cache"
        shutil.rmtree(cache, ignore_errors=True)
        environment = {
            **os.environ,
            "PYTHONPATH": str(self.folder / "checker"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "XDG_CACHE_HOME": str(cache),
        }
        quick = (
            "-x",
            "-q",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:xdist",
            "-m",
            "not slow and not nightly",
        )
        command = (sys.executable, "-P", "-m", "pytest", *quick, *tests)
        try:
            done = subprocess.run(
                command,
                cwd=self.folder,
                env=environment,
                capture_output=True,
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return False
        if done.returncode not in (0, 1, 2, 3):
            sys.exit(f"the tests cannot be run: {done.stdout.decode()[-500:]}")
        return done.returncode == 0


def chosen(arguments: argparse.Namespace) -> Iterator[Mutant]:
    """The mutants that are asked for."""
    files = [f for f in TRUSTED if not arguments.files or f in arguments.files]
    every = [m for f in files for m in mutants(f)]
    if arguments.match:
        every = [m for m in every if re.search(arguments.match, m.title)]
    if arguments.count is not None and arguments.count < len(every):
        picked = random.Random(arguments.seed).sample(range(len(every)), arguments.count)
        every = [every[i] for i in sorted(picked)]
    yield from every[arguments.start :]


def main() -> int:
    """Try mutants and print what became of each."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("files", nargs="*", help="files of the package (all trusted ones)")
    parser.add_argument("--list", action="store_true", help="print the mutants and try none")
    parser.add_argument("--match", help="only mutants whose titles match this pattern")
    parser.add_argument("--count", type=int, help="so many, chosen at random")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tests", nargs="+", default=(), help="run these, not the file's folders")
    parser.add_argument("--start", type=int, default=0, help="leave out the first so many")
    arguments = parser.parse_args()
    todo = list(chosen(arguments))
    if not todo:
        print("there is no such mutant")
        return 2
    if arguments.list:
        print("\n".join(m.title for m in todo))
        return 0
    known, only = argued(), tuple(arguments.tests)
    results = {"killed": 0, "survived": 0, "equivalent": 0}
    with tempfile.TemporaryDirectory() as folder:
        copy = Copy(Path(folder))
        for tests in {only or TRUSTED[m.file] for m in todo if m.title not in known}:
            if not copy.passes(tests):
                print(f"these fail without any mutant: {' '.join(tests)}")
                return 2
        for mutant in todo:
            started = time.monotonic()
            if mutant.title in known:
                result = "equivalent"
            else:
                result = (
                    "survived" if copy.survives(mutant, only or TRUSTED[mutant.file]) else "killed"
                )
            results[result] += 1
            print(f"{result:10} {time.monotonic() - started:4.0f} s  {mutant.title}", flush=True)
    print(", ".join(f"{count} {result}" for result, count in results.items()))
    return 1 if results["survived"] else 0


if __name__ == "__main__":
    sys.exit(main())
