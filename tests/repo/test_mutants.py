"""The code that proofs rest on is broken on purpose, one place at a time, and the quick tests
notice (tools/mutate.py).
"""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
from types import ModuleType

import pytest

from support.repo import ROOT

SCRIPT = ROOT / "tools" / "mutate.py"


def _mutate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("mutate", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MUTATE = _mutate()


def _read(every: int) -> None:
    """One of so many mutants of each file is read as a program."""
    for file in MUTATE.TRUSTED:
        source = MUTATE.path_in(ROOT, file).read_bytes()
        for number, mutant in enumerate(MUTATE.mutants(file)):
            changed = source[: mutant.start] + mutant.text.encode() + source[mutant.end :]
            assert changed != source, mutant.title
            if number % every == 0:
                ast.parse(changed)


def test_some_mutants_are_programs() -> None:
    _read(40)


@pytest.mark.slow
def test_every_mutant_is_a_program() -> None:
    _read(1)


def test_every_mutant_has_a_name_of_its_own() -> None:
    titles = [mutant.title for file in MUTATE.TRUSTED for mutant in MUTATE.mutants(file)]
    assert len(titles) == len(set(titles)) > 1_000
    assert set(MUTATE.argued()) <= set(titles)


def tried(*arguments: str) -> str:
    """What the script prints; no mutant survives."""
    command = (sys.executable, "-P", str(SCRIPT), *arguments)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_script_tells_what_survives_from_what_is_killed() -> None:
    """One small mutant, once with tests that notice and once with tests that do not."""
    match = ("--match", "Group.renew: never: self.tracking is not")
    notices = "tests/conformance/test_survivors.py"
    assert " killed" in tried(
        "--match", "deliver: and without: self.queue.is_root$", "--tests", notices
    )
    command = (sys.executable, "-P", str(SCRIPT), *match, "--tests", "tests/test_api.py")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "survived" in done.stdout


@pytest.mark.nightly
def test_some_mutants_are_killed() -> None:
    tried("--count", "12", "--seed", "19")


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(4))
def test_many_mutants_are_killed(seed: int) -> None:
    tried("--count", "60", "--seed", str(seed))
