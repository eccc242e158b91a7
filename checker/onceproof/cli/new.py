"""``onceproof new``: a first design, checked before it is written."""

from __future__ import annotations

import os
import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from onceproof.base.paths import shown
from onceproof.cli.output import emit, say, write_file
from onceproof.cli.shared import SEMANTICS, output_option

if TYPE_CHECKING:
    from onceproof.lang.load import Loaded
    from onceproof.verdict.result import DesignResult

PATTERNS = (
    "batch",
    "claim-check",
    "durable-execution",
    "idempotency-key",
    "inbox",
    "lease-fencing",
    "listen-to-yourself",
    "outbox",
    "outbox-cdc",
    "reserve-confirm",
    "saga",
    "webhook",
)
"""The designs in ``checker/onceproof/report/patterns/``, known without looking."""
EFFECTS = ("email", "payment", "webhook", "booking")
"""The kinds of effects that there is a handler for (``checker/onceproof/report/first_design.py``),
known without loading them.
"""
STDOUT = Path("-")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@click.command("new")
@click.option(
    "--broker",
    default="any",
    show_default=True,
    metavar="BROKER",
    help=(
        "What delivers the messages: a product such as kafka or lambda, a model such as"
        f" sqs.standard (`onceproof models`), {', '.join(SEMANTICS)}, or any."
    ),
)
@click.option("--pattern", type=click.Choice(PATTERNS), help="A pattern instead of one handler.")
@click.option(
    "--database", metavar="MODEL", help="Of a pattern: where the rows are, such as postgresql."
)
@click.option(
    "--provider", metavar="MODEL", help="Of a pattern: who is called, such as stripe or resend."
)
@click.option(
    "--effect",
    type=click.Choice(EFFECTS),
    help="What the one handler does.  [default: email]",
)
@click.option("--name", metavar="NAME", help="The consumer's name.  [default: handler]")
@output_option("-o", "--output", help="Where to write (default: NAME.once; - for standard output).")
@click.option("--force", is_flag=True, help="Write even if the file exists.")
def command(
    broker: str,
    pattern: str | None,
    database: str | None,
    provider: str | None,
    effect: str | None,
    name: str | None,
    output: Path | None,
    force: bool,
) -> int:
    """Write a first design to start from: a queue, a handler with one effect, its two claims; or
    one of twelve patterns, with the handler that the broker really has.

    The design is checked before it is written, and its `expect` lines say what came out: they are
    facts about this handler under that broker, not wishes. So `onceproof check` of the new file
    exits with 0, and every change you make shows what it changes.

    \b
    Examples:
      onceproof new
      onceproof new --broker sqs.standard --effect payment --name charge -o charge.once
      onceproof new --pattern outbox --broker kafka --database postgresql
      onceproof new --pattern saga --broker lambda --provider stripe
    """
    from onceproof.lang.load import load_text
    from onceproof.report import first_design, first_pattern
    from onceproof.report.diagnostics import render
    from onceproof.report.first_pattern import Products
    from onceproof.verdict.check import check_loaded
    from onceproof.verdict.exit_codes import Exit, of_result
    from onceproof.verdict.result import Result
    from onceproof.verdict.task import Options

    if pattern is None and (database or provider):
        raise click.UsageError("--database and --provider belong to a --pattern")
    if pattern is not None and (effect or name):
        raise click.UsageError("--effect and --name belong to a design without --pattern")
    name, effect = name or pattern or "handler", effect or "email"
    path = _place(name, output, force)
    broker = _broker(broker)
    if pattern is not None:
        _demand_products(pattern, database, provider)
        products = Products(broker, database or "", provider or "")
        write = partial(first_pattern.text, pattern, products)
    else:
        write = partial(first_design.text, name, effect, broker)
    draft = load_text(write(), str(path))
    if draft.design is None:
        raise click.UsageError(
            f"the design cannot be made:\n\n{render(draft.diagnostics, draft.sources)}"
        )
    checked, interrupted = check_loaded(draft, Options(second_opinion=False))
    if interrupted:
        return int(Exit.INTERRUPTED)
    design = write(checked.cells)
    code = of_result(Result((_with_expectations(checked, load_text(design, str(path))),)))
    if code is not Exit.HOLDS:
        raise RuntimeError(f"the template {name} for {broker} does not check: {code.name}")
    if path == STDOUT:
        emit(None, design)
    else:
        write_file(path, design)
        say(f"wrote {shown(path)}; check it with: onceproof check {shown(path)}")
    return int(Exit.HOLDS)


def _place(name: str, output: Path | None, force: bool) -> Path:
    """Where to write. Refuses names that cannot be one, and files that exist."""
    from onceproof.base.paths import ENDING

    if name not in PATTERNS and not _NAME.fullmatch(name):
        raise click.UsageError(
            f"{name} cannot be a name: use letters a to z, digits and _, beginning with a letter"
        )
    path = output or Path(name + ENDING)
    if path != STDOUT and os.path.exists(path) and not force:
        raise click.UsageError(
            f"{shown(path)} exists already (--force overwrites it, --output names another file)"
        )
    return path


def _demand_products(pattern: str, database: str | None, provider: str | None) -> None:
    """A database and a provider must be models, and the pattern must have them."""
    from onceproof.lang.errors.suggest import close_to
    from onceproof.models import providers, stores
    from onceproof.report.first_pattern import uses

    has_rows, calls = uses(pattern)
    for option, given, has, shelf, what in (
        ("--database", database, has_rows, stores(), "keeps no rows"),
        ("--provider", provider, calls, providers(), "calls no provider"),
    ):
        if given is None:
            continue
        if not has:
            raise click.UsageError(f"{option}: the pattern {pattern} {what}")
        if given.partition("(")[0] not in shelf:
            near = close_to(given, tuple(shelf))
            hint = f"did you mean {' or '.join(near)}?" if near else "`onceproof models` lists them"
            raise click.UsageError(f"{option}: there is no model {given}; {hint}")


def _broker(broker: str) -> str:
    """What stands behind a queue for what the user calls the broker: a delivery guarantee, ``any``,
    or a model with its options. Raises UsageError.
    """
    from onceproof.lang.errors.suggest import close_to
    from onceproof.models import brokers
    from onceproof.report.first_design import ANY
    from onceproof.report.first_pattern import FAMILIES

    known = (*SEMANTICS, *brokers(), ANY)
    if broker.partition("(")[0] in known:
        return broker
    if broker in FAMILIES:
        return FAMILIES[broker]
    near = [b for b in known if b.startswith(f"{broker}.")] or close_to(broker, known)
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    raise click.UsageError(
        f"there is no broker {broker}{hint} (known: {', '.join(SEMANTICS)}, {ANY}, and"
        f" {len(brokers())} models (`onceproof models`))"
    )


def _with_expectations(checked: DesignResult, loaded: Loaded) -> DesignResult:
    """The verdicts of the first check with the expectations of the text that is to be written."""
    from msgspec.structs import replace

    from onceproof.verdict.result import Verdict

    assert loaded.design is not None, [d.headline for d in loaded.diagnostics]
    claims = {c.text: c for c in loaded.design.claims}
    cells = tuple(
        replace(c, expected=Verdict(claims[c.claim].expected(c.semantics))) for c in checked.cells
    )
    return replace(checked, cells=cells, diagnostics=loaded.diagnostics)
