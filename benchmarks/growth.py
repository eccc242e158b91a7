"""How time grows with a design: steps, effects, stores, queues, lines, claims, failing steps of a
database, positions of a log, handlers that share a lock; and with the bounds of a search. Ratios,
within one run.

python benchmarks/growth.py            # the whole table
python benchmarks/growth.py --large    # 300 lines in 5 handlers, and 430 lines in one

What the language has and no answer takes into account yet is shown as *not modelled yet*.
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


def one_handler(steps: int = 0, atomic: int = 0, claims: int = 2) -> str:
    """One consumer that writes so many rows one by one, and so many in one transaction. Claims
    about its one effect come first, then claims about its rows.
    """
    stores = [f"store book{i} per id" for i in range(max(1, atomic))]
    lines = ["event Paid(id)", "queue q of Paid at-least-once", "store done per id", *stores]
    lines += ["effect mail per id via http", "  key id, kept for ever"]
    lines += ["consumer c on q", "  if id in done", "    ack", "    stop"]
    lines += [f"  set book0.field{s} = reached" for s in range(steps)]
    lines += ["  atomic"] if atomic else []
    lines += [f"    set book{s}.state = reached" for s in range(atomic)]
    lines += ["  call mail", "  add id to done", "  ack"]
    lines += ["claim no duplicate mail", "claim no loss of mail"]
    lines += [f"claim never book0.field{c} is reached and mail happened" for c in range(claims - 2)]
    return "\n".join([*lines, ""])


def database(steps: int, clauses: bool) -> str:
    """One consumer whose so many writes can fail by themselves; with ``clauses`` the handler looks
    at each failure, which then is a place of its own.
    """
    lines = ["event Paid(id)", "queue q of Paid at-least-once", "database main via postgresql"]
    lines += ["store book per id in main", "store done per id in main, unique"]
    lines += ["effect mail per id via http", "  key id, kept for ever", "consumer c on q"]
    for step in range(steps):
        lines += [f"  set book.field{step} = reached"]
        lines += ["    on failure", "      nack", "      stop"] if clauses else []
    lines += ["  call mail", "  insert id into done or continue", "  ack"]
    lines += ["claim no duplicate mail", "claim no loss of mail"]
    return "\n".join([*lines, ""])


def log(partitions: int) -> str:
    """A chain of logs with positions, each read by a consumer that publishes to the next."""
    lines = ["event Paid(id, order)"]
    for i in range(partitions):
        lines += [f"queue q{i} of Paid at-least-once", "  commits positions", "  keyed by order"]
    lines += ["effect mail per id via http", "  key id, kept for ever"]
    for i in range(partitions):
        last = i + 1 == partitions
        lines += [f"consumer c{i} on q{i}", "  call mail" if last else f"  publish to q{i + 1}"]
        lines += ["  ack"]
    lines += ["claim no duplicate mail", "claim no loss of mail"]
    return "\n".join([*lines, ""])


def locked(handlers: int) -> str:
    """So many consumers that take one lock per order before they write."""
    lines = ["event Paid(id, order)"]
    lines += [f"queue q{i} of Paid at-least-once" for i in range(handlers)]
    lines += ["store book per order", "lock mutex per order"]
    lines += [f"store done{i} per id" for i in range(handlers)]
    lines += ["effect mail per id via http", "  key id, kept for ever"]
    for i in range(handlers):
        lines += [f"consumer c{i} on q{i}", "  acquire mutex or fail"]
        lines += [f"  if id in done{i}", "    ack", "    stop"]
        lines += [f"  set book.state = by{i}", "  call mail", f"  add id to done{i}"]
        lines += ["  release mutex", "  ack"]
    lines += ["claim no duplicate mail", "claim no loss of mail"]
    return "\n".join([*lines, ""])


def verdicts(text: str) -> tuple[float, str]:
    """Seconds for every claim of a design for any number of events and workers, and what came
    out.
    """
    loaded = load_text(text)
    refused = {d.code for d in loaded.diagnostics}
    if loaded.design is None and refused == {"N173"}:
        return 0.0, "not modelled yet"
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
    for steps in (10, 100, 400):
        yield "lines of one handler", str(steps), lambda s=steps: verdicts(one_handler(steps=s))
    for lines in (1, 4, 8, 16):
        yield "atomic lines", str(lines), lambda n=lines: verdicts(one_handler(atomic=n))
    for claims in (2, 4, 8, 16):
        yield "claims", str(claims), lambda c=claims: verdicts(one_handler(steps=14, claims=c))
    for clauses in (False, True):
        kind = "failing steps, handled" if clauses else "failing steps"
        for steps in (1, 4, 8, 16):
            yield kind, str(steps), lambda s=steps, c=clauses: verdicts(database(s, c))
    for logs in (1, 2, 3):
        yield "logs", str(logs), lambda n=logs: verdicts(log(n))
    for handlers in (1, 2, 3):
        yield "handlers, one lock", str(handlers), lambda h=handlers: verdicts(locked(h))
    for engine in ("orbits", "dense"):
        for workers, events in ((1, 1), (2, 2), (3, 2), (3, 3)):
            yield f"W, N ({engine})", f"{workers}, {events}", counted(engine, workers, events)


def main() -> None:
    """Print the table, each row with its ratio to the first of its kind."""
    if "--large" in sys.argv:
        text = design(queues=5, effects=8, steps=42, stores=5)
        seconds, what = verdicts(text)
        print(f"{text.count(chr(10))} lines, 5 queues, 8 effects: {seconds:.1f} s, {what}")
        text = one_handler(steps=415)
        seconds, what = verdicts(text)
        print(f"{text.count(chr(10))} lines, one handler: {seconds:.1f} s, {what}")
        return
    first: dict[str, float] = {}
    print(f"{'grown':<24}{'to':>8}{'seconds':>10}{'ratio':>8}  found")
    for kind, size, measure in rows():
        seconds, what = measure()
        ratio = seconds / (first.setdefault(kind, seconds) or 1.0)
        print(f"{kind:<24}{size:>8}{seconds:>10.3f}{ratio:>8.1f}  {what}", flush=True)


if __name__ == "__main__":
    main()
