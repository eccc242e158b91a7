"""How time grows with a design: steps, effects, stores, queues, lines; and with the bounds of a
search. Ratios, within one run.

python benchmarks/growth.py            # the whole table
python benchmarks/growth.py --large    # one design of 300 lines, 8 effects, 5 queues
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from onceproof.engines.search import Bounds, Budget
from onceproof.engines.search.count import count
from onceproof.lang.load import load_text
from onceproof.lower import lower
from onceproof.machine.delivery import Delivery
from onceproof.verdict.check import check_loaded
from onceproof.verdict.task import Options


def design(queues: int = 1, effects: int = 1, steps: int = 0, stores: int = 1) -> str:
    """A chain of queues; every consumer checks its dedup row, writes, makes its share of the
    effects, records, publishes, acks.
    """
    lines = ["event Paid(id, order)", *(f"queue q{i} of Paid at-least-once" for i in range(queues))]
    lines += [f"store done{i} per id" for i in range(queues)] + [
        f"store book{i} per id" for i in range(stores)
    ]
    for i in range(effects):
        lines += [f"effect effect{i} per id via http", "  key id, kept for ever"]
    for i in range(queues):
        lines += [f"consumer c{i} on q{i}", f"  if id in done{i}", "    ack", "    stop"]
        lines += [f"  set book{s % stores}.state{i}x{s} = reached" for s in range(steps)]
        lines += [f"  call effect{e}" for e in range(effects) if e % queues == i]
        lines += [f"  publish to q{i + 1}"] if i + 1 < queues else []
        lines += [f"  add id to done{i}", "  ack"]
    for i in range(effects):
        lines += [f"claim no duplicate effect{i}", f"claim no loss of effect{i}"]
    return "\n".join([*lines, ""])


def verdicts(text: str) -> tuple[float, str]:
    """Seconds for every claim of a design for any number of events and workers, and what came
    out.
    """
    loaded = load_text(text)
    assert loaded.design is not None, loaded.diagnostics
    started = time.perf_counter()
    result, _ = check_loaded(loaded, Options(seconds=60.0))
    found = sorted({c.verdict.value for c in result.cells})
    return time.perf_counter() - started, f"{len(result.cells)} verdicts: {', '.join(found)}"


def counted(engine: str, workers: int, events: int) -> Callable[[], tuple[float, str]]:
    """Seconds to count every state of the first design within bounds."""

    def run() -> tuple[float, str]:
        loaded = load_text(design())
        assert loaded.design is not None
        machine = lower(loaded.design, Delivery.AT_LEAST_ONCE).machine
        started = time.perf_counter()
        found = count(machine, Bounds(workers, events), Budget(50_000_000, 120.0), engine)
        return time.perf_counter() - started, f"{found.full_states:,} states"

    return run


def rows() -> Iterator[tuple[str, str, Callable[[], tuple[float, str]]]]:
    """What is grown, how far, and the measurement."""
    for steps in (0, 10, 20, 40):
        yield "steps", str(steps), lambda s=steps: verdicts(design(steps=s))
    for effects in (1, 2, 4, 8):
        yield "effects", str(effects), lambda e=effects: verdicts(design(effects=e))
    for queues in (1, 2, 3, 5):
        yield "queues", str(queues), lambda q=queues: verdicts(design(queues=q, effects=q))
    for stores in (1, 4, 8):
        yield "stores", str(stores), lambda s=stores: verdicts(design(steps=8, stores=s))
    for engine in ("orbits", "dense"):
        for workers, events in ((1, 1), (2, 2), (3, 2), (3, 3)):
            yield f"W, N ({engine})", f"{workers}, {events}", counted(engine, workers, events)


def main() -> None:
    """Print the table, each row with its ratio to the first of its kind."""
    if "--large" in sys.argv:
        text = design(queues=5, effects=8, steps=42, stores=5)
        seconds, what = verdicts(text)
        print(f"{text.count(chr(10))} lines, 5 queues, 8 effects: {seconds:.1f} s, {what}")
        return
    first: dict[str, float] = {}
    print(f"{'grown':<18}{'to':>8}{'seconds':>10}{'ratio':>8}  found")
    for kind, size, measure in rows():
        seconds, what = measure()
        ratio = seconds / first.setdefault(kind, seconds)
        print(f"{kind:<18}{size:>8}{seconds:>10.3f}{ratio:>8.1f}  {what}", flush=True)


if __name__ == "__main__":
    main()
