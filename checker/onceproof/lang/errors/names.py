"""Names and kinds that do not fit: N1xx."""

from __future__ import annotations

from collections.abc import Iterable

from onceproof.lang.diagnostics import Diagnostic, Label
from onceproof.lang.errors.message import message
from onceproof.lang.errors.suggest import close_to, did_you_mean, listing
from onceproof.lang.source import Span
from onceproof.lang.syntax import ast as n


def _a(kind: str) -> str:
    """The word with its article."""
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def unknown(
    kind: str,
    word: str,
    span: Span,
    options: Iterable[str],
    elsewhere: tuple[str, Span] | None = None,
) -> Diagnostic:
    """A name that is not declared, or is declared as something else."""
    known = sorted(options)
    near = close_to(word, known)
    if elsewhere:
        other, place = elsewhere
        label = Label(span, f"{_a(kind)} is needed here")
        return message(
            "N102",
            f"`{word}` is not {_a(kind)} but {_a(other)}",
            label,
            (Label(place, f"declared as {_a(other)} here"),),
        )
    text = (
        f"the design declares {listing(known, last='and')}"
        if known
        else f"the design declares no {kind}"
    )
    return message("N101", f"there is no {kind} `{word}`", Label(span, text), near=near)


def twice(word: str, span: Span, first: Span) -> Diagnostic:
    """Two declarations with one name."""
    if " " in word:
        return message(
            "N103",
            f"there are two of `{word}`",
            Label(span, "again here"),
            (Label(first, "first here"),),
        )
    return message(
        "N103",
        f"`{word}` is declared twice",
        Label(span, "declared again here"),
        (Label(first, "first declared here"),),
    )


def not_a_field(
    word: str, span: Span, event: str, fields: Iterable[str], declared: Span
) -> Diagnostic:
    """A key that the event does not carry."""
    known = list(fields)
    near = close_to(word, known)
    return message(
        "N104",
        f"`{word}` is not a field of `{event}`",
        Label(
            span, f"its fields are {listing(known, last='and')}" if known else "it has no fields"
        ),
        (Label(declared, f"`{event}` is declared here"),),
        near=near,
    )


def wrong_key(word: str, span: Span, store: str, key: str, declared: Span) -> Diagnostic:
    """``order in processed`` where processed is kept per id."""
    return message(
        "N105",
        f"`{store}` is kept per `{key}`, not per `{word}`",
        Label(span, f"write `{key}`"),
        (Label(declared, "declared here"),),
        replacement=key,
    )


def unknown_value(
    word: str, span: Span, place: str, values: Iterable[str], declared: Span | None
) -> Diagnostic:
    """A value outside the declared ones."""
    known = list(values)
    near = close_to(word, known)
    return message(
        "N106",
        f"`{place}` never has the value `{word}`",
        Label(span, f"it can be {listing(known)}"),
        (Label(declared, "declared here"),) if declared else (),
        near=near,
    )


def unknown_column(
    word: str, span: Span, store: str, columns: Iterable[str], declared: Span
) -> Diagnostic:
    """A column that nothing writes and nobody declared."""
    known = list(columns)
    near = close_to(word, known)
    return message(
        "N107",
        f"`{store}` has no column `{word}`",
        Label(span, f"it has {listing(known, last='and')}" if known else "no step writes it"),
        (Label(declared, f"`{store}` is declared here"),),
        near=near,
    )


def unknown_word(
    word: str, span: Span, options: Iterable[str], columns: Iterable[str] = ()
) -> Diagnostic:
    """A name in a condition that is neither a payload field nor a local variable; perhaps it is a
    store's column.
    """
    known = sorted(options)
    near = list(columns) or close_to(word, known)
    empty = "the event has no payload fields and no `let` stands above"
    return message(
        "N108",
        f"`{word}` is neither a payload field nor a local variable",
        Label(span, f"known here: {listing(known, last='and')}" if known else empty),
        help="declare its values, `event E(id, kind: card | cash)`, or read it with `let`",
        near=near,
    )


def no_fields(event: str, span: Span) -> Diagnostic:
    """An event without an id."""
    return message(
        "N109",
        f"`{event}` has no field",
        Label(span, "the first field is the event's stable id"),
        help=f"write `event {event}(id)`",
    )


def id_with_values(event: str, span: Span) -> Diagnostic:
    """The id must be an identity."""
    label = Label(span, "the first field is the event's stable id")
    return message(
        "N110",
        f"the id of `{event}` cannot be a payload value",
        label,
        help=f"put an id in front: `event {event}(id, …)`",
    )


def not_queryable(effect: str, span: Span, declared: Span) -> Diagnostic:
    """``E happened`` for an effect whose provider cannot tell."""
    return message(
        "N111",
        f"nothing says that `{effect}` can be queried",
        Label(span, "asks the provider"),
        (Label(declared, "declared here"),),
        help=f"if the provider can tell, write `can be queried` below `effect {effect}`",
    )


def not_inside(store: str, span: Span, queue: str) -> Diagnostic:
    """A broker-side store written by a process that does not consume from that broker."""
    return message(
        "N112",
        f"`{store}` lives inside `{queue}`",
        Label(span, f"only a consumer of `{queue}` can write it"),
    )


def out_of_place(what: str, span: Span, where: str) -> Diagnostic:
    """A step that makes no sense here."""
    return message("N113", f"`{what}` cannot stand here", Label(span, where))


def clause_unknown(word: str, span: Span, options: Iterable[str]) -> Diagnostic:
    """``on duplicate`` below a step that cannot meet one."""
    known = list(options)
    text = (
        f"this step knows {listing((f'on {o}' for o in known), last='and')}"
        if known
        else "this step has no such outcome"
    )
    return message("N114", f"`on {word}` does not fit this step", Label(span, text))


def unreachable(span: Span, after: Span) -> Diagnostic:
    """Steps behind a ``stop`` or ``fail``."""
    return message(
        "N115",
        "this line can never run",
        Label(span, "the handler has ended before"),
        (Label(after, "it ends here"),),
        warn=True,
    )


def import_failed(path: str, span: Span, reason: str, others: Iterable[str] = ()) -> Diagnostic:
    """A file that cannot be read. ``others`` are the designs beside it."""
    stem = path.rsplit("/", 1)[-1].removesuffix(".once")
    near = [
        f"{path[: path.rfind('/') + 1]}{n}.once"
        for n in close_to(stem, (o.removesuffix(".once") for o in others))
    ]
    return message("N116", f'cannot import "{path}"', Label(span, reason), help=did_you_mean(near))


def import_circle(path: str, span: Span) -> Diagnostic:
    """Files that import each other."""
    return message(
        "N117",
        "the files import each other in a circle",
        Label(span, f'"{path}" is being read already'),
    )


def recursive_fragment(word: str, span: Span, declared: Span) -> Diagnostic:
    """A fragment that uses itself."""
    return message(
        "N118",
        f"`{word}` uses itself",
        Label(span, "used here"),
        (Label(declared, "declared here"),),
    )


def needs_business_key(queue: str, span: Span, event: str) -> Diagnostic:
    """A new id on retry needs something that stays the same."""
    return message(
        "N119",
        "a retry under a new id needs a business key",
        Label(span, f"`{event}` has nothing that stays the same when its id changes"),
        help=f"add a field to `{event}`, such as `order`, and keep effects `per order`",
    )


def no_consumer(span: Span) -> Diagnostic:
    """A design in which nothing happens."""
    return message(
        "N120",
        "the design has no consumer",
        Label(span, "nothing is ever handled"),
        help="add `consumer NAME on QUEUE` and its steps",
    )


def no_event(relay: str, span: Span) -> Diagnostic:
    """Relays, and nothing that they could be about."""
    return message(
        "N174",
        "the design has no event",
        Label(span, f"`{relay}` starts for an event, and there is none"),
        help="add `event NAME(id)`: a relay is about the rows of one event",
    )


def no_claim(span: Span) -> Diagnostic:
    """A design that claims nothing."""
    return message(
        "N121",
        "the design claims nothing",
        Label(span, "there is nothing to prove"),
        help="add `claim no duplicate EFFECT`",
        warn=True,
    )


def no_ack(process: str, span: Span, is_log: bool) -> Diagnostic:
    """A manual consumer that never settles its messages, or never commits a position."""
    again = "every record comes again when the consumer is started again"
    return message(
        "N122",
        f"`{process}` never settles its message",
        Label(span, again if is_log else "every message comes again when its lease runs out"),
        help="add `ack`, or write `acks on return` behind the queue's name",
        warn=True,
    )


def expects_twice(semantics: Iterable[str], span: Span, first: Span) -> Diagnostic:
    """Two expectations for one cell."""
    where = listing(semantics, quote=False, last="and")
    return message(
        "N123",
        f"two expectations under {where}",
        Label(span, "again here"),
        (Label(first, "first here"),),
    )


def expects_outside(semantics: str, span: Span, columns: Iterable[str]) -> Diagnostic:
    """An expectation for a cell that does not exist."""
    return message(
        "N124",
        f"the claim is not checked under {semantics}",
        Label(span, f"it is checked under {listing(columns, quote=False, last='and')}"),
    )


def unused(kind: str, word: str, span: Span) -> Diagnostic:
    """A declaration nothing uses."""
    return message(
        "N125", f"the {kind} `{word}` is never used", Label(span, "no step mentions it"), warn=True
    )


def claim_on_unused(word: str, span: Span) -> Diagnostic:
    """A claim about an effect that no step performs."""
    return message("N126", f"no step performs `{word}`", Label(span, "the claim would say nothing"))


def store_needs_unique(store: str, span: Span, declared: Span) -> Diagnostic:
    """``on duplicate`` on a store that takes duplicates."""
    return message(
        "N127",
        f"`{store}` takes a second row: nothing is ever turned down",
        Label(span, "this case never arises"),
        (Label(declared, "declared without `unique`"),),
        help=f"write `store {store} per …, unique` if the table has a unique constraint",
    )


def external_in_store(effect: str, span: Span, store: str) -> Diagnostic:
    """A provider's key on a database effect."""
    return message(
        "N128",
        f"`{effect}` is a write in `{store}`",
        Label(span, "a provider's option does not apply to it"),
    )


def unknown_model(word: str, span: Span, options: Iterable[str]) -> Diagnostic:
    """A model that is not in models/."""
    known = sorted(options)
    near = [name for name in known if name.startswith(f"{word}.")] or close_to(word, known)
    return message(
        "N129",
        f"there is no model `{word}`",
        Label(span, "`onceproof models` lists those there are"),
        near=near,
    )


def inside_needs_queue_consumer(what: str, span: Span) -> Diagnostic:
    """Acknowledging where there is no message."""
    return message(
        "N130", f"`{what}` needs a message", Label(span, "a relay is not started by a message")
    )


def model_lacks_key(model: str, span: Span) -> Diagnostic:
    """A key handed to a provider that ignores keys."""
    return message(
        "N131",
        f"`{model}` ignores idempotency keys",
        Label(span, "this key has no effect there"),
        help="remove the key, or use a provider that keeps keys (`onceproof models` lists them)",
    )


def bad_count(what: str, span: Span) -> Diagnostic:
    """Zero workers, zero retries."""
    return message(
        "N132", f"`{what}` must be at least 1", Label(span, "write 1 or more, or leave it out")
    )


def too_many_steps(name: n.Name, steps: int, most: int) -> Diagnostic:
    """More than is examined; a few fragments that use each other twice are enough."""
    return message(
        "N150",
        f"the handlers have {steps:,} steps up to here, more than {most:,}",
        Label(
            name.span, "each fragment counts wherever it is used, each attempt of a `retry` counts"
        ),
        help="use fewer attempts, or split the design",
    )


def token_elsewhere(effect: str, lock: n.Name, declared: Span, store: str | None) -> Diagnostic:
    """A token checked by something that does not issue it: it accepts an old token until it has
    seen a newer one.
    """
    issuer = f"`{store}`" if store else "an external provider"
    return message(
        "N133",
        f"{issuer} does not issue the tokens of `{lock.text}`",
        Label(lock.span, "an old token is accepted here until a newer one was seen"),
        (Label(declared, f"`{lock.text}` is declared here"),),
        help=f"keep both in one store: `lock {lock.text} per … in {store or 'STORE'}`,"
        f" `effect {effect} per … in {store or 'STORE'}`",
    )


def retention_missing(field: str, span: Span) -> Diagnostic:
    """A key without its window, at a provider nobody knows."""
    return message(
        "N134",
        "how long does the provider remember the key?",
        Label(span, "nothing says so"),
        help=f"write `key {field}, kept 24h` or `key {field}, kept for ever`",
    )


def keeps_shorter(model: str, window: str, span: Span) -> Diagnostic:
    """More than the provider promises."""
    return message(
        "N135",
        f"`{model}` does not keep keys for ever",
        Label(span, f"it keeps them for {window}"),
        help="leave `kept for ever` out; or `assume retries end within the key window`",
    )


def two_roles(field: str, span: Span, event: str, twin: str, declared: Span) -> Diagnostic:
    """One field that is the id of one event and a business key of another: rows would be shared in
    one and not in the other.
    """
    return message(
        "N136",
        f"`{field}` is a business key of `{event}` and the id of `{twin}`",
        Label(span, f"many `{event}` can share one `{field}`"),
        (Label(declared, f"here `{field}` is the event's own id"),),
        help=f"give `{twin}` an id of its own: `event {twin}(id, {field})`",
    )


def no_options(model: str, span: Span) -> Diagnostic:
    """Options handed to a model that has none."""
    return message("N137", f"`{model}` has no options", Label(span, "remove them"))


def contradiction(line: str, span: Span, other: str, declared: Span) -> Diagnostic:
    """Two lines that cannot both be meant."""
    return message(
        "N138",
        f"`{line}` contradicts `{other}`",
        Label(span, "both cannot be meant"),
        (Label(declared, "declared here"),),
    )


def another_id(
    queue: str, span: Span, published: tuple[str, str], handled: tuple[str, str]
) -> Diagnostic:
    """A message about this event travels under this event's id; a field of another name hides
    that.
    """
    (event, key), (name, own) = published, handled
    return message(
        "N139",
        f"`{queue}` carries `{event}`, whose id is called `{key}` and not `{own}`",
        Label(span, f"the message is about this `{name}` and has its `{own}`"),
        help=f"call the first field of `{event}` `{own}`; keep `{key}` as a second field if it is a"
        " business key",
    )
