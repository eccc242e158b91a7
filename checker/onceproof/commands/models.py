"""``onceproof models``: what is known about brokers, stores, locks and providers."""

from __future__ import annotations

import sys
from difflib import get_close_matches
from pathlib import Path

import click
from msgspec import Struct

from onceproof.models import Model, kinds, own_models
from onceproof.report import cards
from onceproof.report.terminal import Paint
from onceproof.verdict.exit_codes import Exit

WIDEST = 120
"""Columns of a card, at most."""


class ModelsCommand(Struct, frozen=True):
    """``onceproof models``. ``words``: parts of a name or title, or ``show`` and names. ``beside``:
    the folder of a design.
    """

    words: tuple[str, ...]
    form: str
    beside: Path

    def run(self) -> int:
        """Print the list, or cards; returns the exit code (2 also if a model of one's own is
        broken).
        """
        broken = own_models(self.beside)[1]
        for problem in broken:
            click.echo(f"error: models/{problem}", err=True)
        if self.words[:1] == ("show",):
            self._show([self._model(name) for name in self.words[1:]])
        else:
            self._list()
        return int(Exit.USAGE if broken else Exit.HOLDS)

    def _show(self, models: list[Model]) -> None:
        if not models:
            raise click.UsageError("show needs the name of a model (`onceproof models` lists them)")
        match self.form:
            case "json":
                click.echo(cards.to_json(models))
            case "markdown":
                click.echo("\n".join(map(cards.card_markdown, models)).rstrip("\n"))
            case _:
                width = min(Paint.for_stream(sys.stdout, "never").width, WIDEST)
                click.echo("\n\n".join(cards.card_text(m, width) for m in models))

    def _list(self) -> None:
        asked = [word.lower() for word in self.words]
        every = [shelf[name] for shelf in kinds(self.beside).values() for name in shelf]
        found = [
            m
            for m in every
            if all(any(w in text.lower() for text in (m.name, m.title, m.kind)) for w in asked)
        ]
        if not found:
            raise click.UsageError(
                f"no model matches {' '.join(self.words)} (`onceproof models` lists all of them)"
            )
        match self.form:
            case "json":
                click.echo(cards.to_json(found))
            case "markdown":
                click.echo(cards.coverage(found).rstrip("\n"))
            case _:
                click.echo(cards.list_text(found))

    def _model(self, name: str) -> Model:
        shelves = kinds(self.beside)
        for shelf in shelves.values():
            if name in shelf:
                return shelf[name]
        names = sorted(n for shelf in shelves.values() for n in shelf)
        near = [n for n in names if name.lower() in n] or get_close_matches(
            name, names, n=3, cutoff=0.5
        )
        hint = f"; did you mean {' or '.join(near[:6])}?" if near else ""
        raise click.UsageError(
            f"there is no model {name}{hint} (`onceproof models` lists all of them)"
        )
