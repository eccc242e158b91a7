"""``onceproof export``: a design as a model of another checker, written."""

from __future__ import annotations

import re
from pathlib import Path

import click
from msgspec import Struct

from onceproof.commands.shared import design_of, emit
from onceproof.export import Model, Size, TooLarge, names_of, write
from onceproof.lower import Lowered, lower
from onceproof.machine.delivery import Delivery
from onceproof.machine.slicing import sliced
from onceproof.machine.system import Property
from onceproof.properties import TooWide, property_of
from onceproof.verdict.exit_codes import Exit


class ExportCommand(Struct, frozen=True):
    """``onceproof export``."""

    language: str
    path: Path
    output: Path | None
    semantics: str
    workers: int
    events: int
    keys: int
    claims: tuple[str, ...]
    sliced: bool
    symmetric: bool

    def run(self) -> int:
        """Lower and write; returns the exit code."""
        if self.symmetric and self.language not in ("murphi", "tla"):
            raise click.UsageError(f"--symmetric: {self.language} has no word for it")
        loaded = design_of(self.path)
        if loaded.design is None:
            return int(Exit.USAGE)
        lowered = lower(loaded.design, Delivery(self.semantics))
        claims = self._claims(lowered)
        machine = (
            sliced(lowered.machine, Property("", tuple(p for c in claims for p in c.bad)))
            if self.sliced
            else lowered.machine
        )
        size = Size(self.workers, self.events, self.keys)
        model = Model(
            machine, claims, size, names_of(machine, claims), self._title(), self.symmetric
        )
        try:
            files = write(self.language, model)
        except TooLarge as error:
            raise click.UsageError(f"{self.path} is too large for this: {error}") from error
        if self.output is None or str(self.output) == "-":
            emit(None, "never", lambda _: "\n".join(files.values()))
            return int(Exit.HOLDS)
        for suffix, text in files.items():
            first = suffix == next(iter(files))
            output = self.output if first else self.output.with_suffix(suffix)
            emit(output, "never", lambda _, text=text: text)  # type: ignore[misc]
        return int(Exit.HOLDS)

    def _claims(self, lowered: Lowered) -> tuple[Property, ...]:
        """The chosen claims; one that is too wide to be spelt out is left out, and said."""
        wanted = [
            c
            for c in lowered.design.claims
            if not self.claims or any(text in c.text for text in self.claims)
        ]
        if self.claims and not wanted:
            raise click.UsageError("no claim of this design matches --claim")
        found = []
        for claim in wanted:
            try:
                found.append(property_of(lowered, claim))
            except TooWide as error:
                click.echo(f"not exported: {claim.text}: {error}", err=True)
        return tuple(found)

    def _title(self) -> str:
        """The module's name; a TLA+ module must be called like its file."""
        if self.output is None or str(self.output) == "-":
            return "Design"
        if self.language == "tla" and not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", self.output.stem):
            raise click.UsageError(
                f"a TLA+ module is called like its file, and {self.output.stem} cannot be the name"
                " of a module"
            )
        return self.output.stem
