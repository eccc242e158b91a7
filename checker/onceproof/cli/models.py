"""Arguments and help of ``onceproof models``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("models")
@click.argument("words", nargs=-1, metavar="[TEXT]... | show NAME...")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "markdown"]),
    default="text",
    show_default=True,
    help="How it is written; the list as markdown is the table of what is known.",
)
@click.option(
    "--beside",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=".",
    help="Folder of a design: models of your own lie in its folder `models`. [default: here]",
)
def command(words: tuple[str, ...], form: str, beside: Path) -> int:
    """List the models of brokers, stores, locks and providers that a design can name behind `via`,
    or show the card of one.

    A card says when a message is given again, whether two workers can have it, what a late
    acknowledgement does, which options there are, and where each fact was read. Words that follow
    list only the models whose name, title or kind has them.

    \b
    Examples:
      onceproof models
      onceproof models redis
      onceproof models show rabbitmq.quorum
      onceproof models show sqs.standard --format json
    """
    from onceproof.commands.models import ModelsCommand

    return ModelsCommand(words, form, beside).run()
