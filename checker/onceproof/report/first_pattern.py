"""A pattern written for the products at hand (``onceproof new --pattern``): the queues, the handler
that this broker really has, the database, the provider.

The patterns are designs in ``patterns/``, as they are written for a broker that waits for ``ack``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from onceproof.lang.format import formatted
from onceproof.lang.source import Source
from onceproof.models import brokers, providers
from onceproof.report.first_design import ANY, expectations, model_of, settled_by
from onceproof.verdict.result import ClaimResult

FOLDER = Path(__file__).parent / "patterns"
FAMILIES = {
    "azure-functions": "azure.functions.servicebus",
    "bullmq": "bullmq",
    "celery": "celery",
    "eventhubs": "eventhubs",
    "kafka": "kafka.consumer(enable.auto.commit=false, auto.offset.reset=earliest)",
    "kinesis": "kinesis.kcl",
    "lambda": "lambda.sqs",
    "nats": "nats.jetstream",
    "pubsub": "google.pubsub",
    "rabbitmq": "rabbitmq.quorum",
    "redis": "redis.streams",
    "servicebus": "servicebus.peeklock",
    "sidekiq": "sidekiq",
    "sqs": "sqs.standard",
    "temporal": "temporal.activity",
    "webhook": "webhook",
}
"""What people call a broker, and the model with its usual options."""
ACKS = {
    "eventhubs": "update the checkpoint",
    "google.pubsub": "message.ack()",
    "kafka.consumer": "commit the position",
    "kinesis.kcl": "checkpoint",
    "nats.jetstream": "msg.ack()",
    "rabbitmq.quorum": "basic.ack",
    "redis.streams": "XACK",
    "servicebus.peeklock": "complete the message",
    "sqs.standard": "DeleteMessage",
    "sqs.fifo": "DeleteMessage",
}
"""What an acknowledgement is called there."""
SETTLES = {
    "delivery": "acknowledged before the handler runs",
    "return": "acknowledged when the handler returns",
    "failure": "acknowledged when the handler ends, also when it fails",
    "kill": "acknowledged when the handler ends, also when it is killed",
    "any-time": "the client acknowledges at any moment",
}
"""Who settles a message where the handler does not, by the model's switch."""
_QUEUE = re.compile(r"queue (\w+) of (\w+) at-least-once")
_ON = re.compile(r"consumer \w+ on (\w+)")
_RETRIES = "seeks back on failure"
"""What a handler of a log needs where the log passes over a record whose handler failed."""
_STORE = re.compile(r"(store \w+ per \w+)(.*)")
_EFFECT = re.compile(r"effect \w+ per \w+ via (?:http|stripe)\b")
_KEY = re.compile(r"  key (\w+)")


class Products(Struct, frozen=True):
    """What a pattern is written for. ``broker``: a model, with options or without, a delivery
    guarantee or ``ANY``; empty database and provider: whatever the pattern has.
    """

    broker: str
    database: str = ""
    provider: str = ""


def names() -> list[str]:
    """The patterns that there are."""
    return sorted(p.stem for p in FOLDER.glob("*.once"))


def text(pattern: str, products: Products, cells: Sequence[ClaimResult] = ()) -> str:
    """The design, formatted. ``cells``: what came of checking its claims, to be expected."""
    template = (FOLDER / f"{pattern}.once").read_text(encoding="utf-8")
    lines = list(_written(template.splitlines(), products))
    if cells:
        first = next(n for n, line in enumerate(lines) if line.startswith("claim "))
        lines[first:] = expectations(cells)
    draft = "\n".join(lines) + "\n"
    result = formatted(Source.of(pattern, draft))
    return draft if result.text is None else result.text


def uses(pattern: str) -> tuple[bool, bool]:
    """Whether a pattern has a database, and whether it calls a provider."""
    lines = (FOLDER / f"{pattern}.once").read_text(encoding="utf-8").splitlines()
    return any(map(_STORE.match, lines)), any(map(_EFFECT.match, lines))


def _written(lines: Sequence[str], products: Products) -> Iterator[str]:
    """The lines of a template for the products."""
    queues = {m[1] for m in map(_QUEUE.match, lines) if m}
    handler = settled_by(products.broker)
    queue = external = ""
    declared = assumed = False
    for number, line in enumerate(lines):
        on = _ON.match(line)
        if line and not line.startswith(" "):
            queue = on[1] if on else ""
            external = products.provider if _EFFECT.match(line) else ""
        if _QUEUE.match(line):
            yield _QUEUE.sub(rf"queue \1 of \2{_delivery(products.broker)}", line)
        elif on and on[1] in queues and _passes_over(products.broker):
            yield f"{line}, {_RETRIES}"
        elif _STORE.match(line) and products.database:
            if not declared:
                yield f"database main via {products.database}"
                declared = True
            yield _STORE.sub(r"\1 in main\2", line)
        elif external and _EFFECT.match(line):
            yield re.sub(r"via \w+", f"via {external}", line)
            # An effect that is not told apart by a key needs no word about the provider's keys.
        elif external and _KEY.match(line):
            yield from _key(line, external)
        elif line.split("#")[0].strip() == "ack":
            own = queue in queues
            if not own and settled_by(_model_behind(lines, queue)) == "handler":
                yield line
            elif own and handler == "handler":
                yield _ack(line, products.broker, number, lines)
        else:
            assumed = assumed or line.startswith("assume retries end")
            if line.startswith("claim ") and not assumed and _is_short(products.provider):
                assumed = True
                yield "assume retries end within the key window"
                yield from (() if "assume no replay" in lines else ("assume no replay",))
                yield ""
            yield line


def _ack(line: str, broker: str, number: int, lines: Sequence[str]) -> str:
    """The last acknowledgement of a handler says what it is called there."""
    call = ACKS.get(model_of(broker)[0])
    is_last = number + 1 == len(lines) or not lines[number + 1].startswith(" ")
    return f"{line} # {call}" if call and is_last and "#" not in line else line


def _passes_over(broker: str) -> bool:
    """Whether a failed message is passed over, and what comes after it is handled."""
    name, options = model_of(broker)
    shelf = brokers()
    return (
        name in shelf
        and shelf[name].kind == "log"
        and shelf[name].switches(options).failures in ("", "pass")
    )


def _model_behind(lines: Sequence[str], queue: str) -> str:
    declared = (re.match(rf"queue {queue} of \w+ via ([\w.]+)", line) for line in lines)
    return next((m[1] for m in declared if m), "")


def _delivery(broker: str) -> str:
    """What stands behind a queue."""
    if broker == ANY:
        return " # no broker is named: every claim is examined under all three guarantees"
    name, _ = model_of(broker)
    if name not in brokers():
        return f" {broker}"
    note = SETTLES.get(settled_by(broker))
    return f" via {broker}{f' # {note}' if note else ''}"


def _key(line: str, provider: str) -> Iterator[str]:
    """The key of a request, where the provider knows keys; how long it keeps them, where nobody
    says so.
    """
    name, options = model_of(provider)
    keys = providers()[name].retention(options) if name in providers() else "unknown"
    key = _KEY.match(line)
    assert key is not None
    if keys == "unknown":
        yield f"  key {key[1]}, kept 24h # ask the provider how long"
    elif keys != "never":
        yield f"  key {key[1]}"


def _is_short(provider: str) -> bool:
    """Whether a provider keeps keys for some time only."""
    name, options = model_of(provider)
    return name in providers() and providers()[name].retention(options) not in ("never", "for ever")
