"""Random designs in which handlers publish: twice, to their own queue, in one transaction, to
consumers with few workers or a delivery limit.
"""

from __future__ import annotations

import random

CALM = (
    "no replay",
    "no publisher retries",
    "no broker copies",
    "no replay",
    "no lost acks",
    "no lost answers",
    "no refusals",
    "no database failures",
    "no crash",
    "handler finishes within the lease",
)
"""Mostly nobody makes copies, so that messages are counted."""
CLAIMS = ("no duplicate work", "no loss of work", "recoverable")


def message_design(seed: int) -> str:
    """A small valid design; the same seed gives the same text."""
    rng = random.Random(f"messages {seed}")
    first = rng.choice(("at-least-once", "at-least-once", "exactly-once", "at-most-once"))
    second = "exactly-once" if first == "exactly-once" else rng.choice(("at-least-once", first))
    options = []
    if second == "at-least-once":
        options += rng.choice(([], ["late ack refused"], ["late ack settles"]))
        options += ["lease 30s"] * (rng.random() < 0.2)
    if second == "exactly-once" and rng.random() < 0.7:
        options.append("keeps copies")
    if second != "at-most-once":
        options += ["delivery limit 3 then dead-letter"] * (rng.random() < 0.15)
        options += ["never redelivers"] * (rng.random() < 0.1)
        options += ["messages may expire"] * (rng.random() < 0.1)
    keyed = ["  key id, kept for ever"] * (rng.random() < 0.3)
    shop = ["publish to jobs"] * rng.choice((1, 1, 2, 3))
    shop.insert(rng.randrange(len(shop) + 1), rng.choice(("wait", "add id to seen")))
    work = rng.choice(
        (["call work"], ["do work"], ["call work", "  on failure", "    ack", "    stop"])
    )
    inside = "do work" in work
    if rng.random() < 0.4:
        again = ["publish to jobs", "ack"]
        rng.shuffle(again)
        work = [
            *rng.choice((["if id in seen", *(f"  {x}" for x in again), "  stop"], again)),
            *work,
        ]
    limits = [", workers 1" if rng.random() < 0.3 else "" for _ in range(2)]
    acks = [_acks(rng, promised) for promised in (first, second)]
    effect = "effect work per id in seen" if inside else "effect work per id via http"
    lines = [
        "event Job(id)",
        f"queue first of Job {first}",
        f"queue jobs of Job {second}",
        *(f"  {o}" for o in dict.fromkeys(options)),
        "store seen per id",
        effect,
        *([] if inside else keyed),
        f"consumer shop on first{acks[0][0]}{limits[0]}",
        *(f"  {x}" for x in [*shop, *acks[0][1]]),
        f"consumer worker on jobs{acks[1][0]}{limits[1]}",
        *(f"  {x}" for x in _without_acks(work, acks[1][0]) + acks[1][1]),
    ]
    calm = [a for a in dict.fromkeys(CALM) if rng.random() < 0.8]
    return "\n".join([*lines, *(f"assume {a}" for a in calm), *(f"claim {c}" for c in CLAIMS), ""])


def _acks(rng: random.Random, promised: str) -> tuple[str, list[str]]:
    """How a consumer acknowledges: its trait, and its last line."""
    if promised == "at-most-once" or rng.random() < 0.2:
        return ", acks on delivery", []
    return rng.choice(((", acks on return", []), ("", ["ack"]), ("", ["ack or stop"])))


def _without_acks(lines: list[str], trait: str) -> list[str]:
    """Nothing to acknowledge by hand where the delivery does it."""
    return [x for x in lines if not (trait == ", acks on delivery" and x.strip() == "ack")]
