"""Did you mean: near misses and the field's synonyms."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher

SYNONYMS: dict[str, str] = {
    "acknowledge": "ack", "acknowledged": "ack", "acks": "ack", "commit": "ack", "complete": "ack", "settle": "ack", "confirm": "ack",
    "reject": "nack", "requeue": "nack", "abandon": "nack", "release_message": "nack",
    "topic": "queue", "stream": "queue", "channel": "queue", "subscription": "queue",
    "message": "event", "record": "event",
    "handler": "consumer", "worker": "consumer", "listener": "consumer", "subscriber": "consumer", "receive": "consumer", "consume": "consumer",
    "producer": "publisher", "sender": "publisher",
    "table": "store", "database": "store", "db": "store", "collection": "store", "cache": "store",
    "sideeffect": "effect", "action": "effect",
    "return": "stop", "exit": "stop", "end": "stop", "break": "stop",
    "throw": "fail", "raise": "fail", "error": "fail", "panic": "fail", "abort": "fail", "rollback": "fail",
    "transaction": "atomic", "begin": "atomic", "tx": "atomic",
    "execute": "do", "perform": "do", "invoke": "call", "mail": "send", "post": "call", "emit": "publish", "produce": "publish", "enqueue": "publish",
    "write": "set", "assign": "set", "save": "set", "upsert": "add", "mark": "add", "put": "add", "store_row": "add",
    "remove": "delete", "inc": "increment", "read": "let", "var": "let", "get": "let", "load": "let", "select": "let",
    "lease": "lock", "mutex": "lock", "outbox": "relay", "poller": "relay", "scheduler": "relay", "job": "relay", "process": "relay",
    "assert": "claim", "invariant": "claim", "property": "claim", "ensure": "claim", "verify": "claim", "check": "claim",
    "given": "assume", "suppose": "assume", "require": "assume", "include": "import", "elif": "else", "elsif": "else", "when": "if", "unless": "if",
    "sleep": "wait", "critical": "section", "kill": "crash", "lost": "loss", "duplicates": "duplicate", "losing": "loss", "exactly_once": "exactly-once",
    "at_least_once": "at-least-once", "at_most_once": "at-most-once", "proven": "proved", "safe": "proved", "fails": "violated", "broken": "violated",
    "dlq": "dead-letter", "error_": "failure", "failed": "failure", "conflicts": "conflict",
}  # fmt: skip
"""Words people bring along, and the word of this language."""


def close_to(word: str, options: Iterable[str], limit: int = 3) -> list[str]:
    """The options that ``word`` was probably meant to be, best first.

    Exact match but for case, then the field's synonyms, then a similarity above 0.7 (difflib).
    """
    choices = sorted(set(options))
    lowered = word.lower()
    same = [o for o in choices if o.lower() == lowered]
    if same:
        return same[:1]
    synonym = SYNONYMS.get(lowered)
    if synonym in choices:
        return [synonym]
    scored = sorted((-SequenceMatcher(None, lowered, o.lower()).ratio(), o) for o in choices)
    return [o for score, o in scored if -score > 0.7][:limit]


def listing(options: Iterable[str], most: int = 6, quote: bool = True) -> str:
    """``a, b or c``; beyond ``most`` the rest is counted."""
    words = [f"`{o}`" if quote else o for o in options]
    if len(words) > most:
        return ", ".join(words[:most]) + f" … ({len(words) - most} more)"
    if len(words) < 2:
        return "".join(words)
    return ", ".join(words[:-1]) + " or " + words[-1]
