"""Random designs whose brokers have every switch of docs/semantics.md, "Brokers", now and then, and
the steps that go with them.

Made from the designs of ``support/designs.py``, line by line, so that those keep their texts. The
same seed gives the same text.
"""

from __future__ import annotations

import random
import re

from support.designs import random_design

OPTIONS = (
    "consumer may lose its connection",
    "partitions may move",
    "shutdown gives messages back",
    "never redelivers",
    "never copies",
    "drops copies within 5min",
    "commit may go back",
    "messages may expire",
    "publishes unconfirmed",
    "batches return together",
    "aborted messages may appear",
    "keeps copies",
    "lease 30s",
    "late ack refused",
    "delivery limit 3 then stays",
)
ACKS = (
    "acks on return",
    "acks on return or failure",
    "acks on return or kill",
    "acks at any time",
    "acks on return or kill",
)
ASSUMPTIONS = (
    "no lost connections",
    "no rebalance",
    "no shutdown",
    "no rewinds",
    "no batch failures",
    "no expired messages",
    "publisher retries end within the dedup window",
    "work ends within the lock",
    "work ends within the lock",
    "no crash",
    "no replay",
    "retries end within the key window",
)


def broker_design(seed: int) -> str:
    """A small valid design that uses what is new in section after section."""
    rng = random.Random(f"brokers {seed}")
    lines: list[str] = []
    relay, expiring = False, "lock lease" in (text := random_design(seed)) and ", expires" in text
    source = text.split("\n")
    for number, line in enumerate(source):
        below = source[number + 1] if number + 1 < len(source) else ""
        if line.startswith(("consumer ", "relay ")):
            line = _consumer(rng, line)
            relay = line.startswith("relay") or "acks on delivery" in line  # nothing to renew
        lines.append(_step(rng, line, below, relay, expiring) if line.startswith(" ") else line)
        if line.startswith("queue "):
            taken = {below.strip(), source[number + 2].strip() if number + 2 < len(source) else ""}
            lines += [f"  {o}" for o in _options(rng, " ".join(taken))]
    known = {x.removeprefix("assume ") for x in lines if x.startswith("assume ")}
    more = [
        a
        for a in dict.fromkeys(rng.sample(ASSUMPTIONS, rng.choice((0, 0, 1, 2))))
        if a not in known
    ]
    if any("crash here" in x or "crash only" in x for x in lines):
        more = [a for a in more if a != "no crash"]
    if any(x.startswith("operator replays") for x in lines):
        more = [a for a in more if a != "no replay"]
    text = "\n".join([*lines, *(f"assume {a}" for a in more), ""])
    # a handler that waits for longer than it takes is an error (N167)
    return text.replace("takes up to 20s", "takes up to 2h") if "wait 5min" in text else text


def _consumer(rng: random.Random, line: str) -> str:
    """The head of a consumer, perhaps with another way to acknowledge."""
    if line.startswith("consumer ") and "acks on return" in line and rng.random() < 0.8:
        line = line.replace("acks on return", rng.choice(ACKS))
    elif line.startswith("consumer ") and "acks" not in line and rng.random() < 0.3:
        line += ", " + rng.choice(ACKS)
    if line.startswith("consumer ") and rng.random() < 0.2:
        line += ", takes up to " + rng.choice(("20s", "1h"))
    return line


def _options(rng: random.Random, taken: str) -> list[str]:
    chosen = rng.sample(OPTIONS, rng.choice((0, 1, 1, 2, 3)))
    return [
        o for o in chosen if not (o.split()[0] in ("late", "delivery") and o.split()[0] in taken)
    ]


def _step(rng: random.Random, line: str, below: str, relay: bool, expiring: bool) -> str:
    """A step, perhaps replaced by one of the new ones."""
    indent = re.match(" *", line)
    assert indent is not None
    space, step = indent[0], line.strip()
    if step.startswith("delete ") and rng.random() < 0.7:
        if rng.random() < 0.3:
            return (
                f"{line}\n{space}  on missing\n{space}   "
                f" {rng.choice(('stop', 'fail', 'send mail', 'wait'))}"
            )
        return line + rng.choice((" or stop", " or fail", " or continue"))
    if step in ("wait", "ack", "nack") or step.startswith("let "):
        new = [f"renew{rng.choice(('', ' or stop', ' or fail', ' or continue'))}"] * (not relay)
        new += [f"renew lease{rng.choice(('', ' or stop', ' or fail'))}"] * expiring + [
            "wait 15s",
            "wait up to 1h",
        ]
        if rng.random() < (0.5 if step in ("wait", "nack") else 0.15):
            return (
                f"{space}{rng.choice(new)}"
                if step == "wait"
                else f"{space}{rng.choice(new)}\n{line}"
            )
    return line
