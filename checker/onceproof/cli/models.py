"""``onceproof models``: what is known about brokers, stores, locks and providers."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from onceproof.cli.output import say
from onceproof.cli.shared import format_option

if TYPE_CHECKING:
    from onceproof.models import Model

WIDEST = 120
"""Columns of a card, at most."""


@click.command("models")
@click.argument("words", nargs=-1, metavar="[TEXT]... | show NAME...")
@format_option(
    "text",
    "json",
    "markdown",
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
    from onceproof.models import own_models
    from onceproof.verdict.exit_codes import Exit

    broken = own_models(beside)[1]
    for problem in broken:
        say(f"error: models/{problem}", err=True)
    if words[:1] == ("show",):
        say(_cards([_model(name, beside) for name in words[1:]], form))
    else:
        say(_list(words, form, beside))
    return int(Exit.USAGE if broken else Exit.HOLDS)


def _cards(models: list[Model], form: str) -> str:
    """The cards of models."""
    from onceproof.report import cards
    from onceproof.report.terminal import Paint

    if not models:
        raise click.UsageError("show needs the name of a model (`onceproof models` lists them)")
    match form:
        case "json":
            return cards.to_json(models)
        case "markdown":
            return "\n".join(map(cards.card_markdown, models)).rstrip("\n")
    width = min(Paint.for_stream(sys.stdout, "never").width, WIDEST)
    return "\n\n".join(cards.card_text(m, width) for m in models)


def _list(words: tuple[str, ...], form: str, beside: Path) -> str:
    """The models whose name, title or kind has all the words."""
    from onceproof.models import kinds
    from onceproof.report import cards

    parts = [word.lower() for word in words]
    models = [
        model
        for shelf in kinds(beside).values()
        for model in shelf.values()
        if all(
            any(part in text.lower() for text in (model.name, model.title, model.kind))
            for part in parts
        )
    ]
    if not models:
        raise click.UsageError(
            f"no model matches {' '.join(words)} (`onceproof models` lists all of them)"
        )
    match form:
        case "json":
            return cards.to_json(models)
        case "markdown":
            return cards.coverage(models).rstrip("\n")
    return cards.list_text(models)


def _model(name: str, beside: Path) -> Model:
    """The model of this name. Raises UsageError if there is none."""
    from onceproof.models import kinds

    shelves = kinds(beside)
    for shelf in shelves.values():
        if name in shelf:
            return shelf[name]
    from difflib import get_close_matches

    names = sorted(n for shelf in shelves.values() for n in shelf)
    near = [n for n in names if name.lower() in n]
    near = near or get_close_matches(name, names, n=3, cutoff=0.5)
    hint = f"; did you mean {' or '.join(near[:6])}?" if near else ""
    raise click.UsageError(f"there is no model {name}{hint} (`onceproof models` lists all of them)")
