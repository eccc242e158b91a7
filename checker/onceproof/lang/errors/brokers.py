"""Queues, acknowledgements and logs (docs/semantics_world.md, "Brokers"), and claims that select
nothing: N163 to N171.
"""

from __future__ import annotations

from collections.abc import Iterable

from onceproof.lang.diagnostics import Diagnostic, Label
from onceproof.lang.errors.message import message
from onceproof.lang.errors.suggest import listing
from onceproof.lang.source import Span


def nothing_feeds(queue: str, span: Span, publishes: Iterable[tuple[str, Span]]) -> Diagnostic:
    """A queue to which only handlers publish that never run. ``publishes``: those steps, with the
    consumers that they stand in.
    """
    steps = list(publishes)
    return message(
        "N163",
        f"nothing feeds `{queue}` from outside: no handler of it runs",
        Label(span, "claims about it are vacuous"),
        tuple(Label(place, f"only `{consumer}` publishes to it") for consumer, place in steps[:1]),
        help="did you mean `, also fed from outside`?",
        warn=True,
    )


def no_answer(span: Span, product: str, declared: Span) -> Diagnostic:
    """An acknowledgement that looks at an answer that its protocol does not give."""
    return message(
        "N164",
        f"{product} gives no answer to an acknowledgement: the handler cannot know",
        Label(span, "`or` would need that answer"),
        (Label(declared, "declared here"),),
        help="write `ack` after the work, and make the work idempotent",
    )


def nothing_to_acknowledge(what: str, span: Span, product: str, declared: Span) -> Diagnostic:
    """A step or trait of acknowledging by hand where nothing is acknowledged."""
    instead = {
        "nack": "write `fail`",
        "acks by hand": "write `acks on return`",
        "renew": "leave it out",
    }
    return message(
        "N165",
        f"`{what}` does not fit here: {product} has nothing to acknowledge",
        Label(span, "the message is gone, or settled by how the handler ends"),
        (Label(declared, "declared here"),),
        help=instead.get(what, "leave it out; a handler that must not be settled says `fail`"),
    )


def above_the_limit(count: int, span: Span, limit: str, queue: str, declared: Span) -> Diagnostic:
    """An assumption about failures that does not keep a queue from giving up."""
    return message(
        "N166",
        f"`{queue}` may give an event up before it has failed {count} times",
        Label(span, f"its limit is {limit}"),
        (Label(declared, "declared here"),),
        help="assume a number that is at most the limit, or raise the limit",
    )


def wait_too_long(wait: str, span: Span, takes: str, handler: str, declared: Span) -> Diagnostic:
    """A handler that waits longer than it takes."""
    return message(
        "N167",
        f"`wait {wait}` contradicts `{takes}`",
        Label(span, f"longer than `{handler}` takes in all"),
        (Label(declared, f"`{takes}`"),),
        help="make one of them longer or shorter",
    )


def lock_too_short(
    lock: str, span: Span, lasts: str, work: tuple[str, Span], declared: Span
) -> Diagnostic:
    """Work that may take longer than the lock around it, though it is assumed to end within it.
    ``work``: the trait that says how long, and where it stands.
    """
    takes, place = work
    return message(
        "N168",
        f"the work under `{lock}` may take longer than the lock lasts",
        Label(place, f"`{takes}`, and the lock is held for {lasts}"),
        (
            Label(declared, "declared here"),
            Label(span, "`work ends within the lock` contradicts both"),
        ),
        help=f"let `{lock}` last longer, or leave the assumption out",
    )


def nack_on_a_log(span: Span, queue: str, declared: Span) -> Diagnostic:
    """A message that is given back where positions are committed."""
    return message(
        "N169",
        "a plain log has no nack",
        Label(span, "one position per partition is all that there is to commit"),
        (Label(declared, f"`{queue}` is a log"),),
        help="write `seek back`",
        notes=(
            "Kafka has `seek back`, pause, an error handler (`seeks back on failure`), a retry"
            " topic (`publish to retries`), and share groups (`kafka.share`), which do.",
        ),
    )


def no_order(product: str, field: str, span: Span) -> Diagnostic:
    """Order by a key where the product has none."""
    return message(
        "N170",
        f"`{product}` keeps no order by key",
        Label(span, f"messages with one `{field}` may be handled side by side"),
        help="leave it out; a lock or a condition in a write keeps handlers apart",
    )


def selects_nothing(what: str, span: Span, asked: Iterable[str], has: Iterable[str]) -> Diagnostic:
    """A claim, an ``expect`` or an ``under`` for a guarantee that the design does not have, or has
    together with another one.
    """
    known, wanted = list(has), list(asked)
    why = f"the design has no {listing(wanted, quote=False)} queue"
    fix = "leave `under` out, or declare the queue without a guarantee: then it is checked under"
    fix += " all three"
    if set(wanted) <= set(known):
        why = "queues of several guarantees are looked at together, in one column"
        fix = "leave `under` out"
    return message(
        "N171",
        f"{what} selects nothing: {why}",
        Label(span, f"its queues are {listing(known, quote=False, last='and')}"),
        help=fix,
    )
