"""``onceproof new``: a first design, checked before it is written."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import click
from msgspec import Struct

from onceproof.base.paths import ENDING
from onceproof.commands.shared import emit
from onceproof.lang.errors.suggest import close_to
from onceproof.lang.format import formatted
from onceproof.lang.load import Loaded, load_text
from onceproof.lang.source import Source
from onceproof.machine.delivery import Delivery
from onceproof.models import brokers
from onceproof.verdict.check import check_loaded
from onceproof.verdict.exit_codes import Exit, of_result
from onceproof.verdict.result import Cell, DesignResult, Result, Verdict
from onceproof.verdict.task import Options

ANY = "any"
STDOUT = Path("-")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
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


class _Kind(Struct, frozen=True):
    """How a kind of effect is declared and done."""

    title: str
    event: str
    declaration: str
    body: str
    unique: bool = False


KINDS = {
    "email": _Kind(
        "an email for every order",
        "OrderPlaced",
        "effect email per id via smtp # a mail server knows no idempotency key",
        _EXTERNAL.format(verb="send", effect="email"),
    ),
    "payment": _Kind(
        "a card is charged for every order",
        "OrderPlaced",
        "effect payment per id via stripe\n  key id # sent as the idempotency key",
        _EXTERNAL.format(verb="call", effect="payment"),
    ),
    "webhook": _Kind(
        "a webhook is called for every order",
        "OrderPlaced",
        "effect webhook per id via http # if the receiver keeps a key, say so below: key id, kept"
        " for ever",
        _EXTERNAL.format(verb="call", effect="webhook"),
    ),
    "booking": _Kind(
        "a payment is booked in our own database",
        "PaymentReceived",
        "store ledger per id\neffect booking per id in ledger # a row of that store, written in its"
        " transaction",
        _INSIDE.format(effect="booking"),
        unique=True,
    ),
}
"""The kinds of effects, by what ``--effect`` calls them; the effect has the same name."""


class NewCommand(Struct, frozen=True):
    """``onceproof new``, with its options as the command line names them."""

    broker: str
    effect: str
    name: str
    output: Path | None
    force: bool

    def run(self) -> int:
        """Make the design, check it, write it with what came out; returns the exit code."""
        path = self._place()
        text = self._text(())
        first = load_text(text, str(path))
        self._demand(first)
        checked, interrupted = check_loaded(first, Options(second_opinion=False))
        if interrupted:
            return int(Exit.INTERRUPTED)
        text = self._text(checked.cells)
        again = load_text(text, str(path))
        result = _with_expectations(checked, again)
        code = of_result(Result((result,)))
        if code is not Exit.HOLDS:
            raise RuntimeError(
                f"the template {self.effect} for {self.broker} does not check: {code.name}"
            )
        emit(path, "never", lambda _: text)
        if path != STDOUT:
            click.echo(f"wrote {path}; check it with: onceproof check {path}")
        return int(Exit.HOLDS)

    def _place(self) -> Path:
        """Where to write. Refuses names that cannot be one, and files that exist."""
        if not _NAME.fullmatch(self.name):
            raise click.UsageError(
                f"{self.name} cannot be a name: use letters a to z, digits and _, beginning with a"
                " letter"
            )
        path = self.output or Path(self.name + ENDING)
        if path != STDOUT and path.exists() and not self.force:
            raise click.UsageError(
                f"{path} exists already (--force overwrites it, --output names another file)"
            )
        return path

    def _demand(self, loaded: Loaded) -> None:
        """A name or a broker that does not fit is the user's mistake."""
        if loaded.design is None:
            from onceproof.report.diagnostics import render

            raise click.UsageError(
                f"the design cannot be made:\n\n{render(loaded.diagnostics, loaded.sources)}"
            )

    def _text(self, cells: Iterable[Cell]) -> str:
        kind = KINDS[self.effect]
        expected = "\n".join(_expectations(tuple(cells)))
        unique = ", unique" if kind.unique else ""
        draft = f"""\
## {self.name}: {kind.title}

event {kind.event}(id) # the id is the same in every delivery of the message

queue inbox of {kind.event}{self._delivery()}
store processed per id{unique} # which messages have been dealt with
{kind.declaration}

consumer {self.name} on inbox
{kind.body}
{expected or _claims(self.effect)}
"""
        done = formatted(Source.of(self.name, draft))
        return draft if done.text is None else done.text

    def _delivery(self) -> str:
        """What stands behind the queue: a guarantee, a model, or nothing for all guarantees."""
        known = (*(s.value for s in Delivery), *brokers(), ANY)
        if self.broker not in known:
            near = [b for b in known if b.startswith(f"{self.broker}.")] or close_to(
                self.broker, known
            )
            hint = f"; did you mean {' or '.join(near)}?" if near else ""
            models = f"{len(brokers())} models (`onceproof models`)"
            raise click.UsageError(
                f"there is no broker {self.broker}{hint} (known: {', '.join(known[:3])}, {ANY}, and"
                f" {models})"
            )
        if self.broker == ANY:
            return " # no broker is named: every claim is examined under all three guarantees"
        return f" {'via ' if self.broker in brokers() else ''}{self.broker}"


def _claims(effect: str) -> str:
    return f"claim no duplicate {effect}\nclaim no loss of {effect}"


def _expectations(cells: tuple[Cell, ...]) -> Iterable[str]:
    """The claims with what was found out about them; `proved` is what is expected where nothing is
    said.
    """
    for claim in dict.fromkeys(c.claim for c in cells):
        mine = [c for c in cells if c.claim == claim]
        yield f"claim {claim}"
        for verdict, word in _EXPECTED.items():
            under = [c.semantics.value for c in mine if c.verdict is verdict]
            scope = "" if len(under) == len(mine) else f" under {', '.join(under)}"
            if under:
                yield f"  expect {word}{scope}"


def _with_expectations(checked: DesignResult, again: Loaded) -> DesignResult:
    """The verdicts of the first check with the expectations of the text that is to be written."""
    from msgspec.structs import replace

    assert again.design is not None, [d.headline for d in again.diagnostics]
    claims = {c.text: c for c in again.design.claims}
    cells = tuple(
        replace(c, expected=Verdict(claims[c.claim].expected(c.semantics))) for c in checked.cells
    )
    return replace(checked, cells=cells, diagnostics=again.diagnostics)
