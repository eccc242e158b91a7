"""Random designs whose handlers take locks of several kinds and rows in transactions, in any
order, so that some wait for each other.
"""

from __future__ import annotations

import random

KINDS = ("", "", "", ", expires 30s", ", until released", " in main")
CALM = (
    "no replay",
    "no publisher retries",
    "no broker copies",
    "no lost answers",
    "no lost acks",
    "no refusals",
    "no failover",
    "no lost connections",
    "no database failures",
    "handler finishes within the lease",
)
CLAIMS = ("no deadlock", "no loss of booking", "recoverable")


def lock_design(seed: int) -> str:
    """A small valid design; the same seed gives the same text."""
    rng = random.Random(f"locks {seed}")
    locks = ["a", "b", "c"][: rng.choice((1, 2, 2, 2, 3))]
    level = rng.choice(("id", "id", "order"))
    lines = ["event Pay(id, order)"]
    lines += [f"queue q{i} of Pay at-least-once" for i in (1, 2)]
    lines += ["database main via postgresql"]
    lines += [f"lock {name} per {level}{rng.choice(KINDS)}" for name in locks]
    lines += [f"store ledger per {level} in main", f"store other per {level} via mysql"]
    lines += [f"effect booking per {level} in ledger"]
    for i, work in ((1, ["do booking"]), (2, rng.choice((["wait"], ["add KEY to other"])))):
        lines += [f"consumer c{i} on q{i}{', workers 1' if rng.random() < 0.2 else ''}"]
        lines += [f"  {x.replace('KEY', level)}" for x in _handler(rng, locks, work)]
    calm = [a for a in CALM if rng.random() < 0.9] + ["no crash"] * (rng.random() < 0.5)
    return "\n".join([*lines, *(f"assume {a}" for a in calm), *(f"claim {c}" for c in CLAIMS), ""])


def _handler(rng: random.Random, locks: list[str], work: list[str]) -> list[str]:
    taken = rng.sample(locks, rng.randint(0, len(locks)))
    if taken and rng.random() < 0.1:
        taken.append(taken[0])
    acquire = [f"acquire {x}{' or stop' if rng.random() < 0.15 else ''}" for x in taken]
    release = [f"release {x}" for x in dict.fromkeys(reversed(taken)) if rng.random() < 0.8]
    if rng.random() < 0.4:
        rows = ["add KEY to ledger", "add KEY to other"]
        rng.shuffle(rows)
        first, second = rows
        inside = [first, *acquire[-1:], second]
        return [*acquire[:-1], "atomic", *(f"  {x}" for x in inside), *work, "ack", *release]
    return [*acquire, *work, "ack", *release]
