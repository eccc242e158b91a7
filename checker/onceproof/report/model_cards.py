"""What a model says, as questions a person has and answers in words: the top of its card
(``onceproof models show``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from onceproof.models import Broker, Keeper, Model, Provider, Switches

Pair = tuple[str, str] | None

CAUSES: Mapping[str, str] = {
    "disconnect": "its connection is lost",
    "rebalance": "its partitions move",
    "shutdown": "its process shuts down in order",
}
ACKS: Mapping[str, str] = {
    "handler": "the handler (`ack`)",
    "delivery": "the delivery itself: nothing is held afterwards",
    "return": "the handler's normal end",
    "failure": "the handler's end, also when it fails",
    "kill": "the handler's end, also when it fails; when its process is killed, perhaps its parent",
    "any-time": "the handler's normal end, or the client at any time before it",
    "cumulative": "the handler (`ack`), for every earlier message, too",
}
ENDS: Mapping[str, str] = {
    "dead-letter": "then it is dead-lettered",
    "drop": "then it is dropped",
    "stays": "then it stays unread",
}


def answers(model: Model, given: Mapping[str, str] | None = None) -> tuple[tuple[str, str], ...]:
    """Questions and answers about a model, under the given options."""
    match model:
        case Broker():
            return tuple(_broker(model.switches(given or {})))
        case Keeper():
            return tuple(_keeper(model, given or {}))
        case Provider():
            return tuple(_provider(model))
        case _:
            return ()


def _value(pair: Pair) -> str:
    return f"{pair[0]} ({pair[1]})" if pair and pair[0] else pair[1] if pair else ""


def _lease(switches: Switches) -> str:
    return f"{_value(switches.lease)} is over" if switches.lease else "its lease runs out"


def _losses(switches: Switches) -> list[str]:
    return [
        _lease(switches) if cause == "lease" else CAUSES[cause] for cause in switches.loses_hold
    ]


def _broker(s: Switches) -> Iterator[tuple[str, str]]:
    held = s.ack != "delivery" and s.delivery != "at-most-once"
    yield "It is given again", _again(s, held)
    yield "Two workers at once", _two(s, held)
    yield "Who settles", ACKS[s.ack]
    yield "A late ack", _late(s, held)
    yield "The publisher's copies", _copies(s)
    yield "Commits with the ack", _boundary(s)
    yield "Delivery limit", f"{_value(s.limit)}, {ENDS[s.limit_end]}" if s.limit else "none"
    yield "Lost without a crash", _lost(s)
    if s.covers:
        yield "The lease covers", " × ".join(_value(pair) for pair in s.covers) + " handlers"


def _again(s: Switches, held: bool) -> str:
    if not held:
        when = []
    elif s.redelivers:
        when = [
            "its worker dies" if s.ack in ("failure", "kill") else "its worker fails or dies",
            *_losses(s),
        ]
    else:
        when = ["(not by itself: what a dead worker held stays there)"]
    when += ["a lower offset is committed"] if s.rewinds else []
    when += ["another record of its batch fails"] if s.batch == "all-or-nothing" else []
    when += ["an operator replays it"] if s.replay else []
    return f"when {listed(when)}" if when else "never"


def _two(s: Switches, held: bool) -> str:
    causes = _losses(s) if held and s.redelivers else []
    causes += ["the broker delivers a copy"] if s.broker_copies else []
    return (
        f"yes, when {listed(causes)} while the first one works" if causes else "not by the broker"
    )


def _late(s: Switches, held: bool) -> str:
    if not held:
        return "there is none"
    return (
        "settles the message for everybody"
        if s.late_ack == "settles"
        else "is refused; the message comes again"
    )


def _copies(s: Switches) -> str:
    if s.publisher == "once":
        return "not made, or dropped"
    if s.dedup_window:
        return f"dropped within {_value(s.dedup_window)}; delivered later"
    return "delivered"


def _boundary(s: Switches) -> str:
    words = {
        "publish": "what is published inside the broker",
        "stores": "what is written inside it",
    }
    return listed([words[b] for b in s.boundary]) if s.boundary else "nothing"


def _lost(s: Switches) -> str:
    lost = ["it is kept for a time only"] if "retention" in s.loses else []
    lost += ["a publish may store nothing"] if "publish" in s.loses else []
    lost += ["nothing is stored"] if s.delivery == "at-most-once" else []
    lost += ["a message of an aborted attempt may appear later"] if s.leaky_transactions else []
    lost += ["messages of aborted transactions are read"] if s.reads_aborted else []
    return "; ".join(lost) or "no, in this model"


def _keeper(model: Keeper, given: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    traits = model.traits(given)
    if model.kind == "store":
        yield "Two inserts of one key", "one succeeds" if traits.unique else "both succeed"
    ends = "when its holder releases it or ends" if model.kind == "lock" else "when it is deleted"
    yield (
        "It ends",
        f"after {_value(traits.expires)}, whatever its owner does" if traits.expires else ends,
    )
    yield (
        "It may be forgotten",
        "by a failover"
        if traits.replicated
        else "when memory is short"
        if traits.cache
        else "no, in this model",
    )


def _provider(model: Provider) -> Iterator[tuple[str, str]]:
    match model.keys:
        case "never":
            keys = "it has none: every call is a new one"
        case "unknown":
            keys = "for how long is not known: the design says it (`kept`)"
        case "for ever":
            keys = "kept for ever"
        case retention:
            keys = f"kept for {retention}"
    yield "Idempotency keys", keys
    yield "How sure", model.status
    if model.note:
        yield "Note", model.note


def listed(parts: list[str]) -> str:
    """``a, b or c``."""
    return f"{', '.join(parts[:-1])} or {parts[-1]}" if len(parts) > 1 else "".join(parts)
