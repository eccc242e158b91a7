"""The checker in ``tools/`` accepts what solvers accept, and nothing that was damaged; it knows
nothing of our code.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter
from pathlib import Path
from random import Random

import pytest
from msgspec.structs import replace
from onceproof.engines import coverability
from onceproof.engines.smt.certify import Outcome, certify
from onceproof.engines.smt.solver import Z3, Effort
from onceproof.lang.load import load, load_text
from onceproof.machine.invariant import Invariant
from onceproof.machine.slicing import deciding
from onceproof.machine.system import (
    Cause,
    EventPattern,
    Level,
    Machine,
    Pattern,
    Property,
    Rule,
    RuleKind,
    put,
)
from onceproof.verdict import certificates, decide
from onceproof.verdict.check import check_loaded
from onceproof.verdict.task import Options
from onceproof.verdict.verification import verify
from onceproof.verdict.written_proof import NAME

from support.command_line import run
from support.handlers import random_handlers
from support.invariants import locked, tickets
from support.machines import random_machine, step, variables, where
from support.repo import ROOT
from support.trap import SAFE
from support.written_proofs import CHECKER, SCRIPT, damaged, read, rejection, write_machine

Z = (Z3(Effort(20)),)
EXAMPLES = sorted((ROOT / "examples").rglob("*.once"))


def proofs_of(path: Path, folder: Path) -> list[Path]:
    """The folders of all proofs of a design."""
    loaded = load(path)
    if loaded.design is None:
        return []  # a file for others to import
    result, _ = check_loaded(loaded, Options(lengths=False))
    written = certificates.write(loaded.design, result, folder, Z)
    return [f for f in written if (f / NAME).exists()]


def rejected(folders: list[Path], most: int) -> Counter[str]:
    """How many damaged copies of each kind were rejected; every one is."""
    kinds: Counter[str] = Counter()
    for folder in folders:
        assert rejection(folder) == ""
        for name, copy in damaged(read(folder), most):
            assert rejection(folder, copy), f"{folder.name}: {name} is accepted"
            kinds[name] += 1
    return kinds


def test_it_imports_nothing_of_ours() -> None:
    tree = ast.parse(SCRIPT.read_text(encoding="utf-8"))
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in node.names]
        )
    }
    assert imported <= {*sys.stdlib_module_names, "__future__"}


REMEMBERS = ROOT / "examples" / "article" / "without_stable_id.once"
"""No loss here is asked of a machine that remembers who changed what."""


@pytest.mark.parametrize("path", [*EXAMPLES[25::60], REMEMBERS], ids=lambda p: p.stem)
def test_proofs_of_some_examples(path: Path, tmp_path: Path) -> None:
    rejected(proofs_of(path, tmp_path), 2)


@pytest.mark.slow
def test_proofs_of_all_examples(tmp_path: Path) -> None:
    kinds: Counter[str] = Counter()
    accepted = rules = fire = 0
    for path in EXAMPLES:
        folders = proofs_of(path, tmp_path / path.stem)
        kinds += rejected(folders, 3)
        for folder in folders:
            numbers = CHECKER.verified(folder)
            accepted, rules, fire = accepted + 1, rules + numbers["rules"], fire + numbers["fire"]
    print(f"{accepted} accepted; {fire} of {rules} rules can fire; rejected: {dict(kinds)}")
    assert accepted > 250
    assert fire < rules
    assert min(kinds.values()) > 0


def test_the_command(tmp_path: Path) -> None:
    design = tmp_path / "a.once"
    design.write_text(SAFE, encoding="utf-8")
    assert run("check", design, "--certificate", tmp_path / "proofs").returncode == 0

    def checker(*arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-I", SCRIPT, *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
        )

    done = checker(tmp_path / "proofs", "--lines")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 of 1 accepted" in done.stdout
    assert "send mail" in done.stdout
    proof = next((tmp_path / "proofs").rglob(NAME))
    proof.write_text(proof.read_text(encoding="utf-8").replace('"2"', '"1"'), encoding="utf-8")
    done = checker(tmp_path / "proofs")
    assert done.returncode == 1
    assert done.stdout.startswith("REJECTED ")
    proof.write_text("[" * 100_000, encoding="utf-8")
    assert "not to be read" in checker(tmp_path / "proofs").stdout
    assert checker(tmp_path / "nothing").returncode == 2


def test_what_only_the_design_can_tell(tmp_path: Path) -> None:
    """A rule that is missing everywhere: the file is a proof, of another machine. ``verify`` makes
    the machine again.
    """
    loaded = load_text(SAFE)
    assert loaded.design is not None
    result, _ = check_loaded(loaded, Options())
    (folder,) = certificates.write(loaded.design, result, tmp_path, Z)
    assert [v.accepted for v in verify(loaded, tmp_path, Z)] == [True]
    good = (folder / NAME).read_bytes()
    for bad in (good.replace(b'"line": 0', b'"line": 1', 1), good + b" ", b"{}", b""):
        (folder / NAME).write_bytes(bad)
        (refused,) = verify(loaded, tmp_path, Z)
        assert not refused.accepted
        assert NAME in refused.reason
    (folder / NAME).unlink()
    (refused,) = verify(loaded, tmp_path, Z)
    assert refused.reason == f"{NAME}: there is no such file"


# ---------------------------------------------------------------- the same as a solver


def thinned(invariant: Invariant, rng: Random) -> Invariant:
    """An invariant with one thing more or less in it."""
    kinds = ["workers", "events", "components", "excluded"]
    rng.shuffle(kinds)
    for kind in kinds:
        listed = sorted(getattr(invariant, kind), key=repr)
        if listed:
            del listed[rng.randrange(len(listed))]
            some = tuple(listed) if kind == "excluded" else frozenset(listed)
            return replace(invariant, **{kind: some})
    return invariant


def compared(machine: Machine, prop: Property, folder: Path, seed: int) -> Counter[bool]:
    """Ask the checker and Z3 about an invariant and about some that are nearly it."""
    small = deciding(machine, prop)
    answer = coverability.prove(small, prop, coverability.Budget(elements=1_000))
    answers: Counter[bool] = Counter()
    if not isinstance(answer, coverability.Safe):
        return answers
    write_machine(folder, machine, prop, answer.invariant)
    assert rejection(folder) == ""
    answers[True] += 1
    rng = Random(seed)
    good = read(folder)
    for _ in range(4):
        other = thinned(answer.invariant, rng)
        if not other.components:
            continue
        solver = certify(small, prop, other, Z)
        assert solver.outcome is not Outcome.UNKNOWN
        data = {**good, "parts": [_with(good["parts"][0], small, other)]}
        accepted = not rejection(folder, data)
        assert accepted == (solver.outcome is Outcome.PROVED), (seed, rejection(folder, data))
        answers[accepted] += 1
    return answers


def _with(part: dict[str, object], machine: Machine, invariant: Invariant) -> dict[str, object]:
    """A part with another invariant, and what it says of the rules made again."""
    from onceproof.engines.smt.firing import firings
    from onceproof.machine.plain import guard_data, invariant_data

    rules = []
    listed = part["rules"]
    assert isinstance(listed, list)
    for entry, firing in zip(listed, firings(machine, invariant), strict=True):
        kept = {k: v for k, v in entry.items() if k in ("rule", "stands for", "file")}
        levels = ("component", "event", "worker")
        rows = {x: list(row) for x, row in zip(levels, firing.rows, strict=False)}
        said = {"fires from": rows} if rows else {"cannot fire: never": guard_data(firing.never)}
        rules.append(kept | said)
    return {**part, "invariant": invariant_data(machine, invariant), "rules": rules}


def test_random_machines(tmp_path: Path) -> None:
    answers: Counter[bool] = Counter()
    for seed in range(20):
        for name, make in (("m", random_machine), ("h", random_handlers)):
            answers += compared(*make(seed), tmp_path / f"{name}{seed}", seed)
    assert answers[True] > 10
    assert answers[False] > 10


@pytest.mark.slow
def test_many_random_machines(tmp_path: Path) -> None:
    answers: Counter[bool] = Counter()
    for seed in range(1_000, 1_300):
        for name, make in (("m", random_machine), ("h", random_handlers)):
            answers += compared(*make(seed), tmp_path / f"{name}{seed}", seed)
    print(f"random machines: {answers[True]} accepted, {answers[False]} rejected, as by Z3")
    assert min(answers.values()) > 250


@pytest.mark.parametrize(
    "question", [locked(1), locked(2, shared=True), tickets(1), tickets(2)], ids=range(4)
)
def test_proofs_by_shapes(question: tuple[Machine, Property], tmp_path: Path) -> None:
    assert compared(*question, tmp_path, 1).total() > 3
    rejected([tmp_path], 3)


# ---------------------------------------------------------------- in parts


def test_proofs_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every machine counts as large."""
    monkeypatch.setattr(decide, "WHOLE", 0)
    monkeypatch.setattr(decide, "SMALL", 0)
    parts = 0
    for path in sorted((ROOT / "examples" / "theory").glob("*.once"))[::5]:
        folders = proofs_of(path, tmp_path / path.stem)
        parts += sum("view" in part for f in folders for part in read(f)["parts"])
        rejected(folders, 2)
    assert parts > 2


def test_a_design_in_a_page(tmp_path: Path) -> None:
    """The hash is that of the page, and lines are those of the page."""
    page = tmp_path / "page.md"
    page.write_text(f"# A page\n\n```once\n{SAFE}```\n", encoding="utf-8")
    (folder,) = proofs_of(page, tmp_path / "proofs")
    assert rejection(folder) == ""


def test_events_without_variables(tmp_path: Path) -> None:
    """Their row is empty, and they are events all the same."""
    machine = Machine(
        "a lock",
        "",
        variables(Level.COMPONENT, lock="free held")
        + variables(Level.WORKER, **{"worker at": "start inside"}),
        (
            Rule(RuleKind.SPAWN, step(Cause.DELIVERY, 1)),
            Rule(
                RuleKind.WORKER,
                step(Cause.HANDLER, 2),
                where(**{"worker at": "start", "lock": "free"}),
                (put("lock", "held"), put("worker at", "inside")),
            ),
            Rule(
                RuleKind.WORKER,
                step(Cause.HANDLER, 3),
                where(**{"worker at": "inside"}),
                (put("lock", "free"),),
                ends=True,
            ),
        ),
    )
    inside = where(**{"worker at": "inside"})
    prop = Property("one worker", (Pattern((), (EventPattern((), (inside, inside)),)),))
    assert compared(machine, prop, tmp_path, 1)[True]
    data = read(tmp_path)
    assert data["parts"][0]["invariant"]["never"]
    for rules in (data["machine"]["rules"], data["slice"]["machine"]["rules"]):
        del rules[1]["if"]["lock"]
    assert "does not hold afterwards" in rejection(tmp_path, data)
