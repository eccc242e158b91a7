"""Many random inputs.

./dev fuzz --count 1000000 --jobs 2           numbers 0 to 999,999
./dev fuzz --first 1000000 --keep found       others; what fails is written to found/
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from fuzz.inputs import text_of
from fuzz.judge import problem

PART = 500
EVERY = 10
"""One in so many is also rendered and lowered."""


def part(first: int) -> list[tuple[int, str]]:
    """The failures among the inputs of one part."""
    found = (
        (number, problem(text_of(number), thorough=number // 4 % EVERY == 0))
        for number in range(first, first + PART)
    )
    return [(number, text) for number, text in found if text]


def run(first: int, count: int, jobs: int) -> Iterable[tuple[int, list[tuple[int, str]]]]:
    """All parts, with their failures."""
    firsts = range(first, first + count, PART)
    if jobs == 1:
        yield from ((n, part(n)) for n in firsts)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from zip(firsts, pool.map(part, firsts), strict=True)


def main() -> int:
    """Run, print, and say by the exit code whether everything was answered."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="a folder for the inputs that fail")
    given = parser.parse_args()
    begin, known = time.monotonic(), dict[str, int]()
    done = 0
    for number, failures in run(given.first, given.count, given.jobs):
        done += PART
        for which, text in failures:
            last = text.strip().splitlines()[-1]
            known[last] = known.get(last, 0) + 1
            if known[last] <= 3:
                print(f"input {which}: {text}", flush=True)
            if given.keep is not None:
                given.keep.mkdir(parents=True, exist_ok=True)
                (given.keep / f"{which}.once").write_text(
                    text_of(which), encoding="utf-8", errors="surrogatepass"
                )
        if done % 50_000 == 0:
            print(
                f"... {number + PART}: {sum(known.values())} failures,"
                f" {time.monotonic() - begin:.0f} s",
                flush=True,
            )
    print(f"{done} inputs, {sum(known.values())} failures of {len(known)} kinds")
    return int(bool(known))


if __name__ == "__main__":
    sys.exit(main())
