"""Random designs whose queues are logs (docs/semantics_world.md, "Logs with positions"), and whose
messages have an order ("Order").

Made from the designs of ``support/broker_designs.py``, line by line. The same seed gives the same
text.
"""

from __future__ import annotations

import random

from support.broker_designs import broker_design

TRAITS = (
    "in parallel",
    "in parallel",
    "stops on failure",
    "seeks back on failure",
    "seeks back on failure",
    "passes over failures",
)


def log_design(seed: int) -> str:
    """A small valid design with at least one log."""
    rng = random.Random(f"logs {seed}")
    lines: list[str] = []
    logs: set[str] = set()
    is_log = reads_log = False
    for line in broker_design(seed).split("\n"):
        words = line.split()
        if line.startswith("queue "):
            is_log = not logs or rng.random() < 0.7
            logs |= {words[1]} if is_log else set()
            lines += [line, *["  commits positions"] * is_log]
            continue
        if line.startswith(("consumer ", "relay ")):
            reads_log = words[0] == "consumer" and words[3].rstrip(",") in logs
            line += _traits(rng) if reads_log else ""
        elif is_log and line.strip() == "never redelivers":
            continue
        elif reads_log and words == ["nack"]:
            line = line.replace("nack", "seek back")
        elif reads_log and words in (["wait"], ["wait", "15s"]) and rng.random() < 0.3:
            line = line.replace(line.strip(), "seek back")
        lines.append(line)
    return "\n".join(lines)


def ordered_design(seed: int) -> str:
    """A small valid design with at least one queue that is keyed by the id or the business key."""
    rng = random.Random(f"order {seed}")
    text = log_design(seed) if rng.random() < 0.5 else broker_design(seed)
    lines: list[str] = []
    keyed = False
    for line in text.split("\n"):
        lines.append(line)
        if line.startswith("queue ") and (not keyed or rng.random() < 0.6):
            keyed = True
            lines.append(f"  keyed by {rng.choice(('id', 'order', 'order'))}")
    return "\n".join(lines)


def _traits(rng: random.Random) -> str:
    chosen = rng.sample(TRAITS, rng.choice((0, 0, 1, 1, 1, 2)))
    parallel = [t for t in dict.fromkeys(chosen) if t == "in parallel"]
    failures = [t for t in chosen if t != "in parallel"][:1]
    return "".join(f", {t}" for t in (*parallel, *failures))
