"""Random designs and random machines: our search against other checkers.

./dev peers random --count 1000                     designs 0 to 999
./dev peers random --count 1000 --log peers.jsonl   the same, resumed where it stopped
./dev peers random --kind machines --count 1000     broadcasts, limits, several keys, patterns
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

from onceproof.engines.search import Bounds
from onceproof.lang.load import load_text
from onceproof.lower import lower

from peers.compare import Case, Tally, case_of, claims_of, compare
from peers.tools import TOOLS
from support.designs import random_design
from support.machines import random_machine

FOR_DESIGNS = (Bounds(2, 1), Bounds(1, 1), Bounds(2, 1), Bounds(1, 2))
FOR_MACHINES = (
    Bounds(2, 1),
    Bounds(2, 2),
    Bounds(3, 1),
    Bounds(1, 2, 2),
    Bounds(2, 1, 2),
    Bounds(3, 2),
)


def design_case(seed: int, most: int) -> Case | str:
    """The random design of a seed, under one of its guarantees, at one of the bounds."""
    design = load_text(random_design(seed)).design
    assert design is not None, seed
    lowered = lower(design, design.semantics[seed % len(design.semantics)])
    bounds = FOR_DESIGNS[seed % len(FOR_DESIGNS)]
    return case_of(
        f"design {seed} {lowered.semantics.value} {bounds}",
        *claims_of(lowered),
        bounds,
        most,
    )


def machine_case(seed: int, most: int) -> Case | str:
    """The random machine of a seed, at one of the bounds."""
    machine, claim = random_machine(seed)
    bounds = FOR_MACHINES[seed % len(FOR_MACHINES)]
    return case_of(f"machine {seed} {bounds}", machine, (claim,), bounds, most)


KINDS = {"designs": design_case, "machines": machine_case}


def one(kind: str, seed: int, tools: Iterable[str], most: int) -> Tally:
    """Compare one."""
    case = KINDS[kind](seed, most)
    return Tally(skipped=[case]) if isinstance(case, str) else compare(case, tools)


def _done(log: Path | None) -> dict[int, Tally]:
    """What an earlier run has written."""
    lines = log.read_text(encoding="utf-8").splitlines() if log is not None and log.exists() else []
    found = [json.loads(line) for line in lines]
    return {x.pop("seed"): Tally(**x) for x in found}


def main() -> int:
    """Run, print, and say by the exit code whether everything agrees."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kind", choices=tuple(KINDS), default="designs")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--tools", default="rumur,spin")
    parser.add_argument("--most", type=int, default=30_000, help="full states; more are skipped")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument(
        "--log", type=Path, help="one line per seed; seeds that are there already are not run again"
    )
    given = parser.parse_args()
    tools = given.tools.split(",")
    for tool in tools:
        if TOOLS[tool].missing():
            print(f"{tool}: {TOOLS[tool].missing()}")
            return 1
    done, total = _done(given.log), Tally()
    seeds = range(given.first, given.first + given.count)
    for seed in set(seeds) & set(done):
        total.add(done[seed])
    left = [seed for seed in seeds if seed not in done]
    with ThreadPoolExecutor(given.jobs) as pool:
        for seed, tally in zip(
            left, pool.map(lambda s: one(given.kind, s, tools, given.most), left), strict=True
        ):
            total.add(tally)
            for difference in tally.differences:
                print(difference, flush=True)
            if given.log is not None:
                with given.log.open("a", encoding="utf-8") as log:
                    log.write(json.dumps({"seed": seed, **asdict(tally)}) + "\n")
            if seed % 100 == 99:
                print(f"... {seed}: {total.line()}", flush=True)
    print(f"random {given.kind} {seeds.start} to {seeds.stop - 1}, {given.tools}: {total.line()}")
    return int(bool(total.differences))


if __name__ == "__main__":
    sys.exit(main())
