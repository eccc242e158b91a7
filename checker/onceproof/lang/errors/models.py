"""Models and their options that do not fit, lengths of time, and lines that say nothing: N14x."""

from __future__ import annotations

from collections.abc import Iterable

from onceproof.lang.diagnostics import Diagnostic, Label
from onceproof.lang.errors.message import message
from onceproof.lang.errors.suggest import close_to, listing
from onceproof.lang.source import Span


def wrong_kind(word: str, span: Span, kind: str, wanted: str) -> Diagnostic:
    """A provider behind a queue, a broker behind an effect."""
    of, wanted = (f"{'an' if word[0] in 'aeiou' else 'a'} {word}" for word in (kind, wanted))
    return message(
        "N140",
        f"`{word}` is the model of {of}, not of {wanted}",
        Label(span, f"{wanted} cannot be that"),
        help="`onceproof models` lists those there are, by kind",
    )


def unknown_option(word: str, span: Span, model: str, options: Iterable[str]) -> Diagnostic:
    """An option that the product does not have, or that its model does not know."""
    known = sorted(options)
    near = close_to(word, known)
    return message(
        "N141",
        f"`{model}` has no option `{word}`",
        Label(span, f"its options: {listing(known, last='and')}" if known else "it has no options"),
        near=near,
    )


def wrong_value(option: str, value: str, span: Span, problem: str) -> Diagnostic:
    """A value that does not fit the option."""
    return message("N142", f"`{option}` cannot be `{value}`", Label(span, f"it must be {problem}"))


def longer_than_lease(
    process: str, takes: str, span: Span, lease: tuple[str, str], declared: Span
) -> Diagnostic:
    """A handler that may take as long as its lease, or longer: the lease can run out. ``takes``:
    the bound of one run, or of all that are fetched together (``prefetch (10) × 20min``).
    """
    name, value = lease
    return message(
        "N143",
        f"the lease can run out while `{process}` is at work",
        Label(span, f"up to {takes}, and {name} is {value}"),
        (Label(declared, "declared here"),),
        help=f"make {name} longer than {takes}",
        warn=True,
    )


def no_lease(process: str, span: Span, declared: Span) -> Diagnostic:
    """A bound that is compared with nothing."""
    return message(
        "N144",
        f"how long `{process}` takes makes no difference",
        Label(span, "nothing says how long its lease is"),
        (Label(declared, "declared here"),),
        help="write `lease 30s` below the queue, or name the broker with `via`",
        warn=True,
    )


def no_renewal(lock: str, span: Span, declared: Span) -> Diagnostic:
    """A lock that does not end by itself."""
    return message(
        "N145",
        f"`{lock}` does not expire: there is nothing to renew",
        Label(span, "remove it"),
        (Label(declared, "declared without `expires`"),),
    )


def no_stores_inside(store: str, span: Span, queue: str, model: str, declared: Span) -> Diagnostic:
    """A store inside a broker whose transactions hold no such thing."""
    return message(
        "N146",
        f"nothing is written inside `{queue}` together with the acknowledgement",
        Label(span, f"`{store}` cannot take part"),
        (Label(declared, f"`{model}` has no such transaction"),),
        help=f"leave `inside {queue}` out",
    )


def option_without_meaning(what: str, span: Span, why: str) -> Diagnostic:
    """A line below a queue that changes nothing there."""
    return message("N147", f"`{what}` changes nothing here", Label(span, why), warn=True)


def broken_model(word: str, span: Span, problem: str) -> Diagnostic:
    """A model of one's own whose file is not understood."""
    return message("N148", f"the model `{word}` cannot be used", Label(span, f"models/{problem}"))
