"""Arguments and help of ``onceproof new``."""

from __future__ import annotations

from pathlib import Path

import click

from onceproof.cli.shared import SEMANTICS

EFFECTS = ("email", "payment", "webhook", "booking")
"""The kinds of effects that there is a handler for (``checker/onceproof/commands/new.py``)."""


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
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write (default: NAME.once; - for standard output).",
)
@click.option("--force", is_flag=True, help="Write even if the file exists.")
def command(**given: object) -> int:
    """Write a first design to start from: a queue, a handler with one effect, its two claims.

    The design is checked before it is written, and its `expect` lines say what came out: they are
    facts about this handler under that broker, not wishes. So `onceproof check` of the new file
    exits with 0, and every change you make shows what it changes.

    \b
    Examples:
      onceproof new
      onceproof new --broker sqs.standard --effect payment --name charge -o charge.once
    """
    from onceproof.commands.new import NewCommand

    return NewCommand(**given).run()  # type: ignore[arg-type]
