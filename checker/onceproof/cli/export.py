"""``onceproof export``: a design as a model of another checker."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from onceproof.base.paths import shown
from onceproof.cli.output import demand_no_input, emit, say, write_file
from onceproof.cli.shared import (
    ONE_SEMANTICS,
    claims_option,
    load_design,
    number_option,
    output_option,
)

if TYPE_CHECKING:
    from onceproof.lower import Lowered
    from onceproof.machine.system import Machine, Property


@click.command("export")
@click.argument("language", type=click.Choice(["promela", "tla", "murphi", "smv"]))
@click.argument("path", metavar="DESIGN", type=click.Path(path_type=Path))
@output_option("-o", "--output", help="Write to a file instead of standard output.")
@ONE_SEMANTICS
@number_option("--workers", 2, "Workers at once.")
@number_option("--events", 1, "Events per business key.")
@number_option("--keys", 1, "Business keys.")
@claims_option()
@click.option(
    "--sliced/--full",
    default=False,
    show_default=True,
    help="Without the variables that do not matter for the claims, or with all.",
)
@click.option(
    "--symmetric",
    is_flag=True,
    help="Say that events and workers are interchangeable (murphi and tla).",
)
def command(
    language: str,
    path: Path,
    output: Path | None,
    semantics: str,
    workers: int,
    events: int,
    keys: int,
    claims: tuple[str, ...],
    sliced: bool,
    symmetric: bool,
) -> int:
    """Export a design to another model checker: SPIN (promela), TLC (tla), Rumur (murphi), NuSMV or
    nuXmv (smv).

    The model has the design's names and line numbers, every fault of the delivery semantics, and
    the claims as invariants. docs/export.md says how to run each checker.

    \b
    Examples:
      onceproof export promela invoice.once -o invoice.pml
      onceproof export tla invoice.once -o Invoice.tla --semantics exactly-once --workers 2
    """
    from onceproof.export import Model, Size, TooLarge, names_of, write
    from onceproof.lower import lower
    from onceproof.machine.delivery import Delivery
    from onceproof.machine.slicing import sliced as slice_machine
    from onceproof.machine.system import Property
    from onceproof.verdict.exit_codes import Exit

    if symmetric and language not in ("murphi", "tla"):
        raise click.UsageError(f"--symmetric: {language} has no word for it")
    loaded = load_design(path)
    if loaded.design is None:
        return int(Exit.USAGE)
    lowered = lower(loaded.design, Delivery(semantics))
    machine, properties = _properties(lowered, claims)
    if sliced:
        machine = slice_machine(
            machine, Property("", tuple(bad for p in properties for bad in p.bad))
        )
    file = output if output is not None and str(output) != "-" else None
    title = _title(file, language)
    names = names_of(machine, properties)
    model = Model(machine, properties, Size(workers, events, keys), names, title, symmetric)
    try:
        texts = write(language, model)
    except TooLarge as error:
        raise click.UsageError(f"{shown(path)} is too large for this: {error}") from error
    if file is None:
        emit(None, "\n".join(texts.values()))
        return int(Exit.HOLDS)
    places = [file, *(file.with_suffix(suffix) for suffix in list(texts)[1:])]
    for place in places:
        demand_no_input(place, loaded.sources)
    for place, text in zip(places, texts.values(), strict=True):
        write_file(place, text if text.endswith("\n") else text + "\n")
    return int(Exit.HOLDS)


def _properties(lowered: Lowered, claims: tuple[str, ...]) -> tuple[Machine, tuple[Property, ...]]:
    """The chosen claims, and the machine with all that they have to remember; one that is too wide
    to be spelt out is left out, which is reported.
    """
    from msgspec.structs import replace

    from onceproof.properties import TooWide, asked

    wanted = [
        claim
        for claim in lowered.design.claims
        if not claims or any(text in claim.text for text in claims)
    ]
    if claims and not wanted:
        raise click.UsageError("no claim of this design matches --claim")
    properties, machine = [], lowered.machine
    for claim in wanted:
        try:
            machine, prop = asked(replace(lowered, machine=machine), claim)
            properties.append(prop)
        except TooWide as error:
            say(f"not exported: {claim.text}: {error}", err=True)
    return machine, tuple(properties)


def _title(file: Path | None, language: str) -> str:
    """The module's name; a TLA+ module must be called like its file."""
    if file is None:
        return "Design"
    if language == "tla" and not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", file.stem):
        raise click.UsageError(
            f"a TLA+ module is called like its file, and {shown(file.stem)} cannot be the name of a"
            " module"
        )
    return file.stem
