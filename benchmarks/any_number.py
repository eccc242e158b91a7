"""Our proof for any number of messages and workers, beside what SPIN and Rumur take for a fixed number of them. One run, one table.

    python benchmarks/any_number.py [N,W ...]        default: 3,3 4,3

Needs nothing but the package; SPIN and Rumur are left out where they (or a C compiler) are not installed. Times are wall
seconds of whole
processes, from a file to a verdict, compilation included; ratios are to our proof with its certificate checked by Z3. Machines
are noisy: compare
within one run only.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from peers import murphi, promela

ROOT = Path(__file__).resolve().parent.parent
DESIGN = ROOT / "tests" / "reference" / "reference.once"
RUMUR = ("--threads", "2", "--deadlock-detection", "off", "--counterexample-trace", "off")
COMPILE = ("gcc", "-std=c11", "-w", "-O3", "-march=native", "m.c", "-o", "m", "-lpthread", "-mcx16", "-latomic")


def timed(commands: Sequence[Sequence[str]], folder: Path) -> tuple[float, str]:
    """Wall seconds of some commands one after the other, and what they printed."""
    started, printed = time.perf_counter(), ""
    for command in commands:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        printed += done.stdout + done.stderr
    return time.perf_counter() - started, printed


def ours(semantics: str) -> float:
    """The whole command: both claims of the reference design, any number of everything, certificates checked."""
    command = [sys.executable, "-m", "checker", "check", str(DESIGN), "--semantics", semantics, "-q"]
    return min(timed([command], ROOT)[0] for _ in range(3))


def spin(messages: int, workers: int, folder: Path) -> tuple[float, str]:
    """SPIN, full search."""
    (folder / "m.pml").write_text(promela(messages, workers))
    compiled = ["gcc", "-w", "-O2", "-DSAFETY", "-DNOREDUCE", "-DMEMLIM=16000", "-o", "pan", "pan.c"]
    seconds, printed = timed([["spin", "-o2", "-a", "m.pml"], compiled, ["./pan", "-m200000"]], folder)
    found = re.search(r"([\d.e+]+) states, stored", printed)
    return seconds, f"{int(float(found[1])):,}" if found else "?"


def rumur(messages: int, workers: int, folder: Path, symmetric: bool) -> tuple[float, str]:
    """Rumur, full or with its symmetry reduction."""
    (folder / "m.m").write_text(murphi(messages, workers, symmetric))
    flags = [*RUMUR, "--symmetry-reduction", "heuristic" if symmetric else "off"]
    if symmetric:
        flags += ["--scalarset-schedules", "off"]
    seconds, printed = timed([["rumur", *flags, "m.m", "-o", "m.c"], COMPILE, ["./m"]], folder)
    found = re.findall(r"(\d+) states, \d+ rules fired", printed)
    return seconds, f"{int(found[-1]):,}" if found else "?"


def main() -> None:
    """Print the table."""
    sizes = [tuple(map(int, a.split(","))) for a in sys.argv[1:]] or [(3, 3), (4, 3)]
    mine = ours("at-least-once")
    print(f"{'checker':24}{'messages':>10}{'workers':>9}{'states':>14}{'seconds':>10}{'ratio':>9}")
    print(f"{'onceproof, proof':24}{'any':>10}{'any':>9}{'-':>14}{mine:10.2f}{1.0:9.1f}")
    for messages, workers in sizes:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            rows = []
            if shutil.which("spin") and shutil.which("gcc"):
                rows.append(("SPIN, full", *spin(messages, workers, folder)))
            if shutil.which("rumur") and shutil.which("gcc"):
                rows.append(("Rumur, full", *rumur(messages, workers, folder, False)))
                rows.append(("Rumur, symmetry", *rumur(messages, workers, folder, True)))
            for tool, seconds, states in rows:
                print(f"{tool:24}{messages:>10}{workers:>9}{states:>14}{seconds:10.2f}{seconds / mine:9.1f}", flush=True)


if __name__ == "__main__":
    main()
