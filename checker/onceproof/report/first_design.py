"""The text of a first design to start from (``onceproof new``)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from onceproof.lang.format import formatted
from onceproof.lang.source import Source
from onceproof.models import brokers
from onceproof.verdict.result import ClaimResult, Verdict

ANY = "any"
"""Instead of a broker: all three delivery guarantees."""
_EXPECTED = {Verdict.REFUTED: "violated", Verdict.UNKNOWN: "unknown", Verdict.VACUOUS: "vacuous"}

_EXTERNAL = """\
  if id in processed # seen before
    ack
    stop
  {verb} {effect}
  add id to processed
  ack # only now that everything is done
"""
_INSIDE = """\
  atomic # both rows, or none
    insert id into processed
      on duplicate # seen before
        ack
        stop
    do {effect}
  ack # only now that everything is done
"""


class Template(Struct, frozen=True):
    """How a kind of effect is declared and done."""

    title: str
    event: str
    declaration: str
    body: str
    unique: bool = False


TEMPLATES = {
    "email": Template(
        "an email for every order",
        "OrderPlaced",
        "effect email per id via smtp # a mail server knows no idempotency key",
        _EXTERNAL.format(verb="send", effect="email"),
    ),
    "payment": Template(
        "a card is charged for every order",
        "OrderPlaced",
        "effect payment per id via stripe\n  key id # sent as the idempotency key",
        _EXTERNAL.format(verb="call", effect="payment"),
    ),
    "webhook": Template(
        "a webhook is called for every order",
        "OrderPlaced",
        "effect webhook per id via http # if the receiver keeps a key, say so below: key id, kept"
        " for ever",
        _EXTERNAL.format(verb="call", effect="webhook"),
    ),
    "booking": Template(
        "a payment is booked in our own database",
        "PaymentReceived",
        "store ledger per id\neffect booking per id in ledger # a row of that store, written in its"
        " transaction",
        _INSIDE.format(effect="booking"),
        unique=True,
    ),
}
"""By what ``--effect`` calls them; the effect of the design has the same name."""


def text(name: str, effect: str, broker: str, cells: Sequence[ClaimResult] = ()) -> str:
    """A design whose consumer is called ``name``, formatted. ``broker``: a model, a delivery
    guarantee or ``ANY``; ``cells``: what came of checking the claims, to be expected.
    """
    template = TEMPLATES[effect]
    unique = ", unique" if template.unique else ""
    claims = [f"claim no duplicate {effect}", f"claim no loss of {effect}"]
    if cells:
        claims = list(expectations(cells))
    draft = f"""\
## {name}: {template.title}

event {template.event}(id) # the id is the same in every delivery of the message

queue inbox of {template.event}{_delivery(broker)}
store processed per id{unique} # which messages have been dealt with
{template.declaration}

consumer {name} on inbox
{_body(template, broker)}
{chr(10).join(claims)}
"""
    result = formatted(Source.of(name, draft))
    return draft if result.text is None else result.text


def model_of(broker: str) -> tuple[str, dict[str, str]]:
    """The name of a model and its options: ``celery(acks_late=true)``."""
    name, _, rest = broker.partition("(")
    options = (part.split("=", 1) for part in rest.rstrip(")").split(",") if "=" in part)
    return name, {key.strip(): value.strip() for key, value in options}


def settled_by(broker: str) -> str:
    """Who settles a message: ``handler``, or the word of the model's switch."""
    name, options = model_of(broker)
    shelf = brokers()
    return shelf[name].switches(options).ack if name in shelf else "handler"


def _body(template: Template, broker: str) -> str:
    """The steps; without acknowledgements where the handler makes none."""
    if settled_by(broker) == "handler":
        return template.body
    lines = template.body.splitlines(keepends=True)
    return "".join(line for line in lines if line.split()[0] != "ack")


def _delivery(broker: str) -> str:
    """What stands behind the queue: a guarantee, a model, or nothing for all guarantees."""
    if broker == ANY:
        return " # no broker is named: every claim is examined under all three guarantees"
    return f" via {broker}" if broker.partition("(")[0] in brokers() else f" {broker}"


def expectations(cells: Sequence[ClaimResult]) -> Iterator[str]:
    """The claims with their verdicts; where nothing is said, ``proved`` is expected."""
    for claim in dict.fromkeys(c.claim for c in cells):
        verdicts = [c for c in cells if c.claim == claim]
        yield f"claim {claim}"
        for verdict, word in _EXPECTED.items():
            under = [c.semantics.value for c in verdicts if c.verdict is verdict]
            scope = "" if len(under) == len(verdicts) else f" under {', '.join(under)}"
            if under:
                yield f"  expect {word}{scope}"
