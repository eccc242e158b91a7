"""Did you mean: near misses and the field's synonyms."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

_WORDS: dict[str, str] = {
    "ack": "acknowledge acknowledged acks commit complete settle confirm",
    "operator": "replay replays admin",
    "continue": "ignore skip",
    "nack": "reject requeue abandon",
    "queue": "topic stream channel subscription exchange",
    "event": "message record",
    "consumer": "handler worker listener subscriber receive consume receiver",
    "publisher": "producer sender",
    "store": "table database db collection cache repository",
    "effect": "sideeffect action",
    "stop": "return exit end break quit",
    "fail": "throw raise error panic abort rollback",
    "atomic": "transaction begin tx transactional",
    "do": "execute perform run",
    "call": "invoke post request",
    "send": "mail notify",
    "publish": "emit produce enqueue dispatch",
    "set": "write assign save",
    "add": "upsert mark put remember",
    "delete": "remove",
    "increment": "inc",
    "let": "read var get load select const",
    "lock": "lease mutex",
    "relay": "outbox poller scheduler job process cron",
    "claim": "assert invariant property ensure verify check prove",
    "assume": "given suppose require assumption",
    "import": "include",
    "else": "elif elsif otherwise",
    "if": "when unless",
    "wait": "sleep delay",
    "section": "critical",
    "crash": "kill",
    "loss": "lost losing",
    "duplicate": "duplicates twice",
    "exactly-once": "exactly_once effectively-once",
    "at-least-once": "at_least_once",
    "at-most-once": "at_most_once",
    "proved": "proven safe ok pass passes",
    "violated": "fails fail broken false",
    "dead-letter": "dlq deadletter",
    "failure": "failed error exception",
    "conflict": "conflicts stale",
    "per": "by each",
    "via": "through using",
    "acquire": "take grab lock",
    "release": "unlock free",
    "use": "include call",
    "fragment": "macro procedure routine",
    "retry": "retries repeat",
    "retries": "retry resends",
    "workers": "worker concurrency prefetch",
    "unique": "distinct",
}
"""Our words, and the words people bring along for them."""


@cache
def synonyms() -> dict[str, tuple[str, ...]]:
    """By the word people bring along."""
    meanings: dict[str, tuple[str, ...]] = {}
    for keyword, spellings in _WORDS.items():
        for word in spellings.split():
            meanings[word] = (*meanings.get(word, ()), keyword)
    return meanings


def close_to(word: str, options: Iterable[str], limit: int = 3) -> list[str]:
    """The options that ``word`` was probably meant to be, best first.

    Exact match but for case, then the field's synonyms, then a similarity above 0.65 (difflib).
    """
    choices = sorted(set(options))
    lowered = word.lower()
    same = [o for o in choices if o.lower() == lowered]
    if same:
        return same[:1]
    translated = [o for o in synonyms().get(lowered, ()) if o in choices]
    if translated:
        return translated[:limit]
    if len(word) > 40:
        return []
    from difflib import SequenceMatcher  # only where somebody mistyped

    scored = sorted((-SequenceMatcher(None, lowered, o.lower()).ratio(), o) for o in choices)
    return [o for score, o in scored if -score > 0.65 and score < scored[0][0] + 0.1][:limit]


def listing(options: Iterable[str], most: int = 6, quote: bool = True, last: str = "or") -> str:
    """``a, b or c``; beyond ``most`` the rest is counted."""
    words = [f"`{o}`" if quote else o for o in options]
    if len(words) > most:
        return ", ".join(words[:most]) + f" … ({len(words) - most} more)"
    if len(words) < 2:
        return "".join(words)
    return ", ".join(words[:-1]) + f" {last} {words[-1]}"


def did_you_mean(words: Iterable[str]) -> str | None:
    """The suggestion, or nothing."""
    text = listing(words)
    return f"did you mean {text}?" if text else None
