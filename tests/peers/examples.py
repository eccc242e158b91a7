"""Every example, every claim, every delivery guarantee: our search against other checkers.

./dev peers examples                     all examples, Rumur and SPIN, several bounds
./dev peers examples --tools tlc,nusmv   other checkers, where they are installed
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

from onceproof.engines.search import Bounds
from onceproof.lang.load import load
from onceproof.lower import Lowered, lower

from peers.compare import Tally, case_of, claims_of, compare
from peers.tools import TOOLS
from support.repo import ROOT

NO_CONSUMER = "N120"

SMALL = Bounds(2, 1)
SWEEP = (SMALL, Bounds(3, 1), Bounds(1, 2), Bounds(2, 2), Bounds(2, 1, 2))
"""(workers, events, keys) of the complete run; what has too many states there is skipped and
counted.
"""


def lowered() -> Iterator[tuple[str, Lowered]]:
    """All examples under all their guarantees, with a label."""
    for path in sorted((ROOT / "examples").rglob("*.once")):
        loaded = load(path)
        design = loaded.design
        if design is None and {d.code for d in loaded.diagnostics} == {NO_CONSUMER}:
            continue  # only there to be imported
        assert design is not None, path
        for semantics in design.semantics:
            yield (
                f"{path.relative_to(ROOT / 'examples')} {semantics.value}",
                lower(design, semantics),
            )


def one(label: str, design: Lowered, bounds: Bounds, tools: Iterable[str], most: int) -> Tally:
    """One example under one guarantee."""
    case = case_of(f"{label} {bounds}", *claims_of(design), bounds, most)
    return Tally(skipped=[case]) if isinstance(case, str) else compare(case, tools)


def main() -> int:
    """Run, print, and say by the exit code whether everything agrees."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tools", default="rumur,spin")
    parser.add_argument("--most", type=int, default=100_000, help="full states; more are skipped")
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    tools = given.tools.split(",")
    for tool in tools:
        if TOOLS[tool].missing():
            print(f"{tool}: {TOOLS[tool].missing()}")
            return 1
    total = Tally()
    with ThreadPoolExecutor(given.jobs) as pool:
        for bounds in SWEEP:
            tally = Tally()
            jobs = [
                pool.submit(one, label, design, bounds, tools, given.most)
                for label, design in lowered()
            ]
            for job in jobs:
                tally.add(job.result())
                for difference in job.result().differences:
                    print(difference, flush=True)
            print(f"{bounds}: {tally.line()}", flush=True)
            total.add(tally)
    print(f"examples, {given.tools}: {total.line()}")
    return int(bool(total.differences))


if __name__ == "__main__":
    sys.exit(main())
