"""``onceproof new``: a first design, checked before it is written."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from onceproof.base.paths import shown
from onceproof.cli.output import emit, say, write_file
from onceproof.cli.shared import SEMANTICS, output_option

if TYPE_CHECKING:
    from onceproof.lang.load import Loaded
    from onceproof.verdict.result import DesignResult

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
        "What delivers the messages: a model such as sqs.standard (`onceproof models`),"
        f" {', '.join(SEMANTICS)}, or any."
    ),
)
@click.option(
    "--effect",
    type=click.Choice(EFFECTS),
    default="email",
    show_default=True,
    help="What the handler does.",
)
@click.option(
    "--name", default="handler", show_default=True, metavar="NAME", help="The consumer's name."
)
@output_option("-o", "--output", help="Where to write (default: NAME.once; - for standard output).")
@click.option("--force", is_flag=True, help="Write even if the file exists.")
def command(broker: str, effect: str, name: str, output: Path | None, force: bool) -> int:
    """Write a first design to start from: a queue, a handler with one effect, its two claims.

    The design is checked before it is written, and its `expect` lines say what came out: they are
    facts about this handler under that broker, not wishes. So `onceproof check` of the new file
    exits with 0, and every change you make shows what it changes.

    \b
    Examples:
      onceproof new
      onceproof new --broker sqs.standard --effect payment --name charge -o charge.once
    """
    from onceproof.lang.load import load_text
    from onceproof.report.diagnostics import render
    from onceproof.report.first_design import text
    from onceproof.verdict.check import check_loaded
    from onceproof.verdict.exit_codes import Exit, of_result
    from onceproof.verdict.result import Result
    from onceproof.verdict.task import Options

    path = _place(name, output, force)
    _demand_broker(broker)
    draft = load_text(text(name, effect, broker), str(path))
    if draft.design is None:
        raise click.UsageError(
            f"the design cannot be made:\n\n{render(draft.diagnostics, draft.sources)}"
        )
    checked, interrupted = check_loaded(draft, Options(second_opinion=False))
    if interrupted:
        return int(Exit.INTERRUPTED)
    design = text(name, effect, broker, checked.cells)
    code = of_result(Result((_with_expectations(checked, load_text(design, str(path))),)))
    if code is not Exit.HOLDS:
        raise RuntimeError(f"the template {effect} for {broker} does not check: {code.name}")
    if path == STDOUT:
        emit(None, design)
    else:
        write_file(path, design)
        say(f"wrote {shown(path)}; check it with: onceproof check {shown(path)}")
    return int(Exit.HOLDS)


def _place(name: str, output: Path | None, force: bool) -> Path:
    """Where to write. Refuses names that cannot be one, and files that exist."""
    from onceproof.base.paths import ENDING

    if not _NAME.fullmatch(name):
        raise click.UsageError(
            f"{name} cannot be a name: use letters a to z, digits and _, beginning with a letter"
        )
    path = output or Path(name + ENDING)
    if path != STDOUT and os.path.exists(path) and not force:
        raise click.UsageError(
            f"{shown(path)} exists already (--force overwrites it, --output names another file)"
        )
    return path


def _demand_broker(broker: str) -> None:
    """A broker must be a delivery guarantee, ``any``, or a model."""
    from onceproof.lang.errors.suggest import close_to
    from onceproof.models import brokers
    from onceproof.report.first_design import ANY

    known = (*SEMANTICS, *brokers(), ANY)
    if broker in known:
        return
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
