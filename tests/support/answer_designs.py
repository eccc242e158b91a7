"""Random designs with what docs/semantics_world.md says about acknowledgements, publishers and
queues in one's own database: limits that are never reached, workers that are killed at their time
limit, publishers that retry under at-most-once, handlers that ask whether their message came again,
messages that are published and acknowledged inside a block.

Made from the designs of ``support/broker_designs.py``, line by line. The same seed gives the same
text.
"""

from __future__ import annotations

import random
import re

from support.broker_designs import broker_design


def answer_design(seed: int) -> str:
    """A small design that uses one of these; not every one is valid."""
    rng = random.Random(f"answers {seed}")
    text = broker_design(seed)
    lines = text.split("\n")
    own = rng.random() < 0.5
    lines = [_in_main(line) for line in lines] if own else lines
    made: list[str] = []
    settled_at_once = relay = False
    queues = re.findall(r"^queue (\w+)", text, re.MULTILINE)
    roots = [q for q in queues if f"publish to {q}" not in text]
    targets = [q for q in queues if q not in roots]
    for line in lines:
        space, step = line[: len(line) - len(line.lstrip())], line.strip()
        if line.startswith("consumer "):
            relay, settled_at_once = False, "acks on delivery" in line
            if "takes up to" not in line and rng.random() < 0.25:
                line += ", killed after 10h"
        elif line.startswith("relay "):
            relay = True
        elif line.startswith("  delivery limit") and rng.random() < 0.5:
            made.append(line)
            lines.append("assume an event fails fewer than 3 times")
            continue
        made.append(line)
        if step in ("atomic", "atomic serializable") and own and rng.random() < 0.8:
            if not relay and not settled_at_once and rng.random() < 0.7:
                made.append(f"{space}  ack{rng.choice(('', ' or stop', ' or fail'))}")
            if targets and rng.random() < 0.5:
                made.append(f"{space}  publish to {rng.choice(targets)}")
        if step == "wait" and not relay and rng.random() < 0.6:
            made += [f"{space}if {rng.choice(('', 'not '))}redelivered"]
            made += [f"{space}  {rng.choice(('stop', 'fail', 'send mail', 'wait'))}"]
        if re.match(r"queue \w+ of \w+ at-most-once", line) and rng.random() < 0.6:
            name = line.split()[1]
            if f"publisher of {name}" not in text:
                lines.append(f"publisher of {name} retries")
    head = ["database main via postgresql"] if own else []
    return "\n".join(
        [*head, *dict.fromkeys(x for x in made if x.startswith("assume")), *_rest(made)]
    )


def _rest(lines: list[str]) -> list[str]:
    return [x for x in lines if not x.startswith("assume")]


def _in_main(line: str) -> str:
    """A declaration that lives in the database of the rows."""
    if line.startswith("queue "):
        return f"{line}, in main"
    if line.startswith("store ") and not any(x in line for x in ("via", "inside", "replicated")):
        key = re.match(r"store \w+ per \w+", line)
        assert key is not None
        return f"{key[0]} in main{line[key.end() :]}"
    return line
